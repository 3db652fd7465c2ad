// Arrow keys on the board: up and down within a column, left and right to the card at the same height beside it.
// Tab still walks every card; without this file nothing is lost.
(() => {
  "use strict";
  const board = document.querySelector("[data-board]");
  if (!board) return;
  const columns = () => Array.from(board.querySelectorAll(".col")).map((col) => Array.from(col.querySelectorAll(".job h3 a")));

  function beside(card, cards) {
    const middle = card.getBoundingClientRect().top;
    return cards.reduce((best, other) => {
      const near = (c) => Math.abs(c.getBoundingClientRect().top - middle);
      return !best || near(other) < near(best) ? other : best;
    }, null);
  }

  board.addEventListener("keydown", (event) => {
    const card = event.target.closest(".job h3 a");
    if (!card || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const all = columns();
    const at = all.findIndex((cards) => cards.includes(card));
    const row = all[at].indexOf(card);
    let next = null;
    if (event.key === "ArrowDown") next = all[at][row + 1];
    else if (event.key === "ArrowUp") next = all[at][row - 1];
    else if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      const step = event.key === "ArrowRight" ? 1 : -1;
      for (let i = at + step; i >= 0 && i < all.length && !next; i += step) next = beside(card, all[i]);
    } else if (event.key === "Home") next = all[at][0];
    else if (event.key === "End") next = all[at][all[at].length - 1];
    else return;
    event.preventDefault();
    if (next) {
      next.focus();
      next.closest(".job").scrollIntoView({ block: "nearest" });
    }
  });
})();

// Small conveniences. Every page works without this file.
(() => {
  "use strict";

  // Characters left under a text field: <p data-counts="field id" data-one data-many data-over>.
  function counter(line) {
    const field = document.getElementById(line.dataset.counts);
    if (!field) return;
    const limit = Number(field.dataset.limit || field.maxLength);
    field.removeAttribute("maxlength"); // a pasted text is kept whole; the line says how much is too much
    const tell = () => {
      const left = limit - Array.from(field.value.normalize("NFC")).length;
      line.toggleAttribute("data-too-long", left < 0);
      if (left === 1) line.textContent = line.dataset.one;
      else line.textContent = (left < 0 ? line.dataset.over : line.dataset.many).replace("{n}", Math.abs(left));
    };
    field.addEventListener("input", tell);
    tell();
  }

  // Ask before leaving a form with unsent words: <form data-unsent>. What a draft has kept may be left.
  function unsent(form) {
    let touched = 0;
    form.addEventListener("input", () => { touched = Date.now(); });
    form.addEventListener("submit", () => { touched = 0; });
    form.addEventListener("livinglab:kept", (event) => { if (touched <= event.detail) touched = 0; });
    window.addEventListener("beforeunload", (event) => { if (touched) event.preventDefault(); });
  }

  // Keep a draft on this device: <form data-draft="name">. Listens; the page's own script decides what to do.
  function draft(form) {
    let waiting;
    form.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        form.dispatchEvent(new CustomEvent("livinglab:draft", { bubbles: true, detail: new FormData(form) }));
      }, 1500);
    });
  }

  // Ask once more before what cannot be undone: <button data-sure="Really delete?">.
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (button && button.dataset.sure && !window.confirm(button.dataset.sure)) event.preventDefault();
  });

  // Menus close with Escape, with a click elsewhere, and when another one opens.
  const folds = () => document.querySelectorAll(".top .fold[open], .do .fold[open]");
  document.addEventListener("click", (event) => {
    folds().forEach((fold) => { if (!fold.contains(event.target)) fold.open = false; });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    folds().forEach((fold) => { fold.open = false; fold.querySelector("summary").focus(); });
  });

  // A form that sends itself when a choice is changed: <form data-send-on-change>. Its button is for those without.
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-send-on-change]");
    if (form && event.target.matches("select, input[type=radio], input[type=checkbox]")) form.requestSubmit();
  });

  // The name of a chosen file, in the box that stands over the browser's own: <span data-file-of="field id">.
  document.addEventListener("change", (event) => {
    if (!event.target.matches("input[type=file]")) return;
    const told = document.querySelector(`[data-file-of="${CSS.escape(event.target.id)}"]`);
    if (!told) return;
    if (!told.dataset.none) told.dataset.none = told.textContent;
    const names = Array.from(event.target.files, (file) => file.name);
    told.textContent = names.length ? names.join(", ") : told.dataset.none;
  });

  // A row of tabs that is wider than the phone begins where the reader is.
  document.querySelectorAll(".workbar ul, .side-nav ul, .scroller").forEach((row) => {
    const here = row.querySelector("[aria-current]");
    if (here && row.scrollWidth > row.clientWidth) {
      const gone = here.getBoundingClientRect().left - row.getBoundingClientRect().left;
      row.scrollLeft += gone - (row.clientWidth - here.offsetWidth) / 2;
    }
  });

  function ready(root) {
    root.querySelectorAll("[data-counts]").forEach(counter);
    root.querySelectorAll("form[data-unsent]").forEach(unsent);
    root.querySelectorAll("form[data-draft]").forEach(draft);
    const first = root.querySelector("[data-take-focus]");
    if (first) first.focus();
  }

  // Who drags a text field larger gives it a style of its own. htmx would carry it over as an attribute, which
  // our policy forbids: so the height is taken off before a swap and set, as the browser does it, after it.
  let heights = {};
  document.addEventListener("htmx:before:swap", () => {
    document.querySelectorAll("textarea[id][style]").forEach((field) => {
      heights[field.id] = field.style.height;
      field.removeAttribute("style");
    });
  });

  function keepHeights() {
    for (const [id, height] of Object.entries(heights)) {
      const field = document.getElementById(id);
      if (field) field.style.height = height;
    }
    heights = {};
  }

  document.documentElement.classList.add("scripted");
  ready(document);
  document.addEventListener("htmx:after:swap", (event) => {
    keepHeights();
    const target = event.detail && event.detail.ctx ? event.detail.ctx.target : event.target;
    if (target && target.querySelectorAll) ready(target);
  });
})();

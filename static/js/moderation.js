// The moderation queue by keyboard. Every page works without this file, with Tab, arrows, Space and Enter.
(() => {
  "use strict";
  const STORE = "livinglab-moderation-keys";
  const desk = () => document.getElementById("desk");
  const form = () => document.getElementById("verdicts");

  function allowed() {
    try { return localStorage.getItem(STORE) !== "off"; } catch { return true; }
  }

  // Letter keys can be switched off (WCAG 2.1.4); the switch stands under "With the keyboard".
  document.addEventListener("change", (event) => {
    if (event.target.id !== "keys-on") return;
    try { localStorage.setItem(STORE, event.target.checked ? "on" : "off"); } catch { /* private window */ }
  });
  function settle() {
    const box = document.getElementById("keys-on");
    if (box) box.checked = allowed();
  }

  function typing(target) {
    return target.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target.tagName) ||
      (target.tagName === "INPUT" && !/^(radio|checkbox|submit|button)$/.test(target.type));
  }

  function choose(number) {
    const radio = form() && form().querySelector(`input[data-key="${number}"]`);
    if (!radio || radio.disabled) return;
    radio.checked = true;
    radio.dispatchEvent(new Event("input", { bubbles: true }));
    const next = radio.dataset.needs ? document.getElementById("rule") : document.getElementById("decide");
    if (next) next.focus();
  }

  function step(by) {
    const links = Array.from(document.querySelectorAll(".pile a[data-case]"));
    const at = links.findIndex((link) => link.closest("[aria-current]"));
    const link = links[at + by];
    if (link) link.click();
  }

  document.addEventListener("keydown", (event) => {
    if (!desk() || event.altKey || event.isComposing) return;
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      if (form()) { event.preventDefault(); form().requestSubmit(document.getElementById("decide")); }
      return;
    }
    if (event.ctrlKey || event.metaKey || !allowed() || typing(event.target)) return;
    const key = event.key.toLowerCase();
    if ("1234".includes(key)) { event.preventDefault(); choose(key); }
    else if (key === "j") step(1);
    else if (key === "k") step(-1);
    else if (key === "s") { const skip = document.getElementById("skip"); if (skip) skip.click(); }
  });

  // After a decision, a skip or a step the case's heading takes the focus, so that reading goes on there.
  let before = null;
  document.addEventListener("htmx:after:swap", () => {
    settle();
    if (!desk() || desk() === before) return;
    before = desk();
    const oops = document.querySelector("#desk [data-take-focus]");
    const title = document.getElementById("case-title");
    if (oops) oops.focus();
    else if (title) { title.focus({ preventScroll: true }); title.scrollIntoView({ block: "nearest" }); }
  });
  before = desk();
  settle();
})();

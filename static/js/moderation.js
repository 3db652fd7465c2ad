// The moderation queue by keyboard. Every page works without this file, with Tab, arrows, Space and Enter.
(() => {
  "use strict";
  const STORE = "livinglab-moderation-keys";
  const byId = (id) => document.getElementById(id);
  const desk = () => byId("desk");
  const form = () => byId("verdicts");

  // Letter and number keys can be switched off (WCAG 2.1.4); the switch stands under "With the keyboard".
  let on = true;
  try { on = localStorage.getItem(STORE) !== "off"; } catch { /* a private window forgets */ }
  document.addEventListener("change", (event) => {
    if (event.target.id !== "keys-on") return;
    on = event.target.checked;
    try { localStorage.setItem(STORE, on ? "on" : "off"); } catch { /* it holds for this page */ }
  });
  function settle() {
    const box = byId("keys-on");
    if (box) box.checked = on;
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
    const next = byId(radio.dataset.needs ? "rule" : "decide");
    if (next) next.focus();
  }

  function step(by) {
    const links = Array.from(document.querySelectorAll(".pile a[data-case]"));
    const at = links.findIndex((link) => link.closest("[aria-current]"));
    const link = links[at + by];
    if (link) link.click();
  }

  function read() {
    const title = byId("case-title");
    if (!title) return;
    title.focus({ preventScroll: true });
    title.scrollIntoView({ block: "nearest" });
  }

  const KEYS = { j: () => step(1), k: () => step(-1), s: () => byId("skip") && byId("skip").click() };

  document.addEventListener("keydown", (event) => {
    if (!desk() || event.altKey || event.isComposing || event.defaultPrevented) return;
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      if (form()) { event.preventDefault(); form().requestSubmit(byId("decide")); }
      return;
    }
    if (event.ctrlKey || event.metaKey) return;
    if (event.key === "Escape" && form() && form().contains(event.target)) { read(); return; }
    if (!on || typing(event.target)) return;
    const key = event.key.toLowerCase();
    if (!/^[1-5]$/.test(key) && !KEYS[key]) return;
    event.preventDefault();
    if (early) early.push(key); else act(key);
  });

  function act(key) {
    if (KEYS[key]) KEYS[key](); else choose(key);
  }

  // htmx gets ready by a timer it set before this file ran, so before ours: what was pressed meanwhile is done
  // then, and a choice that the browser kept through a reload gets its letter.
  let early = [];
  setTimeout(() => {
    const kept = form() && form().querySelector("input[name=verdict]:checked");
    if (kept) kept.dispatchEvent(new Event("input", { bubbles: true }));
    const waited = early;
    early = null;
    waited.forEach(act);
  });

  // After a decision, a skip or a step the case's heading takes the focus, so that reading goes on there; after
  // a refusal what went wrong does. A live preview that puts a new button in place leaves the focus on it.
  let before = desk();
  let button = false;
  document.addEventListener("htmx:before:swap", () => { button = document.activeElement === byId("decide"); });
  document.addEventListener("htmx:after:swap", () => {
    settle();
    if (!desk()) return;
    if (desk() !== before) {
      before = desk();
      const oops = desk().querySelector("[data-take-focus]");
      if (oops) oops.focus(); else read();
    } else if (document.activeElement === document.body) {
      const next = desk().querySelector("[data-held-now]") || (button && byId("decide"));
      if (next) next.focus();
    }
  });
  settle();
})();

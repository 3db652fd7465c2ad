// The writing page: keeps the draft on the server while somebody writes. The page works without it.
(() => {
  "use strict";
  const form = document.querySelector("form[data-draft='idea']");
  const line = document.getElementById("kept");
  const pause = 5000;
  let last = 0;
  let later;
  let busy = false;

  async function keep() {
    if (busy) { // what is typed meanwhile is kept a little later
      later = setTimeout(keep, pause);
      return;
    }
    busy = true;
    last = Date.now();
    const data = new FormData(form);
    const picture = data.get("image");
    data.delete("image"); // a picture travels once, with the button
    data.set("action", "keep");
    try {
      // Not form.action: that is the form's buttons, which have this name.
      const answer = await fetch(form.getAttribute("action"), { method: "POST", body: data, credentials: "same-origin" });
      if (!answer.ok) throw new Error(String(answer.status));
      const kept = await answer.json();
      const hidden = form.querySelector("[name='idea']");
      if (hidden.value !== String(kept.id)) {
        hidden.value = kept.id;
        const place = new URL(window.location.href);
        place.searchParams.set("idea", kept.id);
        window.history.replaceState(null, "", place);
      }
      line.textContent = kept.says;
      if (!picture || !picture.size) form.dispatchEvent(new CustomEvent("livinglab:kept", { detail: last }));
    } catch {
      line.textContent = line.dataset.failed;
    } finally {
      busy = false;
    }
  }

  if (form && line) {
    form.addEventListener("livinglab:draft", () => {
      const title = form.querySelector("[name='title']").value.trim();
      const body = form.querySelector("[name='body']").value.trim();
      if (!title && !body) return;
      clearTimeout(later);
      later = setTimeout(keep, Math.max(0, last + pause - Date.now()));
    });
    form.addEventListener("submit", () => clearTimeout(later));
  }

  // The box of similar ideas takes no room while it is empty.
  const alike = document.getElementById("alike");
  if (alike) {
    new MutationObserver(() => { alike.toggleAttribute("data-empty", !alike.textContent.trim()); })
      .observe(alike, { childList: true });
  }
})();

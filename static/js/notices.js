// Following a notice marks it as read, without waiting for it. Without JavaScript there is "Mark all as read".
document.querySelector("[data-notices]")?.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-read]");
  if (!link) return;
  const token = JSON.parse(document.body.getAttribute("hx-headers:inherited") || "{}")["X-CSRFToken"];
  fetch(link.dataset.read, { method: "POST", keepalive: true, headers: { "X-CSRFToken": token }, redirect: "manual" });
});

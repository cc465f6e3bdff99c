// Hover previews: a link to an equation or a plot of the same page shows it, also for the keyboard.

addEventListener("DOMContentLoaded", () => {
  const preview = document.createElement("div");
  preview.className = "preview";
  preview.setAttribute("aria-hidden", "true");
  const hide = () => preview.remove();

  for (const link of document.querySelectorAll('article a.internal[href^="#"]:not(.headerlink)')) {
    const target = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (!target?.matches("div.math, figure")) continue;
    const show = () => {
      const copy = target.cloneNode(true);
      for (const each of [copy, ...copy.querySelectorAll("[id]")]) each.removeAttribute("id");
      copy.querySelectorAll(".headerlink").forEach((each) => each.remove());
      preview.replaceChildren(copy);
      link.after(preview);
    };
    link.addEventListener("mouseenter", show);
    link.addEventListener("focus", show);
    link.addEventListener("mouseleave", hide);
    link.addEventListener("blur", hide);
  }
  addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
});

// Every page: wide things scroll by keyboard, paper gets everything, the rest is loaded when it comes near.
(() => {
  "use strict";
  const html = document.documentElement;
  const statics = new URL((html.dataset.content_root || "") + "_static/", location.href);
  const asked = new Map();

  // Script tags, not fetch: the site also reads from a file. Executed in the order in which they were asked for.
  function load(path) {
    if (!asked.has(path)) {
      asked.set(path, new Promise((resolve, reject) => {
        const tag = document.createElement("script");
        tag.src = new URL(path, statics);
        tag.async = false;
        tag.onload = resolve;
        tag.onerror = () => { asked.delete(path); tag.remove(); reject(new Error("could not load " + path)); };
        document.head.append(tag);
      }));
    }
    return asked.get(path);
  }

  const enhance = {};                      // filled by problems.js, recall.js, review.js
  const parts = { problems: ".gm-problem", recall: ".gm-recall", review: "#gm-review" };
  const needs = { review: ["store", "recall", "problems", "review"] };

  function use(part) {
    return Promise.all((needs[part] || ["store", part]).map((name) => load("js/" + name + ".js")));
  }

  const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      const part = Object.keys(parts).find((name) => target.matches(parts[name]));
      use(part).then(() => enhance[part](target), (error) => console.warn(error.message));
    }
  }, { rootMargin: "400px" });

  const wide = ".katex-display, .math, math[display=block], .gm-problem p, pre, table, .cell_output, .gm-scroll";
  function scrollable() {
    for (const e of document.querySelectorAll(wide)) {
      if (e.checkVisibility && !e.checkVisibility({ contentVisibilityAuto: true })) continue;   // not laid out yet
      const over = e.scrollWidth > e.clientWidth && /auto|scroll/.test(getComputedStyle(e).overflowX);
      if (over && !e.hasAttribute("tabindex")) { e.tabIndex = 0; e.dataset.gmWide = ""; }
      else if (!over && "gmWide" in e.dataset) { e.removeAttribute("tabindex"); delete e.dataset.gmWide; }
    }
  }
  let frame = 0;
  const soon = () => { cancelAnimationFrame(frame); frame = requestAnimationFrame(scrollable); };

  // A link into a fold opens it.
  function reveal() {
    const target = location.hash.length > 1 && document.querySelector("#" + CSS.escape(location.hash.slice(1)));
    const shut = [];
    for (let e = target; e; e = e.parentElement) if (e.matches("details:not([open])")) shut.push(e);
    for (const d of shut) d.open = true;
    if (shut.length) target.scrollIntoView();
  }

  let paper = null;
  addEventListener("beforeprint", () => {
    paper = paper || { theme: html.dataset.theme, shut: [...document.querySelectorAll("details:not([open])")] };
    for (const d of paper.shut) d.open = true;
    for (const image of document.querySelectorAll("img[loading=lazy]")) image.loading = "eager";
    html.dataset.theme = "light";
  });
  addEventListener("afterprint", () => {
    if (!paper) return;
    for (const d of paper.shut) d.open = false;
    if (paper.theme === undefined) delete html.dataset.theme; else html.dataset.theme = paper.theme;
    paper = null;
  });

  addEventListener("load", soon);
  addEventListener("resize", soon);
  document.addEventListener("contentvisibilityautostatechange", soon, true);
  addEventListener("hashchange", reveal);
  document.addEventListener("toggle", soon, true);
  window.gm = { load, use, enhance };
  reveal();
  for (const e of document.querySelectorAll(Object.values(parts).join())) near.observe(e);
})();

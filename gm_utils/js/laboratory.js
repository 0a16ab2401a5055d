// The ELBO of one observation in the model z ~ N(0, 1), x | z ~ N(w z, s), x given; q = N(mean, variance) is the reader's.

const { w, s, x } = config;
const posterior = { mean: w * x / (w * w + s), variance: s / (w * w + s) };
const logp = -0.5 * Math.log(2 * Math.PI * (w * w + s)) - x * x / (2 * (w * w + s));
const gaussianKl = (m, v, m0, v0) => 0.5 * (v / v0 + (m - m0) ** 2 / v0 - 1 - Math.log(v / v0));
const start = { mean: config.start[0], variance: config.start[1] };
const state = { ...start };
const LOW = { mean: -1.5, variance: 0.1 }, HIGH = { mean: 3, variance: 2 };

function terms({ mean, variance }) {
  const recon = -0.5 * Math.log(2 * Math.PI * s) - ((x - w * mean) ** 2 + w * w * variance) / (2 * s);
  const kl = gaussianKl(mean, variance, 0, 1);
  return { recon, kl, elbo: recon - kl, gap: gaussianKl(mean, variance, posterior.mean, posterior.variance), logp };
}

function move(mean, variance) {
  state.mean = clamp(mean, LOW.mean, HIGH.mean);
  state.variance = clamp(variance, LOW.variance, HIGH.variance);
  render();
}
const go = (mean, variance) => glide([state.mean, state.variance], [mean, variance], to => move(...to));

// The densities: z from -2.6 to 3.4, heights up to 1.4.
const PEAK = 1.4;
const densities = surface("Three densities over z: the prior, the true posterior, and q", width => Math.min(330, Math.max(250, width * 0.72)), render);
const zx = z => 8 + (z + 2.6) / 6 * (densities.width - 16);
const dy = p => densities.height - 28 - p / PEAK * (densities.height - 40);
const density = (z, m, v) => Math.exp(-((z - m) ** 2) / (2 * v)) / Math.sqrt(2 * Math.PI * v);
const grab = handle(densities, "q: left and right move its mean, up and down its peak", "blue",
  (px, py) => {
    const height = clamp((densities.height - 28 - py) / (densities.height - 40) * PEAK, 0.05, PEAK);
    move(tidy((px - 8) / (densities.width - 16) * 6 - 2.6), clamp(tidy(1 / (2 * Math.PI * height ** 2)), LOW.variance, HIGH.variance));
  },
  (dx, up, far) => move(tidy(state.mean + 0.05 * far * dx), tidy(state.variance - 0.02 * far * up)));

function curve(m, v, name, hue, width, fill, dash = "") {
  const points = Array.from({ length: 121 }, (_, i) => -2.6 + i * 0.05).map(z => [zx(z), dy(density(z, m, v))]);
  const floor = `L${points[120][0]} ${dy(0)}L${points[0][0]} ${dy(0)}Z`;
  return `<g data-curve="${name}"><path d="M${points.map(p => p.map(n => n.toFixed(1)).join(" ")).join("L")}${floor}" style="fill: var(--${hue}); opacity: ${fill}"/>` +
    line(points, `stroke: var(--${hue}); stroke-width: ${width}; stroke-dasharray: ${dash}`) + "</g>";
}

function drawDensities() {
  const ticks = [-2, -1, 0, 1, 2, 3].map(z => text(zx(z), densities.height - 9, fixed(z, 0), "fill: var(--muted)", "middle"));
  const right = state.mean < 2.2;
  densities.draw(
    `<line x1="0" x2="${densities.width}" y1="${dy(0)}" y2="${dy(0)}" style="stroke: var(--grid)"/>` + ticks.join("") +
    curve(0, 1, "prior", "muted", 2, 0.1, "5 4") + curve(posterior.mean, posterior.variance, "posterior", "green", 2, 0.16) +
    curve(state.mean, state.variance, "q", "blue", 3, 0.22) +
    `<g data-curve="prior">${text(zx(-1.55), dy(0.21), "prior", "fill: var(--muted)", "end")}</g>` +
    `<g data-curve="posterior">${text(zx(1.77), dy(0.5), "true", "fill: var(--green)") + text(zx(1.77), dy(0.5) + 15, "posterior", "fill: var(--green)")}</g>` +
    text(zx(state.mean) + (right ? 18 : -18), dy(density(0, 0, state.variance)) + (state.variance > 1.4 ? -12 : 2),
      "q", "fill: var(--blue); font-weight: 650; font-size: 16px", right ? "start" : "end"));
  grab.put(zx(state.mean), dy(density(0, 0, state.variance)), tidy(state.mean), LOW.mean, HIGH.mean,
    `mean ${fixed(state.mean, 2)}, variance ${fixed(state.variance, 2)}`);
}

// The sums: both bars hang from zero and end at the ELBO; the line at log p(x) never moves.
const DEPTH = 8;
const sums = surface("Two bars hanging from zero that end at the same depth, the ELBO", width => width < 330 ? 240 : 300, render);
sums.node.classList.add("gm-still");
const ny = value => 8 + clamp(-value, 0, DEPTH) / DEPTH * (sums.height - 20);

function piece(left, width, top, bottom, name, hue, label) {
  const y = ny(top), tall = ny(bottom) - y;
  return `<g data-piece="${name}"><rect x="${left}" y="${y}" width="${width}" height="${tall}" style="fill: var(--${hue}); opacity: ${hue === "orange" ? 0.8 : 0.3}"/>` +
    (tall > 19 ? text(left + width / 2, y + tall / 2 + 4.5, label, "", "middle", "") : "") + "</g>";
}

function drawSums(t) {
  const left = 28, width = Math.min(112, (sums.width - left - 70) / 2 - 5), second = left + width + 10, end = second + width;
  const axis = [0, -2, -4, -6, -8].map(v => text(left - 6, ny(v) + 4.5, fixed(v, 0), "fill: var(--muted)", "end") +
    `<line x1="${left}" x2="${end}" y1="${ny(v)}" y2="${ny(v)}" style="stroke: var(--grid)"/>`);
  const level = ny(t.elbo), beyond = t.elbo < -DEPTH, apart = clamp(level + 5, ny(logp) + 17, sums.height - 18);
  const rule = (to, y, hue, width) => `<line x1="${left}" x2="${to}" y1="${y}" y2="${y}" style="stroke: var(--${hue}); stroke-width: ${width}; ${beyond && hue === "blue" ? "stroke-dasharray: 3 5" : ""}"/>`;
  const thin = level - ny(logp) <= 19;
  sums.draw(axis.join("") +
    piece(left, width, 0, logp, "logp elbo", "green", "log p(x)") + piece(left, width, logp, t.elbo, "gap", "orange", "gap") +
    piece(second, width, 0, t.recon, "recon elbo", "blue", width < 100 ? "reconstr." : "reconstruction") + piece(second, width, t.recon, t.elbo, "kl elbo", "purple", "KL to prior") +
    rule(end + 6, level + 0.75, "blue", 1.5) + rule(sums.width, ny(logp) - 1, "green", 2) +
    (thin ? `<g data-piece="gap">${text(left + width / 2, level + 17, t.gap < 5e-4 ? "no gap" : "gap", "fill: var(--orange)", "middle")}</g>` : "") +
    text(end + 8, ny(logp) - 22, "log p(x)", "fill: var(--green); font-weight: 650") + text(end + 8, ny(logp) - 7, fixed(logp), "fill: var(--green)") +
    text(end + 8, apart, "ELBO", "fill: var(--blue); font-weight: 650") +
    text(end + 8, apart + 15, fixed(t.elbo) + (beyond ? " \u2193" : ""), "fill: var(--blue)"));
}

const mean = slider("mean of q", { min: LOW.mean, max: HIGH.mean, step: 0.01, hue: "blue" }, value => move(value, state.variance));
const variance = slider("variance of q", { min: LOW.variance, max: HIGH.variance, step: 0.01, hue: "blue" }, value => move(state.mean, value));

// The two sums in numbers; a term shows which curves and pieces it is about.
const shown = {};
function term(name, label, hue) {
  const number = el("b");
  const toggle = button("", () => show(root.dataset.show === name ? "" : name), { style: `--hue: var(--${hue})`, "data-term": name, "aria-pressed": "false" });
  toggle.append(label, number);
  (shown[name] ||= []).push({ toggle, number });
  return toggle;
}
function show(name) {
  root.dataset.show = name;
  for (const [key, list] of Object.entries(shown)) for (const { toggle } of list) toggle.setAttribute("aria-pressed", key === name);
}
const sum = (...parts) => el("div", { class: "gm-sum" }, ...parts);

function render() {
  if (!densities.width || !sums.width) return;
  const t = terms(state);
  drawDensities();
  drawSums(t);
  mean.set(state.mean, fixed(state.mean, 2));
  variance.set(state.variance, fixed(state.variance, 2));
  for (const [name, list] of Object.entries(shown)) for (const { number } of list) number.textContent = fixed(t[name]);
  say(`With q = N(${fixed(state.mean, 2)}, ${fixed(state.variance, 2)}) the ELBO is ${fixed(t.elbo)} and the gap ${fixed(t.gap)}; they add up to ${fixed(t.elbo + t.gap)}.` +
    (t.gap < 5e-7 ? " The gap is zero: q is the true posterior." : ""));
}

stage.append(
  words("p", "gm-asks", "Can any q lift the ELBO above log p(x)?"),
  words("p", "gm-note", `z ~ N(0, 1), x given z ~ N(${w}z, ${s}), and x = ${x} was observed. Drag the peak of q.`),
  el("div", { class: "gm-views" }, 
    el("div", {}, words("p", "gm-view-title", "The densities over z"), densities.node),
    el("div", {}, words("p", "gm-view-title", "The ELBO in nats, cut in two ways"), sums.node)),
  el("div", { class: "gm-sums" },
    sum(term("elbo", "ELBO", "blue"), "+", term("gap", "gap", "orange"), "=", term("logp", "log p(x)", "green")),
    sum(term("recon", "reconstruction", "blue"), "\u2212", term("kl", "KL to prior", "purple"), "=", term("elbo", "ELBO", "blue"))),
  el("div", { class: "gm-controls gm-two" }, mean.node, variance.node),
  el("div", { class: "gm-buttons" },
    button("exam question", () => go(start.mean, start.variance)), button("q = prior", () => go(0, 1)),
    button("q = posterior", () => go(posterior.mean, posterior.variance)),
    button("Reset", () => { show(""); go(start.mean, start.variance); }, { class: "gm-reset" })),
  status);
show("");
root.gm = { state, terms: () => terms(state), move };

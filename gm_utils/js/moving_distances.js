// P stays at 0, Q at the shift d. Every distance as a function of d, in closed form; the JS of two bells by quadrature.

const REACH = 2.4, TOP = 2.6, LOG2 = Math.log(2);
const [startShape, startShift] = config.start;
const state = { shape: startShape, shift: startShift };
const names = { kl: "KL(P\u2016Q)", lk: "KL(Q\u2016P)", js: "JS", tv: "TV", hellinger: "Hellinger", w1: "W\u2081" };
const hues = { kl: "red", lk: "red", js: "purple", tv: "gold", hellinger: "blue", w1: "green" };

const softplus = t => Math.max(t, 0) + Math.log1p(Math.exp(-Math.abs(t)));
function erf(x) { // Taylor; |x| stays below 2.2
  let term = x, sum = x;
  for (let n = 1; n < 60; n++) { term *= -x * x / n; sum += term / (2 * n + 1); }
  return 2 / Math.sqrt(Math.PI) * sum;
}

// Boxes of widths w and v: everything follows from the length of their overlap.
function boxes(w, v, d) {
  const p = 1 / w, q = 1 / v, over = Math.max(0, Math.min(w / 2, d + v / 2) - Math.max(-w / 2, d - v / 2));
  const inside = (small, large) => Math.abs(d) <= (large - small) / 2 + 1e-12 ? Math.log(large / small) : Infinity;
  const half = own => (1 - over * own) * LOG2 + over * own * Math.log(2 * own / (p + q));
  const a = Math.abs(d), b = Math.abs(v - w) / 2; // the quantiles differ by d + (v - w)(u - 1/2)
  return { kl: inside(w, v), lk: inside(v, w), js: (half(p) + half(q)) / 2, tv: 1 - over * Math.min(p, q),
    hellinger: Math.sqrt(Math.max(0, 1 - over * Math.sqrt(p * q))), w1: a >= b ? a : (a * a + b * b) / (2 * b) };
}

// Bells of one width s.
function bells(s, d) {
  const m = Math.abs(d) / s;
  let js = LOG2;
  for (let x = -12; x <= 12; x += 0.1) js -= 0.1 * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI) * softplus(m * x - m * m / 2);
  return { kl: m * m / 2, lk: m * m / 2, js: Math.max(js, 0), tv: erf(m / Math.sqrt(8)), hellinger: Math.sqrt(-Math.expm1(-m * m / 8)), w1: Math.abs(d) };
}

function distances(d = state.shift, shape = state.shape) {
  const [kind, w, v] = config.shapes[shape];
  return kind === "box" ? boxes(w, v, d) : bells(w, d);
}
const slope = (name, d = state.shift) => (distances(d + 1e-4)[name] - distances(d - 1e-4)[name]) / 2e-4;
const slopes = d => Object.fromEntries(Object.keys(names).map(name => [name, slope(name, d)]));

function move(shift, shape = state.shape) {
  state.shift = clamp(shift, -REACH, REACH);
  state.shape = shape;
  render();
}
const go = to => glide([state.shift], [to], ([shift]) => move(shift));

// Sixty steps of gradient descent on one distance, as a generator would take them.
function follow(name) {
  let d = state.shift;
  for (let i = 0; i < 60; i++) {
    const g = slope(name, d), next = d - 0.05 * g;
    if (!Number.isFinite(g)) break;
    if (next * d < 0) { d = 0; break; }
    d = next;
  }
  const stuck = Math.abs(d - state.shift) < 0.005;
  go(d);
  tells = stuck ? `${names[name]} has no slope here: sixty steps of gradient descent leave Q where it is.` : `Sixty steps of gradient descent on ${names[name]} bring Q to a shift of ${fixed(d, 2)}.`;
  render();
}
let tells = "";

// The densities: the line from -3 to 3, what they share in gold, five equal parcels of mass and where W1 sends them.
const wide = width => x => width * (x + 3) / 6;
const densities = surface("Two densities on a line: P fixed, Q shifted", () => 196, render);
const dy = h => 138 - 96 * h;
const height = (size, x) => config.shapes[state.shape][0] === "box" ? (Math.abs(x) <= size / 2 ? 1 / size : 0)
  : Math.exp(-x * x / (2 * size * size)) / (size * Math.sqrt(2 * Math.PI));
const quantile = size => [-1.28155, -0.52440, 0, 0.52440, 1.28155].map((z, i) => size * (config.shapes[state.shape][0] === "box" ? (i - 2) / 5 : z));
const grab = handle(densities, "Q: left and right move it along the line", "orange",
  x => { tells = ""; move(tidy(x / densities.width * 6 - 3)); }, (dx, up, far) => { tells = ""; move(tidy(state.shift + 0.05 * far * (dx + up))); });

function drawDensities() {
  const [kind, w, v] = config.shapes[state.shape], d = state.shift, X = wide(densities.width);
  const nodes = Array.from({ length: 301 }, (_, i) => -3 + i * 0.02);
  const edges = kind === "box" ? [-w / 2, w / 2, d - v / 2, d + v / 2].flatMap(e => [e - 1e-9, e + 1e-9]) : [];
  const xs = [...nodes, ...edges].sort((a, b) => a - b);
  const area = (f, hue, opacity, stroke) => {
    const points = xs.map(x => `${X(x).toFixed(1)} ${dy(f(x)).toFixed(1)}`).join("L");
    return `<path d="M${X(-3)} ${dy(0)}L${points}L${X(3)} ${dy(0)}Z" style="fill: var(--${hue}); fill-opacity: ${opacity}; stroke: ${stroke ? `var(--${hue})` : "none"}; stroke-width: 2.2"/>`;
  };
  const P = x => height(w, x), Q = x => height(v, x - d);
  const from = quantile(w), to = quantile(v);
  const parcels = from.map((x, i) => {
    const y = dy(0) + 10 + 8.5 * i, a = X(x), b = X(d + to[i]);
    return `<line x1="${a}" x2="${b}" y1="${y}" y2="${y}" style="stroke: var(--green); stroke-width: 1.6"/>` +
      `<circle cx="${a}" cy="${y}" r="2.6" style="fill: var(--muted)"/><circle cx="${b}" cy="${y}" r="2.6" style="fill: var(--orange)"/>`;
  });
  densities.draw(area(P, "muted", 0.16, true) + area(Q, "orange", 0.16, true) + area(x => Math.min(P(x), Q(x)), "gold", 0.6, false) +
    `<line x1="0" x2="${densities.width}" y1="${dy(0)}" y2="${dy(0)}" style="stroke: var(--muted); stroke-width: 2.4"/>` + parcels.join("") +
    text(X(-w / 2) - 6, dy(height(w, 0)) + 14, "P", "fill: var(--muted); font-weight: 650; font-size: 16px", "end") +
    text(X(d) + (d < -1.6 ? -24 : 24), dy(height(v, 0)) - 8, "Q", "fill: var(--orange); font-weight: 650; font-size: 16px", d < -1.6 ? "end" : "start"));
  grab.put(X(d), dy(height(v, 0)), tidy(d), -REACH, REACH, `shift ${fixed(d, 2)}`);
}

// The curves, under the same line.
const curves = surface("Five distances against the shift of Q", () => 264, render);
curves.node.classList.add("gm-still");
const cy = value => curves.height - 24 - Math.min(value, TOP) / TOP * (curves.height - 40);

function drawCurves(now) {
  const X = wide(curves.width), at = Array.from({ length: 241 }, (_, i) => -REACH + i * REACH / 120), all = at.map(d => distances(d));
  const grid = [0, 0.5, 1, 1.5, 2].map(v => `<line x1="${X(-REACH)}" x2="${X(REACH)}" y1="${cy(v)}" y2="${cy(v)}" style="stroke: var(--grid)"/>` + text(X(-REACH) - 5, cy(v) + 4, fixed(v, 1), "fill: var(--muted)", "end"));
  const ticks = [-2, -1, 0, 1, 2].map(d => text(X(d), curves.height - 6, fixed(d, 0), "fill: var(--muted)", "middle"));
  const drawn = ["w1", "hellinger", "js", "kl", "lk", "tv"].map(name => { // a dashed one over a full one
    const runs = [[]];
    all.forEach((row, i) => {
      if (row[name] <= TOP) runs[runs.length - 1].push([X(at[i]), cy(row[name])]);
      else if (runs[runs.length - 1].length) runs.push([]);
    });
    const style = `stroke: var(--${hues[name]}); stroke-width: ${name === "w1" ? 3.2 : 2.2}; stroke-dasharray: ${{ lk: "3 4", tv: "7 7" }[name] || ""}`;
    return `<g data-distance="${name}">` + runs.filter(r => r.length > 1).map(r => line(r, style)).join("") + "</g>";
  });
  const infinite = all[0].kl === Infinity;
  const nested = state.shape === "box in a box";
  const labels = [[2.38, 0.693, "JS", "purple", "end", 15], [-2.38, 1, "TV, Hellinger", "blue", "start", -6], [1.72, 1.85, "W\u2081", "green", "end", 0],
    infinite ? [-2.35, TOP, nested ? "KL(P\u2016Q) = \u221e; KL(Q\u2016P) too, unless Q is in P" : "KL = \u221e both ways for every shift but 0", "red", "start", 14] : [0.62, 2.2, "KL", "red", "end", 0]];
  const marks = Object.keys(names).map(name => Number.isFinite(now[name]) && now[name] <= TOP ? `<circle cx="${X(state.shift)}" cy="${cy(now[name])}" r="5.5" style="fill: var(--${hues[name]}); stroke: var(--ground); stroke-width: 2"/>` : "");
  curves.draw(grid.join("") + ticks.join("") + (infinite ? `<line x1="${X(-REACH)}" x2="${X(REACH)}" y1="${cy(TOP)}" y2="${cy(TOP)}" style="stroke: var(--red); stroke-width: 2; stroke-dasharray: 2 4"/>` : "") +
    `<line x1="${X(state.shift)}" x2="${X(state.shift)}" y1="0" y2="${cy(0)}" style="stroke: var(--ink); stroke-dasharray: 2 3"/>` + drawn.join("") + marks.join("") +
    labels.map(([d, v, words, hue, anchor, down]) => text(X(d), cy(v) + down, words, `fill: var(--${hue}); font-weight: 600`, anchor)).join(""));
}

const shift = slider("shift of Q", { min: -REACH, max: REACH, step: 0.01, hue: "orange" }, value => { tells = ""; move(value); });
const facts = Object.fromEntries(Object.keys(names).map(name => {
  const item = fact(names[name], hues[name]), gradient = el("span");
  item.node.append(gradient);
  item.node.setAttribute("data-fact", name);
  return [name, { ...item, gradient }];
}));
const choices = Object.keys(config.shapes).map(shape => button(shape, () => { tells = ""; move(config.opens[shape] ?? state.shift, shape); }, { "aria-pressed": "false" }));
const finite = (value, digits) => Number.isFinite(value) ? fixed(value, digits) : "\u221e";

function render() {
  if (!densities.width || !curves.width) return;
  const now = distances(), steep = slopes();
  drawDensities();
  drawCurves(now);
  shift.set(state.shift, fixed(state.shift, 2));
  for (const [name, fact] of Object.entries(facts)) {
    fact.number.textContent = finite(now[name], 3);
    fact.gradient.textContent = !Number.isFinite(steep[name]) ? "no slope" : Math.abs(steep[name]) < 1e-9 ? "flat" : "slope " + fixed(steep[name], 2);
  }
  for (const choice of choices) choice.setAttribute("aria-pressed", choice.textContent === state.shape);
  const flat = Object.keys(names).filter(name => !(Math.abs(steep[name]) >= 0.005));
  say(tells || `Shift ${fixed(state.shift, 2)}: JS ${fixed(now.js)}, TV ${fixed(now.tv)}, Hellinger ${fixed(now.hellinger)}, W\u2081 ${fixed(now.w1)}, KL ${finite(now.kl, 3)}. ` +
    (flat.length ? `Without a slope: ${flat.map(name => names[name]).join(", ")}.` : "All of them slope."));
}

const single = "grid-template-columns: minmax(0, 1fr)";
stage.append(
  words("p", "gm-asks", "Which of them tells a generator where to go?"),
  words("p", "gm-note", "P are the data, Q is what a generator makes. Drag Q. Gold is what they share; each green line carries a fifth of the mass to its place."),
  el("div", { class: "gm-views", style: single },
    el("div", {}, words("p", "gm-view-title", "The two densities"), densities.node),
    el("div", {}, words("p", "gm-view-title", "The distances against the shift (KL and JS in nats)"), curves.node)),
  el("div", { class: "gm-controls", style: single }, shift.node),
  el("div", { class: "gm-facts", style: "grid-template-columns: repeat(auto-fit, minmax(5.3rem, 1fr)); gap: .5rem .6rem" }, ...Object.values(facts).map(f => f.node)),
  el("div", { class: "gm-buttons", style: "margin-top: .9rem", role: "group", "aria-label": "shapes" }, ...choices,
    button("Reset", () => { tells = ""; move(state.shift, startShape); go(startShift); }, { class: "gm-reset" })),
  el("div", { class: "gm-buttons", style: "margin-top: .5rem; align-items: center", role: "group", "aria-label": "let one distance pull Q" },
    words("span", "gm-note", "let one of them pull Q:", { style: "margin: 0" }),
    ...["kl", "js", "tv", "hellinger", "w1"].map(name => button(name === "kl" ? "KL" : names[name], () => follow(name)))),
  status);
root.gm = { state, distances, slopes, move, follow };

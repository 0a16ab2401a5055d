// A trained flow of the plane, layer by layer: data on their way to the base, draws on their way to the data.

const bounded = s => 3 * Math.tanh(s / 3);

// A layer moves its first coordinate by constants and its second by functions of the first.
const layers = config.layers.map(({ order: [a, b], shift, scale, mlp }) => {
  const net = perceptron(mlp); // x_a -> (t, s) of x_b
  return {
    a, b,
    normalise(x) { // -> z and log|det dz/dx|
      const [t, raw] = net([x[a]]), s = bounded(raw), z = [0, 0];
      z[a] = (x[a] - shift) * Math.exp(-scale);
      z[b] = (x[b] - t) * Math.exp(-s);
      return [z, -scale - s];
    },
    generate(z) {
      const x = [0, 0];
      x[a] = z[a] * Math.exp(scale) + shift;
      const [t, raw] = net([x[a]]);
      x[b] = z[b] * Math.exp(bounded(raw)) + t;
      return x;
    },
  };
});
const K = layers.length, R = config.radius;
function levels(point, from) { // the point at every level 0 (x) .. K (z), and the layers' log|det dz/dx|
  const path = [];
  path[from] = point;
  for (let k = from; k > 0; k--) path[k - 1] = layers[k - 1].generate(path[k]);
  const shares = layers.map((layer, k) => {
    const [z, share] = layer.normalise(path[k]);
    if (k >= from) path[k + 1] = z;
    return share;
  });
  return { path, shares };
}
const logBase = z => -Math.log(2 * Math.PI) - (z[0] ** 2 + z[1] ** 2) / 2;

function cloud(base64, from, labels) {
  const numbers = halves(base64), n = numbers.length / 2;
  const paths = Array.from({ length: n }, (_, i) => levels([numbers[2 * i], numbers[2 * i + 1]], from).path);
  return { paths, labels };
}
const clouds = { normalise: cloud(config.data, 0, config.labels), generate: cloud(config.draws, K, config.drawn) };
const SPAN = 2.5, wires = []; // a straight grid of the base, drawn at every level
for (let c = -SPAN; c <= SPAN; c += 0.5) for (const turned of [false, true])
  wires.push(Array.from({ length: 61 }, (_, i) => {
    const r = -SPAN + i / 60 * 2 * SPAN;
    return levels(turned ? [r, c] : [c, r], K).path;
  }));

const state = { t: config.start, level: config.start, direction: "normalise", x: [...config.probe] };
const between = (path, t) => { // on the way between two levels, for the eye only
  const k = Math.min(K - 1, Math.floor(t)), w = t - k;
  return [0, 1].map(i => (1 - w) * path[k][i] + w * path[k + 1][i]);
};

const plane = surface("The plane with the points and the grid of the base, as they are after the chosen layer", width => Math.min(width, 430), render);
plane.node.style.maxWidth = "430px";
plane.svg.style.overflow = "hidden";
const px = a => (a / R + 1) / 2 * plane.width, py = b => (1 - b / R) / 2 * plane.height;
const spots = (at, labels, which, x, y) => at.map((p, i) => labels[i] === which ? `M${x(p[0]).toFixed(1)} ${y(p[1]).toFixed(1)}h0` : "").join("");
const HUES = ["blue", "orange"];

function drawPlane() {
  const { paths, labels } = clouds[state.direction], at = paths.map(path => between(path, state.t));
  const grid = wires.map(wire => "M" + wire.map(path => between(path, state.t)).map(p => px(p[0]).toFixed(1) + " " + py(p[1]).toFixed(1)).join("L")).join("");
  const rings = [1, 2].map(r => `<circle cx="${px(0)}" cy="${py(0)}" r="${px(r) - px(0)}" fill="none" style="stroke: var(--ink); stroke-dasharray: 4 4; opacity: ${0.8 * clamp(state.t - K + 1, 0, 1)}"/>`);
  plane.draw(`<path d="${grid}" fill="none" style="stroke: var(--muted); stroke-width: .8; opacity: .55"/>` + rings.join("") + HUES.map((hue, k) =>
    `<path d="${spots(at, labels, String(k), px, py)}" style="stroke: var(--${hue}); stroke-width: 4.5; stroke-linecap: round; opacity: .75"/>`).join(""));
}

// Each level as a small picture that can be pressed.
const name = k => k === 0 ? "data x" : k === K ? "base z" : `after ${k}`;
const strip = Array.from({ length: K + 1 }, (_, k) => {
  const picture = el("span", { "aria-hidden": "true", style: "display: block; aspect-ratio: 1" });
  return { picture, node: button("", () => go(k), { "aria-label": `${name(k)}: show this level`, "data-level": k,
    style: "padding: 2px; min-width: 0; min-height: 0; font-size: 12px; line-height: 1.2" }) };
});
strip.forEach(({ picture, node }, k) => node.append(picture, name(k)));
function drawStrip() {
  const { paths, labels } = clouds[state.direction], id = v => v;
  strip.forEach(({ picture }, k) => {
    const at = paths.filter((_, i) => i % 2 === 0).map(path => path[k]), own = [...labels].filter((_, i) => i % 2 === 0);
    picture.innerHTML = `<svg viewBox="${-R} ${-R} ${2 * R} ${2 * R}" style="display: block; width: 100%; overflow: hidden">` + HUES.map((hue, c) =>
      `<path d="${spots(at, own, String(c), id, b => -b)}" style="stroke: var(--${hue}); stroke-width: .26; stroke-linecap: round"/>`).join("") + "</svg>";
  });
}

const grab = handle(plane, "One point: arrow keys move it", "ink",
  (x, y) => move((2 * x / plane.width - 1) * R, (1 - 2 * y / plane.height) * R),
  (dx, dy, far) => { const p = levels(state.x, 0).path[state.level]; move(p[0] + 0.05 * far * dx, p[1] + 0.05 * far * dy); });
function move(a, b) { // the point, at the level that is shown
  state.x = levels([clamp(a, -R, R), clamp(b, -R, R)], state.level).path[0];
  render();
}

// The layers' shares of the log-determinant at the point.
const bars = surface("Each layer's share of the log-determinant at the point", () => 26 * K + 46, render);
bars.node.classList.add("gm-still");
const sub = ["\u2081", "\u2082"];
function drawBars(shares, applied) {
  const sign = state.direction === "normalise" ? 1 : -1, left = 92, right = bars.width - 58, most = 1;
  const x = v => left + (clamp(v, -most, most) / most + 1) / 2 * (right - left);
  const bar = (value, y) => { // a share beyond the scale ends in an arrow
    const end = x(value), tip = Math.abs(value) > most ? 8 * Math.sign(value) : 0;
    return `M${x(0)} ${y}H${(end - tip).toFixed(1)}L${end.toFixed(1)} ${y + 8}L${(end - tip).toFixed(1)} ${y + 16}H${x(0)}Z`;
  };
  const rows = shares.map((share, k) => {
    const y = 6 + 26 * k, now = k === applied, value = sign * share, layer = layers[k];
    return (now ? `<rect x="0" y="${y - 3}" width="${bars.width}" height="24" rx="4" style="fill: var(--surface)"/>` : "") +
      text(6, y + 14, `${k + 1}: x${sub[layer.b]} given x${sub[layer.a]}`, `font-weight: ${now ? 650 : 400}; fill: var(--${now ? "ink" : "muted"})`, "start", "") +
      `<path data-share="${k}" d="${bar(value, y + 1)}" style="fill: var(--${value < 0 ? "purple" : "green"}); opacity: ${now ? 1 : 0.55}"/>` +
      text(bars.width - 2, y + 14, fixed(value, 3), `fill: var(--${now ? "ink" : "muted"})`, "end", "");
  });
  const line = v => `M${x(v)} 2V${26 * K + 6}`, scale = [-most, most].map(v => text(x(v), 26 * K + 24, fixed(v, 0), "fill: var(--muted)", "middle", ""));
  bars.draw(rows.join("") + `<path d="${[-1, -0.5, 0.5, 1].map(v => line(v * most)).join("")}" style="stroke: var(--grid)"/><path d="${line(0)}" style="stroke: var(--muted)"/>` + scale.join("") +
    text(x(0) - 6, 26 * K + 40, "shrinks", "fill: var(--purple)", "end", "") + text(x(0) + 6, 26 * K + 40, "stretches", "fill: var(--green)", "start", ""));
}

const facts = { base: fact("log N(z)", "blue"), det: fact("", "green"), p: fact("log p(x)", "ink") };
const title = words("p", "gm-view-title", "");
const chooser = slider("layers done, from the data", { min: 0, max: K, step: 1, hue: "ink" }, go);
const turns = { normalise: button("x \u2192 z", () => turn("normalise"), { "aria-label": "normalising direction, x to z, from the data" }), generate: button("z \u2192 x", () => turn("generate"), { "aria-label": "generative direction, z to x, from draws of the base" }) };
const play = button("Play", () => playing ? stop() : start(), { style: "min-width: 4.6rem" });

let stripOf = "";
function render() {
  if (!plane.width || !bars.width) return;
  const { path, shares } = levels(state.x, 0), z = path[K], sum = shares.reduce((a, b) => a + b, 0), base = logBase(z);
  const normal = state.direction === "normalise", applied = normal ? state.level - 1 : state.level;
  drawPlane();
  drawBars(shares, applied);
  if (stripOf !== state.direction) drawStrip(stripOf = state.direction);
  const [u, v] = between(path, state.t), where = `${name(state.level)}: (${fixed(path[state.level][0], 2)}, ${fixed(path[state.level][1], 2)})`;
  grab.put(px(clamp(u, -R, R)), py(clamp(v, -R, R)), path[state.level][0], -R, R, where);
  strip.forEach(({ node }, k) => node.setAttribute("aria-pressed", k === state.level));
  Object.entries(turns).forEach(([key, node]) => node.setAttribute("aria-pressed", key === state.direction));
  chooser.set(state.level, name(state.level));
  facts.base.number.textContent = fixed(base, 2);
  title.textContent = `Shares of log|det ${normal ? "\u2202z/\u2202x" : "\u2202x/\u2202z"}| at the ring`;
  facts.det.title.textContent = normal ? "+ shares" : "\u2212 shares";
  facts.det.number.textContent = fixed(normal ? sum : -sum, 2);
  facts.p.number.textContent = fixed(base + sum, 2);
  const layer = layers[applied];
  say((layer ? `${normal ? "After" : "Back through"} layer ${applied + 1} of ${K}, which moves x${sub[layer.b]} given x${sub[layer.a]}. ` : normal ? "The data. " : "Draws from the base. ") +
    `At the point: log p(x) = ${fixed(base, 2)} ${sum < 0 ? "\u2212" : "+"} ${fixed(Math.abs(sum), 2)} = ${fixed(base + sum, 2)} nats.`);
}

function go(level) {
  state.level = clamp(Math.round(level), 0, K);
  glide([state.t], [state.level], ([t]) => { state.t = t; render(); });
}
let playing = 0;
function stop() { clearInterval(playing); playing = 0; play.textContent = "Play"; }
function start() {
  const [step, first, last] = state.direction === "normalise" ? [1, 0, K] : [-1, K, 0];
  if (state.level === last) { state.t = state.level = first; render(); }
  play.textContent = "Stop";
  const tick = () => { if (state.level === last) stop(); else go(state.level + step); };
  playing = setInterval(tick, 1100);
  tick();
}
function turn(direction) {
  stop();
  state.direction = direction;
  render();
}
function reset() {
  stop();
  cancelAnimationFrame(gliding);
  Object.assign(state, { t: config.start, level: config.start, direction: "normalise", x: [...config.probe] });
  render();
}

stage.append(
  words("p", "gm-asks", "Which layer bends the moons?"),
  words("p", "gm-note", "The lecture\u2019s trained flow runs here: x \u2192 z carries data to the base, z \u2192 x draws of the base to the data. The grid is the straight grid of the base, carried along. Drag the ring to ask for the density of a point. A bar beyond \u00b11 ends in an arrow."),
  el("div", { style: `display: grid; grid-template-columns: repeat(${K + 1}, minmax(0, 1fr)); gap: 4px; margin: 0 0 .7rem` }, ...strip.map(s => s.node)),
  el("div", { class: "gm-views" }, el("div", {}, plane.node), el("div", {}, title, bars.node,
    el("div", { class: "gm-facts", style: "grid-template-columns: repeat(3, minmax(0, 1fr)); gap: .35rem .7rem" }, ...Object.values(facts).map(f => f.node)))),
  el("div", { class: "gm-controls" }, chooser.node),
  el("div", { class: "gm-buttons" }, turns.normalise, turns.generate, play, button("Reset", reset, { class: "gm-reset" })),
  status);
root.gm = { state, levels, layers, move, go, logBase };

// The latent plane: where the codes are, where the prior puts its mass, and what the decoder makes of any point.

const decode = perceptron(config.mlp); // (2,) -> (pixels,)
const codes = halves(config.codes), precision = halves(config.precision), n = codes.length / 2;
const R = config.radius, [rows, columns] = config.shape;
const start = config.start, state = { z: [...start] };
const logPrior = (a, b) => -Math.log(2 * Math.PI) - (a * a + b * b) / 2;
function logCodes(a, b) { // log of the mean of the n Gaussians around the codes
  let total = 0;
  for (let k = 0; k < 2 * n; k += 2) {
    const u = a - codes[k], v = b - codes[k + 1], p = precision[k], q = precision[k + 1];
    const exponent = u * u * p + v * v * q;
    if (exponent < 80) total += Math.sqrt(p * q) * Math.exp(-exponent / 2);
  }
  return Math.log(total / n / (2 * Math.PI) + 1e-30);
}
function nearest(a, b) {
  let best = 0, least = Infinity;
  for (let k = 0; k < n; k++) {
    const d = (a - codes[2 * k]) ** 2 + (b - codes[2 * k + 1]) ** 2;
    if (d < least) [least, best] = [d, k];
  }
  return best;
}

// The density of the codes on a grid, computed once: bands that hold 50, 80 and 95 % of the codes; hatched, the holes.
const G = 72;
const field = Float32Array.from({ length: G * G }, (_, i) => logCodes((i % G / (G - 1) * 2 - 1) * R, (1 - Math.floor(i / G) / (G - 1) * 2) * R));
function at(u, v) { // the grid between its points; u, v in 0..1
  const x = clamp(u * (G - 1), 0, G - 1.001), y = clamp(v * (G - 1), 0, G - 1.001), i = Math.floor(x), j = Math.floor(y), k = j * G + i;
  const a = x - i, b = y - j;
  return (field[k] * (1 - a) + field[k + 1] * a) * (1 - b) + (field[k + G] * (1 - a) + field[k + G + 1] * a) * b;
}

const ground = el("canvas", { "aria-hidden": "true" });
const plane = surface("The plane of codes: digits stand at their codes, circles at radius 1, 2 and 3 of the prior, shading where the codes are dense",
  width => Math.min(width, 460), () => { paintGround(); render(); });
plane.node.prepend(ground);
plane.node.style.maxWidth = "460px";
const px = a => (a / R + 1) / 2 * plane.width, py = b => (1 - b / R) / 2 * plane.height;
const rgb = name => { const c = el("canvas").getContext("2d"); c.fillStyle = colour(name); c.fillRect(0, 0, 1, 1); return c.getImageData(0, 0, 1, 1).data; };

function paintGround() {
  if (!plane.width) return; // not laid out yet
  const scale = Math.min(devicePixelRatio || 1, 2), size = ground.width = ground.height = Math.round(plane.width * scale);
  const pen = ground.getContext("2d"), image = pen.createImageData(size, size), blue = rgb("blue"), orange = rgb("orange");
  for (let y = 0, k = 0; y < size; y++) for (let x = 0; x < size; x++, k += 4) {
    const q = at(x / size, y / size), band = config.levels.filter(level => q >= level).length;
    const a = (2 * x / size - 1) * R, b = (2 * y / size - 1) * R;
    const hole = !band && a * a + b * b < 4, stripe = (x + y) / scale % 7 < 1.6;
    const hue = band ? blue : orange;
    image.data.set([hue[0], hue[1], hue[2], band ? [0, 22, 44, 70][band] : hole ? (stripe ? 150 : 28) : 0], k);
  }
  pen.putImageData(image, 0, 0);
}

const HUES = ["blue", "orange", "green", "purple", "gold", "red"];
function drawCodes() {
  const places = Array.from({ length: 8 }, (_, k) => [Math.cos(k * Math.PI / 4 + 0.4), Math.sin(k * Math.PI / 4 + 0.4)]);
  const crowd = ([c, s]) => [1, 2, 3].reduce((sum, r) => sum + Math.max(logCodes(r * c, r * s), -9) + 9 * (Math.hypot(r * c - start[0], r * s - start[1]) < 0.7), 0);
  const [c, s] = places.sort((a, b) => crowd(a) - crowd(b))[0]; // where the fewest codes are hidden
  const circles = [1, 2, 3].map(r => `<circle cx="${px(0)}" cy="${py(0)}" r="${px(r) - px(0)}" fill="none" style="stroke: var(--ink); stroke-width: 1.2; stroke-dasharray: ${r === 2 ? "" : "4 4"}; opacity: .7"/>` +
    text(px(r * c), py(r * s) + 4, ["39 %", "86 %", "99 %"][r - 1], "fill: var(--ink); font-size: 12px", "middle"));
  const glyphs = [...config.labels].map((label, k) =>
    `<text x="${px(codes[2 * k]).toFixed(1)}" y="${(py(codes[2 * k + 1]) + 3.5).toFixed(1)}" style="fill: var(--${HUES[label % 6]}); font-size: ${plane.width < 380 ? 9 : 10.5}px">${label}</text>`);
  return `<g text-anchor="middle" style="opacity: .85">${glyphs.join("")}</g>` + circles.join("");
}

const grab = handle(plane, "Point in the latent plane: arrow keys move it", "ink",
  (x, y) => move((2 * x / plane.width - 1) * R, (1 - 2 * y / plane.height) * R),
  (dx, dy, far) => move(state.z[0] + 0.1 * far * dx, state.z[1] + 0.1 * far * dy));
function move(a, b) {
  state.z = [a, b].map(value => tidy(clamp(value, -R, R)));
  render();
}
const go = (a, b) => glide(state.z, [a, b], to => move(...to));

function picture(label) {
  const canvas = el("canvas", { width: columns, height: rows, role: "img", "aria-label": label }), caption = el("figcaption");
  return { canvas, caption, node: el("figure", {}, canvas, caption), show(values) {
    const pen = canvas.getContext("2d"), image = pen.createImageData(columns, rows), low = rgb("surface"), high = rgb("ink");
    values.forEach((value, i) => {
      const v = clamp(value, 0, 1);
      image.data.set([0, 1, 2].map(c => low[c] + v * (high[c] - low[c])).concat(255), 4 * i);
    });
    pen.putImageData(image, 0, 0);
  } };
}
const here = picture("The image that the decoder makes of the point"), there = picture("The image that the decoder makes of the nearest code");
here.caption.textContent = "decoded here";
const sliders = ["z\u2081", "z\u2082"].map((name, i) => slider(name, { min: -R, max: R, step: 0.01, hue: "ink" }, value => move(...state.z.map((old, j) => i === j ? value : old))));
const facts = { prior: fact("log p(z), prior", "ink"), codes: fact("log q(z), codes", "blue") };

let drawnAt = 0;
function render() {
  if (!plane.width) return;
  const [a, b] = state.z, k = nearest(a, b), p = logPrior(a, b), q = logCodes(a, b);
  if (drawnAt !== plane.width) { plane.draw(drawCodes() + "<g></g>"); drawnAt = plane.width; }
  plane.svg.lastChild.innerHTML = line([[px(a), py(b)], [px(codes[2 * k]), py(codes[2 * k + 1])]], "stroke: var(--ink); stroke-width: 1.5") +
    `<circle cx="${px(codes[2 * k])}" cy="${py(codes[2 * k + 1])}" r="8" fill="none" style="stroke: var(--ink); stroke-width: 1.5"/>`;
  grab.put(px(a), py(b), a, -R, R, `z = (${fixed(a, 2)}, ${fixed(b, 2)})`);
  sliders.forEach((s, i) => s.set(state.z[i], fixed(state.z[i], 2)));
  here.show(decode(state.z));
  there.show(decode([codes[2 * k], codes[2 * k + 1]]));
  there.caption.textContent = `at the nearest code, of a ${config.labels[k]}`;
  facts.prior.number.textContent = fixed(p, 2);
  facts.codes.number.textContent = fixed(q, 2);
  const hole = q < config.levels[0], times = Math.exp(Math.abs(p - q)), many = times > 1000 ? "more than 1000" : short(times);
  say(`z = (${fixed(a, 2)}, ${fixed(b, 2)}): log p(z) ${fixed(p, 2)}, log q(z) ${fixed(q, 2)}; ` +
    (times < 1.15 ? "prior and codes agree. " : `${p > q ? "the prior is" : "the codes are"} ${many} times as dense as ${p > q ? "the codes" : "the prior"}. `) +
    (hole ? "A hole: almost no code is near." : `The nearest code is a ${config.labels[k]}.`));
}

// Draws from the prior, in the same order after each reset.
let seed = 7;
const uniform = () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0, (seed + 0.5) / 2 ** 32);
function draw() {
  const r = Math.sqrt(-2 * Math.log(uniform())), angle = 2 * Math.PI * uniform();
  go(r * Math.cos(angle), r * Math.sin(angle));
}

new MutationObserver(() => { paintGround(); render(); }).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme", "class", "style"] });

stage.append(
  words("p", "gm-asks", "Does every place that the prior uses decode to a digit?"),
  words("p", "gm-note", `Each numeral is the code of one image; blue holds 50, 80 and 95 % of the codes, the circles 39, 86 and 99 % of the prior. ` +
    `Hatched: inside the 86 % circle, but almost no code. ${fixed(100 * config.share, 0)} % of all prior draws land outside the blue.`),
  el("div", { class: "gm-views" }, el("div", {}, plane.node), el("div", {},
    el("div", { class: "gm-pictures" }, here.node, there.node),
    el("div", { class: "gm-facts" }, facts.prior.node, facts.codes.node),
    el("div", { class: "gm-controls gm-two" }, ...sliders.map(s => s.node)),
    el("div", { class: "gm-buttons" }, button("Draw from prior", draw), button("Dense spot", () => go(...config.dense)),
      button("Reset", () => { seed = 7; go(...start); }, { class: "gm-reset" })),
    status)));
root.gm = { state, decode, move, logPrior, logCodes };

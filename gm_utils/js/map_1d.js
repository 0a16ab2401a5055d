// A monotone map x = g(z) = b + a (z + c tanh 3z) of z ~ N(0, 1): its density, and what three mistakes give.

const start = config.start, state = { ...start, mistake: "upside down" };
const LOW = { a: -2, b: -2, c: -0.3, z: -3 }, HIGH = { a: 2, b: 2, c: 1.2, z: 3 };
const Z = 3.3, X = 6.5, STRIP = 0.3, POINTS = 12000;
const phi = z => Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
const g = (z, s = state) => s.b + s.a * (z + s.c * Math.tanh(3 * z));
const stretch = (z, s = state) => Math.abs(s.a) * (1 + 3 * s.c * (1 - Math.tanh(3 * z) ** 2));

// Each candidate as a height over x = g(z), as a function of z, with |f'(x)| = 1/stretch(z).
const heights = {
  right: z => phi(z) / stretch(z),
  "left out": z => phi(z),
  "upside down": z => phi(z) * stretch(z),
  "g for f": z => phi(g(g(z))) / stretch(z),
};
function integral(name) { // over x, by the midpoint rule in z
  let reach = 9, sum = 0;
  if (name === "g for f") while (Math.min(Math.abs(g(g(reach))), Math.abs(g(g(-reach)))) < 9) reach *= 1.2;
  const step = 2 * reach / POINTS;
  for (let i = 0; i < POINTS; i++) {
    const z = -reach + (i + 0.5) * step;
    sum += heights[name](z) * stretch(z);
  }
  return sum * step;
}
function curve(name) {
  return Array.from({ length: 401 }, (_, i) => -7 + i * 14 / 400).map(z => [g(z), heights[name](z)]);
}

function move(a, b, c, z) {
  state.a = clamp(a, LOW.a, HIGH.a);
  if (Math.abs(state.a) < 0.25) state.a = state.a < 0 ? -0.25 : 0.25;
  state.b = clamp(b, LOW.b, HIGH.b);
  state.c = clamp(c, LOW.c, HIGH.c);
  state.z = clamp(z, LOW.z, HIGH.z);
  render();
}
const go = to => { cancelAnimationFrame(gliding); if (to.a * state.a < 0) state.a = to.a;
  glide([state.a, state.b, state.c, state.z], [to.a, to.b, to.c, to.z], now => move(...now)); };

// The map, with the base density under it and the pushed one on its left; equal areas are drawn equal.
const map = surface("The map x = g(z): base density below, density of x at the left, a grid of z sent to x", width => Math.min(width * 0.98, 460), render);
const edge = () => ({ left: map.width * 0.27, bottom: map.height * 0.8 });
const zx = z => edge().left + (z + Z) / (2 * Z) * (map.width - edge().left - 4);
const xy = x => 4 + (X - x) / (2 * X) * (edge().bottom - 4);
const baseScale = () => (map.height - edge().bottom - 20) / 0.42;
const pushScale = () => baseScale() * (zx(1) - zx(0)) / (xy(0) - xy(1));
const grab = handle(map, "The strip on the map: left and right move it, up and down shift the map", "orange",
  (px, py) => {
    const z = clamp(tidy((px - edge().left) / (map.width - edge().left - 4) * 2 * Z - Z), LOW.z, HIGH.z);
    move(state.a, tidy(X - (py - 4) / (edge().bottom - 4) * 2 * X - (g(z) - state.b)), state.c, z);
  },
  (dx, up, far) => move(state.a, tidy(state.b + 0.1 * far * up), state.c, tidy(state.z + 0.1 * far * dx)));

const area = (points, hue, opacity, piece = "") =>
  `<path ${piece} d="M${points.map(p => p[0].toFixed(2) + " " + p[1].toFixed(2)).join("L")}Z" style="fill: var(--${hue}); opacity: ${opacity}"/>`;
const span = (from, to, n) => Array.from({ length: n + 1 }, (_, i) => from + (to - from) * i / n);

function under(from, to, n) { // the base density from z = from to z = to, hanging below the axis
  const at = span(from, to, n), y = edge().bottom;
  return [[zx(from), y], ...at.map(z => [zx(z), y + phi(z) * baseScale()]), [zx(to), y]];
}
function beside(from, to, n) { // the same mass at the left, between g(from) and g(to)
  const at = span(from, to, n), x = edge().left;
  return [[x, xy(g(from))], ...at.map(z => [x - phi(z) / stretch(z) * pushScale(), xy(g(z))]), [x, xy(g(to))]];
}

function drawMap() {
  const { left, bottom } = edge(), lines = [];
  for (let z = -3; z <= 3; z += 0.5) {
    const strong = z === Math.round(z);
    lines.push(line([[zx(z), bottom], [zx(z), xy(g(z))], [left, xy(g(z))]], `stroke: var(--${strong ? "muted" : "grid"}); stroke-width: 1; opacity: ${strong ? 0.5 : 1}`));
  }
  const ticks = [-2, 0, 2].map(z => text(zx(z), map.height - 4, fixed(z, 0), "fill: var(--muted)", "middle")).join("") +
    [-4, -2, 0, 2, 4].map(x => text(2, xy(x) + 4, fixed(x, 0), "fill: var(--muted)")).join("");
  const from = state.z - STRIP / 2, to = state.z + STRIP / 2, clip = config.id + "-clip";
  const strip = area([[zx(from), bottom], ...span(from, to, 8).map(z => [zx(z), xy(g(z))]), [zx(to), bottom]], "orange", 0.14) +
    area([[left, xy(g(from))], ...span(from, to, 8).map(z => [zx(z), xy(g(z))]), [left, xy(g(to))]], "orange", 0.14);
  map.draw(`<defs><clipPath id="${clip}"><rect x="0" y="4" width="${map.width}" height="${bottom - 4}"/></clipPath></defs>` +
    `<g clip-path="url(#${clip})">` + lines.join("") + strip + area(beside(-Z, Z, 240), "blue", 0.25) +
    area(beside(from, to, 12), "orange", 0.85, 'data-strip="x"') +
    line(span(-Z, Z, 200).map(z => [zx(z), xy(g(z))]), "stroke: var(--ink); stroke-width: 2.5") + "</g>" +
    area(under(-Z, Z, 120), "green", 0.25) + area(under(from, to, 12), "orange", 0.85, 'data-strip="z"') +
    `<path d="M${left} 4V${bottom}H${map.width}" fill="none" style="stroke: var(--muted)"/>` + ticks +
    text(map.width - 2, map.height - 4, "z", "fill: var(--green); font-weight: 650", "end") +
    text(2, 16, "x", "fill: var(--blue); font-weight: 650"));
  grab.put(zx(state.z), clamp(xy(g(state.z)), 4, bottom), tidy(state.z), LOW.z, HIGH.z,
    `strip at z = ${fixed(state.z, 2)}, x = ${fixed(g(state.z), 2)}`);
}

// The density of x upright, with what the chosen mistake would draw.
const PEAK = 0.9;
const plot = surface("The density of x and the curve of the chosen mistake", width => Math.min(300, Math.max(220, width * 0.8)), render);
plot.node.classList.add("gm-still");
function drawPlot(whole, wrong) {
  const px = x => (x + X) / (2 * X) * plot.width, floor = plot.height - 24, py = p => floor - p / PEAK * (floor - 44);
  const shape = name => curve(name).map(([x, p]) => [px(x), py(p)]), clip = config.id + "-plot", right = shape("right");
  const ticks = [-4, -2, 0, 2, 4].map(x => text(px(x), plot.height - 6, fixed(x, 0), "fill: var(--muted)", "middle"));
  plot.draw(`<defs><clipPath id="${clip}"><rect x="0" y="44" width="${plot.width}" height="${floor - 43}"/></clipPath></defs><g clip-path="url(#${clip})">` +
    area([[right[0][0], floor], ...right, [right[400][0], floor]], "blue", 0.25) + line(right, "stroke: var(--blue); stroke-width: 3") +
    line(shape(state.mistake), "stroke: var(--red); stroke-width: 2.5; stroke-dasharray: 6 4") + "</g>" +
    `<line x1="0" x2="${plot.width}" y1="${floor}" y2="${floor}" style="stroke: var(--muted)"/>` + ticks.join("") +
    text(4, 16, `right: integral ${fixed(whole)}`, "fill: var(--blue); font-weight: 650") +
    text(4, 34, `${state.mistake}: integral ${fixed(wrong)}`, "fill: var(--red); font-weight: 650"));
}

// "p_z(z)" with its subscripts set, for buttons and the names of numbers.
function maths(label) {
  const out = document.createDocumentFragment();
  out.append(...label.split(/_(\w)/).map((part, i) => i % 2 ? el("sub", { style: "line-height: 0" }, part) : part));
  return out;
}

const controls = {
  a: slider("scale a", { min: LOW.a, max: HIGH.a, step: 0.01, hue: "blue" }, a => move(a, state.b, state.c, state.z)),
  b: slider("shift b", { min: LOW.b, max: HIGH.b, step: 0.01, hue: "blue" }, b => move(state.a, b, state.c, state.z)),
  c: slider("bend c", { min: LOW.c, max: HIGH.c, step: 0.01, hue: "blue" }, c => move(state.a, state.b, c, state.z)),
};
for (const { node } of Object.values(controls)) node.style.rowGap = "4px"; // else the focus ring touches the name
const facts = { base: fact(maths("p_z(z), in the strip"), "green"), stretch: fact("stretch |g\u2032(z)|", "orange"),
  density: fact(maths("p_x(x), their ratio"), "blue"), whole: fact(maths("integral of p_x"), "blue") };
const choices = ["left out", "upside down", "g for f"].map(name => {
  const node = button(maths({ "left out": "left out: p_z(f(x))", "upside down": "upside down: p_z(f(x))\u00b7|g\u2032|", "g for f": "g for f: p_z(g(x))\u00b7|f\u2032(x)|" }[name]),
    () => { state.mistake = name; render(); }, { "data-mistake": name });
  return { name, node };
});

function render() {
  if (!map.width || !plot.width) return;
  const whole = integral("right"), wrong = integral(state.mistake), px = phi(state.z) / stretch(state.z);
  drawMap();
  drawPlot(whole, wrong);
  for (const [name, control] of Object.entries(controls)) control.set(state[name], fixed(state[name], 2));
  for (const { name, node } of choices) node.setAttribute("aria-pressed", name === state.mistake);
  facts.base.number.textContent = fixed(phi(state.z));
  facts.stretch.number.textContent = fixed(stretch(state.z));
  facts.density.number.textContent = fixed(px);
  facts.whole.number.textContent = fixed(whole);
  say(`At z = ${fixed(state.z, 2)} the map stretches by ${fixed(stretch(state.z), 2)}: the density falls from ${fixed(phi(state.z))} to ${fixed(px)}. Right formula: integral ${fixed(whole)}; ${state.mistake}: ${fixed(wrong)}.`
    .replace("falls", stretch(state.z) < 1 ? "rises" : "falls"));
}

stage.append(
  words("p", "gm-asks", "Where the map pulls the grid apart, what must the density do?"),
  words("p", "gm-note", "x = b + a(z + c tanh 3z). The two orange strips have the same area, wherever they stand. Drag the strip; move a, b and c."),
  el("div", { class: "gm-views" },
    el("div", {}, words("p", "gm-view-title", "The map: z below, x at the left"), map.node),
    el("div", {}, words("p", "gm-view-title", "The density of x, and a mistake"), plot.node,
      words("p", "gm-view-title", "The mistake:", { style: "margin-top: .6rem" }), el("div", { class: "gm-buttons" }, ...choices.map(c => c.node)))),
  el("div", { class: "gm-facts gm-four", style: "margin-top: .8rem" }, ...Object.values(facts).map(item => item.node)),
  el("div", { class: "gm-controls", style: "grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr))" }, controls.a.node, controls.b.node, controls.c.node),
  el("div", { class: "gm-buttons" }, ...config.states.map(s => button(s.name, () => go(s))),
    button("Reset", () => { state.mistake = "upside down"; go(start); }, { class: "gm-reset" })),
  status);
root.gm = { state, g, stretch, integral, move };

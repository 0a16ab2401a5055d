// A joint table of two variables with two values each: the reader drags its cells, the entropies follow.
// cells[2 i + j] = P(X = i + 1, Y = j + 1); the other cells share what is left in the proportions that they have.

const state = { cells: [...config.start], unit: "nats" };
const BITS = Math.LN2;
const plogp = p => (p > 0 ? -p * Math.log(p) : 0);
const entropy = ps => ps.reduce((h, p) => h + plogp(p), 0);

// All in nats; given[j] is H(X | Y = j + 1), NaN where P(Y = j + 1) = 0.
function terms() {
  const [a, b, c, d] = state.cells, px = [a + b, c + d], py = [a + c, b + d];
  const hx = entropy(px), hy = entropy(py), hxy = entropy(state.cells);
  const given = [[a, c], [b, d]].map((column, j) => (py[j] > 0 ? entropy(column.map(p => p / py[j])) : NaN));
  const rest = x => Math.max(x, 0); // rounding
  return { px, py, given, hx, hy, hxy, hxGivenY: rest(hxy - hy), hyGivenX: rest(hxy - hx), mi: rest(hx + hy - hxy) };
}

function drag(i, value) {
  const p = clamp(value, 0, 1), left = 1 - state.cells[i];
  set(state.cells.map((q, k) => (k === i ? p : left > 1e-9 ? q * (1 - p) / left : (1 - p) / 3)));
}
function set(cells) {
  state.cells = cells;
  render();
}
const go = cells => glide(state.cells, cells, set);
const shown = nats => (Number.isNaN(nats) ? "\u2013" : fixed(nats / (state.unit === "bits" ? BITS : 1)));

// The table: four tiles, filled as high as the cell is probable.
const cells = [0, 1, 2, 3].map(i => {
  const name = `P(X = ${(i >> 1) + 1}, Y = ${(i & 1) + 1})`;
  const view = surface(name, () => 92, render);
  view.node.style.background = "var(--surface)";
  const level = py => 1 - (py - 10) / (view.height - 20);
  const grip = handle(view, name, "blue", (px, py) => drag(i, tidy(level(py))), (dx, up, far) => drag(i, tidy(state.cells[i] + 0.01 * far * (dx + up))));
  return { view, draw() {
    const p = state.cells[i], y = 10 + (1 - p) * (view.height - 20), mid = view.width / 2;
    view.draw(`<rect x="0" y="${y}" width="${view.width}" height="${view.height - 10 - y}" style="fill: var(--blue); opacity: .3"/>` +
      `<line x1="0" x2="${view.width}" y1="${y}" y2="${y}" style="stroke: var(--blue); stroke-width: 2"/>` +
      text(7, p > 0.75 ? view.height - 17 : 18, fixed(p), "font-weight: 650"));
    grip.put(Math.max(mid, view.width - 24), y, p.toFixed(3), 0, 1, fixed(p));
  } };
});
const edge = () => el("p", { style: "font-size: 13px; color: var(--muted); align-self: center; text-align: center; line-height: 1.35" });
const rows = [edge(), edge()], columns = [edge(), edge()];
const head = content => words("p", "", content, { style: "font-size: 13.5px; text-align: center; align-self: center" });
const table = el("div", { style: "display: grid; grid-template-columns: auto minmax(0, 1fr) minmax(0, 1fr) 4.1rem; gap: 5px 6px" },
  head(""), head("Y = 1"), head("Y = 2"), head("p(x)"),
  head("X = 1"), cells[0].view.node, cells[1].view.node, rows[0],
  head("X = 2"), cells[2].view.node, cells[3].view.node, rows[1],
  el("span"), ...columns, el("span"));

// The diagram: every length is an entropy, on one scale from 0 to 2 log 2.
const TOP = 2 * Math.log(2);
const bars = surface("Bars whose lengths are the joint entropy, the two entropies and the three parts of the joint entropy", () => 236, render);
bars.node.classList.add("gm-still");

function drawBars(t) {
  const x = h => 8 + h / TOP * (bars.width - 16), tall = 36, top = [8, 56, 104, 152];
  const bar = (row, from, to, hue, opacity) =>
    `<rect x="${x(from)}" y="${top[row]}" width="${Math.max(x(to) - x(from), 0)}" height="${tall}" style="fill: var(--${hue}); opacity: ${opacity}"/>`;
  const named = (row, from, to, hue, label, opacity) => { // beside the bar where it is too short for its name
    const inside = x(to) - x(from) > 7 * label.length + 6;
    return bar(row, from, to, hue, opacity) + text(inside ? (x(from) + x(to)) / 2 : x(to) + 5, top[row] + tall / 2 + 4.5, label, "", inside ? "middle" : "start", "");
  };
  // The parts lie end to end and their names stand below, pushed apart; a part of no length has no name.
  const parts = [[0, t.hxGivenY, "blue", "H(X|Y)", 0.35], [t.hxGivenY, t.hx, "purple", "I(X;Y)", 0.5], [t.hx, t.hxy, "orange", "H(Y|X)", 0.35]];
  const names = parts.filter(([from, to]) => x(to) - x(from) > 0.5), middle = names.map(([from, to]) => (x(from) + x(to)) / 2), at = [];
  middle.forEach((m, i) => { at[i] = Math.max(m, i ? at[i - 1] + 48 : 30); });
  for (let i = at.length - 1, most = bars.width - 26; i >= 0; most = at[i--] - 48) at[i] = Math.min(at[i], most);
  const below = names.map(([, , hue, label], i) => `<path d="M${middle[i]} 188L${at[i]} 196" style="stroke: var(--${hue})"/>` +
    text(at[i], 209, label, `fill: var(--${hue})`, "middle", ""));
  const cut = h => `<path d="M${x(h)} 44v12m0 36v12m0 36v12" style="stroke: var(--muted)"/>`; // between the bars
  const unit = state.unit === "bits" ? BITS : 1, ticks = [];
  for (let k = 0; k * unit * 0.5 <= TOP + 1e-9; k++) {
    const end = x(k * unit * 0.5) > bars.width - 14;
    ticks.push(text(x(k * unit * 0.5), 230, k ? fixed(k / 2, 1) : `0 ${state.unit}`, "fill: var(--muted)", k ? end ? "end" : "middle" : "start"));
  }
  bars.draw(cut(t.hxGivenY) + cut(t.hx) + named(0, 0, t.hxy, "muted", "H(X,Y)", 0.3) + named(1, 0, t.hx, "blue", "H(X)", 0.35) +
    named(2, t.hxGivenY, t.hxy, "orange", "H(Y)", 0.35) + parts.map(([from, to, hue, , opacity]) => bar(3, from, to, hue, opacity)).join("") +
    below.join("") + ticks.join(""));
}

const facts = { hx: fact("H(X)", "blue"), hy: fact("H(Y)", "orange"), hxy: fact("H(X,Y)", "muted"),
  hxGivenY: fact("H(X|Y)", "blue"), hyGivenX: fact("H(Y|X)", "orange"), mi: fact("I(X;Y)", "purple") };
for (const [name, { number }] of Object.entries(facts)) number.setAttribute("data-term", name);

const units = ["nats", "bits"].map(name => button(name, () => { state.unit = name; render(); }));
const presets = config.presets.map(({ name, cells }) => button(name, () => go(cells)));

function render() {
  if (!bars.width || cells.some(cell => !cell.view.width)) return;
  const t = terms();
  cells.forEach(cell => cell.draw());
  rows.forEach((node, i) => { node.textContent = fixed(t.px[i]); });
  columns.forEach((node, j) => {
    const more = t.given[j] > t.hx + 5e-4;
    node.replaceChildren(`P = ${fixed(t.py[j])}`, el("br"), `H(X|Y=${j + 1})`, el("br"),
      el("b", { "data-given": j + 1, style: `color: var(--${more ? "red" : "ink"})` }, shown(t.given[j])));
  });
  drawBars(t);
  for (const [name, { number }] of Object.entries(facts)) number.textContent = `${shown(t[name])} ${state.unit}`;
  units.forEach(node => node.setAttribute("aria-pressed", node.textContent === state.unit));
  const worse = t.given.findIndex(h => h > t.hx + 5e-4);
  say(`H(X) = ${shown(t.hx)}, on average H(X|Y) = ${shown(t.hxGivenY)}, so I(X;Y) = ${shown(t.mi)} ${state.unit}.` +
    (t.mi < 5e-7 ? " The variables are independent." : "") +
    (worse < 0 ? "" : ` The outcome Y = ${worse + 1} raises the entropy of X to ${shown(t.given[worse])}.`));
}

stage.append(
  words("p", "gm-asks", "Can seeing Y make X less certain?"),
  words("p", "gm-note", "Drag a cell up or down; the other three keep their proportions. Red: an outcome of Y after which X is less certain than before."),
  el("div", { class: "gm-views" },
    el("div", {}, words("p", "gm-view-title", "The joint table p(x, y)"), table),
    el("div", {}, words("p", "gm-view-title", "Its entropies, as lengths"), bars.node)),
  el("div", { class: "gm-facts", style: "grid-template-columns: repeat(3, minmax(0, 1fr)); column-gap: .5rem; margin-top: .8rem" }, ...Object.values(facts).map(f => f.node)),
  el("div", { class: "gm-buttons", style: "margin-top: .9rem" }, ...presets,
    el("span", { role: "group", "aria-label": "unit", class: "gm-buttons" }, ...units),
    button("Reset", () => { state.unit = "nats"; go(config.start); }, { class: "gm-reset" })),
  status);
root.gm = { state, terms, set, drag };

// Linear theory: a latent lives where its eigenvalue is above the noise; it then carries half the log of their ratio.

const { eigenvalues, latents, marks, measured } = config, D = eigenvalues.length;
const LOW = Math.log10(config.range[0]), HIGH = Math.log10(config.range[1]);
const total = eigenvalues.reduce((a, b) => a + b, 0);
const state = { noise: config.start };

function theory(noise) {
  let kl = 0, live = 0, error = 0, elbo = -D / 2 * Math.log(2 * Math.PI);
  eigenvalues.forEach((value, i) => {
    const lives = i < latents && value > noise;
    live += lives;
    kl += lives ? Math.log(value / noise) / 2 : 0;
    error += lives ? noise * noise / value : value;
    elbo -= lives ? (Math.log(value) + 1) / 2 : (Math.log(noise) + value / noise) / 2;
  });
  return { kl, live, error, elbo };
}

function move(log10) {
  state.noise = 10 ** clamp(log10, LOW, HIGH);
  const mark = marks.find(m => Math.abs(Math.log10(m.noise / state.noise)) < 0.006);
  if (mark) state.noise = mark.noise;
  render();
}
const go = noise => glide([Math.log10(state.noise)], [Math.log10(noise)], to => move(to[0]));

// Eigenvalues on a logarithmic axis: what stands above the water line is twice the KL.
const SHOWN = Math.min(D, 40);
const bars = surface("Eigenvalues as bars and the noise variance as a water line", width => Math.min(330, Math.max(250, width * 0.75)), render);
const by = value => 12 + (HIGH - clamp(Math.log10(Math.max(value, 1e-30)), LOW, HIGH)) / (HIGH - LOW) * (bars.height - 40);
const grab = handle(bars, "Assumed noise variance: up and down move the water line", "gold",
  (x, y) => move(HIGH - (y - 12) / (bars.height - 40) * (HIGH - LOW)), (dx, dy, far) => move(Math.log10(state.noise) + 0.02 * far * (dx + dy)));

function drawBars() {
  const left = 40, step = (bars.width - left - 4) / SHOWN, water = by(state.noise), floor = by(0);
  const ticks = [];
  for (let e = Math.ceil(LOW); e <= HIGH; e++)
    ticks.push(`<line x1="${left}" x2="${bars.width}" y1="${by(10 ** e)}" y2="${by(10 ** e)}" style="stroke: var(--grid)"/>` + text(left - 6, by(10 ** e) + 4, short(10 ** e), "fill: var(--muted)", "end"));
  const columns = eigenvalues.slice(0, SHOWN).map((value, i) => {
    const x = left + 2 + i * step, top = by(value), lives = i < latents && value > state.noise, split = Math.max(top, lives ? water : top);
    const rect = (y, to, hue, opacity) => to > y ? `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${Math.max(step - 1.5, 1.5).toFixed(1)}" height="${(to - y).toFixed(1)}" style="fill: var(--${hue}); opacity: ${opacity}"/>` : "";
    return rect(top, split, "blue", 0.95) + rect(split, floor, i < latents ? "muted" : "grid", i < latents ? 0.55 : 1);
  });
  bars.draw(ticks.join("") + columns.join("") +
    `<rect x="${left}" y="${water}" width="${bars.width - left}" height="${floor - water}" style="fill: var(--gold); opacity: .13"/>` +
    `<line x1="${left}" x2="${bars.width}" y1="${water}" y2="${water}" style="stroke: var(--gold); stroke-width: 2.5"/>` +
    text(bars.width - 50, water + (water > 40 ? -8 : 18), "noise " + short(state.noise), "fill: var(--gold); font-weight: 650", "end") +
    text(left + 2, bars.height - 8, `the ${latents} latents`, "fill: var(--muted)") +
    (SHOWN > latents + 12 ? text(bars.width, bars.height - 8, SHOWN < D ? `${SHOWN} of ${D} directions` : `${D} directions`, "fill: var(--muted)", "end") : "") +
    `<line x1="${left}" x2="${left + latents * step}" y1="${floor + 3}" y2="${floor + 3}" style="stroke: var(--ink); stroke-width: 2"/>`);
  grab.put(bars.width - 24, water, Number(state.noise.toPrecision(3)), 10 ** LOW, 10 ** HIGH, `noise variance ${short(state.noise)}`);
}

// The trade: one point for each noise, from the mean image (KL 0) to faithful copies.
const trade = surface("Squared error against KL as the noise moves", width => Math.min(330, Math.max(250, width * 0.85)), render);
trade.node.classList.add("gm-still");
const most = Math.max(...marks.map(m => theory(m.noise).kl), ...measured.map(m => m.kl), theory(10 ** LOW).kl * 0.6) * 1.06;
const kx = kl => 34 + Math.min(kl, most) / most * (trade.width - 46);
const ey = error => 14 + (1 - error / total) * (trade.height - 50);

function drawTrade(t) {
  const points = Array.from({ length: 161 }, (_, i) => theory(10 ** (LOW + i / 160 * (HIGH - LOW)))).filter(p => p.kl <= most);
  const step = most > 12 ? 5 : most > 5 ? 2 : 1, ticks = [];
  for (let k = 0; k <= most; k += step) ticks.push(text(kx(k), trade.height - 20, fixed(k, 0), "fill: var(--muted)", "middle"));
  for (let e = 0; e <= total; e += total > 20 ? 10 : 1) ticks.push(text(28, ey(e) + 4, fixed(e, 0), "fill: var(--muted)", "end"));
  const labels = [];
  const dots = marks.map(m => {
    const p = theory(m.noise), x = kx(p.kl), y = ey(p.error);
    labels.push({ x: x + 11, y: y + (p.kl < 0.02 ? 4 : -5), name: m.name, hue: "ink" });
    return `<circle cx="${x}" cy="${y}" r="5" style="fill: var(--ground); stroke: var(--ink); stroke-width: 2"/>`;
  });
  const seen = measured.map(m => {
    const x = kx(m.kl), y = ey(Math.min(m.error, total));
    labels.push({ x: x + 11, y: y + 20, name: m.name, hue: "orange" });
    return `<path d="M${x} ${y - 6}l6 6l-6 6l-6 -6Z" style="fill: var(--orange)"/>`;
  });
  labels.sort((a, b) => a.y - b.y).forEach((label, i) => { // no two names on each other
    for (const above of labels.slice(0, i)) if (Math.abs(above.x - label.x) < 110) label.y = Math.max(label.y, above.y + 15);
    label.end = label.x + 7.5 * label.name.length > trade.width;
  });
  const names = labels.map(l => text(l.end ? l.x - 4 : l.x, l.y, l.name, `fill: var(--${l.hue})`, l.end ? "end" : "start"));
  trade.draw(`<path d="M34 ${ey(total) - 6}V${ey(0)}H${trade.width}" fill="none" style="stroke: var(--muted)"/>` + ticks.join("") +
    text(trade.width, trade.height - 4, "KL, nats per image", "fill: var(--muted)", "end") +
    line(points.map(p => [kx(p.kl), ey(p.error)]), "stroke: var(--blue); stroke-width: 2.5") + seen.join("") + dots.join("") + names.join("") +
    `<circle cx="${kx(t.kl)}" cy="${ey(t.error)}" r="7" style="fill: var(--gold); stroke: var(--ground); stroke-width: 2; opacity: ${t.kl > most ? 0.3 : 1}"/>`);
}

const noise = slider("assumed noise variance (log scale)", { min: LOW, max: HIGH, step: 0.01, hue: "gold" }, move);
const facts = { live: fact("live latents", "blue"), kl: fact("KL, nats", "blue"), error: fact(`error of ${fixed(total, 2)}`, "gold"), elbo: fact("ELBO, nats", "green") };

function render() {
  if (!bars.width || !trade.width) return;
  const t = theory(state.noise), name = marks.find(m => m.noise === state.noise);
  drawBars();
  drawTrade(t);
  noise.set(Math.log10(state.noise), short(state.noise));
  facts.live.number.textContent = `${t.live} of ${latents}`;
  facts.kl.number.textContent = fixed(t.kl, 3);
  facts.error.number.textContent = fixed(t.error, 3);
  facts.elbo.number.textContent = fixed(t.elbo, 2);
  say(`Noise ${short(state.noise)}${name ? ", " + name.name : ""}: ${t.live} of ${latents} latents live, KL ${fixed(t.kl, 3)} nats, squared error ${fixed(t.error, 3)} of ${fixed(total, 2)}.` +
    (t.live ? "" : " Every image is reconstructed as the mean image."));
}

stage.append(
  words("p", "gm-asks", "How many latents does the loss keep alive?"),
  words("p", "gm-note", "A latent lives while its eigenvalue stands above the noise that the loss assumes; on this scale what stands above water is twice its KL. Move the water line."),
  el("div", { class: "gm-views" },
    el("div", {}, words("p", "gm-view-title", "Eigenvalues of the data, log scale"), bars.node),
    el("div", {}, words("p", "gm-view-title", "Squared error against KL" + (measured.length ? " (\u25c6 trained networks)" : "")), trade.node)),
  el("div", { class: "gm-controls" }, noise.node),
  el("div", { class: "gm-facts gm-four" }, ...Object.values(facts).map(f => f.node)),
  el("div", { class: "gm-buttons", style: "margin-top: .9rem" }, ...marks.map(m => button(`${m.name} (${short(m.noise)})`, () => go(m.noise))),
    button("Reset", () => go(config.start), { class: "gm-reset" })),
  status);
root.gm = { state, theory, move };

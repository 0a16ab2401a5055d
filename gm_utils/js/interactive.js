// What the interactive figures share: elements, one handle that is dragged, sliders, a sentence that is read aloud.
// A figure keeps its numbers in one object and draws everything anew from it; SVG follows the page's colours by itself.

const root = [...document.querySelectorAll("#" + config.id)].find(node => !node.classList.contains("gm-live"));
if (!root) return;
root.classList.add("gm-live");

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "class") node.className = value;
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

const stage = el("div", { class: "gm-stage" });
root.prepend(stage);

const clamp = (x, low, high) => Math.min(high, Math.max(low, x));
const fixed = (x, digits = 3) => (x.toFixed(digits) * 1 < 0 ? "\u2212" : "") + Math.abs(x).toFixed(digits);
const short = x => Number(x.toPrecision(2)).toString().replace("-", "\u2212");
const tidy = value => Math.round(value * 100) / 100;
const colour = name => getComputedStyle(root).getPropertyValue("--" + name).trim();

function words(tag, css, text, extra = {}) {
  return el(tag, { class: css, ...extra }, text);
}

function button(text, onclick, extra = {}) {
  return el("button", { type: "button", onclick, ...extra }, text);
}

// A native slider with its value beside its name; set(value, text) moves it without an event.
function slider(name, { min, max, step, hue }, oninput) {
  const output = el("b", { "aria-hidden": "true" });
  const input = el("input", { type: "range", min, max, step, style: `--hue: var(--${hue})` });
  input.addEventListener("input", () => oninput(Number(input.value)));
  const node = el("label", {}, el("span", {}, name), output, input);
  return { node, input, set(value, text) {
    input.value = value;
    output.textContent = text;
    input.setAttribute("aria-valuetext", text);
  } };
}

// A named number: write to `number.textContent`.
function fact(label, hue) {
  const number = el("b"), title = el("span", {}, label);
  return { number, title, node: el("div", { style: `--hue: var(--${hue})` }, title, number) };
}

// One polite sentence, said when the reader has come to rest.
const status = el("p", { class: "gm-say", role: "status", "aria-live": "polite" });
let waiting = 0;
function say(text) {
  clearTimeout(waiting);
  waiting = setTimeout(() => { if (status.textContent !== text) status.textContent = text; }, status.textContent ? 350 : 0);
}

// A drawing surface; paint(width, height) runs when its size changes, height(width) gives its height.
function surface(label, height, paint) {
  const node = el("div", { class: "gm-surface" });
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  node.append(svg);
  const view = { node, svg, width: 0, height: 0, draw(markup) { svg.innerHTML = markup; } };
  new ResizeObserver(() => {
    const width = Math.round(node.clientWidth);
    if (!width || width === view.width) return;
    view.width = width;
    view.height = height(width);
    node.style.height = view.height + "px";
    svg.setAttribute("viewBox", `0 0 ${width} ${view.height}`);
    paint();
  }).observe(node);
  return view;
}

// A handle that mouse, finger and arrow keys move: moved(x, y) in pixels of the surface, keyed(dx, dy, far) in steps.
function handle(view, label, hue, moved, keyed) {
  const knob = el("div", { class: "gm-handle", tabindex: 0, role: "slider", "aria-label": label, "aria-valuenow": 0, style: `--hue: var(--${hue})` });
  const at = event => {
    const box = view.node.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  let from = null; // where a drag or a tap began
  view.node.append(knob);
  view.node.addEventListener("pointerdown", event => {
    if (event.button) return;
    const drag = event.target === knob || event.pointerType === "mouse";
    from = { drag, x: event.clientX, y: event.clientY };
    if (!drag) return;
    event.preventDefault();
    view.node.setPointerCapture(event.pointerId);
    view.node.classList.add("gm-drag");
    knob.focus({ preventScroll: true });
    if (event.target !== knob) moved(...at(event));
  });
  view.node.addEventListener("pointermove", event => { if (from && from.drag) moved(...at(event)); });
  view.node.addEventListener("pointerup", event => {
    if (from && !from.drag && Math.hypot(event.clientX - from.x, event.clientY - from.y) < 10) moved(...at(event));
    from = null;
    view.node.classList.remove("gm-drag");
  });
  view.node.addEventListener("pointercancel", () => { from = null; view.node.classList.remove("gm-drag"); });
  const keys = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  knob.addEventListener("keydown", event => {
    if (!(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keyed(...keys[event.key], event.shiftKey ? 5 : 1);
  });
  return { knob, put(x, y, value, low, high, text) {
    knob.style.left = x + "px";
    knob.style.top = y + "px";
    for (const [key, content] of Object.entries({ valuenow: value, valuemin: low, valuemax: high, valuetext: text }))
      knob.setAttribute("aria-" + key, content);
  } };
}

// Glide from one list of numbers to another; at once where the reader asks for less motion.
let gliding = 0;
function glide(from, to, step) {
  cancelAnimationFrame(gliding);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches || document.hidden) return step(to);
  const begin = performance.now();
  const frame = now => {
    const t = clamp((now - begin) / 450, 0, 1), s = t * t * (3 - 2 * t);
    step(t < 1 ? from.map((x, i) => x + s * (to[i] - x)) : to);
    if (t < 1) gliding = requestAnimationFrame(frame);
  };
  gliding = requestAnimationFrame(frame);
}

// SVG in strings: a line through points, a text, a tick.
const line = (points, style) => `<path d="M${points.map(p => p[0].toFixed(1) + " " + p[1].toFixed(1)).join("L")}" fill="none" style="${style}"/>`;
const text = (x, y, content, style = "", anchor = "start", css = "halo") =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" class="${css}" style="${style}">${content}</text>`;

// What Python sends: float16 numbers, little-endian in base64, and networks of them.
function halves(base64) {
  const bytes = Uint8Array.from(atob(base64), c => c.charCodeAt(0));
  return Float32Array.from({ length: bytes.length / 2 }, (_, i) => {
    const bits = bytes[2 * i] | bytes[2 * i + 1] << 8, exponent = bits >> 10 & 31, fraction = bits & 1023;
    const size = exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction;
    return bits >> 15 ? -size : size;
  });
}

const ACTIVATIONS = { relu: a => Math.max(0, a), tanh: a => Math.tanh(a), sigmoid: a => 1 / (1 + Math.exp(-a)), silu: a => a / (1 + Math.exp(-a)) };
function perceptron({ layers, weights }) { // each layer's weights (out, in) row by row, then its bias
  const numbers = halves(weights);
  return input => {
    let x = Float64Array.from(input), at = 0;
    for (const layer of layers) {
      if (typeof layer === "string") { x = x.map(ACTIVATIONS[layer]); continue; }
      const [inputs, outputs] = layer, y = new Float64Array(outputs), bias = at + inputs * outputs;
      for (let o = 0; o < outputs; o++, at += inputs) {
        y[o] = numbers[bias + o];
        for (let i = 0; i < inputs; i++) y[o] += numbers[at + i] * x[i];
      }
      at = bias + outputs;
      x = y;
    }
    return x;
  };
}

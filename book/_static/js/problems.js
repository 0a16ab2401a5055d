// Practice problems: an answer to type, a verdict with its reason, new numbers as often as one likes.
(() => {
  "use strict";
  const { make, button, store, load, now } = window.gm;
  const bank = new Map();
  window.gmProblem = (id, problem) => bank.set(id, problem);

  async function fetchProblem(id) {
    if (!/^[\w-]+$/.test(id)) throw new Error("not a problem: " + id);
    if (!bank.has(id)) await load("problems/" + id + ".js");
    return bank.get(id);
  }

  // -- reading a number: [sign] digits [. or , digits] [e exponent], or two such with one slash between

  const DECIMAL = /^([+-]?)\s*(\d+(?:[.,]\d*)?|[.,]\d+)(?:e([+-]?\d+))?$/i;
  const plain = (text) => text.replace(/[\u2010-\u2013\u2212\ufe63\uff0d]/g, "-").replace(/[\u2044\u2215]/g, "/").trim();

  function decimal(text) {
    const m = DECIMAL.exec(text.trim());
    return m ? Number(m[1] + m[2].replace(",", ".") + (m[3] ? "e" + m[3] : "")) : NaN;
  }

  // -> {value} or {error: what to do about it}
  function readNumber(text) {
    const typed = plain(text);
    if (!typed) return { error: "Type a number, for example 0.25, 1/4 or 2.5e-1." };
    const parts = typed.split("/");
    const [over, under] = parts.map(decimal);
    const value = parts.length === 1 ? over : parts.length === 2 ? over / under : NaN;
    if (parts.length === 2 && under === 0) return { error: "A fraction needs a denominator that is not zero." };
    if (Number.isFinite(value)) return { value };
    const unit = /^([^a-z%]*[\d.,](?:e[+-]?\d+)?)\s*([a-z%°µ][a-z%°µ/²³]*)$/i.exec(typed);
    if (unit && Number.isFinite(decimal(unit[1]))) return { error: `Leave out “${unit[2]}”: type the number alone, ${unit[1].trim()}.` };
    if (/\d[.,]\d+[.,]\d/.test(typed) || /\d\s+\d/.test(typed)) {
      return { error: "Use one decimal point or comma, and nothing between thousands." };
    }
    if (/[a-z(^*×·√]/i.test(typed)) return { error: "Work it out to one number first, for example 0.25, 1/4 or 2.5e-1." };
    return { error: "That cannot be read as a number. Try 0.25, 1/4 or 2.5e-1." };
  }

  // -> {right} or {right: false, diagnosis: html or "", near: within three times the tolerance}
  function grade(variant, value) {
    const slack = (target) => Math.max(variant.tolerance.abs, variant.tolerance.rel * Math.abs(target));
    const away = (target) => Math.abs(value - target);
    if (away(variant.answer) <= slack(variant.answer)) return { right: true };
    const known = (variant.mistakes || []).filter((m) => away(m.answer) <= slack(m.answer))
      .sort((a, b) => away(a.answer) - away(b.answer))[0];
    return { right: false, diagnosis: known ? known.diagnosis : "", near: away(variant.answer) <= 3 * slack(variant.answer) };
  }

  function shown(number) {
    const text = Number.isInteger(number) ? String(number) : String(Number(number.toPrecision(4)));
    return text.replace("-", "\u2212");
  }

  // A variant that was not seen lately; if all were, the one seen longest ago.
  function fresh(variants, recent, current) {
    const others = variants.filter((v) => v.seed !== current);
    const unseen = others.filter((v) => !recent.includes(v.seed));
    if (unseen.length) return unseen[Math.floor(Math.random() * unseen.length)];
    return others.sort((a, b) => recent.indexOf(a.seed) - recent.indexOf(b.seed))[0] || variants[0];
  }

  function record(id, seed, tries, right) {
    const old = store.problem(id) || { attempts: 0, correct: 0, recent: [] };
    const recent = [...old.recent.filter((s) => s !== seed), seed].slice(-12);
    store.setProblem(id, {
      attempts: old.attempts + tries, correct: old.correct + right, seed, time: now().getTime(), recent,
    });
  }

  // -- the form

  function fill(fold, html) {
    if (!fold) return;
    fold.open = false;
    while (fold.lastChild !== fold.querySelector("summary")) fold.lastChild.remove();
    const inside = document.createElement("template");
    inside.innerHTML = html;
    fold.append(inside.content);
  }

  class Try {
    constructor(box, { seed = 0, done = () => {} } = {}) {
      const part = (name) => box.querySelector(".gm-" + name);
      for (const name of ["hint", "solution"]) {             // the site's own folds, where the build made some of ours
        const fold = part("fold-" + name);
        if (fold) fold.className = "gm-" + name;
      }
      Object.assign(this, { box, id: box.dataset.problem, seed, done });
      Object.assign(this, { statement: part("statement"), hint: part("hint"), solution: part("solution") });
      this.reset();
      this.build();
      this.hint?.querySelector("summary").addEventListener("click", () => { this.offer.hidden = true; });
      this.solution?.querySelector("summary").addEventListener("click", () => { this.peeked = true; });
    }

    reset() { Object.assign(this, { peeked: false, solved: false, last: null }); }

    build() {
      const name = this.box.id || "gm-" + this.id.toLowerCase();
      this.statement.id ||= name + "-statement";
      this.input = make("input", {
        type: "text", id: name + "-answer", autocomplete: "off", spellcheck: false, enterKeyHint: "done",
      });
      this.input.setAttribute("autocapitalize", "off");
      this.input.setAttribute("aria-describedby", this.statement.id);
      this.unit = make("span", { className: "gm-unit" });
      this.again = button("New numbers", (event) => this.renew(event));
      const check = make("button", { type: "submit", className: "gm-button gm-main" }, "Check");
      this.form = make("form", { className: "gm-try", noValidate: true },
        make("label", { htmlFor: this.input.id }, "Your answer"),
        make("span", { className: "gm-field" }, this.input, this.unit), check, this.again);
      this.form.addEventListener("submit", (event) => { event.preventDefault(); this.check(); });
      this.input.addEventListener("focus", () => this.problem().then((p) => this.label(p), () => {}), { once: true });
      this.input.addEventListener("input", () => this.input.removeAttribute("aria-invalid"));
      this.said = make("div", { className: "gm-said" });
      this.said.setAttribute("role", "status");
      this.offer = button("Show the hint", () => this.unfold());
      this.offer.hidden = true;
      this.statement.after(this.form, make("div", { className: "gm-verdict" }, this.said, this.offer));
    }

    problem() { return fetchProblem(this.id); }

    async variant() {
      const { variants } = await this.problem();
      return variants.find((v) => v.seed === this.seed) || variants[0];
    }

    label(problem) { this.unit.textContent = problem.variants[0].unit || ""; }

    say(state, ...words) {
      this.box.dataset.state = state;
      this.said.replaceChildren(...words);
      this.offer.hidden = true;
    }

    unfold() {
      this.hint.open = true;
      this.offer.hidden = true;
      this.hint.querySelector("summary").focus();
    }

    unloaded() { this.say("unsure", "The numbers of this problem could not be loaded. Its solution is below."); }

    async check() {
      const { value, error } = readNumber(this.input.value);
      if (error) {
        this.input.setAttribute("aria-invalid", "true");
        this.say("unsure", error);
        this.input.focus();
        return;
      }
      let variant;
      try { variant = await this.variant(); } catch { this.unloaded(); return; }
      const verdict = grade(variant, value);
      if (!this.solved && value !== this.last) record(this.id, this.seed, 1, verdict.right && !this.peeked ? 1 : 0);
      this.last = value;
      if (verdict.right) this.right(variant); else this.wrong(verdict);
      this.done(verdict.right, this.peeked);
    }

    right(variant) {
      const unit = variant.unit ? " " + variant.unit : "";
      const counts = this.peeked && !this.solved ? " The solution was open, so this one does not count: try new numbers." : "";
      this.solved = true;
      this.say("right", make("strong", {}, "Right"), `: ${shown(variant.answer)}${unit}.${counts}`);
      if (this.solution) this.solution.open = true;
    }

    wrong({ diagnosis, near }) {
      const why = document.createElement("template");
      why.innerHTML = diagnosis || (near ? "Close, but further away than rounding allows: keep more digits until the end." : "");
      this.say("wrong", make("strong", {}, "Not yet."), " ", why.content);
      if (diagnosis || near || !this.hint) return;
      if (this.hint.open) this.said.append("Look at the hint once more, or open the solution.");
      else this.offer.hidden = false;
    }

    async renew(event) {
      let problem;
      try { problem = await this.problem(); } catch { this.unloaded(); return; }
      const recent = store.problem(this.id)?.recent || [];
      this.show(problem, fresh(problem.variants, recent, this.seed));
      record(this.id, this.seed, 0, 0);
      this.say("", "New numbers.");
      // A finger on a phone: the keyboard would hide what is to be read.
      if (event.detail === 0 || !matchMedia("(pointer: coarse)").matches) this.input.focus();
    }

    show(problem, variant) {
      this.seed = variant.seed;
      this.reset();
      this.statement.innerHTML = variant.statement;
      fill(this.hint, variant.hint);
      fill(this.solution, variant.solution);
      this.label(problem);
      this.input.value = "";
      this.input.removeAttribute("aria-invalid");
    }
  }

  // A problem outside its lecture (the review page), with numbers not seen lately.
  async function build(id, done) {
    const problem = await fetchProblem(id);
    const fold = (name, title) => make("details", { className: "gm-" + name }, make("summary", {}, title));
    const box = make("div", { className: "gm-problem", id: id.toLowerCase() },
      make("p", { className: "gm-problem-title" }, problem.title), make("div", { className: "gm-statement" }),
      fold("hint", "Hint"), fold("solution", "Solution"));
    box.dataset.problem = id;
    const variant = fresh(problem.variants, store.problem(id)?.recent || [], null);
    new Try(box, { done }).show(problem, variant);
    return box;
  }

  // Several problems in one block: one at a time, chosen by its number (on paper all of them).
  class Choice {
    constructor(practice, boxes) {
      const { top } = practice.getBoundingClientRect(), height = practice.offsetHeight;
      this.boxes = boxes;
      this.buttons = boxes.map((box, i) => button(String(i + 1), () => this.show(i)));
      const row = make("div", { className: "gm-choice" }, ...this.buttons);
      row.setAttribute("role", "group");
      row.setAttribute("aria-label", "Problems");
      practice.prepend(row);
      boxes.forEach((box) => this.mark(box));
      this.follow();
      addEventListener("hashchange", () => this.follow());
      // What shrank above the window must not pull the text away; browsers with scroll anchoring see to it.
      if (top < 0 && !CSS.supports("overflow-anchor", "auto")) scrollBy(0, practice.offsetHeight - height);
    }

    // the problem that the address names, else the one shown, else the first
    follow() {
      const named = this.boxes.findIndex((box) => "#" + box.id === location.hash);
      this.show(named >= 0 ? named : this.at || 0);
      if (named >= 0) this.boxes[named].scrollIntoView();
    }

    show(at) {
      this.at = at;
      this.boxes.forEach((box, i) => { box.hidden = i !== at; });
      this.buttons.forEach((b, i) => b.setAttribute("aria-pressed", String(i === at)));
    }

    mark(box) {
      const solved = Boolean(store.problem(box.dataset.problem)?.correct), b = this.buttons[this.boxes.indexOf(box)];
      b.dataset.state = solved ? "right" : "";
      b.setAttribute("aria-label", b.textContent + ": " + box.querySelector(".gm-problem-title").textContent + (solved ? ", solved" : ""));
    }
  }

  const choices = new WeakMap();

  function enhance(box) {
    if (box.querySelector(".gm-try") || !box.querySelector(".gm-statement")) return;
    const practice = box.closest(".gm-practice");
    if (practice && !practice.querySelector(".gm-private")) {
      practice.append(make("p", { className: "gm-private" }, "Nothing that you do here leaves your browser."));
      const boxes = [...practice.querySelectorAll(".gm-problem")];
      if (boxes.length > 1) choices.set(practice, new Choice(practice, boxes));
    }
    new Try(box, { done: () => choices.get(practice)?.mark(box) });
  }

  window.gm.problems = { readNumber, grade, fresh, build, fetchProblem };
  window.gm.enhance.problems = enhance;
})();

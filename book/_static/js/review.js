// The review page: what is due today over all lectures read so far, problems among the prompts.
(() => {
  "use strict";
  const { make, button, store, load, recall, problems } = window.gm;
  const AT_A_TIME = 20, PROMPTS_A_PROBLEM = 5;
  const site = new URL(document.documentElement.dataset.content_root || "", location.href);
  const index = new Map(), loaded = new Map();
  window.gmRecallIndex = (entries) => { for (const e of entries) index.set(e.lecture, e); };
  window.gmRecall = (lecture, data) => loaded.set(lecture, data);

  const plural = (n, one, many = one + "s") => n + " " + (n === 1 ? one : many);
  const link = (text, url) => make("a", { href: new URL(url, site) }, text);
  const said = () => { const p = make("p", { className: "gm-said" }); p.setAttribute("role", "status"); return p; };

  // HTML that was written for a lecture's page: its links and pictures start from there.
  function fragment(html, url) {
    const t = document.createElement("template"), base = new URL(url, site);
    t.innerHTML = html;
    for (const [name, tags] of [["href", "a[href]"], ["src", "img[src]"]]) {
      for (const e of t.content.querySelectorAll(tags)) e.setAttribute(name, new URL(e.getAttribute(name), base));
    }
    for (const e of t.content.querySelectorAll("[id]")) e.removeAttribute("id");
    return t.content;
  }

  // -- what is due

  const read = () => new Set(store.cards().map((card) => card.lecture).filter((lecture) => index.has(lecture)));

  async function duePrompts() {
    const cards = store.cards().filter((card) => index.has(card.lecture) && recall.isDue(card));
    const missing = new Set();
    await Promise.all([...new Set(cards.map((card) => card.lecture))].map((lecture) => (
      loaded.has(lecture) ? 0 : load("recall/" + lecture + ".js").catch(() => missing.add(lecture)))));
    const found = [];
    for (const card of cards.sort((a, b) => a.due - b.due)) {
      const data = loaded.get(card.lecture);
      const prompt = data && data.prompts.find((p) => p.id === card.id);
      if (prompt) found.push({ kind: "prompt", card, prompt, data });
    }
    return { found, missing: [...missing].map((lecture) => index.get(lecture).title) };
  }

  // One of each lecture in turn: mixing is half of what makes reviewing work.
  function mixed(prompts) {
    const piles = new Map();
    for (const p of prompts) piles.set(p.card.lecture, [...(piles.get(p.card.lecture) || []), p]);
    const out = [];
    while (out.length < prompts.length) for (const pile of piles.values()) if (pile.length) out.push(pile.shift());
    return out;
  }

  function problemPool() {
    const last = new Map(store.problems().map((p) => [p.id, p.time]));
    return [...read()].flatMap((lecture) => (index.get(lecture).problems || []).map((id) => ({ kind: "problem", id, lecture })))
      .sort((a, b) => (last.get(a.id) || 0) - (last.get(b.id) || 0));
  }

  function planned(prompts) {
    const plan = mixed(prompts).slice(0, AT_A_TIME), n = plan.length;
    const chosen = problemPool().slice(0, n < 3 ? 0 : Math.max(1, Math.round(n / PROMPTS_A_PROBLEM)));
    chosen.forEach((p, i) => plan.splice(Math.round((i + 1) * n / (chosen.length + 1)) + i, 0, p));
    return plan;
  }

  // -- one sitting

  class Sitting {
    constructor(place, plan, page) {
      Object.assign(this, { place, plan, page, at: 0, undo: null });
      this.tally = { knew: 0, missed: 0, right: 0, tried: 0 };
      this.bar = make("span", {});
      this.where = make("p", { className: "gm-count" });
      this.body = make("div", { className: "gm-item" });
      this.last = said();
      this.back = button("Undo", () => this.takeBack(), "quiet");
      this.place.replaceChildren(
        this.where, make("div", { className: "gm-bar", ariaHidden: "true" }, this.bar), this.body,
        make("div", { className: "gm-foot" }, this.last, this.back));
      this.back.hidden = true;
    }

    async show(focus = true) {
      const item = this.plan[this.at];
      if (!item) { this.page.finish(this.tally); return; }
      this.where.textContent = `${this.at + 1} of ${this.plan.length}`;
      this.bar.style.width = (100 * this.at) / this.plan.length + "%";
      this.body.replaceChildren();           // while a problem loads, nothing old is there to be answered twice
      const target = item.kind === "prompt" ? this.prompt(item) : await this.problem(item);
      if (focus && target) target.focus({ preventScroll: !this.offScreen() });
    }

    offScreen() { return this.body.getBoundingClientRect().top < 0; }

    next() { this.at += 1; return this.show(); }

    origin(lecture, anchor) {
      const entry = index.get(lecture);
      return make("p", { className: "gm-place" }, "From ", link(entry.title, entry.url + "#" + anchor.toLowerCase()));
    }

    prompt(item) {
      const { card, prompt, data } = item;
      const question = make("div", { className: "gm-question", id: "gm-question" }, fragment(prompt.question, data.url));
      const summary = make("summary", {}, "Show the answer");
      summary.setAttribute("aria-describedby", question.id);
      const box = make("div", { className: "gm-callout gm-recall" + (item.again ? " gm-once-more" : "") },
        make("p", { className: "gm-callout-label" }, item.again ? "Recall, once more" : "Recall"), question,
        make("details", { className: "gm-answer" }, summary, fragment(prompt.answer, data.url)));
      box.dataset.recall = card.id;
      const before = store.card(card.id);
      recall.dress(box, { lecture: card.lecture, rated: (knew, record) => this.rated(item, before, knew, record) });
      this.body.replaceChildren(box, this.origin(card.lecture, card.id));
      return summary;
    }

    rated(item, before, knew, record) {
      if (!item.again) this.tally[knew ? "knew" : "missed"] += 1;
      this.undo = { item, before, knew, at: this.at, length: this.plan.length };
      if (!knew && !item.again) this.plan.push({ ...item, again: true });
      this.back.hidden = false;
      this.last.textContent = knew ? `Knew it. Next ${recall.when(record.due)}.`
        : item.again ? `Not yet. Next ${recall.when(record.due)}.` : "Not yet. It comes once more at the end.";
      this.page.table();
      this.next();
      return "";
    }

    takeBack() {
      const { item, before, knew, at, length } = this.undo;
      recall.putBack(item.card.id, before);
      if (!item.again) this.tally[knew ? "knew" : "missed"] -= 1;
      this.plan.length = length;
      this.at = at;
      this.undo = null;
      this.back.hidden = true;
      this.last.textContent = "Taken back.";
      this.page.table();
      this.show();
    }

    async problem(item) {
      let counted = false;
      const go = button("Skip", () => this.next());
      const done = (right, peeked) => {
        if (!counted) this.tally.tried += 1;
        if (!item.solved && right && !peeked) this.tally.right += 1;
        counted = true;
        item.solved ||= right;
        go.textContent = "Next";
        if (!right) return;
        go.classList.add("gm-main");
        go.focus({ preventScroll: true });
      };
      this.undo = null;
      this.back.hidden = true;
      try {
        const box = await problems.build(item.id, done);
        this.body.replaceChildren(box, make("p", { className: "gm-go" }, go), this.origin(item.lecture, item.id));
        return matchMedia("(pointer: coarse)").matches ? null : box.querySelector("input");   // a keyboard would cover it
      } catch {
        this.last.textContent = "A problem could not be loaded and was left out.";
        this.plan.splice(this.at, 1);
        return this.show();
      }
    }
  }

  // -- the page

  const heading = (text) => make("h2", { tabIndex: -1 }, text);
  const words = (...children) => make("p", {}, ...children);

  function nextDue() {
    const later = store.cards().filter((card) => index.has(card.lecture) && !recall.isDue(card));
    if (!later.length) return null;
    const day = Math.min(...later.map((card) => recall.daysUntil(card.due)));
    const those = later.filter((card) => recall.daysUntil(card.due) === day);
    return `${plural(those.length, "prompt")} ${recall.when(those[0].due)}`;
  }

  class Page {
    constructor(root) {
      this.root = root;
      this.session = make("section", { className: "gm-session", ariaLabel: "What is due today" });
      this.lectures = make("section", { className: "gm-lectures", ariaLabel: "Lectures read so far" });
      root.replaceChildren(this.session, this.lectures, this.data());
      this.start(true);
    }

    async start(first) {
      try { await load("recall/index.js"); } catch {
        this.session.replaceChildren(words("The list of lectures could not be loaded."));
        return;
      }
      const { found, missing } = await duePrompts();
      this.table();
      if (missing.length) this.tell("The prompts of these lectures could not be loaded: " + missing.join(", ") + ".");
      if (found.length) {
        const sitting = new Sitting(this.session, planned(found), this);
        sitting.show(!first || document.activeElement === document.body);
      } else this.nothing(first);
    }

    nothing(first) {
      if (read().size) {
        const next = nextDue();
        this.session.replaceChildren(heading("Nothing is due today"),
          words(next ? `Next: ${next}. ` : "", "Come back then, or read on."), this.practise());
      } else {
        const entries = [...index.values()];
        this.session.replaceChildren(heading("Nothing to review yet"),
          words("A lecture asks short questions as you read, on cards like the ones here. Once you have answered the first, "
            + "it comes back on this page when it is about to be forgotten."),
          words(...(entries.length ? ["Begin with ", link(entries[0].title, entries[0].url), "."] : [])));
      }
      if (!first) this.session.querySelector("h2").focus();
    }

    practise() {
      const pool = problemPool().slice(0, 3);
      if (!pool.length) return "";
      return words(button("Practise " + plural(pool.length, "problem"), () => {
        new Sitting(this.session, pool, this).show();
      }));
    }

    async finish({ knew, missed, right, tried }) {
      const { found } = await duePrompts();
      const next = nextDue(), done = [];
      if (knew + missed) done.push(`${plural(knew + missed, "prompt")}: ${knew} known, ${missed} not yet.`);
      if (tried) done.push(`${plural(tried, "problem")}: ${right} right.`);
      const h = heading(found.length ? "A pause" : "Done for today");
      this.session.replaceChildren(h, words(done.join(" ")));
      if (found.length) this.session.append(words(button(`Go on: ${found.length} more`, () => this.start(false), "main")));
      else if (next) this.session.append(words(`Next: ${next}.`));
      this.table();
      h.focus();
    }

    table() {
      const cards = store.cards(), tried = new Map(store.problems().map((p) => [p.id, p]));
      const rows = [...read()].map((lecture) => index.get(lecture)).map((entry) => {
        const own = cards.filter((card) => card.lecture === entry.lecture);
        const ids = entry.problems || [], solved = ids.filter((id) => tried.get(id)?.correct).length;
        const place = make("th", { scope: "row" }, link(entry.title, entry.url));
        const cells = [`${own.length} of ${entry.recall}`, own.filter(recall.isDue).length, ids.length ? `${solved} of ${ids.length}` : "\u2013"];
        return make("tr", {}, place, ...cells.map((text) => make("td", {}, String(text))));
      });
      if (!rows.length) { this.lectures.replaceChildren(); return; }
      const head = ["Lecture", "Prompts", "Due", "Problems"].map((text) => make("th", { scope: "col" }, text));
      this.lectures.replaceChildren(make("h2", {}, "Lectures read so far"), make("table", { className: "gm-table" },
        make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows)));
    }

    tell(text) { this.told.textContent = text; }

    data() {
      this.told = said();
      const file = make("input", { type: "file", accept: ".json,application/json", hidden: true, ariaLabel: "Progress file" });
      file.addEventListener("change", () => this.take(file));
      const ask = make("div", { className: "gm-ask", hidden: true });
      ask.setAttribute("role", "group");
      ask.setAttribute("aria-label", "Delete the progress?");
      const remove = button("Delete", () => { ask.hidden = false; ask.querySelector("button").focus(); });
      const shut = (text) => { ask.hidden = true; this.tell(text); remove.focus(); };
      ask.append(words("Delete all progress kept in this browser? This cannot be undone; an exported file keeps it."),
        button("Keep it", () => shut("Nothing was deleted.")),
        button("Delete it all", () => { 
          store.clear();
          this.root.querySelector(".gm-aside").hidden = true;
          shut("The progress was deleted.");
          this.refresh();
        }, "danger"));
      ask.addEventListener("keydown", (event) => { if (event.key === "Escape") shut("Nothing was deleted."); });
      return make("section", { className: "gm-data", ariaLabel: "Your progress" }, make("h2", {}, "Your progress"),
        words("Nothing that you do here leaves your browser. To go on elsewhere, export your progress to a file and import it there."),
        ...(store.limits ? [make("p", { className: "gm-limits" }, store.limits)] : []),
        make("div", { className: "gm-row" }, button("Export", () => { store.exportFile(); this.tell("The file is with your downloads."); }),
          button("Import", () => file.click()), remove, file), ask, this.told, this.damaged());
    }

    damaged() {
      const part = make("div", { className: "gm-aside", hidden: !store.damaged() },
        words("Progress that could not be read was set aside. It is not used."));
      part.append(make("div", { className: "gm-row" }, button("Save what was set aside", store.saveDamaged),
        button("Drop it", () => { store.dropDamaged(); part.hidden = true; this.tell("Dropped."); }, "quiet")));
      return part;
    }

    refresh() { return this.start(true); }

    async take(file) {
      const chosen = file.files[0];
      file.value = "";
      if (!chosen) return;
      try {
        const { cards, problems: tries, dropped } = store.importText(await chosen.text());
        await this.refresh();
        this.tell(`Taken from the file: ${plural(cards, "prompt")}, ${plural(tries, "problem")}.`
          + (dropped ? ` ${plural(dropped, "entry", "entries")} could not be read and ${dropped === 1 ? "was" : "were"} left out.` : ""));
      } catch (error) {
        this.tell("Nothing was imported: the file cannot be used, because " + error.message + ".");
      }
    }
  }

  window.gm.enhance.review = (root) => new Page(root);
  window.gm.review = { planned, mixed };
})();

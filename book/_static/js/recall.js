// Recall cards: show the answer, then "Knew it" or "Not yet"; the answers feed the schedule.
(() => {
  "use strict";
  const { make, button, store, load, now } = window.gm;
  const DAY = 86400000;
  let scheduler = null;

  async function engine() {
    await load("js/ts-fsrs.min.js");
    scheduler ||= window.gmFSRS.fsrs({ enable_fuzz: false, enable_short_term: false, maximum_interval: 365 });
    return scheduler;
  }

  const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());
  const daysUntil = (time) => Math.round((midnight(new Date(time)) - midnight(now())) / DAY);
  // Due is a matter of days: what falls due this evening is asked this morning.
  const isDue = (card) => daysUntil(card.due) <= 0;

  function when(time) {
    const days = daysUntil(time);
    if (days <= 0) return "today";
    if (days === 1) return "tomorrow";
    if (days <= 30) return "in " + days + " days";
    return "on " + new Date(time).toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" });
  }

  function scheduled(fsrs, old, at, knew) {
    const grade = knew ? window.gmFSRS.Rating.Good : window.gmFSRS.Rating.Again;
    const first = () => fsrs.next(window.gmFSRS.createEmptyCard(at), at, grade).card;
    if (!old) return first();
    const card = {
      due: new Date(old.due), last_review: new Date(old.last), stability: old.stability, difficulty: old.difficulty,
      reps: old.reps, lapses: old.lapses, state: old.state, scheduled_days: old.scheduled, elapsed_days: 0, learning_steps: 0,
    };
    try { return fsrs.next(card, at, grade).card; } catch { return first(); }
  }

  // Writes the answer and gives the new record. Knowing again on the same day moves nothing.
  async function rate(id, lecture, knew) {
    const fsrs = await engine();
    const old = store.card(id);
    const at = new Date(Math.max(now().getTime(), old ? old.last : 0));
    const answers = [...(old ? old.answers : []), [at.getTime(), knew ? 1 : 0]].slice(-8);
    const again = old && midnight(new Date(old.last)).getTime() === midnight(at).getTime();
    const record = { ...old, lecture, answers, last: at.getTime() };
    if (!again || (!knew && old.answers.at(-1)?.[1] === 1)) {
      const card = scheduled(fsrs, old, at, knew);
      Object.assign(record, {
        due: card.due.getTime(), stability: card.stability, difficulty: card.difficulty, reps: card.reps,
        lapses: card.lapses, state: card.state, scheduled: card.scheduled_days,
      });
    }
    store.setCard(id, record);
    return record;
  }

  function putBack(id, old) { if (old) store.setCard(id, old); else store.removeCard(id); }

  // -- the card

  // options: lecture, rated(knew, record, by keyboard)
  function dress(card, { lecture, rated }) {
    const fold = card.querySelector("details.gm-answer");
    if (!fold || fold.querySelector(".gm-rate")) return;
    const id = card.dataset.recall;
    const summary = fold.querySelector("summary");
    const said = make("p", { className: "gm-said" });
    said.setAttribute("role", "status");
    let before, answered = false, busy = false;

    async function press(knew, byKey) {
      if (busy) return;
      busy = true;
      try {
        if (answered) putBack(id, before); else before = store.card(id);
        const record = await rate(id, lecture, knew);
        answered = true;
        for (const b of [yes, no]) b.setAttribute("aria-pressed", String((b === yes) === knew));
        card.dataset.state = knew ? "right" : "wrong";
        said.textContent = rated(knew, record, byKey) || "";
      } catch (error) {
        said.textContent = "The answer could not be kept: " + error.message + ".";
      } finally { busy = false; }
    }

    const choice = (text, key, knew) => {
      const b = button(text, (event) => press(knew, event.detail === 0), knew ? "yes" : "no");
      b.setAttribute("aria-pressed", "false");
      b.setAttribute("aria-keyshortcuts", key);
      const cap = make("kbd", {}, key);
      cap.setAttribute("aria-hidden", "true");
      b.append(cap);
      return b;
    };
    const yes = choice("Knew it", "1", true), no = choice("Not yet", "2", false);
    const bar = make("div", { className: "gm-rate" }, yes, no);
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", "Did you know it?");
    fold.append(bar);
    fold.after(said);

    summary.dataset.shut = summary.textContent;
    fold.addEventListener("toggle", () => {
      summary.textContent = fold.open ? "Hide" : summary.dataset.shut;
      if (fold.open) engine().catch(() => {});
    });
    summary.addEventListener("click", () => summary.focus());      // Safari leaves the focus where it was
    card.addEventListener("keydown", (event) => {
      if (!fold.open || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
      const knew = { 1: true, y: true, Y: true, 2: false, n: false, N: false }[event.key];
      if (knew === undefined) return;
      event.preventDefault();
      press(knew, true);
    });
  }

  // -- on a lecture's page

  // The next block, also across two of the pieces that a long page is laid out in.
  function following(e) {
    return e.nextElementSibling || (e.closest(".gm-piece")?.lastElementChild === e
      ? e.parentElement.nextElementSibling?.querySelector(":scope > :first-child") : null);
  }

  // Cards that follow each other with nothing between them are one group.
  function grouped() {
    const groups = [];
    for (const card of document.querySelectorAll(".gm-recall:not(.gm-once-more)")) {
      const last = groups.at(-1);
      if (last && following(last.at(-1)) === card) last.push(card); else groups.push([card]);
    }
    return groups;
  }

  const here = () => decodeURIComponent(location.pathname.split("/").pop()).replace(/\.html?$/, "");
  let groups = null;

  function onceMore(card, lecture) {
    const at = groups.findIndex((group) => group.includes(card));
    const next = groups[at + 1];
    if (!next) return null;
    const twin = make("div", { className: "gm-callout gm-recall gm-once-more" });
    twin.dataset.recall = card.dataset.recall;
    const fold = card.querySelector("details.gm-answer").cloneNode(true);
    fold.open = false;
    fold.querySelector(".gm-rate").remove();
    const summary = fold.querySelector("summary");
    summary.textContent = summary.dataset.shut;
    delete summary.dataset.shut;
    twin.append(make("p", { className: "gm-callout-label" }, "Recall, once more"),
      card.querySelector(".gm-question").cloneNode(true), fold);
    for (const e of twin.querySelectorAll("[id]")) e.removeAttribute("id");
    dress(twin, {
      lecture,
      rated: (knew, record) => (knew ? "Good. " : "") + "The review asks it " + when(record.due) + ".",
    });
    let last = next.at(-1);
    while (last.nextElementSibling?.matches(".gm-once-more")) last = last.nextElementSibling;
    last.after(twin);
    return twin;
  }

  function enhance(card) {
    groups ||= grouped();
    const lecture = here();
    let twin = null;
    dress(card, {
      lecture,
      rated(knew, record, byKey) {
        if (knew && twin && !twin.dataset.state) { twin.remove(); twin = null; }
        if (!knew) twin ||= onceMore(card, lecture);
        if (byKey) {
          const next = following(card);
          if (next?.matches(".gm-recall")) next.querySelector("summary").focus();
        }
        if (!knew && twin) return "Asked once more further down the page, and in the review " + when(record.due) + ".";
        return "The review asks it " + when(record.due) + ".";
      },
    });
    const known = store.card(card.dataset.recall), label = card.querySelector(".gm-callout-label");
    if (known && label) label.append(make("span", { className: "gm-next" }, "review " + when(known.due)));
  }

  window.gm.recall = { dress, rate, putBack, when, isDue, daysUntil };
  window.gm.enhance.recall = enhance;
})();

// Progress: kept in this browser and nowhere else. What is read back is rebuilt field by field, never trusted.
//
// {"version": 1,
//  "problems": {"P-VAE-KL": {attempts, correct, seed, time, recent: [seed, …]}},
//  "cards": {"R-VAE-01": {lecture, due, last, stability, difficulty, reps, lapses, state, scheduled, answers: [[time, 0|1], …]}}}
// Times are milliseconds since 1970.
(() => {
  "use strict";
  const KEY = "gm-progress", ASIDE = "gm-progress-damaged", VERSION = 1, LARGEST = 5e6;
  const ID = /^[PR](-[A-Za-z0-9]{1,24}){1,6}$/, LECTURE = /^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$/;
  const within = (low, high) => (v) => typeof v === "number" && v >= low && v <= high;
  const whole = (high) => (v) => Number.isInteger(v) && v >= 0 && v <= high;
  const listOf = (test, most) => (v) => Array.isArray(v) && v.length <= most && v.every(test);
  const count = whole(1e6), time = whole(8e15), seed = whole(1e9);
  const answer = (v) => Array.isArray(v) && v.length === 2 && time(v[0]) && (v[1] === 0 || v[1] === 1);
  const PROBLEM = { attempts: count, correct: count, seed, time, recent: listOf(seed, 12) };
  const CARD = {
    lecture: (v) => typeof v === "string" && LECTURE.test(v), due: time, last: time,
    stability: within(0.001, 36500), difficulty: within(1, 10), reps: count, lapses: count,
    state: whole(3), scheduled: whole(36500), answers: listOf(answer, 8),
  };

  const nothing = () => ({ version: VERSION, problems: Object.create(null), cards: Object.create(null) });
  const isObject = (v) => typeof v === "object" && v !== null && !Array.isArray(v);

  function rebuilt(record, shape) {
    if (!isObject(record)) return null;
    const out = {};
    for (const [field, test] of Object.entries(shape)) {
      if (!Object.hasOwn(record, field) || !test(record[field])) return null;
      out[field] = record[field];
    }
    return out;
  }

  // -> {value, dropped}; throws where nothing of it can be read
  function parse(text) {
    if (text.length > LARGEST) throw new Error("it is too large");
    let raw;
    try { raw = JSON.parse(text); } catch { throw new Error("it is not JSON"); }
    if (!isObject(raw) || !Object.hasOwn(raw, "version")) throw new Error("it is not a progress file of this book");
    if (raw.version !== VERSION) throw new Error("it was written by another version of this book");
    const value = nothing();
    let dropped = 0;
    for (const [part, letter, shape] of [["problems", "P", PROBLEM], ["cards", "R", CARD]]) {
      if (!isObject(raw[part])) { dropped += 1; continue; }
      for (const [id, record] of Object.entries(raw[part])) {
        const good = ID.test(id) && id[0] === letter && rebuilt(record, shape);
        if (good) value[part][id] = good; else dropped += 1;
      }
    }
    return { value, dropped };
  }

  let data = nothing(), seen = null, mode = "saved", told = false;
  try {
    localStorage.setItem(KEY + "-test", "1");
    localStorage.removeItem(KEY + "-test");
    if (location.protocol === "file:" && /Firefox\//.test(navigator.userAgent)) mode = "per-page";
  } catch { mode = "memory"; }

  function setAside(text, why) {
    try {
      localStorage.removeItem(KEY);
      localStorage.setItem(ASIDE, text);
    } catch { mode = "memory"; }
    notice("Some of the progress kept in this browser could not be read (" + why + "). It was set aside and "
      + "is not used.", [["Save it to a file", saveDamaged]]);
  }

  function damaged() { try { return localStorage.getItem(ASIDE); } catch { return null; } }
  function saveDamaged() { download(damaged() || "", "gm-progress-damaged.txt"); }
  function dropDamaged() { localStorage.removeItem(ASIDE); }

  // Read again each time: another tab may have written.
  function read() {
    if (mode === "memory") return data;
    let text = null;
    try { text = localStorage.getItem(KEY); } catch { mode = "memory"; return data; }
    if (text === seen) return data;
    seen = text;
    data = nothing();
    if (text === null) return data;
    try {
      const { value, dropped } = parse(text);
      data = value;
      if (dropped) {
        setAside(text, dropped === 1 ? "one entry is damaged" : dropped + " entries are damaged");
        write();
      }
    } catch (error) { setAside(text, error.message); seen = null; }
    return data;
  }

  function write() {
    if (mode === "memory") return;
    const text = JSON.stringify(data);
    try { localStorage.setItem(KEY, text); seen = text; } catch { mode = "memory"; }
  }

  const LIMITS = {
    memory: "This browser keeps nothing for this page. Export your progress before you leave it, and import it next time.",
    "per-page": "Opened from a file, this browser keeps the progress of each page apart. Export it here, and import it on the review page.",
  };

  function put(part, id, record, shape) {
    if (!ID.test(id)) throw new TypeError("not an id: " + id);
    const good = rebuilt(record, shape);
    if (!good) throw new TypeError("not a record of " + part + ": " + id);
    read()[part][id] = good;
    write();
    if (LIMITS[mode] && !told && !document.getElementById("gm-review")) {
      told = true;
      notice(LIMITS[mode], [["Export", exportFile]]);
    }
  }

  const copy = (record) => (record ? structuredClone(record) : null);
  const own = (part) => (id) => copy(read()[part][id]);

  function remove(part, id) { delete read()[part][id]; write(); }

  function exportText() {
    return JSON.stringify({ kind: "gm-progress", exported: now().toISOString(), ...read() }, null, 1);
  }

  function download(text, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  function exportFile() { download(exportText(), "gm-progress-" + now().toISOString().slice(0, 10) + ".json"); }

  // What is newer wins, entry by entry; throws where nothing can be read.
  function importText(text) {
    const { value, dropped } = parse(text);
    const mine = read(), taken = { problems: 0, cards: 0, dropped };
    for (const [part, stamp] of [["problems", "time"], ["cards", "last"]]) {
      for (const [id, record] of Object.entries(value[part])) {
        if (mine[part][id] && mine[part][id][stamp] > record[stamp]) continue;
        mine[part][id] = record;
        taken[part] += 1;
      }
    }
    write();
    return taken;
  }

  function clear() {
    data = nothing();
    seen = null;
    try { localStorage.removeItem(KEY); localStorage.removeItem(ASIDE); } catch { /* kept in memory only */ }
  }

  // The clock of everything that is scheduled; a test or ?now=2026-01-31 sets it.
  function now() {
    const set = window.gmClock ?? new URLSearchParams(location.search).get("now");
    const date = set === null ? new Date() : new Date(typeof set === "function" ? set() : set);
    return Number.isNaN(date.getTime()) ? new Date() : date;
  }

  // <button class="gm-button">, and so on, without markup from strings
  function make(tag, properties, ...children) {
    const e = Object.assign(document.createElement(tag), properties);
    e.append(...children);
    return e;
  }

  function button(text, press, kind) {
    const e = make("button", { type: "button", className: "gm-button" + (kind ? " gm-" + kind : "") }, text);
    e.addEventListener("click", press);
    return e;
  }

  // A bar at the foot of the window, with at most one message.
  function notice(text, actions = []) {
    const shown = document.querySelector(".gm-notice");
    if (shown) shown.remove();
    const words = make("p", {});
    words.setAttribute("role", "status");
    const bar = make("div", { className: "gm-notice" }, words);
    for (const [label, press] of actions) bar.append(button(label, press));
    bar.append(button("Close", () => bar.remove(), "quiet"));
    (document.querySelector("main") || document.body).append(bar);
    requestAnimationFrame(() => { words.textContent = text; });
  }

  window.gm.make = make;
  window.gm.button = button;
  window.gm.notice = notice;
  window.gm.now = now;
  window.gm.store = {
    problem: own("problems"), card: own("cards"),
    cards: () => Object.entries(read().cards).map(([id, card]) => ({ id, ...copy(card) })),
    problems: () => Object.entries(read().problems).map(([id, record]) => ({ id, ...copy(record) })),
    setProblem: (id, record) => put("problems", id, record, PROBLEM),
    setCard: (id, record) => put("cards", id, record, CARD),
    removeCard: (id) => remove("cards", id),
    exportText, exportFile, importText, clear, parse, damaged, saveDamaged, dropDamaged,
    get mode() { return mode; },
    get limits() { return LIMITS[mode] || ""; },
  };
  read();
})();

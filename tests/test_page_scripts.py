"""The site's page scripts in a real browser: problems, recall cards, review, and the progress they keep.

The pages are the fixtures in tests/browser/site; they follow the HTML that the build emits. Nothing of
the book is needed but book/_static/js and book/_static/practice.css.
"""

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from conftest import served

sync_api = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

from gm_utils.exam.problem import CLOSE  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
PROBLEMS = ROOT / "book" / "_static" / "problems"
NUMBERS = ROOT / "tests" / "data" / "numbers.json"
NOW = datetime(2026, 1, 10, 20, 0)
KEY = "gm-progress"

@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the fixture pages and the real scripts."""
    folder = tmp_path_factory.mktemp("page-scripts") / "site"
    shutil.copytree(ROOT / "tests" / "browser" / "site", folder)
    shutil.copytree(ROOT / "book" / "_static" / "js", folder / "_static" / "js")
    shutil.copy(ROOT / "book" / "_static" / "practice.css", folder / "_static")
    if PROBLEMS.exists():
        shutil.copytree(PROBLEMS, folder / "_static" / "book-problems")
    return folder


@pytest.fixture(scope="module")
def address(site):
    with served(site) as address:
        yield address


class Reader:
    """One person's browser: a page, what its console said, and where its requests went."""

    def __init__(self, browser, base, now=NOW, **options):
        self.base, self.complaints, self.requests = base, [], []
        self.context = browser.new_context(accept_downloads=True, **options)
        self.context.set_default_timeout(5000)
        self.set_clock(now)
        self.page = self.context.new_page()
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.on("request", lambda r: self.requests.append(r.url))

    def set_clock(self, now):
        self.clock = int(now.timestamp() * 1000)

    def open(self, path):
        self.page.add_init_script(f"window.gmClock = {self.clock}")
        self.page.goto(self.base + path)
        return self.page

    def lecture(self, name="10-vae"):
        return self.open(f"notebooks/{name}.html")

    def card(self, name):
        """A recall card, scrolled to and dressed by its script."""
        card = self.page.locator(f"#{name}")
        card.scroll_into_view_if_needed()
        card.locator(".gm-rate").wait_for(state="attached")
        return card

    def answer(self, name, knew):
        card = self.card(name)
        card.get_by_text("Show the answer").click()
        card.get_by_role("button", name="Knew it" if knew else "Not yet").click()
        sync_api.expect(card.locator(".gm-said")).not_to_be_empty()
        return card

    def problem(self, name="p-vae-kl"):
        box = self.page.locator(f"#{name}")
        box.scroll_into_view_if_needed()
        box.locator("input").wait_for()
        return box

    def stored(self):
        return json.loads(self.page.evaluate(f"localStorage.getItem('{KEY}')") or "null")

    def store(self, text):
        self.page.evaluate("([k, v]) => localStorage.setItem(k, v)", [KEY, text])


@pytest.fixture
def reader(browser, address):
    reader = Reader(browser, address)
    yield reader
    reader.context.close()
    assert reader.complaints == []
    assert [url for url in reader.requests if not url.startswith((address, "data:", "blob:"))] == []


def check(box, text):
    box.get_by_label("Your answer").fill(text)
    box.get_by_role("button", name="Check").click()
    sync_api.expect(box.get_by_role("status")).not_to_be_empty()
    return box.get_by_role("status")


# -- problems


def test_right_answer_opens_the_solution_and_counts_once(reader):
    reader.lecture()
    box = reader.problem()
    said = check(box, "2.0")
    sync_api.expect(said).to_have_text("Right: 2 nats.")
    sync_api.expect(box.locator(".gm-solution")).to_have_attribute("open", "")
    check(box, "2,01")
    record = reader.stored()["problems"]["P-VAE-KL"]
    assert (record["attempts"], record["correct"], record["seed"]) == (1, 1, 0)
    sync_api.expect(box.locator(".gm-unit")).to_have_text("nats")
    sync_api.expect(reader.page.get_by_text("Nothing that you do here leaves your browser.")).to_be_visible()


def test_wrong_answer_gets_the_diagnosis_of_the_nearest_mistake(reader):
    reader.lecture()
    box = reader.problem()
    sync_api.expect(check(box, "4")).to_contain_text("Not yet. The factor one half is missing")
    sync_api.expect(check(box, "2.885")).to_contain_text("the value in bits")
    sync_api.expect(check(box, "2.05")).to_contain_text("Close, but")
    assert reader.stored()["problems"]["P-VAE-KL"]["attempts"] == 3
    assert reader.stored()["problems"]["P-VAE-KL"]["correct"] == 0
    sync_api.expect(box.locator(".gm-solution")).not_to_have_attribute("open", "")


def test_wrong_answer_without_diagnosis_offers_the_hint(reader):
    reader.lecture()
    box = reader.problem()
    sync_api.expect(check(box, "77")).to_have_text("Not yet. ")
    box.get_by_role("button", name="Show the hint").click()
    sync_api.expect(box.locator(".gm-hint")).to_have_attribute("open", "")
    sync_api.expect(box.locator(".gm-hint summary")).to_be_focused()
    sync_api.expect(check(box, "78")).to_contain_text("hint once more")
    sync_api.expect(check(box, "2.1")).not_to_contain_text("Close")          # further than three tolerances


def test_folds_that_the_build_renamed_are_found(reader):
    reader.page.add_init_script("""addEventListener('DOMContentLoaded', () => { for (const name of ['hint', 'solution']) {
        document.querySelector('.gm-' + name).className = 'gm-fold gm-fold-' + name; } })""")
    reader.lecture("12-flows")
    box = reader.problem("p-flow-det")
    check(box, "77")
    box.get_by_role("button", name="Show the hint").click()
    sync_api.expect(box.locator(".gm-hint summary")).to_be_focused()


def test_problem_by_keyboard_alone(reader):
    page = reader.lecture()
    box = reader.problem()
    box.get_by_label("Your answer").focus()
    page.keyboard.type("1/0")
    page.keyboard.press("Enter")
    sync_api.expect(box.get_by_role("status")).to_contain_text("denominator")
    sync_api.expect(box.get_by_label("Your answer")).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    sync_api.expect(box.get_by_role("status")).to_contain_text("Right")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    sync_api.expect(box.get_by_role("button", name="New numbers")).to_be_focused()
    page.keyboard.press("Enter")
    sync_api.expect(box.get_by_label("Your answer")).to_be_focused()
    sync_api.expect(box.get_by_label("Your answer")).to_have_value("")


def test_new_numbers_come_round_before_any_is_seen_twice(reader):
    page = reader.lecture()
    box = reader.problem()
    check(box, "2")
    seen = [0]
    for _ in range(4):
        before = box.locator(".gm-statement").inner_text()
        box.get_by_role("button", name="New numbers").click()
        sync_api.expect(box.locator(".gm-statement")).not_to_have_text(before)
        seen.append(reader.stored()["problems"]["P-VAE-KL"]["seed"])
    assert sorted(seen) == [0, 1, 2, 3, 4]
    sync_api.expect(box.locator(".gm-solution")).not_to_have_attribute("open", "")
    answer = {0: 2, 1: 0.5, 2: 1.125, 3: 0.125, 4: 4.5}[seen[-1]]
    sync_api.expect(check(box, str(answer))).to_contain_text("Right")
    page.reload()
    reader.problem().get_by_role("button", name="New numbers").click()
    sync_api.expect(reader.problem().get_by_role("status")).to_have_text("New numbers.")
    assert reader.stored()["problems"]["P-VAE-KL"]["seed"] == seen[1]        # the one seen longest ago, 0 being shown


def test_a_solution_that_was_open_does_not_count(reader):
    reader.lecture()
    box = reader.problem()
    box.locator(".gm-solution summary").click()
    sync_api.expect(check(box, "2")).to_contain_text("does not count")
    assert reader.stored()["problems"]["P-VAE-KL"]["correct"] == 0


def test_one_problem_at_a_time_chosen_by_number(reader):
    page = reader.lecture()
    box = reader.problem()
    sync_api.expect(page.locator("#p-flow-det")).to_be_hidden()
    check(box, "2")
    sync_api.expect(page.get_by_role("button", name="1: Divergence of two Gaussians, solved")).to_be_visible()
    second = page.get_by_role("button", name="2: Log-determinant of a coupling layer", exact=True)
    second.click()
    sync_api.expect(second).to_have_attribute("aria-pressed", "true")
    sync_api.expect(box).to_be_hidden()
    sync_api.expect(check(reader.problem("p-flow-det"), "2")).to_contain_text("Right")
    page.emulate_media(media="print")
    sync_api.expect(page.locator("#p-vae-kl .gm-statement")).to_be_visible()      # on paper all of them
    page.emulate_media(media="screen")
    page.evaluate("location.hash = 'p-vae-kl'")
    sync_api.expect(box).to_be_visible()
    sync_api.expect(page.locator("#p-flow-det")).to_be_hidden()


def test_a_link_to_a_problem_shows_that_one(reader):
    page = reader.open("notebooks/10-vae.html#p-flow-det")
    page.locator("#p-flow-det input").wait_for()
    sync_api.expect(page.locator("#p-flow-det")).to_be_in_viewport()
    sync_api.expect(page.locator("#p-vae-kl")).to_be_hidden()


def test_numbers_missing_says_so(browser, address):
    reader = Reader(browser, address)
    reader.page.route("**/P-VAE-KL.js", lambda route: route.abort())
    reader.lecture()
    sync_api.expect(check(reader.problem(), "2")).to_contain_text("could not be loaded")
    reader.context.close()


GRAMMAR = {
    "1/2": 0.5, "0.5": 0.5, "0,5": 0.5, "5e-1": 0.5, "5E-1": 0.5, " 0.5 ": 0.5, "1 / 2": 0.5, "-0.5": -0.5, "+.5": 0.5, "5.": 5,
    "\u22120,5": -0.5, "\u2212 1/2": -0.5, "1\u00a0/\u00a02": 0.5, "1\u20442": 0.5, "2.5e3/5": 500, "1,000": 1, "0": 0, "-3": -3,
    "0/7": 0, "": None, " ": None, "1/0": None, "1/2/3": None, "1 000": None, "1,000.5": None, "1.2.3": None, "0.5 nats": None,
    "50%": None, "2*3": None, "log(2)": None, "1e999": None, "inf": None, "nan": None, "NaN": None, "Infinity": None, "0x10": None,
    "1_000": None, "e5": None, "-": None, "/2": None, "1/": None, ".": None, "1e": None, "--1": None, "\u00bd": None,
}


def read_numbers(page, texts):
    return page.evaluate("(texts) => gm.problems.readNumber && texts.map((t) => gm.problems.readNumber(t).value ?? null)", texts)


def test_number_grammar(reader):
    reader.lecture()
    reader.problem()
    got = read_numbers(reader.page, list(GRAMMAR))
    assert dict(zip(GRAMMAR, got, strict=True)) == GRAMMAR


@pytest.mark.skipif(not NUMBERS.exists(), reason="tests/data/numbers.json is not there")
def test_number_grammar_agrees_with_the_python_grader(reader):
    cases = json.loads(NUMBERS.read_text(encoding="utf8"))
    cases = list(cases.items()) if isinstance(cases, dict) else [tuple(case) for case in cases]
    reader.lecture()
    reader.problem()
    got = read_numbers(reader.page, [text for text, _ in cases])
    assert {text: value for (text, _), value in zip(cases, got, strict=True)} == dict(cases)


@pytest.mark.skipif(not any(PROBLEMS.glob("*.js")), reason="no variants in book/_static/problems")
def test_every_variant_of_the_book_is_graded_as_it_says(reader):
    page = reader.lecture()
    reader.problem()
    ids = sorted(path.stem for path in PROBLEMS.glob("*.js"))
    wrong = page.evaluate("""async ([ids, window_]) => {
      const wrong = [];
      for (const id of ids) {
        await gm.load('book-problems/' + id + '.js');
        for (const v of (await gm.problems.fetchProblem(id)).variants) {
          if (!gm.problems.grade(v, v.answer).right) wrong.push([id, v.seed, 'answer']);
          const room = Math.max(v.tolerance.abs, v.tolerance.rel * Math.abs(v.answer));
          if (room && !gm.problems.grade(v, v.answer + (window_ - 0.1) * room).near) wrong.push([id, v.seed, 'near']);
          if (room && gm.problems.grade(v, v.answer + (window_ + 0.1) * room).near) wrong.push([id, v.seed, 'far']);
          for (const m of v.mistakes) {
            const verdict = gm.problems.grade(v, m.answer);
            if (verdict.right || verdict.diagnosis !== m.diagnosis || !m.diagnosis) wrong.push([id, v.seed, m.answer]);
          }
        }
      }
      return wrong; }""", [ids, CLOSE])
    assert wrong == []


@pytest.mark.skipif(not any(PROBLEMS.glob("*.js")), reason="no variants in book/_static/problems")
def test_formulas_of_the_book_stay_in_their_box_on_a_phone(browser, address):
    reader = Reader(browser, address, viewport={"width": 390, "height": 844})
    page = reader.lecture()
    reader.problem()
    ids = sorted(path.stem for path in PROBLEMS.glob("*.js"))
    outside = page.evaluate("""async (ids) => {
      const outside = [];
      for (const id of ids) {
        await gm.load('book-problems/' + id + '.js');
        const box = await gm.problems.build(id, () => {});
        document.querySelector('main').append(box);
        for (const fold of box.querySelectorAll('details')) fold.open = true;
        const edge = box.getBoundingClientRect().right;
        for (const e of box.querySelectorAll('p, li, math')) {
          if (e.localName === 'math' && e.closest('p')) continue;              // a paragraph scrolls
          if (e.getBoundingClientRect().right > edge) outside.push([id, e.textContent]);
        }
        for (const e of box.querySelectorAll('p, math')) {
          if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth && getComputedStyle(e).overflowX !== 'auto') outside.push([id, e.textContent]);
        }
        box.remove();
      }
      return outside; }""", ids)
    assert outside == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    reader.context.close()


EXPLAINED = {"0.5 nats": "Leave out \u201cnats\u201d", "1,000.5": "nothing between thousands", "log(2)": "one number first",
             "??": "cannot be read", "": "Type a number"}


def test_what_cannot_be_read_is_explained_and_costs_nothing(reader):
    reader.lecture()
    box = reader.problem()
    for typed, said in EXPLAINED.items():
        sync_api.expect(check(box, typed)).to_contain_text(said)
        sync_api.expect(box.get_by_label("Your answer")).to_have_attribute("aria-invalid", "true")
    assert reader.stored() is None


# -- recall cards


def test_recall_both_ways_by_clicking(reader):
    page = reader.lecture()
    card = reader.answer("r-vae-01", True)
    sync_api.expect(card.locator(".gm-said")).to_have_text("The review asks it in 3 days.")
    sync_api.expect(card.get_by_role("button", name="Knew it")).to_have_attribute("aria-pressed", "true")
    reader.answer("r-vae-02", False)
    cards = reader.stored()["cards"]
    assert (cards["R-VAE-01"]["due"] - reader.clock, cards["R-VAE-02"]["due"] - reader.clock) == (3 * 86400000, 86400000)
    assert cards["R-VAE-02"]["lecture"] == "10-vae"
    page.reload()
    sync_api.expect(reader.card("r-vae-01").locator(".gm-next")).to_have_text("review in 3 days")


def test_recall_by_keyboard_alone(reader):
    page = reader.lecture()
    reader.card("r-vae-01").locator("summary").focus()
    for key in ["Enter", "1"]:
        page.keyboard.press(key)
    sync_api.expect(page.locator("#r-vae-02 summary")).to_be_focused()
    for key in ["Enter", "n"]:
        page.keyboard.press(key)
    sync_api.expect(page.locator("#r-vae-02 .gm-said")).not_to_be_empty()
    assert {k: c["answers"][-1][1] for k, c in reader.stored()["cards"].items()} == {"R-VAE-01": 1, "R-VAE-02": 0}


def test_keys_do_nothing_while_the_answer_is_folded(reader):
    page = reader.lecture()
    reader.card("r-vae-01").locator("summary").focus()
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    page.wait_for_function("() => window.gmFSRS")
    page.wait_for_timeout(200)
    assert reader.stored() is None
    assert page.locator("#r-vae-01 [aria-pressed=true]").count() == 0


def test_what_was_missed_comes_once_more_in_the_next_group(reader):
    page = reader.lecture()
    reader.answer("r-vae-02", False)
    twin = page.locator("#r-vae-04 + .gm-once-more")
    sync_api.expect(twin).to_contain_text("never negative")
    twin.locator("summary").click()
    sync_api.expect(twin.locator("details")).to_contain_text("Kullback")
    twin.get_by_role("button", name="Knew it").click()
    sync_api.expect(twin.locator(".gm-said")).to_have_text("Good. The review asks it tomorrow.")
    assert page.locator(".gm-once-more").count() == 1


def test_a_slip_of_the_finger_can_be_put_right(reader):
    page = reader.lecture()
    card = reader.answer("r-vae-02", False)
    card.get_by_role("button", name="Knew it").click()
    sync_api.expect(card.locator(".gm-said")).to_have_text("The review asks it in 3 days.")
    assert page.locator(".gm-once-more").count() == 0
    record = reader.stored()["cards"]["R-VAE-02"]
    assert (record["lapses"], record["reps"], [knew for _, knew in record["answers"]]) == (0, 1, [1])


def test_intervals_grow_and_a_miss_shortens_them(reader):
    page = reader.lecture()
    reader.card("r-vae-01")
    days = page.evaluate("""async () => {
      const days = [];
      for (const knew of [true, true, false, true, true]) {
        const card = await gm.recall.rate("R-VAE-01", "10-vae", knew);
        days.push(Math.round((card.due - gmClock) / 86400000));
        window.gmClock = card.due;
      }
      return days; }""")
    assert days[1] > 2 * days[0] > 0
    assert days[2] < days[1] / 2
    assert days[2] < days[3] < days[4]


# -- review


def read_two_lectures(reader):
    reader.lecture("10-vae")
    for name, knew in [("r-vae-01", True), ("r-vae-02", False), ("r-vae-03", True)]:
        reader.answer(name, knew)
    reader.lecture("12-flows")
    reader.answer("r-flow-01", False)


def later(reader, days):
    reader.set_clock(NOW + timedelta(days=days))


def review_one(page, key):
    """Answers what is asked, prompt or problem; gives its question."""
    item = page.locator(".gm-item")
    item.locator(".gm-recall, .gm-problem").wait_for()
    if item.locator(".gm-problem").count():
        item.get_by_role("button", name="Skip").click()
        return "problem"
    question = item.locator(".gm-question").inner_text()
    page.keyboard.press("Enter")
    sync_api.expect(item.get_by_role("button", name="Knew it")).to_be_visible()
    count = page.locator(".gm-count").inner_text()
    page.keyboard.press(key)
    page.wait_for_function("(c) => document.querySelector('.gm-count')?.textContent !== c", arg=count)
    return question


def test_review_before_anything_was_read(reader):
    page = reader.open("book/review.html")
    sync_api.expect(page.get_by_role("heading", name="Nothing to review yet")).to_be_visible()
    page.get_by_role("link", name="Variational autoencoders").click()
    assert page.url.endswith("/notebooks/10-vae.html")


def test_review_says_when_the_next_prompt_is_due(reader):
    read_two_lectures(reader)
    page = reader.open("book/review.html")
    sync_api.expect(page.get_by_role("heading", name="Nothing is due today")).to_be_visible()
    sync_api.expect(page.locator(".gm-session")).to_contain_text("Next: 2 prompts tomorrow.")
    page.get_by_role("button", name="Practise 2 problems").click()
    sync_api.expect(page.locator(".gm-item .gm-problem")).to_be_visible()


def test_answered_prompts_are_met_again_when_due(reader):
    read_two_lectures(reader)
    later(reader, 1)
    page = reader.open("book/review.html")
    sync_api.expect(page.locator(".gm-count")).to_have_text("1 of 2")
    asked = [review_one(page, "1"), review_one(page, "2")]
    assert sorted(q[:10] for q in asked) == ["What does ", "Why is the"]
    assert asked[1] == review_one(page, "1")                                   # once more at the end
    sync_api.expect(page.get_by_role("heading", name="Done for today")).to_be_focused()
    sync_api.expect(page.locator(".gm-session")).to_contain_text("2 prompts: 1 known, 1 not yet.")
    later(reader, 3)
    page = reader.open("book/review.html")
    sync_api.expect(page.locator(".gm-count")).to_have_text("1 of 4")           # three prompts and a problem among them
    kinds = [review_one(page, "1") for _ in range(4)]
    assert kinds.count("problem") == 1
    assert "problem" not in (kinds[0], kinds[-1])


def test_review_mixes_the_lectures(reader):
    read_two_lectures(reader)
    later(reader, 10)
    page = reader.open("book/review.html")
    sync_api.expect(page.locator(".gm-count")).to_have_text("1 of 5")
    places = []
    for _ in range(5):
        places.append(page.locator(".gm-place a").get_attribute("href").rsplit("/", 1)[-1])
        review_one(page, "1")
    assert [p for p in places if "#r-" in p][:2] == ["10-vae.html#r-vae-02", "12-flows.html#r-flow-01"]


def test_a_review_answer_can_be_taken_back(reader):
    read_two_lectures(reader)
    later(reader, 1)
    page = reader.open("book/review.html")
    page.locator(".gm-item .gm-recall").wait_for()
    before = reader.stored()
    question = review_one(page, "2")
    assert reader.stored() != before
    page.get_by_role("button", name="Undo").click()
    sync_api.expect(page.locator(".gm-count")).to_have_text("1 of 2")
    sync_api.expect(page.locator(".gm-question")).to_have_text(question)
    assert reader.stored() == before


def test_links_in_a_reviewed_answer_start_from_its_lecture(reader):
    reader.lecture()
    reader.answer("r-vae-01", True)
    later(reader, 5)
    page = reader.open("book/review.html")
    page.locator(".gm-item summary").click()
    assert page.locator("a.deep").evaluate("(a) => a.href").endswith("/notebooks/10-vae.html#q-vae-03")
    page.locator("a.deep").click()
    sync_api.expect(page.locator("#q-vae-03")).to_be_visible()                  # gm.js opens the fold it stands in


def test_a_problem_in_the_review_counts_and_goes_on(reader):
    read_two_lectures(reader)
    page = reader.open("book/review.html")
    page.get_by_role("button", name="Practise 2 problems").click()
    for _ in range(2):
        box = page.locator(".gm-item .gm-problem")
        box.wait_for()
        right = page.evaluate("""async () => { const box = document.querySelector('.gm-item .gm-problem');
            const problem = await gm.problems.fetchProblem(box.dataset.problem), statement = box.querySelector('.gm-statement');
            const div = document.createElement('div');
            return problem.variants.find((v) => { div.innerHTML = v.statement; return div.innerHTML === statement.innerHTML; }).answer; }""")
        sync_api.expect(box.get_by_label("Your answer")).to_be_focused()
        page.keyboard.type(str(right))
        page.keyboard.press("Enter")
        sync_api.expect(page.get_by_role("button", name="Next")).to_be_focused()
        page.keyboard.press("Enter")
    sync_api.expect(page.locator(".gm-session")).to_contain_text("2 problems: 2 right.")
    assert [p["correct"] for p in reader.stored()["problems"].values()] == [1, 1]


def test_a_missing_lecture_is_named_and_the_rest_is_asked(browser, address):
    reader = Reader(browser, address)
    read_two_lectures(reader)
    reader.page.route("**/recall/12-flows.js", lambda route: route.abort())
    later(reader, 1)
    page = reader.open("book/review.html")
    sync_api.expect(page.locator(".gm-count")).to_have_text("1 of 1")
    sync_api.expect(page.locator(".gm-data .gm-said")).to_contain_text("could not be loaded: Normalising flows.")
    reader.context.close()


def test_the_clock_can_be_set_in_the_address(browser, address):
    reader = Reader(browser, address)
    read_two_lectures(reader)
    page = reader.context.new_page()
    page.goto(address + "book/review.html?now=2026-01-11")
    sync_api.expect(page.locator(".gm-count")).to_have_text("1 of 2")
    reader.context.close()


# -- progress: export, import, clear, damage


def export(page):
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    return Path(download.value.path()).read_text(encoding="utf8"), download.value.suggested_filename


def give_file(page, text):
    """Imports a file; gives what the page said."""
    page.locator(".gm-data .gm-said").evaluate("(e) => { e.textContent = ''; }")
    page.locator("input[type=file]").set_input_files(
        {"name": "progress.json", "mimeType": "application/json", "buffer": text.encode()})
    sync_api.expect(page.locator(".gm-data .gm-said")).not_to_be_empty()
    return page.locator(".gm-data .gm-said").inner_text()


def test_export_clear_import_round_trip(reader):
    read_two_lectures(reader)
    check(reader.problem("p-flow-det"), "2")
    page = reader.open("book/review.html")
    before = reader.stored()
    text, name = export(page)
    assert name == "gm-progress-2026-01-10.json"
    page.get_by_role("button", name="Delete", exact=True).click()
    sync_api.expect(page.get_by_role("button", name="Keep it")).to_be_focused()
    page.keyboard.press("Escape")
    assert reader.stored() == before                                           # asked, and kept
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete it all").click()
    sync_api.expect(page.get_by_role("heading", name="Nothing to review yet")).to_be_visible()
    assert reader.stored() is None
    assert give_file(page, text) == "Taken from the file: 4 prompts, 1 problem."
    sync_api.expect(page.get_by_role("heading", name="Nothing is due today")).to_be_visible()
    assert reader.stored() == before


def test_import_keeps_what_is_newer(reader):
    reader.lecture()
    reader.answer("r-vae-01", True)
    page = reader.open("book/review.html")
    old, _ = export(page)
    later(reader, 3)
    reader.lecture()
    reader.answer("r-vae-01", True)
    newer = reader.stored()
    page = reader.open("book/review.html")
    assert give_file(page, old) == "Taken from the file: 0 prompts, 0 problems."
    assert reader.stored() == newer


CARD = {"lecture": "10-vae", "due": 1768161600000, "last": 1768075200000, "stability": 2.3, "difficulty": 2.1, "reps": 1,
        "lapses": 0, "state": 2, "scheduled": 3, "answers": [[1768075200000, 1]]}


def progress(cards=None, problems=None, **more):
    return json.dumps({"version": 1, "cards": cards or {}, "problems": problems or {}, **more})


UNUSABLE = ["{", "null", "[]", "7", "{}", '{"version": 2, "cards": {}, "problems": {}}', '{"__proto__": {"version": 1}}',
            '"<script>window.hacked = 1</script>"', "[" * 100_000]


def test_a_file_that_cannot_be_used_changes_nothing(reader):
    reader.lecture()
    reader.answer("r-vae-01", True)
    page = reader.open("book/review.html")
    before = reader.stored()
    for text in UNUSABLE:
        assert give_file(page, text).startswith("Nothing was imported: the file cannot be used, because it ")
        assert reader.stored() == before


BAD = {
    "type of due": {**CARD, "due": "soon"}, "negative": {**CARD, "reps": -1}, "not whole": {**CARD, "reps": 1.5},
    "too large": {**CARD, "stability": 1e9}, "no field": {k: v for k, v in CARD.items() if k != "due"}, "a list": [1, 2],
    "null": None, "path": {**CARD, "lecture": "../../evil"}, "markup": {**CARD, "lecture": "<img src=x onerror=hacked=1>"},
    "answers": {**CARD, "answers": [[1, 2]]}, "object for number": {**CARD, "due": {"valueOf": 1}},
}


def test_import_drops_an_entry_with_a_bad_field(reader):
    page = reader.open("book/review.html")
    for name, card in BAD.items():
        text = progress({"R-VAE-01": CARD, "R-VAE-02": card})
        assert "1 prompt, 0 problems. 1 entry could not be read and was left out." in give_file(page, text), name
        assert list(reader.stored()["cards"]) == ["R-VAE-01"]
    assert page.evaluate("window.hacked") is None


def test_unknown_fields_and_prototype_keys_are_dropped(reader):
    page = reader.open("book/review.html")
    text = progress({"R-VAE-01": {**CARD, "note": "<script>hacked = 1</script>", "__proto__": {"polluted": 1}}}, extra=[1])
    evil = text.replace('"cards": {', '"cards": {"__proto__": ' + json.dumps(CARD) + ', "R-<img src=x onerror=hacked=1>": '
                        + json.dumps(CARD) + ', "constructor": {"prototype": {"polluted": 1}}, ')
    assert "3 entries could not be read" in give_file(page, evil)
    assert reader.stored()["cards"] == {"R-VAE-01": CARD}
    assert set(reader.stored()) == {"version", "problems", "cards"}
    assert page.evaluate("[({}).polluted, ({}).lecture, Object.prototype.due, window.hacked]") == [None] * 4


@pytest.mark.parametrize(("text", "why"), [
    ("{broken", "it is not JSON"), ("<script>window.hacked = 1</script>", "it is not JSON"),
    ('{"version": 99}', "another version"), (progress({"R-VAE-01": CARD, "R-VAE-02": BAD["markup"]}), "one entry is damaged")])
def test_damaged_progress_is_set_aside_with_a_message(reader, text, why):
    sync_api.expect(reader.open("book/review.html").get_by_role("heading", name="Nothing to review")).to_be_visible()
    reader.store(text)
    page = reader.open("book/review.html")
    sync_api.expect(page.locator(".gm-notice")).to_contain_text(why)
    assert page.evaluate("localStorage.getItem('gm-progress-damaged')") == text
    assert page.evaluate("window.hacked") is None
    with page.expect_download() as download:
        page.get_by_role("button", name="Save it to a file").click()
    assert Path(download.value.path()).read_text(encoding="utf8") == text
    page.get_by_role("button", name="Close").click()
    sync_api.expect(page.get_by_role("button", name="Save what was set aside")).to_be_visible()
    page.get_by_role("button", name="Drop it").click()
    assert page.evaluate("localStorage.getItem('gm-progress-damaged')") is None
    reader.lecture()
    reader.answer("r-vae-03", True)                                            # and life goes on
    assert "R-VAE-03" in reader.stored()["cards"]
    assert ("R-VAE-01" in reader.stored()["cards"]) == (why == "one entry is damaged")


def test_without_local_storage_it_works_in_memory_and_says_so(reader):
    reader.page.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('denied'); } })")
    page = reader.lecture()
    card = reader.answer("r-vae-01", True)
    sync_api.expect(card.locator(".gm-said")).to_have_text("The review asks it in 3 days.")
    sync_api.expect(page.locator(".gm-notice")).to_contain_text("keeps nothing for this page")
    text, _ = export(page)
    assert list(json.loads(text)["cards"]) == ["R-VAE-01"]
    page = reader.open("book/review.html")
    sync_api.expect(page.locator(".gm-limits")).to_contain_text("keeps nothing")
    give_file(page, text)
    sync_api.expect(page.get_by_role("heading", name="Nothing is due today")).to_be_visible()


def test_a_full_store_keeps_the_answers_of_this_page(reader):
    reader.page.add_init_script("Storage.prototype.setItem = function (k) { if (k === 'gm-progress') throw new Error('full'); }")
    page = reader.lecture()
    reader.answer("r-vae-01", True)
    sync_api.expect(page.locator(".gm-notice")).to_contain_text("Export your progress")


def test_two_tabs_do_not_overwrite_each_other(reader):
    reader.lecture()
    other = reader.context.new_page()
    other.goto(reader.base + "notebooks/12-flows.html")
    other.locator("#r-flow-01 .gm-rate").wait_for(state="attached")
    reader.answer("r-vae-01", True)
    other.locator("#r-flow-01 summary").click()
    other.locator("#r-flow-01").get_by_role("button", name="Not yet").click()
    sync_api.expect(other.locator("#r-flow-01 .gm-said")).not_to_be_empty()
    reader.answer("r-vae-02", True)
    assert sorted(reader.stored()["cards"]) == ["R-FLOW-01", "R-VAE-01", "R-VAE-02"]


# -- every page


def test_nothing_is_loaded_before_it_is_needed(reader):
    page = reader.context.new_page()
    asked = []
    page.on("request", lambda r: asked.append(r.url.rsplit("/", 1)[-1]))
    page.goto(reader.base + "notebooks/10-vae.html")
    page.locator("#r-vae-01 .gm-rate").wait_for(state="attached")
    assert {"problems.js", "review.js", "ts-fsrs.min.js", "P-VAE-KL.js"} & set(asked) == set()
    page.locator("#r-vae-01 summary").click()
    page.wait_for_function("() => window.gmFSRS")


def test_wide_code_can_be_scrolled_by_keyboard(browser, address):
    reader = Reader(browser, address, viewport={"width": 390, "height": 844})
    page = reader.lecture()
    sync_api.expect(page.locator("pre")).to_have_attribute("tabindex", "0")
    page.set_viewport_size({"width": 2600, "height": 900})
    page.add_style_tag(content="main { max-width: none !important }")
    page.evaluate("dispatchEvent(new Event('resize'))")
    sync_api.expect(page.locator("pre")).not_to_have_attribute("tabindex", "0")
    reader.context.close()


def test_paper_gets_everything_and_the_screen_gets_it_back(reader):
    page = reader.lecture()
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    reader.card("r-vae-01")
    shut = page.locator("details:not([open])").count()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.locator("details:not([open])").count() == 0
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert page.locator(".gm-button:visible, .gm-recall summary:visible, .gm-try:visible").count() == 0
    sync_api.expect(page.locator("#r-vae-02 .gm-answer > p")).to_be_visible()
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details:not([open])").count() == shut
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    reader.problem()
    sync_api.expect(check(reader.problem(), "2")).not_to_contain_text("does not count")


def test_reads_from_a_file(browser, site):
    reader = Reader(browser, site.as_uri() + "/")
    read_two_lectures(reader)
    reader.lecture()
    sync_api.expect(check(reader.problem(), "4")).to_contain_text("one half is missing")
    later(reader, 1)
    page = reader.open("book/review.html")
    sync_api.expect(page.locator(".gm-count")).to_have_text("1 of 2")
    review_one(page, "1")
    assert reader.complaints == []
    assert [url for url in reader.requests if not url.startswith(("file://", "data:"))] == []
    reader.context.close()


def test_firefox_from_a_file_is_told_that_pages_are_kept_apart(browser, site):
    reader = Reader(browser, site.as_uri() + "/", user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    page = reader.lecture()
    reader.answer("r-vae-01", True)
    sync_api.expect(page.locator(".gm-notice")).to_contain_text("progress of each page apart")
    page = reader.open("book/review.html")
    sync_api.expect(page.locator(".gm-limits")).to_contain_text("each page apart")
    reader.context.close()


def violations(page):
    found = axe.Axe().run(page).response["violations"]
    return [(v["id"], [n["html"][:90] + str(n["any"][0]["data"] if n["any"] else "")[:160] for n in v["nodes"]]) for v in found]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_accessible_and_no_wider_than_the_screen(browser, address, theme, width):
    reader = Reader(browser, address, viewport={"width": width, "height": 844}, reduced_motion="reduce")

    def look(page):
        page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    page = reader.lecture()
    reader.answer("r-vae-01", True)
    reader.answer("r-vae-02", False)
    reader.card("r-vae-03").locator("summary").click()
    check(reader.problem(), "77")
    look(page)
    check(reader.problem(), "2")
    look(page)
    look(reader.open("book/review.html"))
    later(reader, 5)
    page = reader.open("book/review.html")
    page.locator(".gm-item .gm-recall").wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Delete").click()
    look(page)
    reader.store("{broken")
    page = reader.open("book/review.html")
    page.locator(".gm-notice").wait_for()
    look(page)
    reader.context.close()

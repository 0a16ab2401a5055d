"""The built site in a real browser: over http at phone and desktop width in light and dark, and once from a file.

Bytes, nodes and widths do not depend on the machine's load, so that they can be asserted; scores of Lighthouse do.
"""

from __future__ import annotations

import gzip
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from conftest import served

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import pair  # noqa: E402

import book  # noqa: E402

sync_api = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
expect = sync_api.expect

HTML = ROOT / "_build/html"
VIEWS = {
    "desktop-light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "desktop-dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone-light": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "is_mobile": True, "has_touch": True},
    "phone-dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "is_mobile": True, "has_touch": True},
}
LECTURES = [f"notebooks/{md.stem}.html" for md in pair.listed()]
TEXT = (".html", ".css", ".js", ".svg", ".xml", ".json", ".txt")


@pytest.fixture(scope="session")
def site() -> Path:
    """The site, built if anything has changed; a warning fails here."""
    assert book.build() == 0
    return HTML


def pages() -> list[str]:
    """All but 404.html, whose links begin at the root of the published site."""
    names = re.findall(r"(?:file|root):\s*([\w/-]+)", (ROOT / "_toc.yml").read_text(encoding="utf8"))
    return [f"{name}.html" for name in names] + ["index.html", "search.html"]


@pytest.fixture(scope="session")
def address(site: Path):
    with served(site) as address:
        yield address


class Visit:
    """A page in its own context, what its console said, and where its requests went."""

    def __init__(self, browser, view: str = "desktop-light", now: datetime | None = None) -> None:
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.context = browser.new_context(**VIEWS[view])
        self.context.set_default_timeout(8000)
        self.page = self.context.new_page()
        if now:
            self.page.add_init_script(f"window.gmClock = {int(now.timestamp() * 1000)}")
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.on("request", lambda r: self.requests.append(r.url))

    def __enter__(self):
        return self

    def __exit__(self, *exc: object) -> None:
        self.context.close()

    def open(self, url: str):
        self.page.goto(url)
        return self.page

    def through(self) -> None:
        """Lay out what is skipped off-screen and scroll to the end, so that everything lazy has come."""
        self.page.add_style_tag(content=".gm-piece { content-visibility: visible !important }")
        self.page.evaluate("dispatchEvent(new Event('resize'))")
        self.page.wait_for_timeout(500)
        self.page.evaluate(
            "async () => { for (let y = 0; y < document.documentElement.scrollHeight; y += 900)"
            " { scrollTo({top: y, behavior: 'instant'}); await new Promise(r => setTimeout(r, 15)); } }"
        )
        self.page.wait_for_timeout(200)


# --- without a browser --------------------------------------------------------------------------


def soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf8"), "html.parser")


def test_no_broken_link_and_nothing_off_site(site: Path) -> None:
    parsed = {p: soup(p) for p in site.rglob("*.html") if "_static" not in p.parts and "_sources" not in p.parts}
    ids = {p: {t["id"] for t in s.find_all(id=True)} for p, s in parsed.items()}
    broken, foreign = [], []
    for path, page in parsed.items():
        for tag, name in (("a", "href"), ("link", "href"), ("script", "src"), ("img", "src"), ("source", "src"), ("iframe", "src")):
            for element in page.find_all(tag, attrs={name: True}):
                target = urlsplit(element[name])
                if target.scheme or target.netloc:
                    loads = tag != "a" and not (tag == "link" and set(element.get("rel", [])) & {"canonical", "author", "license", "alternate"})
                    if loads and target.scheme != "data":
                        foreign.append(f"{path.name}: {element[name]}")
                    continue
                if path.name == "404.html":
                    continue  # its links begin at the site's root
                to = (path.parent / unquote(target.path)).resolve() if target.path else path
                if to.is_dir():
                    to = to / "index.html"
                if not to.exists():
                    broken.append(f"{path.name}: {element[name]}")
                elif target.fragment and to in ids and unquote(target.fragment) not in ids[to]:
                    broken.append(f"{path.name}: {element[name]} has no such place")
    assert not broken
    assert not foreign


@pytest.mark.parametrize("name", LECTURES)
def test_weight_of_a_lecture(site: Path, name: str) -> None:
    """At most 600 kB, gzipped, before its figures; nodes are what a phone spends its time on."""
    path = site / name
    page = soup(path)
    files = {path}
    for tag in page.find_all("link", rel="stylesheet") + page.find_all("script", src=True):
        files.add((path.parent / (tag.get("href") or tag["src"]).split("?")[0]).resolve())
    for sheet in [f for f in files if f.suffix == ".css"]:
        for ref in re.findall(r"url\(([^)]+\.woff2)\)", sheet.read_text(encoding="utf8")):
            files.add((sheet.parent / ref.strip("'\"")).resolve())
    weight = sum(len(gzip.compress(f.read_bytes())) if f.suffix in TEXT else f.stat().st_size for f in files)
    assert weight <= 600_000, f"{weight} bytes"
    assert len(page.find_all(True)) <= 40_000


@pytest.mark.parametrize("name", LECTURES)
def test_equations_are_drawn(site: Path, name: str) -> None:
    page = soup(site / name)
    formulas = page.select(".katex")
    assert len(formulas) > 100
    assert not page.select(".katex-error")
    text = page.select_one("article").get_text()
    for left_over in (r"\tag{", "$$", r"\mathbb", r"\begin{"):
        visible = re.sub(r"\s+", " ", " ".join(t for t in page.select_one("article").find_all(string=True) if t.parent.name not in ("annotation", "script", "style")))
        assert left_over not in visible, left_over
    assert text


# --- in the browser -----------------------------------------------------------------------------


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", pages())
def test_page(browser, address: str, name: str, view: str) -> None:
    """No console message, no request off-site, nothing wider than the screen, no serious finding of axe."""
    with Visit(browser, view) as visit:
        page = visit.open(address + name)
        visit.through()
        assert visit.complaints == []
        assert [r for r in visit.requests if not r.startswith((address, "data:", "blob:"))] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1"), "wider than the screen"
        assert page.evaluate("document.documentElement.dataset.theme") == view.split("-")[1]
        if name in LECTURES and view in ("desktop-dark", "phone-light"):
            return  # axe needs seconds for a page of so many formulas: light and dark, wide and narrow once each
        options = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
        found = axe.Axe().run(page, options=options).response["violations"]
        serious = [(v["id"], v["nodes"][0]["html"][:150]) for v in found if v["impact"] in ("serious", "critical")]
        assert serious == []


@pytest.mark.parametrize("name", ["index.html", "book/review.html", "book/checked.html", *LECTURES])
def test_from_a_file(browser, site: Path, name: str) -> None:
    with Visit(browser) as visit:
        visit.open((site / name).as_uri())
        visit.through()
        assert visit.complaints == []
        assert all(r.startswith(("file:", "data:", "blob:")) for r in visit.requests)


def test_a_question_answered_right_and_wrong(browser, address: str) -> None:
    """By clicking and by keyboard, on the real page with the real variants."""
    with Visit(browser) as visit:
        page = visit.open(address + LECTURES[0])
        box = page.locator(".gm-problem").first
        box.scroll_into_view_if_needed()
        field = box.get_by_label("Your answer")
        field.wait_for()
        field.fill("12345")
        box.get_by_role("button", name="Check").click()
        status = box.get_by_role("status")
        expect(status).to_contain_text("Not")
        expect(box.locator(".gm-solution")).not_to_have_attribute("open", "")
        answer, wrong, words = page.evaluate(
            """async id => { const p = await gm.problems.fetchProblem(id); const v = p.variants.find(v => v.seed === 0);
            const m = v.mistakes[0]; const e = document.createElement('div'); e.innerHTML = m.diagnosis;
            return [v.answer, m.answer, e.textContent.trim().slice(0, 20)]; }""",
            box.get_attribute("data-problem"),
        )
        field.fill(str(wrong))
        field.press("Enter")
        expect(status).to_contain_text(words)
        field.fill(str(answer))
        field.press("Enter")
        expect(status).to_contain_text("Right")
        expect(box.locator(".gm-solution")).to_have_attribute("open", "")


def test_a_recall_card_is_met_again_when_it_is_due(browser, address: str) -> None:
    now = datetime.now(UTC)
    with Visit(browser, now=now) as visit:
        page = visit.open(address + LECTURES[0])
        for knew in (True, False):
            card = page.locator(".gm-recall:not(.gm-again)").nth(0 if knew else 1)
            card.scroll_into_view_if_needed()
            card.locator(".gm-rate").wait_for(state="attached")
            card.get_by_text("Show the answer").click()
            card.get_by_role("button", name="Knew it" if knew else "Not yet").click()
            expect(card.locator(".gm-said")).not_to_be_empty()
        question = page.locator(".gm-recall .gm-question").first.inner_text()[:25]
        state = visit.context.storage_state()
        assert visit.complaints == []
    context = browser.new_context(storage_state=state)
    page = context.new_page()
    page.add_init_script(f"window.gmClock = {int((now + timedelta(days=40)).timestamp() * 1000)}")
    page.goto(address + "book/review.html")
    expect(page.locator(".gm-count")).to_have_text("1 of 2")
    seen = []
    for _ in range(2):
        item = page.locator(".gm-item")
        seen.append(item.locator(".gm-question").inner_text()[:25])
        page.keyboard.press("Enter")
        expect(item.get_by_role("button", name="Knew it")).to_be_visible()
        page.keyboard.press("1")
        page.wait_for_function("t => !document.querySelector('.gm-item .gm-question')?.innerText.startsWith(t)", arg=seen[-1])
    assert question in seen
    expect(page.get_by_role("heading", name="Done for today")).to_be_visible()
    context.close()


@pytest.mark.parametrize("name", LECTURES)
def test_interactives_move(browser, address: str, name: str) -> None:
    """Each interactive of the page answers the keyboard and comes back with its reset button."""
    with Visit(browser) as visit:
        page = visit.open(address + name)
        figures = page.locator(".gm-interactive")
        for i in range(figures.count()):
            figure = figures.nth(i)
            figure.scroll_into_view_if_needed()
            page.wait_for_timeout(200)
            before = figure.get_by_role("status").inner_text()
            slider = figure.get_by_role("slider").first
            slider.focus()
            for _ in range(5):
                slider.press("ArrowRight")
            expect(figure.get_by_role("status")).not_to_have_text(before)
            figure.get_by_role("button", name="Reset").click()
            expect(figure.get_by_role("status")).to_have_text(before)
        assert visit.complaints == []


@pytest.mark.parametrize("name", LECTURES)
def test_print(browser, address: str, name: str, tmp_path: Path) -> None:
    """On paper every fold is open, moving figures show their key frames, and the text is in the PDF."""
    import pypdf

    with Visit(browser, "desktop-dark") as visit:
        page = visit.open(address + name)
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        assert page.evaluate("[...document.querySelectorAll('article details')].every(d => d.open)")
        assert page.evaluate("document.documentElement.dataset.theme") == "light"
        page.emulate_media(media="print")
        if page.locator(".gm-frames").count():
            assert page.locator(".gm-frames").first.is_visible()
        page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        page.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)
    text = "".join(p.extract_text() for p in pypdf.PdfReader(tmp_path / "page.pdf").pages)
    assert "Solution" in text
    assert "points" in text


def test_search_finds_a_word(browser, address: str) -> None:
    with Visit(browser) as visit:
        page = visit.open(address + "search.html?q=reparameterisation")
        expect(page.locator("#search-results a").first).to_be_visible()
        assert visit.complaints == []

"""The figure of lecture 5: the page's closed forms beside a fine grid and quadrature, and what a reader does with it."""

from __future__ import annotations

import math
import re

import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm

from gm_utils.interactives.moving_distances import SHAPES, moving_distances, shifted_distances

KEYS = ("kl", "lk", "js", "tv", "hellinger", "w1")
ID = "#i-5-move"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("site") / "page.html"
    head = '<!doctype html><html lang="en"><head><meta charset="utf8"><title>x</title><meta name="viewport" content="width=device-width, initial-scale=1">'
    path.write_text(f"{head}</head><body style='margin: 8px 8px 900px'>{moving_distances().html}</body></html>", encoding="utf8")
    return path.as_uri()


@pytest.fixture
def visit(browser, site):
    """Opens the page; at the end: no message in the console, no error, no request but the page itself."""
    contexts, faults = [], []

    def open_page(**options):
        contexts.append(browser.new_context(**{"viewport": {"width": 900, "height": 900}, "reduced_motion": "reduce", **options}))
        page = contexts[-1].new_page()
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: request.url == site or faults.append(request.url))
        page.goto(site)
        if options.get("java_script_enabled", True):
            page.wait_for_function(f"document.querySelector('{ID} .gm-handle')?.style.left")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


def place(page) -> float:
    return page.evaluate(f"document.querySelector('{ID}').gm.state.shift")


def facts(page) -> dict[str, str]:
    return {key: page.locator(f"{ID} [data-fact={key}] b").inner_text() for key in KEYS}


def test_html_is_whole_and_small():
    html = moving_distances().html
    assert html == moving_distances().html
    assert len(html.encode()) <= 60_000
    assert html.count("<figure>") == 4
    assert set(re.findall(r"[a-z]+://[^\s\"')]*", html)) <= {"http://www.w3.org/2000/svg"}


def test_the_grid_is_the_closed_forms():
    d, s = 1.1, 0.4
    got = shifted_distances("two bells", d)
    bc = math.exp(-(d**2) / (8 * s**2))
    expected = {"kl": d**2 / (2 * s**2), "tv": 2 * norm.cdf(d / (2 * s)) - 1, "hellinger": math.sqrt(1 - bc), "w1": d}
    assert {key: got[key] for key in expected} == pytest.approx(expected, rel=1e-4)
    for d in (0.3, 0.8, 1.7):  # question Q-DIST-02
        got, m = shifted_distances("two boxes", d), min(d, 1)
        assert got == pytest.approx({"kl": math.inf, "lk": math.inf, "js": m * math.log(2), "tv": m, "hellinger": m**0.5, "w1": d})


@pytest.mark.parametrize("shape", SHAPES)
def test_the_page_computes_what_the_grid_does(visit, shape):
    page = visit()
    for d in (-2.4, -1.3, -0.35, 0.0, 0.25, 0.9, 1.6, 2.4):
        ours = page.evaluate(f"([d, shape]) => document.querySelector('{ID}').gm.distances(d, shape)", [d, shape])
        got = {key: math.inf if ours[key] is None else ours[key] for key in KEYS}
        assert got == pytest.approx(shifted_distances(shape, d), abs=2e-5), d


def test_js_of_two_bells_by_quadrature(visit):
    page, s = visit(), 0.4

    def integrand(x, d):
        a, b = norm.pdf(x, 0, s), norm.pdf(x, d, s)
        return sum(0.5 * t * math.log(2 * t / (a + b)) for t in (a, b) if t > 0)

    for d in (0.4, 1.0, 2.2):
        exact = quad(integrand, -4, 6, args=(d,), limit=400, epsabs=1e-12)[0]
        got = page.evaluate(f"d => document.querySelector('{ID}').gm.distances(d, 'two bells').js", d)
        assert got == pytest.approx(exact, abs=1e-9)


def test_slopes_are_the_derivatives(visit):
    page, s = visit(), 0.4
    page.get_by_role("button", name="two bells").click()
    d = torch.tensor(0.83, dtype=torch.float64, requires_grad=True)
    tv, hellinger = torch.erf(d / (s * math.sqrt(8))), (1 - (-(d**2) / (8 * s**2)).exp()).sqrt()
    expected = {"kl": d / s**2, "tv": torch.autograd.grad(tv, d)[0], "hellinger": torch.autograd.grad(hellinger, d)[0], "w1": torch.tensor(1.0)}
    got = page.evaluate(f"document.querySelector('{ID}').gm.slopes(0.83)")
    for key, value in expected.items():
        assert got[key] == pytest.approx(value.item(), abs=1e-6)


def test_it_starts_where_only_w1_slopes(visit):
    page = visit()
    assert facts(page) == {"kl": "∞", "lk": "∞", "js": "0.693", "tv": "1.000", "hellinger": "1.000", "w1": "1.300"}
    slopes = [page.locator(f"{ID} [data-fact={key}] span").last.inner_text() for key in KEYS]
    assert slopes == ["no slope", "no slope", "flat", "flat", "flat", "slope 1.00"]


def test_a_box_in_a_box_opens_inside_where_only_w1_slopes(visit):
    page = visit()
    page.get_by_role("button", name="box in a box").click()
    assert place(page) == 0.25
    slopes = [page.locator(f"{ID} [data-fact={key}] span").last.inner_text() for key in KEYS]
    assert slopes == ["no slope", "flat", "flat", "flat", "flat", "slope 0.50"]


def test_each_distance_pulls_as_it_slopes(visit):
    page = visit()
    pull = page.get_by_role("group", name="let one distance pull Q")
    for name in ("KL", "JS", "TV", "Hellinger"):
        pull.get_by_role("button", name=name, exact=True).click()
        assert place(page) == 1.3
    page.wait_for_function(f"document.querySelector('{ID} [role=status]').textContent.includes('has no slope here')")
    pull.get_by_role("button", name="W₁").click()
    assert abs(place(page)) < 0.051
    page.get_by_role("button", name="two bells").click()
    page.evaluate(f"document.querySelector('{ID}').gm.move(2)")
    pull.get_by_role("button", name="JS").click()
    crept = place(page)
    page.evaluate(f"document.querySelector('{ID}').gm.move(2)")
    pull.get_by_role("button", name="KL", exact=True).click()
    assert abs(place(page)) < 0.001
    assert 1 < crept < 2
    page.get_by_role("button", name="Reset").click()
    assert facts(page)["w1"] == "1.300"
    assert page.get_by_role("button", name="two boxes").get_attribute("aria-pressed") == "true"


def test_by_keyboard(visit):
    page = visit()
    knob = page.locator(f"{ID} .gm-handle")
    knob.focus()
    for key in ("ArrowLeft", "ArrowLeft", "ArrowRight", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    assert knob.get_attribute("aria-valuetext") == "shift 1.00"
    page.get_by_role("slider", name="shift of Q").last.focus()
    page.keyboard.press("ArrowRight")
    assert knob.get_attribute("aria-valuetext") == "shift 1.01"


@pytest.mark.parametrize("touch", [False, True])
def test_by_mouse_and_finger(visit, touch):
    page = visit(has_touch=touch)
    knob = page.locator(f"{ID} .gm-handle")
    box = knob.bounding_box()
    x, y = box["x"] + 22, box["y"] + 22
    if touch:
        session = page.context.new_cdp_session(page)
        for kind, points in (("touchStart", [{"x": x, "y": y}]), ("touchMove", [{"x": x - 60, "y": y + 5}]), ("touchEnd", [])):
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    else:
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x - 60, y + 5, steps=3)
        page.mouse.up()
    moved = knob.bounding_box()
    assert moved["x"] + 22 == pytest.approx(x - 60, abs=2)
    assert moved["y"] == pytest.approx(box["y"], abs=1)
    assert place(page) < 1.3


@pytest.mark.parametrize("width", [340, 900])
@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_is_cut(visit, width, shape):
    page = visit(viewport={"width": width, "height": 800})
    page.get_by_role("button", name=shape).click()
    for d in (-2.4, 0, 2.4):
        page.evaluate(f"d => document.querySelector('{ID}').gm.move(d)", d)
        outside = page.evaluate(f"""() => [...document.querySelectorAll('{ID} *')].filter(node => {{
            const box = node.getBoundingClientRect(), root = document.querySelector('{ID}').getBoundingClientRect();
            return box.width && !node.closest('.gm-handle') && (box.right > root.right + 1 || box.left < root.left - 1);
        }}).map(node => node.outerHTML.slice(0, 120))""")
        assert outside == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_key_frames_in_print_and_without_script(visit):
    page = visit()
    page.emulate_media(media="print")
    assert page.locator(f"{ID} .gm-frames svg:visible").count() == 4
    bare = visit(java_script_enabled=False)
    assert bare.locator(f"{ID} .gm-frames svg:visible").count() == 4
    caption = bare.locator(f"{ID} figcaption").first.inner_text()
    assert caption == "Two boxes, shift 1.3: KL(P‖Q) ∞; KL(Q‖P) ∞; JS 0.693; TV 1.000; Hellinger 1.000; W1 1.300."

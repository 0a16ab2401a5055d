"""The interactive map of the line: its integrals by another way, and what it does in a real browser."""

from __future__ import annotations

import math
import re

import pytest
import torch
from conftest import lone_page
from scipy.integrate import quad
from scipy.optimize import brentq

from gm_utils.interactives.map_1d import STATES, map_1d, map_terms

CASES = [(2, 1, 0), (-1.5, 1, 0), (1, 0, 1), (0.5, -1, -0.3), (-0.7, 0.4, 0.8)]


def phi(z: float) -> float:
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


@pytest.mark.parametrize(("a", "b", "c"), CASES)
def test_integrals_by_quadrature_over_x_with_a_numerical_inverse(a, b, c):
    def g(z):
        return b + a * (z + c * math.tanh(3 * z))

    def f(x):
        return brentq(lambda z: g(z) - x, -60, 60, xtol=1e-13)

    def slope(z):
        t = torch.tensor(z, dtype=torch.float64, requires_grad=True)
        (b + a * (t + c * torch.tanh(3 * t))).backward()
        return abs(t.grad.item())

    formulas = {
        "right": lambda x: phi(f(x)) / slope(f(x)),
        "left out": lambda x: phi(f(x)),
        "upside down": lambda x: phi(f(x)) * slope(f(x)),
        "g for f": lambda x: phi(g(x)) / slope(f(x)),
    }
    got = map_terms(a, b, c)
    for name, formula in formulas.items():
        value = quad(formula, -20, 20, limit=400, points=[b, f(0.0), f(b)], epsabs=1e-8)[0]
        assert got[name] == pytest.approx(value, abs=1e-5), name


@pytest.mark.parametrize("a", [0.5, 2, -3])
def test_affine_maps_have_the_closed_forms(a):
    expected = {"right": 1, "left out": abs(a), "upside down": a**2, "g for f": a**-2}
    assert map_terms(a, 0.7, 0) == pytest.approx(expected, abs=1e-8)


def test_maps_that_are_not_invertible_are_refused():
    for a, c in ((0, 0), (1, -1 / 3), (1, -0.5)):
        with pytest.raises(ValueError, match="expected a other than 0"):
            map_terms(a, 0, c)


def test_html_is_whole_and_asks_for_nothing():
    html = map_1d().html
    assert html == map_1d().html
    assert html.count("<figure>") == 4
    assert set(re.findall(r"[a-z]+://[^\s\"')]*", html)) <= {"http://www.w3.org/2000/svg"}
    for a, b, c, _ in STATES.values():
        assert f"upside down {map_terms(a, b, c)['upside down']:.3f}" in html


@pytest.fixture
def page(browser, tmp_path):
    with lone_page(browser, tmp_path, map_1d().html) as page:
        yield page


def value(page, i: int) -> float:
    return float(page.locator(".gm-facts b").nth(i).inner_text())


def test_it_starts_where_the_point_is_made(page):
    assert [value(page, i) for i in range(4)] == [0.399, 4.0, 0.1, 1.0]
    says = page.get_by_role("status").inner_text()
    assert "falls from 0.399 to 0.100" in says
    assert "upside down: 4.097" in says


@pytest.mark.parametrize(("a", "b", "c"), CASES)
def test_the_page_integrates_as_python_does(page, a, b, c):
    page.evaluate("s => document.querySelector('#i-12-map').gm.move(...s)", [a, b, c, 0.4])
    for name, expected in map_terms(a, b, c).items():
        got = page.evaluate("name => document.querySelector('#i-12-map').gm.integral(name)", name)
        assert got == pytest.approx(expected, rel=1e-4), name
    stretch = abs(a) * (1 + 3 * c / math.cosh(1.2) ** 2)
    assert value(page, 1) == pytest.approx(stretch, abs=5.1e-4)
    assert value(page, 2) == pytest.approx(phi(0.4) / stretch, abs=5.1e-4)
    assert value(page, 3) == 1


def test_both_strips_have_the_same_area(page):
    area = """name => { const d = document.querySelector(`[data-strip=${name}]`).getAttribute('d');
        const p = d.slice(1, -1).split('L').map(pair => pair.split(' ').map(Number));
        return Math.abs(p.reduce((sum, [x, y], i) => { const [u, v] = p[(i + 1) % p.length];
            return sum + x * v - u * y; }, 0)) / 2; }"""
    for state in ([1, 0, 1, 0], [2, 1, 0, 1], [-1.2, 0, 0.5, -0.4]):
        page.evaluate("s => document.querySelector('#i-12-map').gm.move(...s)", state)
        below, left = page.evaluate(area, "z"), page.evaluate(area, "x")
        assert left == pytest.approx(below, rel=0.01)
        assert below > 50


def test_dragging_keyboard_buttons_and_reset(page):
    knob = page.locator(".gm-handle")
    start = knob.get_attribute("aria-valuetext")
    box = knob.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 10, y + 15, steps=4)
    page.mouse.up()
    after = knob.bounding_box()
    assert after["x"] + after["width"] / 2 == pytest.approx(x + 10, abs=3)
    assert after["y"] + after["height"] / 2 == pytest.approx(y + 15, abs=3)
    moved = knob.get_attribute("aria-valuetext")
    for key in ("ArrowRight", "ArrowUp"):
        knob.press(key)
        assert knob.get_attribute("aria-valuetext") != moved
    page.get_by_role("button", name="x = 2z").click()
    assert value(page, 1) == 2
    for name, integral in (("left out", "2.000"), ("g for f", "0.250"), ("upside down", "4.000")):
        page.locator(f"[data-mistake='{name}']").click()
        assert f"{name}: integral {integral}" in page.locator("svg").nth(1).text_content()
    page.get_by_role("slider", name="scale a").fill("0")  # g would not be invertible
    assert abs(page.evaluate("document.querySelector('#i-12-map').gm.state.a")) == 0.25
    page.get_by_role("button", name="turned round").click()
    assert value(page, 1) == 1.5
    assert value(page, 3) == 1
    page.get_by_role("button", name="Reset").click()
    assert knob.get_attribute("aria-valuetext") == start

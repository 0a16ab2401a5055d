"""The joint table of lecture 4: its bytes, and its numbers in a real browser against gm_utils.information."""

from __future__ import annotations

import math
import re

import pytest
import torch

from gm_utils import information, plotting
from gm_utils.interactives.joint_table import PRESETS, joint_table

TABLES = [*PRESETS.values(), [[0.1, 0.2], [0.3, 0.4]], [[1.0, 0.0], [0.0, 0.0]], [[0.05, 0.55], [0.4, 0.0]]]


@pytest.fixture(scope="module")
def html() -> str:
    return joint_table().html


def numbers(table) -> dict[str, float]:
    """The six figures by gm_utils.information, in nats."""
    joint = torch.tensor(table, dtype=torch.float64)
    return {
        "hx": information.entropy(joint.sum(1)).item(),
        "hy": information.entropy(joint.sum(0)).item(),
        "hxy": information.joint_entropy(joint).item(),
        "hxGivenY": information.conditional_entropy(joint, given="y").item(),
        "hyGivenX": information.conditional_entropy(joint, given="x").item(),
        "mi": information.mutual_information(joint).item(),
    }


def test_html_asks_for_nothing_and_repeats(html):
    assert joint_table().html == html
    assert len(html.encode()) <= 150_000
    assert set(re.findall(r"[a-z]+://[^\s\"')]*", html)) <= {"http://www.w3.org/2000/svg"}
    assert html.count("<figure>") == 4
    palette = {value for key, value in vars(plotting).items() if key.isupper() and isinstance(value, str)}
    assert set(re.findall(r"#[0-9a-f]{6}\b", html.lower())) <= palette | {"#f5f4ef"}


def test_key_frames_show_the_same_numbers(html):
    for name, table in PRESETS.items():
        n = numbers(table)
        assert f"{name}: H(X) {n['hx']:.3f}, H(Y) {n['hy']:.3f}, H(X,Y) {n['hxy']:.3f}, " in html
        assert f"H(X|Y) {n['hxGivenY']:.3f}, H(Y|X) {n['hyGivenX']:.3f}, I(X;Y) {n['mi']:.3f} nats." in html


def test_the_presets_are_what_they_are_called():
    assert all(abs(sum(map(sum, table)) - 1) < 1e-12 for table in PRESETS.values())
    assert numbers(PRESETS["Independent"])["mi"] < 1e-12
    assert numbers(PRESETS["Equal"])["mi"] == pytest.approx(math.log(2))
    assert numbers(PRESETS["Noisy channel"])["mi"] / math.log(2) == pytest.approx(0.5001, abs=5e-5)


# In the browser


@pytest.fixture
def visit(browser, html, tmp_path):
    """Opens the page; at the end: no message in the console, no error, no request but the page itself."""
    contexts, faults = [], []
    path = tmp_path / "page.html"
    head = '<meta charset="utf8"><title>Table</title><meta name="viewport" content="width=device-width, initial-scale=1">'
    style = "<style>body { margin: 8px 8px 900px; font-family: sans-serif }</style>"
    body = f"<body><main><h1>One</h1>{html}</main></body>"
    path.write_text(f'<!doctype html><html lang="en"><head>{head}{style}</head>{body}</html>', encoding="utf8")

    def open_page(**options):
        options = {"viewport": {"width": 900, "height": 900}, "reduced_motion": "reduce", **options}
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda r: r.url in (path.as_uri(),) or r.url.startswith("data:") or faults.append(r.url))
        page.goto(path.as_uri())
        page.wait_for_function("document.querySelector('#i-4-table .gm-handle')?.style.left")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


def shown(page, unit="nats") -> dict[str, float]:
    texts = {name: page.locator(f"#i-4-table [data-term={name}]").inner_text() for name in numbers(TABLES[0])}
    assert all(text.endswith(" " + unit) for text in texts.values())
    return {name: float(text.split()[0]) for name, text in texts.items()}


def cells(page) -> list[float]:
    return page.evaluate("document.querySelector('#i-4-table').gm.state.cells")


def centre(locator) -> tuple[float, float]:
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_the_page_computes_what_the_package_does(visit):
    page = visit()
    for table in TABLES:
        page.evaluate("cells => document.querySelector('#i-4-table').gm.set(cells)", sum(table, []))
        expected = numbers(table)
        ours = page.evaluate("document.querySelector('#i-4-table').gm.terms()")
        assert {name: ours[name] for name in expected} == pytest.approx(expected, abs=1e-12)
        assert shown(page) == pytest.approx(expected, abs=5.1e-4)
        for j, column in enumerate(zip(*table, strict=True)):
            text = page.locator(f"[data-given='{j + 1}']").inner_text()
            if sum(column):
                conditional = information.entropy([p / sum(column) for p in column]).item()
                assert float(text) == pytest.approx(conditional, abs=5.1e-4)
            else:
                assert text == "–"


def test_it_starts_where_an_outcome_confuses_and_comes_back(visit):
    page = visit()
    says, start = page.get_by_role("status"), cells(page)
    assert start == sum(PRESETS["A surprise"], [])
    assert "raises the entropy of X to 0.693" in says.inner_text()
    for name in list(PRESETS)[1:]:
        page.get_by_role("button", name=name).click()
        assert cells(page) == pytest.approx(sum(PRESETS[name], []), abs=1e-12)
    page.get_by_role("button", name="bits").click()
    bits = {name: value / math.log(2) for name, value in numbers(PRESETS["Noisy channel"]).items()}
    assert shown(page, "bits") == pytest.approx(bits, abs=5.1e-4)
    page.wait_for_function("document.querySelector('#i-4-table [role=status]').textContent.includes('0.500 bits')")
    page.get_by_role("button", name="Reset").click()
    assert cells(page) == pytest.approx(start, abs=1e-12)
    assert shown(page) == pytest.approx(numbers(PRESETS["A surprise"]), abs=5.1e-4)


def test_by_keyboard(visit):
    page = visit()
    knob = page.get_by_role("slider", name="P(X = 1, Y = 1)")
    knob.focus()
    for key in ("ArrowUp", "Shift+ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
    assert knob.get_attribute("aria-valuetext") == "0.050"
    assert sum(cells(page)) == pytest.approx(1, abs=1e-12)
    assert cells(page)[2] / cells(page)[1] == pytest.approx(6, abs=1e-9)  # the others keep their proportions
    assert page.evaluate("getComputedStyle(document.activeElement, '::before').outlineStyle") == "solid"
    for key in ["Shift+ArrowUp"] * 25 + ["ArrowDown"]:  # to certainty and back
        page.keyboard.press(key)
    assert cells(page) == pytest.approx([0.99, *[0.01 / 3] * 3], abs=1e-9)


def test_dragging_with_the_mouse(visit):
    page = visit()
    knob = page.get_by_role("slider", name="P(X = 2, Y = 1)")
    x, y = centre(knob)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 30, steps=4)
    page.mouse.up()
    assert centre(knob)[1] == pytest.approx(y + 30, abs=2)
    assert cells(page)[2] == pytest.approx(0.75 - 30 / 72, abs=0.03)
    page.mouse.move(x, y)  # not dragging any more
    assert centre(knob)[1] == pytest.approx(y + 30, abs=2)


def test_dragging_with_a_finger(visit):
    page = visit(viewport={"width": 340, "height": 700}, has_touch=True, is_mobile=True)
    knob = page.get_by_role("slider", name="P(X = 2, Y = 1)")
    page.evaluate("element => element.scrollIntoView({block: 'center'})", knob.element_handle())
    x, y = centre(knob)
    touch, scroll = page.context.new_cdp_session(page), page.evaluate("scrollY")
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for i in range(1, 9):
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y + 4 * i}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert centre(knob)[1] == pytest.approx(y + 32, abs=3)
    assert page.evaluate("scrollY") == scroll
    assert page.evaluate("document.documentElement.scrollWidth") <= 340


@pytest.mark.parametrize("width", [340, 900])
def test_nothing_is_cut(visit, width):
    page = visit(viewport={"width": width, "height": 800})
    for table in TABLES:
        page.evaluate("cells => document.querySelector('#i-4-table').gm.set(cells)", sum(table, []))
        outside = page.evaluate("""() => [...document.querySelectorAll('.gm-interactive *')].filter(node => {
            const box = node.getBoundingClientRect(), root = node.closest('.gm-interactive').getBoundingClientRect();
            return box.width && !node.closest('.gm-handle') && (box.right > root.right + 1 || box.left < root.left - 1);
        }).map(node => node.outerHTML.slice(0, 120))""")
        assert outside == []


@pytest.mark.parametrize("width", [340, 704])
@pytest.mark.parametrize("unit", ["nats", "bits"])
def test_names_in_the_diagram_keep_apart(visit, width, unit):
    page = visit(viewport={"width": width, "height": 800})
    page.get_by_role("button", name=unit).click()
    for table in [*TABLES, [[0.9, 0.05], [0.03, 0.02]], [[0.25, 0.25], [0.25, 0.25]], [[0.999, 0.0], [0.0, 0.001]]]:
        page.evaluate("cells => document.querySelector('#i-4-table').gm.set(cells)", sum(table, []))
        boxes = page.locator(".gm-still text").evaluate_all("nodes => nodes.map(n => n.getBoundingClientRect().toJSON())")
        for i, a in enumerate(boxes):
            for b in boxes[:i]:
                side = a["left"] >= b["right"] + 2 or b["left"] >= a["right"] + 2
                assert side or a["top"] >= b["bottom"] or b["top"] >= a["bottom"], (table, a, b)


def test_print_shows_the_key_frames(visit):
    page = visit()
    assert page.locator(".gm-frames figure:visible").count() == 0
    page.emulate_media(media="print")
    assert page.locator(".gm-frames svg:visible").count() == 4


def test_axe_finds_nothing(visit):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(visit()).response["violations"]
    assert [(fault["id"], [node["html"][:100] for node in fault["nodes"]]) for fault in found] == []

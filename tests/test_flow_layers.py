"""The interactive flow, layer by layer: its maps equal torch's, and what it does in a real browser."""

from __future__ import annotations

import re

import pytest
import torch
from conftest import lone_page

from gm_utils.interactives.flow_layers import flow_layers
from gm_utils.models.flows import MAF, Flow, RealNVP

LAYERS = 4
ASK = "document.querySelector('#i-13-layers').gm"


def random_flow() -> Flow:
    """A flow that is far from the identity, and bends."""
    torch.manual_seed(3)
    flow = MAF(2, LAYERS, (24, 24))
    for parameter in flow.parameters():
        torch.nn.init.normal_(parameter, std=0.25)
    return flow.requires_grad_(False)


FLOW = random_flow()
DATA = torch.randn(60, 2, generator=torch.Generator().manual_seed(1))
LABELS = (DATA[:, 0] > 0).long()


def through(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Every level of x, (levels, n, 2), and every layer's log-determinant, (layers, n)."""
    path, shares = [x], []
    for transform in FLOW.transforms:
        z, share = transform(path[-1])
        path.append(z)
        shares.append(share)
    return torch.stack(path), torch.stack(shares)


@pytest.fixture(scope="module")
def figure():
    return flow_layers(FLOW, DATA, LABELS, probe=(0.3, -0.4), start=1)


def test_html_is_whole_small_and_asks_for_nothing(figure):
    html = figure.html
    assert html == flow_layers(FLOW, DATA, LABELS, probe=(0.3, -0.4), start=1).html
    assert len(html.encode()) <= 150_000
    assert html.count("<figure>") == 4
    assert set(re.findall(r"[a-z]+://[^\s\"')]*", html)) <= {"http://www.w3.org/2000/svg"}
    shares = through(DATA)[1].mean(1)
    assert f"After layer {LAYERS} of {LAYERS}: log-determinant" in html
    last = f"{float(shares[3:].sum()):.2f}".replace("-", "−")  # the frames stand at levels 0, 1, 3, 4
    assert f"After layer {LAYERS} of {LAYERS}: log-determinant {last} on average." in html


def test_other_flows_and_shapes_are_refused():
    with pytest.raises(TypeError, match="AffineCoupling"):
        flow_layers(RealNVP(2), DATA, LABELS)
    with pytest.raises(TypeError, match="two coordinates"):
        flow_layers(MAF(3), DATA, LABELS)
    for data, labels in ((DATA[:, :1], LABELS), (DATA, LABELS[:5]), (DATA[0], LABELS)):
        with pytest.raises(ValueError, match="data and labels have shapes"):
            flow_layers(FLOW, data, labels)


@pytest.fixture
def page(browser, figure, tmp_path):
    with lone_page(browser, tmp_path, figure.html) as page:
        yield page


def facts(page) -> list[float]:
    return [float(text.replace("−", "-")) for text in page.locator(".gm-facts b").all_inner_texts()]


@pytest.mark.parametrize("level", range(LAYERS + 1))
def test_the_page_maps_as_torch_does_from_every_level(page, level):
    path, shares = through(DATA)
    got = page.evaluate(f"([points, k]) => points.map(p => {ASK}.levels(p, k))", [path[level].tolist(), level])
    mine = torch.tensor([point["path"] for point in got]).transpose(0, 1)  # (levels, n, 2)
    size = path.abs().amax((0, 2)).clamp(min=1)[:, None]  # of each point's way, for a relative error
    assert ((mine - path).abs() / size).max() < 1e-2
    assert (torch.tensor([point["shares"] for point in got]).T - shares).abs().max() < 1e-2
    assert path.std() > 0.5  # it does something


def test_log_p_is_the_flows_at_the_ring(page):
    x = torch.tensor([0.3, -0.4])
    assert facts(page)[2] == pytest.approx(FLOW.log_prob(x).item(), abs=2e-2)
    page.evaluate(f"{ASK}.go(0)")
    for point in ([1.0, 0.5], [-0.8, 0.2]):
        page.evaluate(f"p => {ASK}.move(...p)", point)
        base, shares, total = facts(page)
        assert total == pytest.approx(FLOW.log_prob(torch.tensor(point)).item(), abs=2e-2)
        assert base + shares == pytest.approx(total, abs=1.1e-2)
    before = facts(page)
    page.get_by_role("button", name="generative direction").click()  # the sign of the shares, not log p
    assert facts(page) == [before[0], -before[1], before[2]]


def test_printed_shares_sum_to_the_fact_and_long_bars_end_in_arrows(browser, tmp_path):
    steep = random_flow()
    steep.transforms[1].made.layers[-1].bias[2:] += 1.5  # this layer's share is below -1
    html = flow_layers(steep, DATA, LABELS, probe=(0.3, -0.4)).html
    with lone_page(browser, tmp_path, html) as page:
        texts = page.locator("svg:has([data-share]) text").all_text_contents()
        shown = [float(text.replace("−", "-")) for text in texts if re.fullmatch(r"−?\d+\.\d{3}", text)]
        h, shares = torch.tensor([[0.3, -0.4]]), []
        for transform in steep.transforms:
            h, share = transform(h)
            shares.append(share.item())
        assert shown == pytest.approx(shares, abs=1e-2)
        assert sum(shown) == pytest.approx(facts(page)[1], abs=0.005 + 0.0005 * LAYERS)
        bars = [path.get_attribute("d") for path in page.locator("[data-share]").all()]
        ends = [re.fullmatch(r"M.*H([-\d.]+)L([-\d.]+) .*", d).groups() for d in bars]
        assert [start != tip for start, tip in ends] == [False, True, False, False]


def test_levels_by_slider_pictures_and_play(page):
    slider = page.get_by_role("slider", name="layers done")
    pressed = page.locator("[data-level][aria-pressed=true]")
    assert pressed.get_attribute("data-level") == "1"
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert pressed.get_attribute("data-level") == "2"
    page.wait_for_function("document.querySelector('[role=status]').textContent.includes('After layer 2 of 4')")
    page.locator("[data-level='4']").click()
    assert slider.input_value() == "4"
    page.get_by_role("button", name="Play").click()  # at the end it begins anew
    assert page.get_by_role("button", name="Stop").is_visible()
    page.wait_for_function("document.querySelector('[data-level][aria-pressed=true]').dataset.level === '2'")
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="generative direction").click()
    page.wait_for_function("document.querySelector('[role=status]').textContent.includes('Back through layer 3 of 4')")
    page.get_by_role("button", name="Reset").click()
    assert page.evaluate(f"{ASK}.state") == {"t": 1, "level": 1, "direction": "normalise", "x": [0.3, -0.4]}


def test_the_ring_by_mouse_and_keyboard(page):
    knob = page.locator(".gm-handle")
    before, box = knob.get_attribute("aria-valuetext"), knob.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 25, y - 20, steps=3)
    page.mouse.up()
    dragged = knob.get_attribute("aria-valuetext")
    assert dragged != before
    box = knob.bounding_box()
    assert box["x"] + box["width"] / 2 == pytest.approx(x + 25, abs=1)
    page.keyboard.press("ArrowUp")
    assert knob.get_attribute("aria-valuetext") != dragged


def test_print_has_the_frames_and_a_phone_the_width(page):
    assert page.locator(".gm-frames figure:visible").count() == 0
    page.emulate_media(media="print")
    assert page.locator(".gm-frames svg:visible").count() == 4
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": 340, "height": 800})
    page.wait_for_timeout(100)
    assert page.evaluate("document.documentElement.scrollWidth") <= 340


def test_axe_finds_nothing(page):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(page).response["violations"]
    assert [(fault["id"], [node["html"][:100] for node in fault["nodes"]]) for fault in found] == []

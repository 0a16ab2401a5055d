"""The interactive figures: what stands in their bytes, and what they do in a real browser."""

from __future__ import annotations

import math
import re
import sys
import types
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from torch import nn

from gm_utils import frames, information, interactive, plotting, runtime

VOID = {"br", "img", "input", "meta", "hr", "path", "rect", "circle", "image", "line"}


@pytest.fixture(scope="module")
def decoder() -> nn.Module:
    torch.manual_seed(3)
    hidden = nn.Sequential(nn.Linear(2, 48), nn.SiLU(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 48), nn.ReLU())
    return nn.Sequential(hidden, nn.Linear(48, 64), nn.Sigmoid(), nn.Unflatten(1, (8, 8)))


@pytest.fixture(scope="module")
def codes() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Ten clusters, so that the plane has holes."""
    generator = torch.Generator().manual_seed(1)
    labels = torch.arange(900) % 10
    centre = torch.stack([torch.cos(labels * 0.628), torch.sin(labels * 0.628)], 1) * (1 + labels[:, None] % 3 * 0.5)
    mean = centre + 0.2 * torch.randn(900, 2, generator=generator)
    return mean, labels, torch.full((900, 2), -4.0)


EIGENVALUES = np.sort(np.random.default_rng(0).gamma(0.5, 0.2, 64))[::-1] + np.array([0.4] * 5 + [0.0] * 59)


@pytest.fixture(scope="module")
def figures(decoder, codes) -> dict[str, interactive.Interactive]:
    mean, labels, log_vars = codes
    return {
        "i-10-lab": interactive.elbo_laboratory(),
        "i-10-plane": interactive.latent_plane(decoder, mean, labels, log_vars),
        "i-10-noise": interactive.noise_tradeoff(EIGENVALUES, 8, [("a network", 9.0, 1.0), ("<another>", 0.0, 2.0)]),
    }


NAMES = ("i-10-lab", "i-10-plane", "i-10-noise")


class Wellformed(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open, self.ids, self.roles = [], [], []

    def handle_starttag(self, tag, attributes):
        self.ids += [value for key, value in attributes if key == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        assert tag in VOID

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


# What stands in the bytes


@pytest.mark.parametrize("name", NAMES)
def test_html_is_whole_small_and_asks_for_nothing(figures, name):
    figure = figures[name]
    html = figure._repr_html_()
    parser = Wellformed()
    parser.feed(html)
    parser.close()
    assert not parser.open
    assert parser.ids == [name]
    assert len(html.encode()) <= 150_000
    assert repr(figure).startswith(f"Interactive('{name}', ")
    assert set(re.findall(r"[a-z]+://[^\s\"')]*", html)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"@import|\bfetch\(|XMLHttpRequest|<link|<script[^>]+src|url\((?!#)", html)
    assert all(target.startswith("data:image/png;base64,") for target in re.findall(r"(?:href|src)=\"([^\"]+)\"", html))
    assert html.count("<figure>") == 4
    label = re.search(r'class="gm-interactive" id="[^"]+" role="group" aria-label="([^"]+)"', html)[1]
    assert len(label.split()) >= 12
    assert label.endswith(".")


def test_same_arguments_give_the_same_bytes(figures, decoder, codes):
    assert interactive.elbo_laboratory().html == figures["i-10-lab"].html
    assert interactive.latent_plane(decoder, *codes).html == figures["i-10-plane"].html


def test_every_colour_is_one_of_the_palette(figures):
    palette = {value.lower() for key, value in vars(plotting).items() if key.isupper() and isinstance(value, str)}
    for figure in figures.values():
        used = set(re.findall(r"#[0-9a-f]{6}\b", figure.html.lower()))
        assert used <= palette | {"#f5f4ef"}, used - palette


def test_the_id_scopes_the_styles():
    html = interactive.elbo_laboratory("i-10-other").html
    style = html[html.index("<style>") + 7 : html.index("</style>")]
    rules = re.sub(r"@media[^{]*\{", "", style)
    for selector in re.findall(r"([^{}]+)\{", rules):
        assert all(part.strip().startswith("#i-10-other") for part in re.sub(r"\([^)]*\)", "", selector).split(","))


def test_what_it_reads_is_recorded():
    interactive.elbo_laboratory()
    assert {"gm_utils/js/interactive.js", "gm_utils/js/laboratory.js", "gm_utils/js/interactive.css"} <= runtime._read


def test_bad_arguments(decoder, codes):
    mean, labels, log_vars = codes
    with pytest.raises(ValueError, match="id is"):
        interactive.elbo_laboratory("I 10")
    with pytest.raises(ValueError, match="codes has shape"):
        interactive.latent_plane(decoder, mean[:, :1], labels)
    with pytest.raises(ValueError, match="labels"):
        interactive.latent_plane(decoder, mean, labels + 1)
    with pytest.raises(ValueError, match="log_vars"):
        interactive.latent_plane(decoder, mean, labels, log_vars[:5])
    with pytest.raises(ValueError, match="decode_module"):
        interactive.latent_plane(decoder, mean, labels, image_shape=(28, 28))
    with pytest.raises(ValueError, match="bytes"):
        interactive.latent_plane(nn.Sequential(nn.Linear(2, 128), nn.ReLU(), nn.Linear(128, 784)), mean, labels,
                                 image_shape=(28, 28))  # fmt: skip
    with pytest.raises(TypeError, match="Conv2d"):
        interactive.mlp_weights(nn.Sequential(nn.Conv2d(1, 1, 1)))
    for eigenvalues, noise in (([1.0, 2.0], 0.5), ([1.0, -1.0], 0.5), ([1.0, float("nan")], 0.5), ([1.0], 0.0)):
        with pytest.raises(ValueError):
            interactive.linear_theory(eigenvalues, noise, 1)
    with pytest.raises(ValueError, match="latents"):
        interactive.noise_tradeoff([2.0, 1.0], 2)
    with pytest.raises(ValueError, match="variance"):
        interactive.laboratory_terms(0.0, 0.0)


# The closed forms, by another way


@pytest.mark.parametrize(("mean", "variance"), [(1, 0.25), (0, 1), (1.2, 0.2), (-1.5, 2), (3, 0.1)])
def test_laboratory_terms_are_the_closed_forms(mean, variance):
    terms = interactive.laboratory_terms(mean, variance)
    normal = torch.distributions.Normal
    z, weight = np.polynomial.hermite_e.hermegauss(40)  # E under N(0, 1), exact for polynomials
    codes = torch.tensor(mean + math.sqrt(variance) * z)
    recon = normal(2 * codes, 1.0).log_prob(torch.tensor(3.0)) @ torch.tensor(weight / weight.sum())
    assert terms["recon"] == pytest.approx(recon.item(), abs=1e-9)
    assert terms["kl"] == pytest.approx(float(information.diagonal_gaussian_kl([mean], [math.log(variance)])), abs=1e-9)
    assert terms["gap"] == pytest.approx(float(information.gaussian_kl([mean], [[variance]], [1.2], [[0.2]])), abs=1e-9)
    assert terms["logp"] == pytest.approx(normal(0.0, math.sqrt(5)).log_prob(torch.tensor(3.0, dtype=torch.float64)).item())
    assert terms["elbo"] + terms["gap"] == pytest.approx(terms["logp"], abs=1e-12)


@pytest.mark.parametrize("noise", [0.01, 0.2, 0.5, 32])
def test_linear_theory_is_the_linear_model(noise):
    """The optimum's matrices, their posterior and the average over the data, with no formula of the theory."""
    values, latents = EIGENVALUES[:12], 5
    theory = interactive.linear_theory(values, noise, latents)
    S = np.diag(values)
    W = np.diag(np.sqrt(np.clip(values - noise, 0, None)))[:, :latents]
    M = np.eye(latents) + W.T @ W / noise
    gain = np.linalg.inv(M) @ W.T / noise
    C = W @ W.T + noise * np.eye(12)
    elbo = -0.5 * (12 * math.log(2 * math.pi) + np.linalg.slogdet(C)[1] + np.trace(np.linalg.solve(C, S)))
    kl = 0.5 * (np.trace(np.linalg.inv(M)) + np.trace(gain @ S @ gain.T) - latents + np.linalg.slogdet(M)[1])
    residual = np.eye(12) - W @ gain
    assert theory["elbo"] == pytest.approx(elbo, abs=1e-9)
    assert theory["kl"] == pytest.approx(kl, abs=1e-9)
    assert theory["error"] == pytest.approx(np.trace(residual @ S @ residual.T), abs=1e-9)
    assert theory["live"] == (np.abs(W).sum(0) > 0).sum()


def test_the_calibrated_noise_is_the_likelihoods_maximum():
    calibrated = EIGENVALUES[8:].mean()
    best = interactive.linear_theory(EIGENVALUES, calibrated, 8)["elbo"]
    assert all(best > interactive.linear_theory(EIGENVALUES, calibrated * f, 8)["elbo"] for f in (0.98, 1.02))


def test_png_holds_the_pixels():
    from base64 import b64decode
    from io import BytesIO

    from PIL import Image

    image = torch.tensor([[0.0, 0.2, 1.0], [2.0, -1.0, 0.6]])  # values outside 0..1 are clipped
    data = b64decode(frames.png(image).split(",")[1])
    assert np.array(Image.open(BytesIO(data))).tolist() == [[255, 204, 0], [0, 255, 102]]


def test_explore_shows_sliders_only_where_a_person_works(monkeypatch):
    calls = []
    stub = types.SimpleNamespace(interact=lambda function, **sliders: calls.append(sliders) or "widget")
    monkeypatch.setitem(sys.modules, "ipywidgets", stub)
    monkeypatch.setattr(runtime, "live", lambda: False)
    assert interactive.explore(print, k=(1, 5)) is None
    assert calls == []
    monkeypatch.setattr(runtime, "live", lambda: True)
    assert interactive.explore(print, k=(1, 5)) == "widget"
    assert calls == [{"k": (1, 5)}]


# In the browser


@pytest.fixture(scope="module")
def site(figures, tmp_path_factory) -> str:
    """One page with the three figures, the book's colours in the dark, read from a file."""
    dark = "".join(f"--gm-{key.lower()}: {plotting.DARK[value]};" for key, value in vars(plotting).items()
                   if isinstance(value, str) and value in plotting.DARK)  # fmt: skip
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf8"><title>Interactives</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>html[data-theme=dark] {{ {dark} --gm-surface: #1c232c; }} body {{ margin: 8px 8px 900px; font-family: sans-serif }}</style></head>"
    )
    path = tmp_path_factory.mktemp("site") / "page.html"
    body = "".join(figure.html for figure in figures.values())
    path.write_text(f"{head}<body><main><h1>Three</h1>{body}</main></body></html>", encoding="utf8")
    return path.as_uri()


@pytest.fixture
def visit(browser, site):
    """Opens the page; at the end: no message in the console, no error, no request but the page itself."""
    contexts, faults = [], []

    def open_page(url=site, **options):
        options = {"viewport": {"width": 900, "height": 900}, "reduced_motion": "reduce", **options}
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: request.url == url or request.url.startswith("data:") or faults.append(request.url))
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


def ready(page, name):
    page.wait_for_function("id => document.querySelector(`#${id} .gm-handle`)?.style.left", arg=name)
    return page.locator(f"#{name}")


def number(locator) -> float:
    return float(locator.inner_text().replace("−", "-"))


def shown(lab) -> dict[str, float]:
    return {name: number(lab.locator(f"[data-term={name}] b").last) for name in ("recon", "kl", "elbo", "gap", "logp")}


def test_laboratory_starts_at_the_exam_question(visit):
    lab = ready(visit(), "i-10-lab")
    assert shown(lab) == {"recon": -1.919, "kl": 0.818, "elbo": -2.737, "gap": 0.113, "logp": -2.624}
    assert "add up to −2.624" in lab.get_by_role("status").inner_text()


@pytest.mark.parametrize(("mean", "variance"), [(0.0, 1.0), (1.2, 0.2), (-1.5, 2.0), (2.37, 0.1), (0.61, 0.83)])
def test_laboratory_shows_the_closed_forms_wherever_the_sliders_stand(visit, mean, variance):
    page = visit()
    lab = ready(page, "i-10-lab")
    lab.get_by_role("slider", name="mean of q").fill(str(mean))
    lab.get_by_role("slider", name="variance of q").fill(str(variance))
    expected = interactive.laboratory_terms(mean, variance)
    exact = page.evaluate("document.querySelector('#i-10-lab').gm.terms()")
    for name, value in expected.items():
        assert exact[name] == pytest.approx(value, abs=1e-12)
        assert shown(lab)[name] == pytest.approx(value, abs=5.001e-4)
    assert exact["elbo"] + exact["gap"] == pytest.approx(-2.6236568, abs=1e-6)
    kl = float(information.gaussian_kl([mean], [[variance]], [1.2], [[0.2]]))
    assert shown(lab)["gap"] == pytest.approx(kl, abs=5.001e-4)
    bars = page.evaluate("""[...document.querySelectorAll('#i-10-lab [data-piece] rect')].map(r => {
        const b = r.getBoundingClientRect(); return [b.top, b.bottom]; })""")
    (top_p, bottom_p), (_, bottom_gap), _, (_, bottom_kl) = bars
    assert bottom_gap == pytest.approx(bottom_kl, abs=0.01)  # both bars end at the ELBO
    assert (bottom_p - top_p) / (bottom_gap - top_p) == pytest.approx(expected["logp"] / max(expected["elbo"], -8), abs=1e-3)


def test_laboratory_buttons_highlight_and_reset(visit):
    page = visit()
    lab = ready(page, "i-10-lab")
    lab.get_by_role("button", name="q = posterior").click()
    assert shown(lab)["gap"] == 0
    assert shown(lab)["elbo"] == shown(lab)["logp"]
    lab.get_by_role("button", name="q = prior").click()
    assert shown(lab)["kl"] == 0
    gap = lab.get_by_role("button", name="gap")
    gap.click()
    assert gap.get_attribute("aria-pressed") == "true"
    page.wait_for_function("getComputedStyle(document.querySelector('#i-10-lab [data-curve=prior]')).opacity < 0.5")
    lab.get_by_role("button", name="Reset").click()
    assert gap.get_attribute("aria-pressed") == "false"
    assert shown(lab)["gap"] == 0.113


def test_laboratory_by_keyboard(visit):
    page = visit()
    lab = ready(page, "i-10-lab")
    knob = lab.locator(".gm-handle")
    knob.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "Shift+ArrowRight", "ArrowUp", "ArrowDown", "ArrowUp"):
        page.keyboard.press(key)
    assert knob.get_attribute("aria-valuetext") == "mean 1.30, variance 0.23"
    assert page.evaluate("getComputedStyle(document.activeElement, '::before').outlineStyle") == "solid"
    lab.get_by_role("slider", name="mean of q").focus()
    page.keyboard.press("ArrowLeft")
    assert knob.get_attribute("aria-valuetext") == "mean 1.29, variance 0.23"
    lab.get_by_role("button", name="Reset").focus()
    page.keyboard.press("Enter")
    assert knob.get_attribute("aria-valuetext") == "mean 1.00, variance 0.25"


def centre(locator) -> tuple[float, float]:
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.parametrize("name", NAMES)
def test_dragging_with_the_mouse(visit, name):
    page = visit()
    knob = ready(page, name).locator(".gm-handle")
    knob.scroll_into_view_if_needed()
    x, y = centre(knob)
    before = knob.get_attribute("aria-valuetext")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 20, y + 30, steps=4)
    page.mouse.up()
    assert knob.get_attribute("aria-valuetext") != before
    after = centre(knob)
    assert after[1] == pytest.approx(y + 30, abs=6)
    page.mouse.move(x + 90, y + 90)  # not dragging any more
    assert centre(knob) == after


@pytest.mark.parametrize("name", NAMES)
def test_dragging_with_a_finger_and_scrolling_past(visit, name):
    page = visit(viewport={"width": 340, "height": 700}, has_touch=True, is_mobile=True)
    figure = ready(page, name)
    touch = page.context.new_cdp_session(page)

    def swipe(x, y, dx, dy):
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for i in range(1, 9):
            point = {"x": x + dx * i / 8, "y": y + dy * i / 8}
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    knob = figure.locator(".gm-handle")
    knob.scroll_into_view_if_needed()
    page.evaluate("element => element.scrollIntoView({block: 'center'})", knob.element_handle())
    x, y = centre(knob)
    scroll = page.evaluate("scrollY")
    swipe(x, y, 12, 40)
    moved = knob.get_attribute("aria-valuetext")
    assert centre(knob)[1] == pytest.approx(y + 40, abs=8)
    assert page.evaluate("scrollY") == scroll
    box = figure.locator(".gm-surface").first.bounding_box()
    x = box["x"] + (60 if centre(knob)[0] > box["x"] + box["width"] / 2 else box["width"] - 60)
    swipe(x, box["y"] + 40, 0, -120)  # beside the handle a finger scrolls the page
    page.wait_for_function("before => scrollY > before + 50", arg=scroll)
    assert knob.get_attribute("aria-valuetext") == moved
    page.evaluate("element => element.scrollIntoView({block: 'center'})", knob.element_handle())
    box = figure.locator(".gm-surface").first.bounding_box()
    page.touchscreen.tap(x, box["y"] + box["height"] / 2)  # a tap takes the handle there
    assert knob.get_attribute("aria-valuetext") != moved


def test_decoder_in_the_page_equals_torch(visit, decoder):
    page = visit()
    ready(page, "i-10-plane")
    z = 3 * torch.randn(50, 2, generator=torch.Generator().manual_seed(5))
    ours = page.evaluate("zs => zs.map(z => Array.from(document.querySelector('#i-10-plane').gm.decode(z)))", z.tolist())
    with torch.no_grad():
        theirs = decoder(z).flatten(1)
    assert torch.tensor(ours).shape == theirs.shape
    assert (torch.tensor(ours) - theirs).abs().max() < 1e-2
    assert theirs.std() > 0.02  # not a constant


def test_plane_shows_prior_and_codes(visit, codes):
    page = visit()
    plane = ready(page, "i-10-plane")
    mean, labels, log_vars = codes
    chosen = torch.linspace(0, 899, 600).long()
    mean, variance = mean[chosen].double(), log_vars[chosen].double().exp()
    width = mean.var(0) * 600 ** (-1 / 3) / 4
    q = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(torch.ones(600)),
        torch.distributions.Independent(torch.distributions.Normal(mean, (variance + width).sqrt()), 1))  # fmt: skip
    prior = torch.distributions.Normal(0.0, 1.0)
    for z in ([0.0, 0.0], [1.0, 0.2], [-1.4, 1.1]):
        page.evaluate("z => document.querySelector('#i-10-plane').gm.move(...z)", z)
        values = plane.locator(".gm-facts b")
        assert number(values.nth(0)) == pytest.approx(prior.log_prob(torch.tensor(z)).sum().item(), abs=6e-3)
        assert number(values.nth(1)) == pytest.approx(q.log_prob(torch.tensor(z).double()).item(), abs=2e-2)
        nearest = labels[chosen][(mean - torch.tensor(z)).square().sum(1).argmin()]
        assert f"of a {nearest}" in plane.locator("figcaption:visible").last.inner_text()


def test_plane_starts_in_a_hole_moves_and_comes_back(visit):
    page = visit()
    plane = ready(page, "i-10-plane")
    says = plane.get_by_role("status")
    assert "A hole" in says.inner_text()
    start = plane.locator(".gm-handle").get_attribute("aria-valuetext")
    drawn = [plane.get_by_role("button", name="Draw from prior").click() or
             plane.locator(".gm-handle").get_attribute("aria-valuetext") for _ in range(3)]  # fmt: skip
    assert len({start, *drawn}) == 4
    plane.get_by_role("slider", name="z₁").focus()
    page.keyboard.press("ArrowRight")
    plane.locator(".gm-handle").press("ArrowUp")
    plane.get_by_role("button", name="Dense spot").click()
    page.wait_for_function("!document.querySelector('#i-10-plane [role=status]').textContent.includes('hole')")
    plane.get_by_role("button", name="Reset").click()
    assert plane.locator(".gm-handle").get_attribute("aria-valuetext") == start
    plane.get_by_role("button", name="Draw from prior").click()
    assert plane.locator(".gm-handle").get_attribute("aria-valuetext") == drawn[0]


def test_canvas_follows_the_theme(visit):
    page = visit()
    plane = ready(page, "i-10-plane")
    read = "() => [...document.querySelectorAll('#i-10-plane canvas')].map(canvas => canvas.toDataURL())"
    light = page.evaluate(read)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function(f"before => ({read})().every((c, i) => c !== before[i])", arg=light)
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    page.wait_for_function(f"before => ({read})().join() === before.join()", arg=light)
    assert plane.is_visible()


def test_noise_theory_in_the_page(visit):
    page = visit()
    figure = ready(page, "i-10-noise")
    for noise in (0.003, 0.02, 0.2, 0.5, 32):
        ours = page.evaluate("s => document.querySelector('#i-10-noise').gm.theory(s)", noise)
        assert ours == pytest.approx(interactive.linear_theory(EIGENVALUES, noise, 8), rel=1e-6, abs=1e-7)
    facts = figure.locator(".gm-facts b")
    expected = interactive.linear_theory(EIGENVALUES, 0.5, 8)
    assert facts.nth(0).inner_text() == f"{expected['live']} of 8"
    assert number(facts.nth(1)) == pytest.approx(expected["kl"], abs=5.1e-4)
    assert number(facts.nth(2)) == pytest.approx(expected["error"], abs=5.1e-4)
    assert number(facts.nth(3)) == pytest.approx(expected["elbo"], abs=5.1e-3)
    figure.get_by_role("button", name="pixel mean").click()
    assert facts.nth(0).inner_text() == "0 of 8"
    page.wait_for_function("document.querySelector('#i-10-noise [role=status]').textContent.includes('mean image')")
    figure.get_by_role("button", name="calibrated").click()
    assert page.evaluate("document.querySelector('#i-10-noise').gm.state.noise") == pytest.approx(EIGENVALUES[8:].mean())
    figure.get_by_role("slider", name="assumed noise").last.focus()
    before = facts.nth(1).inner_text()
    page.keyboard.press("ArrowRight")
    figure.locator(".gm-handle").press("ArrowUp")
    assert facts.nth(1).inner_text() != before
    figure.get_by_role("button", name="Reset").click()
    assert number(facts.nth(1)) == pytest.approx(expected["kl"], abs=5.1e-4)


@pytest.mark.parametrize("width", [340, 900])
def test_nothing_is_cut_or_wider_than_the_screen(visit, width):
    page = visit(viewport={"width": width, "height": 800})
    for name in NAMES:
        ready(page, name)
    for state in ("null", "[-1.5, 2]", "[3, 0.1]"):
        page.evaluate(f"({state}) && document.querySelector('#i-10-lab').gm.move(...({state} || []))")
        outside = page.evaluate("""() => [...document.querySelectorAll('.gm-interactive *')].filter(node => {
            const box = node.getBoundingClientRect(), root = node.closest('.gm-interactive').getBoundingClientRect();
            return box.width && !node.closest('.gm-handle') && (box.right > root.right + 1 || box.left < root.left - 1);
        }).map(node => node.outerHTML.slice(0, 120))""")
        assert outside == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_key_frames_in_print_and_without_script(visit):
    page = visit()
    for name in NAMES:
        figure = ready(page, name)
        assert figure.locator(".gm-frames figure:visible").count() == 0
    page.emulate_media(media="print")
    for name in NAMES:
        figure = page.locator(f"#{name}")
        assert figure.locator(".gm-frames svg:visible").count() == 4
        assert not figure.locator(".gm-stage").is_visible()
    bare = visit(java_script_enabled=False)
    assert bare.locator(".gm-frames svg:visible").count() == 12
    assert bare.locator(".gm-stage").count() == 0


def test_key_frames_show_the_same_numbers(figures):
    html = figures["i-10-lab"].html
    assert "reconstruction −1.919, KL 0.818, ELBO −2.737, gap 0.113; ELBO + gap = −2.624" in html
    assert f"KL {interactive.linear_theory(EIGENVALUES, 0.5, 8)['kl']:.3f} nats" in figures["i-10-noise"].html


def test_in_a_sandboxed_frame_as_colab_has_it(browser, figures):
    page = browser.new_page()
    faults = []
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.set_content('<!doctype html><iframe sandbox="allow-scripts" width="700" height="800"></iframe>')
    for name, figure in figures.items():
        page.evaluate("html => document.querySelector('iframe').srcdoc = html", figure.html)
        frame = page.frame_locator("iframe")
        knob = frame.locator(f"#{name} .gm-handle[aria-valuetext]")
        before = knob.get_attribute("aria-valuetext")
        knob.press("ArrowUp")
        assert knob.get_attribute("aria-valuetext") != before
        assert "254" in frame.locator(f"#{name}").evaluate("node => getComputedStyle(node).backgroundColor")
    page.close()
    assert faults == []


def test_as_jupyterlab_inserts_it_and_twice_on_a_page(browser, figures):
    """JupyterLab makes the script anew in a tree that it attaches afterwards; an output may have a second view."""
    page = browser.new_page()
    page.set_content("<!doctype html><body></body>")
    insert = """html => { const host = document.createElement('div'); host.innerHTML = html;
        for (const old of host.querySelectorAll('script')) {
            const fresh = document.createElement('script'); fresh.textContent = old.textContent; old.replaceWith(fresh); }
        document.body.append(host); }"""
    for _ in range(2):
        page.evaluate(insert, figures["i-10-lab"].html)
    page.wait_for_function("document.querySelectorAll('.gm-live .gm-handle[aria-valuetext]').length === 2")
    page.locator(".gm-handle").last.press("ArrowRight")
    texts = [page.locator(".gm-handle").nth(i).get_attribute("aria-valuetext") for i in range(2)]
    assert texts == ["mean 1.00, variance 0.25", "mean 1.05, variance 0.25"]
    page.close()


def test_the_sentence_waits_until_the_reader_rests(visit):
    page = visit()
    lab = ready(page, "i-10-lab")
    page.evaluate("""() => { window.said = 0;
        new MutationObserver(() => said++).observe(document.querySelector('#i-10-lab [role=status]'), {childList: true}); }""")
    knob = lab.locator(".gm-handle")
    for _ in range(12):
        knob.press("ArrowRight")
    page.wait_for_function("document.querySelector('#i-10-lab [role=status]').textContent.includes('N(1.60')")
    assert page.evaluate("said") <= 2


def test_buttons_glide_where_motion_is_welcome(visit):
    page = visit(reduced_motion="no-preference")
    lab = ready(page, "i-10-lab")
    lab.get_by_role("button", name="q = posterior").click()
    page.wait_for_function("document.querySelector('#i-10-lab').gm.terms().gap < 1e-12")
    assert page.evaluate("document.querySelector('#i-10-lab').gm.state") == {"mean": 1.2, "variance": 0.2}


def test_axe_finds_nothing(visit):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    for theme in ("light", "dark"):
        page = visit()
        page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        for name in NAMES:
            ready(page, name)
        found = axe.Axe().run(page).response["violations"]
        assert [(fault["id"], [node["html"][:100] for node in fault["nodes"]]) for fault in found] == []

"""Profile, device, seed, the files that a lecture reads; the check line; the look of figures."""

from __future__ import annotations

import doctest
import functools
import hashlib
import http.server
import json
import math
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gm_utils import check as check_module
from gm_utils import plotting, runtime
from gm_utils.check import at_least, at_most, check

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("module", [runtime, check_module, plotting])
def test_doctests(module) -> None:
    assert doctest.testmod(module).failed == 0


# --- runtime ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", runtime.PROFILES)
def test_profile_decides(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("GM_PROFILE", name)
    assert runtime.profile() == name
    assert runtime.by_profile(smoke="smoke", cpu="cpu", gpu="gpu") == name


def test_profile_follows_the_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GM_PROFILE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert runtime.device().type == "cuda"
    assert runtime.profile() == "gpu"
    monkeypatch.setenv("GM_PROFILE", "smoke")
    assert runtime.device().type == "cpu", "outputs that are compared are made on the CPU"
    monkeypatch.delenv("GM_PROFILE")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert runtime.profile() == "cpu"


def test_unknown_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GM_PROFILE", "fast")
    with pytest.raises(ValueError, match="GM_PROFILE is 'fast'; expected one of smoke, cpu, gpu"):
        runtime.profile()


def test_seed_gives_equal_streams() -> None:
    g = runtime.seed(5)
    assert torch.equal(torch.randn(3), torch.randn(3, generator=g))


def test_live_only_where_a_person_works(monkeypatch: pytest.MonkeyPatch) -> None:
    import IPython

    monkeypatch.delenv("GM_PROFILE", raising=False)
    assert not runtime.live()
    shell = type("Shell", (), {"kernel": object()})()
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    assert runtime.live()
    monkeypatch.setenv("GM_PROFILE", "cpu")
    assert not runtime.live(), "the runner and the tests set GM_PROFILE"


def test_files_read_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_read", set())
    runtime.asset("interactive.css")
    runtime.checkpoint("vae-sse.safetensors")
    assert runtime._read == {"gm_utils/js/interactive.css", "checkpoints/vae-sse.safetensors"}


def test_the_list_of_digests_is_that_of_the_files() -> None:
    listed = dict(line.split()[::-1] for line in (ROOT / "gm_utils/checkpoints.sha256").read_text().splitlines())
    files = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (ROOT / "checkpoints").glob("*.safetensors")}
    assert listed == files


def test_an_installed_package_downloads_a_checkpoint_once(tmp_path: Path) -> None:
    """In a copy without checkpoints/, from a server on this machine; a wrong file is refused and not kept."""
    shutil.copytree(ROOT / "gm_utils", tmp_path / "gm_utils", ignore=shutil.ignore_patterns("__pycache__"))
    served = tmp_path / "served/raw/v1/checkpoints"
    served.mkdir(parents=True)
    shutil.copy(ROOT / "checkpoints/vae-sse.safetensors", served)
    (served / "ae.safetensors").write_bytes(b"something else")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "served"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    code = f"""
import sys; sys.path.insert(0, {str(tmp_path)!r})
from gm_utils import runtime
runtime._repository = lambda: "http://127.0.0.1:{server.server_port}"
runtime._tag = lambda: "v1"
path = runtime.checkpoint("vae-sse.safetensors")
assert path.stat().st_size == {(served / 'vae-sse.safetensors').stat().st_size}
runtime._repository = lambda: "http://127.0.0.1:9"
assert runtime.checkpoint("vae-sse.safetensors") == path, "not asked for again"
runtime._repository = lambda: "http://127.0.0.1:{server.server_port}"
for name, error in (("ae.safetensors", ValueError), ("none.safetensors", FileNotFoundError)):
    try:
        runtime.checkpoint(name)
    except error as e:
        print(e)
    else:
        raise SystemExit(f"{{name}} was accepted")
"""
    env = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, cwd=tmp_path)
    server.shutdown()
    assert done.returncode == 0, done.stderr[-800:]
    assert "no checkpoint 'none.safetensors'; known are ae.safetensors" in done.stdout
    assert not list((tmp_path / "cache").rglob("*ae.safetensors")) or all("vae" in p.name for p in (tmp_path / "cache").rglob("*ae.safetensors"))


# --- check --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("got", "expected", "tol", "line"),
    [
        (0.5, 1 / 2, 1e-12, "✓ c: 0.5 = 0.5 (closed form, ±1e-12)"),
        (3.5931, 3.5935, 0.013, "✓ c: 3.593 ≈ 3.594 (closed form, ±0.013)"),
        (1.0004, 1.0, 1e-3, "✓ c: 1.0004 ≈ 1 (closed form, ±0.001)"),
        (1.004, 1.0, 5e-3, "✓ c: 1.004 ≈ 1 (closed form, ±0.005)"),
        (1e-17, 0.0, 1e-12, "✓ c: 1e-17 ≈ 0 (closed form, ±1e-12)"),
        (392.0, 392, 0, "✓ c: 392 = 392 (closed form)"),
        (True, True, 0, "✓ c (closed form)"),
        (torch.ones(3), np.ones(3), 0, "✓ c: 3 values, largest difference 0.0e+00 (closed form)"),
        (torch.tensor([2.0, 3.0]), at_least(1.5), 0, "✓ c: 2 ≥ 1.5"),
        (torch.tensor([2.0, 3.0]), at_most(3), 0, "✓ c: 3 ≤ 3"),
        (63_420.4, at_least(10_000), 0, "✓ c: 63,420 ≥ 10,000"),
    ],
)
def test_check_line(capsys: pytest.CaptureFixture, got, expected, tol: float, line: str) -> None:
    check("c", got, expected, tol=tol)
    assert capsys.readouterr().out.strip() == line


@pytest.mark.parametrize(
    ("got", "expected", "tol"),
    [
        (0.51, 0.5, 1e-3), (math.nan, 0.5, 1.0), (0.5, math.nan, 1.0), (math.inf, 1.0, 1e300), (True, False, 0),
        (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.1]), 0.05), (1.0, at_least(1.1), 0), (1.0, at_most(0.9), 0),
        (math.nan, at_least(0), 0), (torch.tensor([1.0, math.nan]), at_most(5), 0),
    ],
)  # fmt: skip
def test_check_raises_with_both_values(got, expected, tol: float) -> None:
    with pytest.raises(AssertionError, match="^the claim: "):
        check("the claim", got, expected, tol=tol)


def test_trained_claims_are_not_asserted_in_smoke(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setenv("GM_PROFILE", "smoke")
    check("c", 1.0, 2.0, trained=True)
    assert "not asserted at this size" in capsys.readouterr().out
    with pytest.raises(AssertionError):
        check("c", 1.0, 2.0)
    monkeypatch.setenv("GM_PROFILE", "cpu")
    with pytest.raises(AssertionError):
        check("c", 1.0, 2.0, trained=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "by eye"}, "kind is 'by eye'"), ({"tol": -1.0}, "tol is -1.0"), ({"tol": math.nan}, "tol is nan"),
        ({"got": torch.ones(2), "expected": torch.ones(3)}, r"got has shape \(2,\), expected has shape \(3,\)"),
        ({"got": []}, "got is empty"),
    ],
)  # fmt: skip
def test_check_bad_input(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check("c", options.pop("got", 1.0), options.pop("expected", 1.0), **options)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(0, 1e3))
def test_check_holds_iff_within_the_tolerance(a: float, b: float, tol: float) -> None:
    if abs(a - b) <= tol:
        check("c", a, b, tol=tol)
    else:
        with pytest.raises(AssertionError):
            check("c", a, b, tol=tol)


def test_check_leaves_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    import IPython
    import IPython.display

    seen = {}
    monkeypatch.setattr(IPython, "get_ipython", lambda: object())
    monkeypatch.setattr(IPython.display, "publish_display_data", lambda data, metadata: seen.update(metadata, **data))
    check("c", 1.0, 1.0, tol=0.1, why="w", kind="quadrature")
    assert json.loads(json.dumps(seen["gm_check"])) == {
        "claim": "c", "values": "1 = 1", "kind": "quadrature", "tol": 0.1, "why": "w", "trained": False,
    }  # fmt: skip


# --- plotting -----------------------------------------------------------------------------------


def luminance(colour: str) -> float:
    def linear(v: float) -> float:
        return v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4

    r, g, b = (linear(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def seen_by(colour: str, matrix: np.ndarray) -> np.ndarray:
    """Lab-like coordinates of a colour as a dichromat sees it (Machado et al., 2009, severity 1)."""
    rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(matrix @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    f = np.cbrt(xyz / np.array([0.9505, 1.0, 1.089]))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


SIGHT = {
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "all": np.eye(3),
}


@pytest.mark.parametrize("colour", [plotting.INK, plotting.MUTED, *plotting.CYCLE])
def test_colours_can_be_read_on_both_grounds(colour: str) -> None:
    assert contrast(colour, plotting.GROUND) >= 4.5
    assert contrast(plotting.DARK[colour], plotting.DARK[plotting.GROUND]) >= 4.5


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("dark", [False, True])
def test_the_first_three_colours_differ_for_every_eye(sight: str, dark: bool) -> None:
    colours = [plotting.DARK[c] if dark else c for c in plotting.CYCLE[:3]]
    places = [seen_by(c, SIGHT[sight]) for c in colours]
    distances = [np.linalg.norm(a - b) for i, a in enumerate(places) for b in places[:i]]
    assert min(distances) > 20


def test_figures_repeat_and_stay_in_the_palette() -> None:
    import io
    import re

    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    before = dict(matplotlib.rcParams)
    texts = []
    try:
        plotting.use_style()
        for _ in range(2):
            fig, ax = plt.subplots()
            ax.plot([0, 1], [1, 0], label="a")
            ax.bar([0, 1], [1, 2], edgecolor=plotting.INK)
            ax.legend()
            ax.grid(True)
            out = io.StringIO()
            fig.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
            plt.close(fig)
            texts.append(out.getvalue())
    finally:
        matplotlib.rcParams.update(before)
    assert texts[0] == texts[1]
    assert set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", texts[0])) <= set(plotting.DARK)


def test_pictures_are_the_same_bytes() -> None:
    images = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    pictures = [plotting.image_rows([("a", images[:3]), ("b", images[3:])]).png for _ in range(2)]
    assert pictures[0] == pictures[1]
    assert pictures[0].startswith(b"\x89PNG")
    assert b"Matplotlib" not in pictures[0]


def test_tile_puts_images_where_they_belong() -> None:
    images = np.arange(5)[:, None, None] * np.ones((5, 2, 3))
    out = plotting.tile(images, 3)
    assert out.shape == (5, 11)
    assert out[0, 4] == 1
    assert out[3, 0] == 3
    assert np.isnan(out[2]).all()
    assert np.isnan(out[3, 8])
    with pytest.raises(ValueError, match=r"images has shape \(2, 2\)"):
        plotting.tile(np.zeros((2, 2)), 1)


def test_mosaic_is_decoded_at_the_quantiles_of_the_prior() -> None:
    import matplotlib.pyplot as plt

    seen = []

    def decode(z: torch.Tensor) -> torch.Tensor:
        seen.append(z)
        return torch.zeros(len(z), 1, 2, 2)

    fig, ax = plt.subplots()
    plotting.latent_mosaic(ax, decode, 4, like=torch.zeros(1, dtype=torch.float64))
    plt.close(fig)
    z = seen[0].reshape(4, 4, 2)
    cdf = torch.distributions.Normal(0.0, 1.0).cdf(z)
    u = (torch.arange(4) + 0.5).double() / 4
    torch.testing.assert_close(cdf[0, :, 0], u)
    torch.testing.assert_close(cdf[:, 0, 1], u.flip(0))

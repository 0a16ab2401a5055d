"""What the browser tests share: one Chromium a module, and folders served on localhost."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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

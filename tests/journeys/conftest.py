"""A running server and a browser, for the tests of a module."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from tests.journeys.stage import CHROMIUM_FLAGS, Server, serve


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, need_model: Callable[[str], Path]) -> Iterator[Server]:
    """One server for the tests of a module."""
    models = need_model("whisper-base").parent
    with serve(tmp_path_factory.mktemp("server") / "data", models) as server:
        yield server


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser; skips where there is none, but fails where CI=true."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        reason = "no Chromium on this machine (Debian: apt-get install chromium fonts-noto-cjk)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Playwright, driving the system's Chromium; what a page is expected to show may take as long as a slow machine."""
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    """A browser without a microphone: the agent's."""
    browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_FLAGS))
    yield browser
    browser.close()

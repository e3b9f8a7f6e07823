"""Every page in both languages and both themes, looked over by axe (WCAG 2.2 AA); screenshots are kept for people."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Browser, BrowserContext, expect

from tests.journeys.stage import PASSWORD, Server, serve
from voice.clock import WallClock

pytestmark = [pytest.mark.browser, pytest.mark.model, pytest.mark.slow]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOKS = [(language, theme) for language in ("zh-CN", "en") for theme in ("light", "dark")]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, need_model: Callable[[str], Path]) -> Iterator[Server]:
    """A server with a call in it: the demo's."""
    models = need_model("whisper-base").parent
    with serve(tmp_path_factory.mktemp("demo") / "data", models, "--demo") as server:
        yield server


@pytest.fixture(scope="module")
def ended_call(demo: Server) -> str:
    """The demo's call, once it is over."""
    with start_blocking_portal() as portal:
        return portal.call(_until_ended, demo.url)


async def _until_ended(url: str) -> str:
    clock = WallClock()
    async with httpx.AsyncClient(base_url=url, headers={"Origin": url}, timeout=30) as http:
        (await http.post("/api/session", json={"user": "mei", "password": PASSWORD})).raise_for_status()
        with anyio.fail_after(200):
            while True:
                calls = (await http.get("/api/calls")).raise_for_status().json()["calls"]
                if calls and calls[0]["ended"]:
                    return str(calls[0]["call"])
                await clock.sleep_until(clock.now_s() + 0.2)


@pytest.fixture(scope="module")
def axe(project: Path) -> str:
    """The source of axe-core, from the web app's own packages."""
    path = project / "agent_console" / "web" / "node_modules" / "axe-core" / "axe.min.js"
    return path.read_text(encoding="utf-8")


@pytest.fixture(params=LOOKS, ids="-".join)
def context(request: pytest.FixtureRequest, browser: Browser) -> Iterator[BrowserContext]:
    language, theme = request.param
    # Without motion: what is fading in has no contrast yet.
    context = browser.new_context(
        locale=language, color_scheme=theme, reduced_motion="reduce", viewport={"width": 1440, "height": 900}
    )
    yield context
    context.close()


def test_axe_finds_nothing(
    context: BrowserContext, demo: Server, ended_call: str, axe: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    page = context.new_page()
    found: dict[str, Any] = {}
    shots = Path(os.environ.get("WARMLINE_TEST_SHOTS", tmp_path))
    look = request.node.callspec.id

    def examine(name: str) -> None:
        # Inside the page's own world axe would be subject to its content policy; evaluation is not.
        page.evaluate(axe)
        result = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
        for violation in result["violations"]:
            found[f"{name}: {violation['id']}"] = [node["html"][:200] for node in violation["nodes"]]
        page.screenshot(path=shots / f"{name}-{look}.png")
        # Nothing may stand beside the page on a small window or a telephone.
        for width in (1024, 390):
            page.set_viewport_size({"width": width, "height": 844})
            if (beside := page.evaluate("document.documentElement.scrollWidth - window.innerWidth")) > 0:
                found[f"{name}: {width} px wide"] = [f"{beside} px beside the page"]
            page.screenshot(path=shots / f"{name}-{look}-{width}.png")
        page.set_viewport_size({"width": 1440, "height": 900})

    page.goto(f"{demo.url}/call")
    expect(page.get_by_test_id("call-button")).to_be_visible()
    examine("call")
    page.goto(f"{demo.url}/login")
    page.get_by_test_id("login-user").fill("mei")
    page.get_by_test_id("login-password").fill(PASSWORD)
    examine("login")
    page.get_by_test_id("login-submit").click()
    page.get_by_test_id("call-item").first.click()
    expect(page.locator("[data-testid=segment][data-final=true]").first).to_be_visible()
    expect(page.locator("[data-testid=emotion-chart] canvas")).to_be_visible()
    examine("console")
    page.goto(f"{demo.url}/desk")
    expect(page.get_by_test_id("idle")).to_be_visible()
    examine("desk")
    page.goto(f"{demo.url}/floor")
    expect(page.get_by_test_id("floor-queue").first).to_be_visible()
    examine("floor")
    page.goto(f"{demo.url}/qa")
    expect(page.get_by_test_id("qa-row").first).to_be_visible()
    examine("qa")
    page.goto(f"{demo.url}/qa/{ended_call}")
    expect(page.get_by_test_id("player")).to_be_visible()
    expect(page.get_by_test_id("segment").first).to_be_visible()
    examine("replay")
    assert not found

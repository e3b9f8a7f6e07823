"""The pages of the web app and their files, over the real server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.agent_console.problems import check_problem

if TYPE_CHECKING:
    from tests.agent_console.conftest import OpenRig, Rig

pytestmark = pytest.mark.anyio


async def test_every_answer_carries_the_security_headers(rig: Rig) -> None:
    for path in ("/", "/api/config", "/api/nothing", "/api/session", "/assets/index-Ab12.js"):
        headers = (await rig.client.get(path)).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "microphone=(self)" in headers["permissions-policy"]
        assert "server" not in headers


@pytest.mark.parametrize("path", ["/", "/call", "/qa/calls/call-1", "/sign-in", "/live"])
async def test_every_page_is_the_single_page(rig: Rig, path: str) -> None:
    answer = await rig.client.get(path)
    assert answer.status_code == 200
    assert "<title>Warmline</title>" in answer.text
    assert answer.headers["cache-control"] == "no-cache"
    assert (await rig.client.head(path)).status_code == 200


async def test_hashed_assets_are_kept_and_other_files_are_not(rig: Rig) -> None:
    asset = await rig.client.get("/assets/index-Ab12.js")
    assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "javascript" in asset.headers["content-type"]
    assert (await rig.client.get("/favicon.svg")).headers["cache-control"] == "no-cache"
    again = await rig.client.get("/assets/index-Ab12.js", headers={"If-None-Match": asset.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        "/assets/none.js",
        "/assets/",
        "/assets",
        "/robots.txt",
        "/..%2foutside.txt",
        "/assets/..%2f..%2foutside.txt",
        "/assets/%2e%2e/%2e%2e/outside.txt",
        "/%00.txt",
        "/..%5coutside.txt",
    ],
)
async def test_a_file_that_is_not_there_is_no_page(rig: Rig, path: str) -> None:
    answer = await rig.client.get(path)
    if path == "/assets":
        assert answer.status_code == 200
    else:
        check_problem(answer, 404, "request.unknown_path")


async def test_without_the_web_app_pages_say_how_to_build_it(open_rig: OpenRig) -> None:
    async with open_rig(built=False) as rig:
        problem = check_problem(await rig.client.get("/call"), 503, "web.not_built")
        assert "make" in problem["fix"]
        check_problem(await rig.client.get("/favicon.svg"), 404, "request.unknown_path")
        assert (await rig.client.get("/api/config")).status_code == 200

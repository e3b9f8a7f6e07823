"""What people do on the console's pages in more than one journey."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.journeys.stage import PASSWORD

READY_MS = 15_000
"""A busy machine takes its time from the sign-in to the desk."""


def sign_in(page: Page, url: str, user: str, then: str = "/") -> None:
    """Sign in, on the way to a page."""
    page.goto(f"{url}/login?next={then}")
    page.get_by_test_id("login-user").fill(user)
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()


def go_ready(page: Page, url: str, user: str) -> None:
    """Sign in as an agent, and wait until the desk has them ready."""
    sign_in(page, url, user, "/desk")
    page.get_by_test_id("go-ready").click(timeout=READY_MS)
    expect(page.get_by_test_id("presence")).to_have_attribute("data-presence", "ready", timeout=READY_MS)

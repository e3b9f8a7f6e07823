"""A page's audio through ways that can be cut, and how to wait while a browser works."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from playwright.sync_api import APIRequestContext, Page, Route

from routing.events import Stamped
from routing.wire import decode
from tests.journeys.udp_relay import UdpRelay


class Ways:
    """Every connection that a page offers goes through a relay of its own.

    Args:
        stack: closes the relays.

    Attributes:
        relays: one per connection, the latest last.
        secret: by which the server knows the caller.
    """

    def __init__(self, stack: ExitStack) -> None:
        self.relays: list[UdpRelay] = []
        self.secret = ""
        self._stack = stack
        self._is_offline = False

    def lead(self, page: Page, *paths: str) -> None:
        """Take a page's offers to these paths, and their answers, through relays."""
        for path in paths:
            page.route(path, self._through)

    def take_offline(self) -> None:
        """Cut the latest way, and let no offer through any more."""
        self._is_offline = True
        self.relays[-1].cut()

    def _through(self, route: Route) -> None:
        if route.request.method not in {"POST", "PUT"}:
            route.continue_()
            return
        if self._is_offline:
            route.abort("internetdisconnected")
            return
        relay = self._stack.enter_context(UdpRelay())
        body: dict[str, Any] = route.request.post_data_json or {}
        body["sdp"] = relay.offer_through(body["sdp"])
        answer = route.fetch(post_data=json.dumps(body))
        if not answer.ok:
            route.fulfill(response=answer)
            return
        reply = answer.json()
        reply["sdp"] = relay.answer_through(reply["sdp"])
        self.secret = reply.get("secret", self.secret)
        self.relays.append(relay)
        route.fulfill(response=answer, json=reply)


def log_of(request: APIRequestContext, url: str, call: str) -> list[Stamped]:
    """A call's log so far."""
    answer = request.get(f"{url}/api/calls/{call}/events?limit=5000")
    assert answer.ok, answer.text()
    return [decode(event) for event in answer.json()["events"]]


def wait_until(page: Page, holds: Callable[[], bool], timeout_s: float) -> None:
    """Let the browser work until something holds."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        page.wait_for_timeout(50)

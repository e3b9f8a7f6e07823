"""What is asked outside of every call: OPTIONS, by which others say that they are there."""

from __future__ import annotations

import anyio

from voice.sip.agent import UserAgent
from voice.sip.dialog import OUR_USER, CallDialog
from voice.sip.messages import Response, Uri, add_header, new_tag
from voice.sip.transactions import Flow


class Question:
    """One OPTIONS request and its answer.

    Args:
        agent: asks.
        target: whom.
        flow: where they are.
    """

    def __init__(self, agent: UserAgent, target: Uri, flow: Flow) -> None:
        self._agent = agent
        self._target = target
        self._flow = flow
        self._came: list[Response | None] = []
        self._done = anyio.Event()

    def ask(self, now_s: float) -> None:
        """Send it."""
        local = self._agent.local
        ours = Uri("sip", OUR_USER, local.host)
        dialog = CallDialog.calling(self._target, ours, self._flow, local, f"{new_tag()}@{local.host}")
        request = dialog.request("OPTIONS")
        add_header(request, "Accept", "application/sdp")
        self._agent.request(request, self._flow, self._answered, now_s, dialog=dialog)

    async def answer(self) -> Response | None:
        """What came; None where nothing did in 32 s."""
        await self._done.wait()
        return self._came[0]

    def _answered(self, response: Response | None, _: float) -> None:
        if response is None or response.status_code >= 200:
            self._came.append(response)
            self._done.set()

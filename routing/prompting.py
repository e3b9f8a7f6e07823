"""What a caller is told aloud: one prompt at a time, over everything else that they hear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import anyio

from routing.service_events import PromptPlayed
from voice.aside import Aside
from voice.bridge import Bridge, Prompt
from voice.contracts.audio import Pcm, Samples
from voice.contracts.ports import CallLeg
from voice.intake import Intake


@dataclass(slots=True, eq=False)
class _Playing:
    disclosure: bool
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    over: anyio.Event = field(default_factory=anyio.Event)


class Prompting:
    """Plays prompts to one caller. A disclosure is never cut (R7); another prompt is cut by the next one.

    Args:
        caller: their leg.
        bridge: told that a prompt plays, so that nobody else is heard meanwhile.
        intake: where it is noted that one was played.
        aside: takes down what of them was heard.
        now: media time.
    """

    def __init__(
        self, caller: CallLeg, bridge: Bridge, intake: Intake, aside: Aside, now: Callable[[], Samples]
    ) -> None:
        self._leg = caller
        self._bridge = bridge
        self._intake = intake
        self._aside = aside
        self._now = now
        self._playing: _Playing | None = None

    async def announce(self, prompt: str, pcm: Pcm, *, disclosure: bool) -> None:
        """Play a prompt; returns when it was played or cut.

        Args:
            prompt: its name, for the log.
            pcm: 16 kHz mono float32, shape (n,).
            disclosure: whether it may not be cut.

        Raises:
            CapacityError: it is longer than what a leg takes at once (two minutes).
            FrameError: another shape or type.
        """
        while (before := self._playing) is not None:
            if not before.disclosure:
                before.scope.cancel()
            await before.over.wait()
        self._playing = playing = _Playing(disclosure)
        completed = False
        try:
            self._bridge.prompt(Prompt.DISCLOSURE if disclosure else Prompt.ORDINARY)
            with playing.scope:
                self._leg.sink.play(pcm)
                self._aside.play(self._now(), pcm)
                await self._leg.sink.wait_played()
                completed = self._leg.end_reason is None
        finally:
            if not completed:
                self._leg.sink.clear()
                self._aside.cut(self._now())
            self._playing = None
            self._bridge.prompt(Prompt.NONE)
            playing.over.set()
            self._intake.note(PromptPlayed(prompt, disclosure, completed))

    def hush(self) -> None:
        """Cut what is being played, unless it is a disclosure."""
        if self._playing is not None and not self._playing.disclosure:
            self._playing.scope.cancel()

    async def disclosed(self) -> None:
        """Return once no disclosure is being played."""
        while (playing := self._playing) is not None and playing.disclosure:
            await playing.over.wait()

    def close(self) -> None:
        """The call is over: whoever waits for a prompt goes on."""
        if self._playing is not None:
            self._playing.scope.cancel()

"""Events as JSON, written once however many consoles watch."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from routing.events import Stamped
from routing.wire import encode_line
from voice.contracts.audio import CallId

KEPT_EVENTS: Final = 4_096
"""Events that are remembered: about 20 s of 20 busy calls, some 4 MB."""


class EncodedEvents:
    """Remembers the newest events' JSON. An event never changes once stored, so nothing here goes stale."""

    def __init__(self, kept: int = KEPT_EVENTS) -> None:
        self._kept = kept
        self._texts: OrderedDict[tuple[CallId, int], str] = OrderedDict()

    def text(self, stamped: Stamped) -> str:
        """The event as `routing.wire` writes it."""
        key = (stamped.call, stamped.seq)
        known = self._texts.get(key)
        if known is None:
            known = self._texts[key] = encode_line(stamped).decode()
            if len(self._texts) > self._kept:
                self._texts.popitem(last=False)
        return known

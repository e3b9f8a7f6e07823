"""Ports of tone. `tests/conformance/test_tone_model.py` runs against every implementation."""

from __future__ import annotations

from typing import Protocol

from prosody.types import ToneInput, ToneRating


class ToneModel(Protocol):
    """A loaded model that judges an utterance by its sound; shared by all calls, used from any thread."""

    @property
    def name(self) -> str:
        """Name and version, for example `tone-linear/3f2a91`."""
        ...

    def rate(self, utterance: ToneInput) -> ToneRating | None:
        """Judge an utterance; None where it cannot be judged (too short, no voice, no normal to compare with).

        Raises:
            ModelError: the model broke.
        """
        ...

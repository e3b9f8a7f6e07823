"""Permission to measure how agents sound. Without one, nothing in Warmline looks at an agent's tone (P6).

Regulation (EU) 2024/1689 (AI Act), Article 5(1)(f), prohibits inferring emotions of people at work, save for medical or
safety reasons; other countries have rules of their own. So it takes two settings, one of which states the legal basis,
and what is measured goes by types of its own (`AgentTone`, `AgentToneScored`) that no report takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from voice.contracts.errors import SettingsError

SHORTEST_BASIS: Final = 10
"""Characters of the shortest text that can state a legal basis; a mere "yes" states none."""


@dataclass(frozen=True, slots=True)
class AgentTonePermission:
    """That agents' tone may be measured, and on which legal basis. The settings make it, and only with both values.

    Attributes:
        legal_basis: why that is lawful here; it stands in the log of every call.

    Raises:
        SettingsError: nothing that could be a legal basis is stated.
    """

    legal_basis: str

    def __post_init__(self) -> None:
        if len(self.legal_basis.strip()) < SHORTEST_BASIS:
            raise SettingsError(
                f"A legal basis takes at least {SHORTEST_BASIS} characters; got {len(self.legal_basis.strip())}.",
                fix="State the law and the reason, or leave agents' tone unmeasured.",
            )

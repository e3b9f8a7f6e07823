"""`warmline bench prosody`: what tone costs, and how well it finds the pitch on a telephone, beside the peers.

The cost is in `prosody_costs`, the pitch in `prosody_f0`, how speech of known pitch is made in `prosody_truth`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent_console.bench.figures import Figure
from agent_console.bench.prosody_costs import measure_costs
from agent_console.bench.prosody_f0 import measure_f0
from agent_console.bench.prosody_peers import check_peers, peer_versions
from agent_console.bench.prosody_speech import Speech, read_speech


def measure_prosody(
    folder: Path | None, *, utterances: int, rounds: int, report: Callable[[str], None]
) -> tuple[list[Figure], dict[str, Any]]:
    """Run the benchmark.

    Args:
        folder: speech with a manifest; None takes the sample calls.
        utterances: how many to find the pitch of, at most.
        rounds: how often every cost is measured.
        report: told what is done next.

    Returns:
        The figures, and what they were measured with.

    Raises:
        MissingExtraError: a peer is not installed.
        ManifestError: the folder has none, or a bad one.
        AudioFormatError: speech that cannot be read or is too short.
    """
    check_peers()
    speech = read_speech(folder, utterances)
    figures = [*measure_costs(speech, rounds, report), *measure_f0(speech, report)]
    return figures, _about(speech)


def _about(speech: Speech) -> dict[str, Any]:
    return {
        "speech": speech.source,
        "utterances": len(speech.utterances),
        "speakers": speech.speakers,
        "seconds": round(speech.seconds, 1),
        "peers": peer_versions(),
    }

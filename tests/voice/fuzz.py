"""Runs a parser under atheris: `python -m tests.voice.fuzz NAME FOLDER -atheris_runs=1000000 -max_len=2000`.

NAME is one of `fuzz_parsers.TARGETS`; FOLDER holds inputs to begin with (`--begin` writes those that were kept) and
takes those that reach new code. Only our parsers and the grammars below them are watched: watching everything is a
hundred times slower. atheris is installed for the run, in an environment of its own that sees this one's packages
(PYTHONPATH); it is no dependency.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Final

WATCHED: Final = (
    "voice.rtp",
    "voice.sip",
    "voice.stream",
    "voice.webrtc.sdp",
    "aiosipua",
    "aiortc.sdp",
)


def main(arguments: list[str]) -> None:
    """Begin or go on; see above."""
    if arguments[0] == "--begin":
        parsers = import_module("tests.voice.fuzz_parsers")
        folder = Path(arguments[2])
        folder.mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(parsers.kept(arguments[1])):
            (folder / f"kept-{number:03}").write_bytes(data)
        return
    atheris = import_module("atheris")
    with atheris.instrument_imports(include=list(WATCHED)):
        parsers = import_module("tests.voice.fuzz_parsers")
    atheris.Setup([sys.argv[0], *arguments[1:]], parsers.TARGETS[arguments[0]])
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])

"""One side of the comparison in a process of its own, which stands still while the other one is measured.

`python -m agent_console.bench.media_side SIDE WAY LEGS SPEECH.npy`: SIDE is `ours` or `aiortc`, WAY `receive` or
`two_way`. It connects the legs to callers in a process below it, writes a JSON line once all hear them, and then obeys
one line after another, answering each with a JSON line: `sample` with what was used and came so far, `rest` by standing
still, together with the callers, until the next line. It ends where its standard input does.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread
import numpy as np
import orjson

from agent_console.bench.media_callers import connected
from agent_console.bench.media_far_end import REST
from agent_console.bench.media_legs import our_leg, stock_leg
from voice.clock import WallClock
from voice.contracts.audio import Pcm

SAMPLE: Final = "sample"

DRY_S: Final = 0.05
"""After the callers were told to rest: what is on its way still comes."""


async def _serve(side: str, way: str, legs: int, speech: Pcm) -> None:
    clock = WallClock()
    new_leg = our_leg if side == "ours" else stock_leg
    said = speech if way == "two_way" else None
    async with connected(lambda: new_leg(said, clock), legs, speech) as (made, callers):
        _tell({"legs": legs})
        while line := (await anyio.to_thread.run_sync(sys.stdin.readline)).strip():
            if line == REST:
                await callers.send(f"{REST}\n".encode())
                await anyio.sleep(DRY_S)
                _tell({})
                # Blocks the event loop, which is what is meant: nothing of this process runs meanwhile.
                if not sys.stdin.readline():
                    return
                await callers.send(b"\n")
            _tell({"cpu_s": time.process_time(), "frames": sum(leg.frames for leg in made)})


def _tell(what: dict[str, float]) -> None:
    sys.stdout.write(orjson.dumps(what).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    anyio.run(_serve, sys.argv[1], sys.argv[2], int(sys.argv[3]), np.load(Path(sys.argv[4])))

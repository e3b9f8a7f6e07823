"""A console in a process of its own: notes when each event arrives.

Run as `python -m agent_console.bench.console_probe URL USER CALL`, password on standard input. Prints one JSON object
`{"seq": monotonic seconds}` when it has seen call.ended. Monotonic time is the machine's, so the serving process can
compare it with its own.
"""

from __future__ import annotations

import asyncio
import sys
import time

import httpx
import orjson
from websockets.asyncio.client import connect


async def watch(url: str, user: str, password: str, call: str) -> dict[str, float]:
    """Sign in, watch `call` from its beginning to its end; answers when each event arrived, by seq."""
    async with httpx.AsyncClient(base_url=url, headers={"Origin": url}) as http:
        (await http.post("/api/session", json={"user": user, "password": password})).raise_for_status()
        ticket = (await http.post("/api/tickets")).raise_for_status().json()["ticket"]
    arrived: dict[str, float] = {}
    live = url.replace("http", "ws", 1) + f"/live?ticket={ticket}"
    async with connect(live, origin=url) as socket:  # type: ignore[arg-type]  # Origin is a NewType of str
        await socket.send(orjson.dumps({"op": "watch", "call": call, "after": -1}).decode())
        print("watching", file=sys.stderr, flush=True)  # noqa: T201  the signal that the serving process waits for
        async for message in socket:
            now = time.monotonic()
            document = orjson.loads(message)
            for event in document.get("events", ()):
                arrived[str(event["seq"])] = now
                if event["type"] == "call.ended":
                    return arrived
    return arrived


def main() -> None:
    """Run the probe."""
    url, user, call = sys.argv[1:4]
    password = sys.stdin.readline().strip()
    sys.stdout.buffer.write(orjson.dumps(asyncio.run(watch(url, user, password, call))))


if __name__ == "__main__":
    main()

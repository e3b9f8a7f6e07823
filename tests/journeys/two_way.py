"""How alike what two browsers hear of each other through the server is to what was said; prints the figures.

`python -m tests.journeys.two_way --runs 3 --seconds 40`, on a machine that has nothing else to do. Each way is taken
apart: what the server had of it (the call's recording: one generation of Opus, the browser's), and what the other page
made of that (the server's Opus, and the browser's buffer, which stretches time).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import soundfile
from playwright.sync_api import Page, Playwright, sync_playwright

from tests.journeys.likeness import Ear, HalfSecond, Spoken, half_seconds, in_speech_band
from tests.journeys.stage import add_account, serve
from tests.journeys.three_way import (
    Colleague,
    buffer_of,
    call_in,
    heard_so_far,
    make_voice,
    microphone_browser,
    take_call,
    take_heard,
    wait_for,
    with_ears,
)

SETTLE_S = 1.0


def talk(
    playwright: Playwright, chromium: str, speech: list[Path], folder: Path, seconds: float
) -> list[dict[str, Any]]:
    """One call; answers a row for each way and each part of it."""
    said = {
        "caller": make_voice(speech[0:69:3], folder / "caller.wav"),
        "agent": make_voice(speech[1:69:3], folder / "agent.wav"),
    }
    data = folder / "data"
    data.mkdir()
    add_account(data, "li", "agent")
    with (
        serve(data, folder, engine="fake", vad="webrtc", recording_format="wav") as server,
        microphone_browser(playwright, chromium, folder / "caller.wav") as calling,
        microphone_browser(playwright, chromium, folder / "agent.wav") as working,
    ):
        agent = Colleague(with_ears(working), server.url, "li")
        agent.do("PUT", "desk/agents/li/presence", presence="ready")
        caller, call = call_in(with_ears(calling), server.url)
        take_call(agent, caller, call)
        pages: dict[str, Page] = {"caller": caller, "agent": agent.page}
        caller.wait_for_timeout(SETTLE_S * 1000)
        begun = {who: heard_so_far(page) for who, page in pages.items()}
        buffers = {who: buffer_of(page) for who, page in pages.items()}
        caller.wait_for_timeout(seconds * 1000)
        ended = {who: heard_so_far(page) for who, page in pages.items()}
        after = {who: buffer_of(page) for who, page in pages.items()}
        heard = {who: take_heard(page) for who, page in pages.items()}
        caller.get_by_test_id("call-button").click()
        wait_for(agent, call, "call.ended")
    recorded = soundfile.read(next((data / "recordings").glob("*.wav")), dtype="float32")[0]
    rows = []
    for listener, speaker, side in (("agent", "caller", 0), ("caller", "agent", 1)):
        begin, end, spoken = begun[listener], ended[listener], Spoken(said[speaker])
        then, before = after[listener], buffers[listener]
        stretched = {
            "made up": then.made_up_ms - before.made_up_ms,
            "stretched": then.stretched_ms - before.stretched_ms,
        }
        stretch = heard[listener][begin:end]
        whole = half_seconds(stretch, spoken)
        rows.append(_row(f"{speaker} to {listener}", whole) | {"stretched_ms": stretched})
        server_had = np.ascontiguousarray(recorded[:, side])
        lag = Ear(in_speech_band(heard[listener])).lag(in_speech_band(server_had), begin, end)
        rows.append(_row("  microphone to server", half_seconds(server_had[begin - lag : end - lag], spoken)))
        rows.append(_row("  server to page", half_seconds(stretch, Spoken(server_had))))
    return rows


def _row(name: str, halves: list[HalfSecond]) -> dict[str, Any]:
    alike = np.array([half.alike for half in halves])
    return {
        "way": name,
        "half_seconds": alike.size,
        "share_at_0.9": float(np.mean(alike >= 0.9)),
        "share_at_0.8": float(np.mean(alike >= 0.8)),
        "median": float(np.median(alike)),
        "windows": [asdict(half) for half in halves],
    }


def main() -> None:
    """Talk, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="calls (3)")
    parser.add_argument("--seconds", type=float, default=40.0, help="of talk in each (40)")
    parser.add_argument("--speech", type=Path, default=Path("../shared/data"), help="folder of the development data")
    parser.add_argument("--windows", action="store_true", help="show each half second below 0.9")
    parser.add_argument("--json", action="store_true", help="everything, as JSON")
    wanted = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    speech = sorted((wanted.speech / "speech" / "aishell1-sample").glob("*.flac"))
    if chromium is None or not speech:
        parser.error("Chromium and the development data (--speech, AISHELL-1 sample) are needed.")
    runs = []
    for _ in range(wanted.runs):
        with TemporaryDirectory() as folder, sync_playwright() as playwright:
            rows = talk(playwright, chromium, speech, Path(folder), wanted.seconds)
        runs.append({"load": os.getloadavg()[0], "rows": rows})
        if not wanted.json:
            _show(runs[-1], each=wanted.windows)
    if wanted.json:
        sys.stdout.write(json.dumps(runs, indent=1) + "\n")


def _show(run: dict[str, Any], *, each: bool) -> None:
    lines = [f"load {run['load']:.1f}", f"{'way':26}{'halves':>7}{'>= 0.9':>8}{'>= 0.8':>8}{'median':>8}"]
    for row in run["rows"]:
        lines.append(
            f"{row['way']:26}{row['half_seconds']:7}{row['share_at_0.9']:8.1%}{row['share_at_0.8']:8.1%}"
            f"{row['median']:8.3f}  "
            + ", ".join(f"{name} {ms:.0f} ms" for name, ms in row.get("stretched_ms", {}).items())
        )
        if each:
            lines += [
                f"    {half['at_s']:6.1f} s {half['level']:6.1f} dBFS {half['alike']:6.2f} {half['moved_ms']:+5.0f} ms"
                for half in row["windows"]
                if half["alike"] < 0.9
            ]
    sys.stdout.write("\n".join(lines) + "\n\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

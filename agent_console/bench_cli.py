"""`warmline bench …`: measurements on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import anyio
import typer
from rich.console import Console as Terminal

from agent_console.settings import Settings

if TYPE_CHECKING:
    from agent_console.bench.figures import Figure

app = typer.Typer(
    help="Measure here. Every benchmark prints the same kind of document: figures with unit, target and range.",
    no_args_is_help=True,
    add_completion=False,
)


@app.callback()
def bench() -> None:
    """Take the name of a benchmark as a command of its own."""


@app.command(epilog="Example: warmline bench pipeline --json > pipeline.json")
def pipeline(
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    utterances: Annotated[int, typer.Option(min=1, help="How many utterances, at least.")] = 50,
    models: Annotated[Path | None, typer.Option("--models", help="Folder that holds the models.")] = None,
    engine: Annotated[str | None, typer.Option(help="Recognition engine: auto, whisper, vosk or fake.")] = None,
    vad: Annotated[str | None, typer.Option(help="Voice activity detector: silero or webrtc.")] = None,
) -> None:
    """CPU and waiting times of one call at real pace, watched by a console (takes about five minutes)."""
    from agent_console.bench.pipeline import measure_pipeline

    settings = Settings.load(models=models, engine=engine, vad=vad)
    figures = anyio.run(partial(measure_pipeline, settings, Terminal(stderr=True), utterances=utterances))
    _show("pipeline", figures, json_output=json_output)


@app.command(epilog="Example: warmline bench soak --json > soak.json")
def soak(
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    vad: Annotated[str | None, typer.Option(help="Voice activity detector: silero or webrtc.")] = None,
) -> None:
    """Ten calls at once: event loop lag at real pace, memory over long calls (takes about four minutes)."""
    from agent_console.bench.soak import measure_soak

    figures = anyio.run(partial(measure_soak, Settings.load(vad=vad), Terminal(stderr=True)))
    _show("soak", figures, json_output=json_output)


@app.command("soak-asr", epilog="Example: warmline bench soak-asr --engine vosk --json > soak-asr.json")
def soak_asr(
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    models: Annotated[Path | None, typer.Option("--models", help="Folder that holds the models.")] = None,
    engine: Annotated[str, typer.Option(help="One engine by name, or auto for each that has a model.")] = "auto",
    minutes: Annotated[float, typer.Option(min=8, max=6000, help="Minutes of audio for each engine.")] = 60,
) -> None:
    """An hour of speech, silence and noise through each engine: memory over time (5 to 40 minutes an engine)."""
    from agent_console.bench.soak_asr import measure_soak_asr

    terminal = Terminal(stderr=True)

    def report(step: str) -> None:
        terminal.print(f"{step} …")

    settings = Settings.load(models=models)
    measure = partial(measure_soak_asr, settings.models, engine=engine, minutes=minutes, report=report)
    figures, about = anyio.run(measure)
    _show("soak-asr", figures, about, json_output=json_output)


@app.command(epilog="Example: warmline bench prosody --json > prosody.json")
def prosody(
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    speech: Annotated[
        Path | None,
        typer.Option(help="Folder with manifest.jsonl (audio, speaker), or of such folders; without it sample calls."),
    ] = None,
    utterances: Annotated[int, typer.Option(min=1, help="How many utterances to find the pitch of, at most.")] = 34,
    rounds: Annotated[int, typer.Option(min=1, help="How often every cost is measured.")] = 9,
) -> None:
    """Cost of tone and accuracy of pitch on the telephone, beside the peers (needs `make peers`; five minutes)."""
    from agent_console.bench.prosody import measure_prosody
    from agent_console.bench.prosody_f0 import f0_table

    terminal = Terminal(stderr=True)

    def report(step: str) -> None:
        terminal.print(f"{step} …")

    figures, about = measure_prosody(speech, utterances=utterances, rounds=rounds, report=report)
    if json_output:
        _show("prosody", figures, about, json_output=True)
        return
    _show("prosody", [figure for figure in figures if figure.target or "f0_" not in figure.name], json_output=False)
    out = _wide_terminal()
    out.print(f0_table(figures))
    out.print("Speech: {speech}, {utterances} utterances, {speakers} speakers, {seconds} s.".format(**about))


@app.command(epilog="Example: warmline bench asr --json > asr.json")
def asr(
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    speech: Annotated[
        Path | None,
        typer.Option(help="Folder with manifest.jsonl (audio, lang); without it the sample calls."),
    ] = None,
    utterances: Annotated[int, typer.Option(min=1, help="How many utterances to speak at real pace, at most.")] = 16,
    models: Annotated[Path | None, typer.Option("--models", help="Folder that holds the models.")] = None,
    engine: Annotated[
        str | None, typer.Option(help="One engine, ENGINE/MODEL or fake; without it each that has a model.")
    ] = None,
) -> None:
    """Cost of recognition beside the bare libraries, finals at real pace, memory (minutes for each engine)."""
    from agent_console.bench.asr import measure_asr

    terminal = Terminal(stderr=True)

    def report(step: str) -> None:
        terminal.print(f"{step} …")

    settings = Settings.load(models=models)
    measure = partial(
        measure_asr,
        settings.models,
        speech,
        engine=engine or "auto",
        utterances=utterances,
        threads=settings.recognition_threads,
        terms=settings.terms,
        report=report,
    )
    figures, about = anyio.run(measure)
    _show("asr", figures, about, json_output=json_output)
    if not json_output:
        out = _wide_terminal()
        out.print("Speech: {speech}, {utterances} utterances, {seconds} s; {threads} threads.".format(**about))


@app.command(epilog="Example: warmline bench media --json > media.json")
def media(
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    speech: Annotated[
        Path | None,
        typer.Option(
            help="List of recordings with their text (JSON lines: audio, text, lang); without it sample calls."
        ),
    ] = None,
    utterances: Annotated[int, typer.Option(min=1, help="How many utterances to recognize, at most.")] = 30,
    legs: Annotated[int, typer.Option(min=1, help="How many legs at once, for costs.")] = 8,
    seconds: Annotated[float, typer.Option(min=1, help="How long each load is watched.")] = 5.0,
    rounds: Annotated[
        int, typer.Option(min=2, help="In how many pairs of slices of 2 s costs are compared with aiortc's.")
    ] = 12,
    models: Annotated[Path | None, typer.Option("--models", help="Folder that holds the models.")] = None,
    engine: Annotated[
        str | None, typer.Option(help="Recognition engine for the words; fake leaves the words out.")
    ] = None,
) -> None:
    """What arrives over bad networks, when, and what a leg costs, beside stock aiortc (six minutes)."""
    from agent_console.bench.media import measure_media, network_table

    terminal = Terminal(stderr=True)

    def report(step: str) -> None:
        terminal.print(f"{step} …")

    measure = partial(
        measure_media,
        Settings.load(models=models, engine=engine),
        speech,
        utterances=utterances,
        legs=legs,
        seconds=seconds,
        rounds=rounds,
        report=report,
    )
    figures, about, networks = anyio.run(measure)
    _show("media", figures, about, json_output=json_output)
    if not json_output:
        _wide_terminal().print(network_table(networks))


@app.command(epilog="Example: warmline bench vad --speech recordings --json > vad.json")
def vad(
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    speech: Annotated[
        Path | None,
        typer.Option(
            help="Folder of clean recordings with manifest.jsonl (audio, speaker), or of such; without it sample calls."
        ),
    ] = None,
    utterances: Annotated[int, typer.Option(min=1, help="How many are spoken, at most; as many babble.")] = 48,
    batched: Annotated[
        Path | None, typer.Option(help="A Silero network for several windows at once, to see what that saves.")
    ] = None,
) -> None:
    """Where detectors find speech in noise, music, typing and babble, and what they cost (takes about six minutes)."""
    from agent_console.bench.vad import measure_vad, tables

    terminal = Terminal(stderr=True)

    def report(step: str) -> None:
        terminal.print(f"{step} …")

    figures, about, results = measure_vad(speech, utterances=utterances, batched=batched, report=report)
    if json_output:
        _show("vad", figures, about, json_output=True)
        return
    out = _wide_terminal()
    for each in tables(results):
        out.print(each)
    out.print("Speech: {speech}, {utterances} utterances, {speakers} speakers, {seconds} s.".format(**about))


@app.command(epilog="Example: warmline bench recording --minutes 30 --json > recording.json")
def recording(
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    minutes: Annotated[float, typer.Option(min=1, max=600, help="How long the call is.")] = 30,
) -> None:
    """Whether a long call's recording stays in time between drifting clocks; what formats cost (about a minute)."""
    from agent_console.bench.recording import measure_recording

    terminal = Terminal(stderr=True)

    def report(step: str) -> None:
        terminal.print(f"{step} …")

    _show("recording", measure_recording(minutes, report), {"minutes": minutes}, json_output=json_output)


@app.command(epilog="Example: warmline bench echo --speech manifest.jsonl --json > echo.json")
def echo(
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Four echo paths, 20 s and six utterances each: a minute or two.")
    ] = False,
    speech: Annotated[
        Path | None,
        typer.Option(
            help="List of recordings of two speakers (JSON lines: audio, text, lang, speaker); or sample calls."
        ),
    ] = None,
    utterances: Annotated[
        int | None, typer.Option(min=1, help="How many the caller says, at most: 24, with --quick 6.")
    ] = None,
    models: Annotated[Path | None, typer.Option("--models", help="Folder that holds the models.")] = None,
    engine: Annotated[
        str | None, typer.Option(help="Recognition engine for the words; fake leaves the words out.")
    ] = None,
) -> None:
    """What is left of an echo, whom it interrupts, whose words it costs, at what price (about eight minutes).

    On each of 13 synthetic echo paths and two without any, the caller is heard with the echo taken out ("on") and
    without that ("off"). Ctrl-C prints what was measured so far.
    """
    from agent_console.bench.echo import EchoBench, echo_figures, echo_table
    from agent_console.demo import SAMPLES
    from agent_console.evaluation_output import showing_progress
    from asr.engines import load_recognizer
    from asr.types import Language

    settings = Settings.load(models=models, engine=engine)
    languages = frozenset({Language.ZH, Language.EN})
    fake = settings.engine == "fake"
    recognizer = None if fake else load_recognizer(settings.engine, settings.models, languages).recognizer
    count = utterances or (6 if quick else 24)
    bench = EchoBench(speech or SAMPLES, recognizer, utterances=count, quick=quick)
    try:
        with showing_progress() as report:
            bench.run(lambda _path, done: report("echo paths", bench.steps, done))
    finally:
        about = {
            "speech": str(speech or "sample calls"),
            "paths": f"{len(bench.results)} of {len(bench.paths)}",
            "engine": "none" if recognizer is None else recognizer.name,
        }
        _show("echo", echo_figures(bench.results), about, json_output=json_output)
        if not json_output:
            Terminal(width=max(Terminal().width, 170)).print(echo_table(bench.results))


@app.command(epilog="Example: warmline bench routing --json > routing.json")
def routing(
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    turns: Annotated[int, typer.Option(min=20, help="How many turns to understand.")] = 300,
    events: Annotated[int, typer.Option(min=1, help="How many random events to put the desk through.")] = 100_000,
    models: Annotated[Path | None, typer.Option("--models", help="Folder that holds the sentence encoder.")] = None,
) -> None:
    """Latency and CPU of understanding a turn, of the policy and of a crowded desk (takes about two minutes).

    The desk is put through random events besides, with a witness that checks every one of them.
    """
    from agent_console.bench.desk import measure_decision, measure_desk, measure_properties
    from agent_console.bench.routing import measure_understanding
    from agent_console.intent_model import intent_versions, load_embedder
    from routing.understanding.intent import load_model
    from routing.understanding.turn import Understander

    terminal = Terminal(stderr=True)

    def report(step: str) -> None:
        terminal.print(f"{step} …")

    settings = Settings.load(models=models)
    embedder = load_embedder(settings.models)
    path = intent_versions(settings.data).path()
    figures = measure_understanding(Understander.load(embedder, path), load_model(path), embedder, turns, report)
    report("policy and desk")
    figures += [*measure_decision(), *measure_desk()]
    report(f"{events} random events at the desk")
    figures += measure_properties(events=events)
    _show("routing", figures, {"turns": turns, "embedder": embedder.name}, json_output=json_output)


@app.command(epilog="Example: warmline bench sip --json > sip.json")
def sip(
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    seconds: Annotated[float, typer.Option(min=5, max=600, help="How long the 50 calls last.")] = 60,
    calls: Annotated[int, typer.Option(min=10, max=10_000, help="How many short calls, 10 a second.")] = 500,
) -> None:
    """Fifty telephone calls at once, then 500 short ones, by sipp, without recognition (takes about two minutes)."""
    from agent_console.bench.sip import measure_sip

    terminal = Terminal(stderr=True)

    def report(step: str) -> None:
        terminal.print(f"{step} …")

    figures, about = anyio.run(partial(measure_sip, report, seconds=seconds, rate_calls=calls))
    _show("sip", figures, about, json_output=json_output)


def _show(bench_name: str, figures: list[Figure], about: Mapping[str, Any] | None = None, *, json_output: bool) -> None:
    from agent_console.bench.figures import document, table

    if json_output:
        Terminal().print_json(data=document(bench_name, figures, about))
    else:
        _wide_terminal().print(table(bench_name, figures))


def _wide_terminal() -> Terminal:
    """At least as wide as the tables, because a cut figure is none; a narrower window wraps."""
    return Terminal(width=max(Terminal().width, 120))

"""`warmline doctor`: looks at everything a call needs, and says what is wrong and how to mend it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

from rich.console import Console as Terminal

from agent_console.intent_model import intent_versions
from agent_console.settings import Settings
from agent_console.tone_model import load_tone_model
from asr.diarization.layout import MODEL_NAME as DIARIZATION
from asr.diarization.layout import is_pipeline
from asr.diarization.neural.installation import describe_installation
from asr.engines import DEFAULT_WHISPER, choose_model
from asr.models.store import ModelStore
from asr.types import Language
from prosody.features import warm_up
from routing.desk.file import DEFAULT_DESK, load_desk
from routing.policy.file import DEFAULT_POLICY, load_policy
from routing.understanding.intent import load_model
from routing.understanding.sentence_encoder import MODEL_NAME
from voice.audio.opus import opus_version
from voice.contracts.errors import WarmlineError
from voice.vad.detectors import load_detectors

STATIC: Final = Path(__file__).parent / "static"
LOW_DISK_GB: Final = 2.0
_LIBRARIES: Final = ("av", "soxr", "aiortc", "ctranslate2", "onnxruntime", "vosk", "opencc", "numba")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: what.
        found: what is there.
        problem: whether Warmline cannot do without mending it.
        fix: how to mend it; empty where nothing is wrong.
    """

    subject: str
    found: str
    problem: bool = False
    fix: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Look at everything; never raises for what it finds."""
    findings: list[Finding] = []
    for subject, look in (
        ("Python", _python),
        ("libraries", _libraries),
        ("Opus", _opus),
        ("web app", _web_app),
        ("models", lambda: _models(settings)),
        ("intent", lambda: _intent(settings)),
        ("voice activity", lambda: _detector(settings)),
        ("tone", _compiler),
        ("tone model", lambda: _tone_model(settings)),
        ("agents' tone", lambda: _agent_tone(settings)),
        ("diarization", lambda: _diarization(settings)),
        ("policy", lambda: _policy(settings)),
        ("data folder", lambda: _data(settings)),
        ("port", lambda: _port(settings)),
    ):
        findings += _looked(subject, look)
    return findings


def show(findings: list[Finding], *, json_output: bool) -> None:
    """Print the findings."""
    if json_output:
        sys.stdout.write(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False) + "\n")
        return
    terminal = Terminal()
    for finding in findings:
        mark = "[bold red]✗[/]" if finding.problem else "[yellow]![/]" if finding.fix else "[green]✓[/]"
        terminal.print(f"{mark} [bold]{finding.subject}[/]  {finding.found}", highlight=False)
        if finding.fix:
            terminal.print(f"   → {finding.fix}", highlight=False)


def _looked(subject: str, look: Callable[[], Iterator[Finding]]) -> list[Finding]:
    try:
        return list(look())
    except WarmlineError as error:
        return [Finding(subject, super(WarmlineError, error).__str__(), problem=True, fix=error.fix)]


def _python() -> Iterator[Finding]:
    yield Finding("Python", sys.version.split()[0])


def _libraries() -> Iterator[Finding]:
    for name in _LIBRARIES:
        try:
            import_module(name)
        except ImportError as error:
            yield Finding("libraries", f"{name} cannot be loaded: {error}", problem=True, fix="Run `make setup` again.")
    yield Finding("libraries", ", ".join(_LIBRARIES))


def _opus() -> Iterator[Finding]:
    """Whether there is a libopus; without one no call over WebRTC has sound."""
    yield Finding("Opus", opus_version())


def _web_app() -> Iterator[Finding]:
    if (STATIC / "index.html").is_file():
        yield Finding("web app", "built")
    else:
        yield Finding("web app", "not built", problem=True, fix="Run `make setup` (needs Node 20 or newer).")


def _models(settings: Settings) -> Iterator[Finding]:
    store = ModelStore(settings.models)
    installed = [model.name for model in store.installed()]
    for name in installed:
        store.verify(name)
        yield Finding("model", f"{name} is whole")
    if not installed:
        yield Finding("models", f"none in {settings.models}", problem=True, fix="warmline models pull whisper-base")
    elif (choice := choose_model(Language.ZH, store)) is None or choice.model == DEFAULT_WHISPER:
        yield Finding(
            "models",
            "only Whisper base: usable, but weak on Mandarin over the telephone",
            fix="Try other weights on recordings of your own, for example: warmline models pull sense-voice-small",
        )


def _intent(settings: Settings) -> Iterator[Finding]:
    model = load_model(intent_versions(settings.data).path())
    if (settings.models / MODEL_NAME).is_dir():
        yield Finding("intent", f"{model.version}, with the sentence encoder")
    else:
        yield Finding("intent", f"{model.version}, by sounds and words alone", fix=f"warmline models pull {MODEL_NAME}")


def _detector(settings: Settings) -> Iterator[Finding]:
    load_detectors(settings.vad)
    yield Finding("voice activity", f"{settings.vad} is whole")


def _compiler() -> Iterator[Finding]:
    """Whether what measures tone is compiled already, and stays so: seconds at every start, or once on this machine."""
    began = time.perf_counter()
    warm_up()
    took_s = time.perf_counter() - began
    functions = {
        function: function.stats
        for name, module in list(sys.modules.items())
        if name.startswith("prosody.")
        for function in vars(module).values()
        if hasattr(function, "stats") and hasattr(function.stats, "cache_misses")
    }
    anew = sum(bool(sum(stats.cache_misses.values())) for stats in functions.values())
    if not all(stats.cache_path for stats in functions.values()):
        fix = "Make the installation's folder or NUMBA_CACHE_DIR writable, so that compiling is done once."
        yield Finding("tone", f"compiled in {took_s:.1f} s, at every start anew", fix=fix)
    elif anew:
        yield Finding(
            "tone", f"{anew} of {len(functions)} functions compiled in {took_s:.1f} s, kept for the next start"
        )
    else:
        yield Finding("tone", f"compiled before ({len(functions)} functions), loaded in {took_s:.1f} s")


def _tone_model(settings: Settings) -> Iterator[Finding]:
    model = load_tone_model(settings.tone_model)
    yield Finding("tone model", "none, the rules judge alone" if model is None else f"{model.name}, beside the rules")


def _agent_tone(settings: Settings) -> Iterator[Finding]:
    permission = settings.agent_tone
    if permission is None:
        yield Finding("agents' tone", "not measured")
    else:
        yield Finding(
            "agents' tone",
            f"measured; the stated legal basis: {permission.legal_basis}",
            fix="Lawful in the EU for medical or safety reasons only (AI Act, Article 5(1)(f)); see measure_agents.",
        )


def _diarization(settings: Settings) -> Iterator[Finding]:
    """Versions only: importing what is there takes ten seconds."""
    installed = describe_installation()
    if installed is None:
        yield Finding(
            "diarization", "not installed; mono recordings are heard as the caller's (`make diarize` adds it)"
        )
    elif not is_pipeline(settings.models / DIARIZATION):
        fix = f"Run: warmline models pull {DIARIZATION}, or name a pipeline's folder with --pipeline."
        yield Finding("diarization", f"{installed}; no pipeline in {settings.models}", fix=fix)
    else:
        yield Finding("diarization", f"{installed}; pipeline {settings.models / DIARIZATION}")


def _policy(settings: Settings) -> Iterator[Finding]:
    desk = load_desk(settings.desk or DEFAULT_DESK, zone=settings.zone)
    policy = load_policy(settings.policy or DEFAULT_POLICY, desk=desk)
    yield Finding("policy", f"{settings.policy or 'the one that ships'}, version {policy.version}")


def _data(settings: Settings) -> Iterator[Finding]:
    folder = settings.data
    existing = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    if not os.access(existing, os.W_OK):
        yield Finding("data folder", f"{existing} is read-only", problem=True, fix="Name another one with --data.")
        return
    free_gb = shutil.disk_usage(existing).free / 1e9
    low = free_gb < LOW_DISK_GB
    fix = "Make room: a call takes 4 MB a minute; recording stops where the disk is full." if low else ""
    yield Finding("data folder", f"{folder}, {free_gb:.0f} GB free", fix=fix)


def _port(settings: Settings) -> Iterator[Finding]:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            yield Finding(
                "port",
                f"{settings.host}:{settings.port}: {error.strerror}",
                problem=True,
                fix="Stop what listens there, or name another one with --port.",
            )
        else:
            yield Finding("port", f"{settings.host}:{settings.port} is free")

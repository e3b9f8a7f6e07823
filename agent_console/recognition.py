"""Starting recognition as the settings want it: in processes of its own, or in this one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from anyio.to_thread import run_sync

from agent_console.settings import Settings
from asr.engines import FAKE, EngineChoice, check_engines, choose_engines, load_recognizer
from asr.plan import EnginePlan
from asr.ports import Recognition
from asr.sherpa import SherpaSettings
from asr.supervisor import SupervisedRecognition
from asr.text.repair import HomophoneRepair
from asr.text.terms import Terms
from asr.text.writer import TextWriter
from asr.whisper import WhisperSettings
from asr.worker import RecognitionWorker
from voice.contracts.ports import Clock


@dataclass(frozen=True, slots=True)
class OpenedRecognition:
    """Recognition, running.

    Attributes:
        worker: for calls.
        choices: which engine serves which language, and why.
    """

    worker: Recognition
    choices: tuple[EngineChoice, ...]


def check_recognition(settings: Settings) -> None:
    """Find out, without loading anything, that what `open_recognition` will load has a name and is there.

    Raises:
        UnknownEngineError: no such engine.
        ModelMissingError: a model that is needed is not installed.
        ModelCorruptError: a manifest cannot be read.
    """
    plan = EnginePlan(settings.engine, settings.models)
    check_engines(plan.engine, plan.models, plan.languages)


@asynccontextmanager
async def open_recognition(
    settings: Settings, terms: Terms, clock: Clock, *, apart: bool
) -> AsyncIterator[OpenedRecognition]:
    """Load the models and recognize for as long as the context lasts.

    The made-up recognizer has nothing native that could crash, and always runs in this process.

    Args:
        settings: which engine, and how.
        terms: of the business.
        clock: time.
        apart: whether recognition runs in processes of its own.

    Raises:
        ModelError: a model is missing or corrupt, or no process can be started.
        UnknownEngineError: no such engine.
    """
    plan = EnginePlan(
        settings.engine,
        settings.models,
        whisper=WhisperSettings(terms=terms.own[: settings.prompt_terms]),
        sherpa=SherpaSettings(terms=terms.words),
    )
    writer = TextWriter(await run_sync(HomophoneRepair, terms))
    threads = settings.recognition_threads
    if apart and settings.engine != FAKE:
        choices = await run_sync(choose_engines, plan.engine, plan.models, plan.languages)
        async with SupervisedRecognition(plan, threads, clock, writer.write) as worker:
            yield OpenedRecognition(worker, choices)
    else:
        load = partial(load_recognizer, threads=threads, whisper=plan.whisper, sherpa=plan.sherpa)
        loaded = await run_sync(load, plan.engine, plan.models, plan.languages)
        async with RecognitionWorker(loaded.recognizer, threads=threads, write=writer.write) as worker:
            yield OpenedRecognition(worker, loaded.choices)

"""`warmline evaluate …`: how well something works on labelled recordings of yours."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from agent_console import diarization_evaluate_cli
from agent_console.evaluation_output import print_findings, showing_progress
from agent_console.prosody_options import Lang

app = typer.Typer(
    help="Measure quality on labelled recordings: a list of JSON lines, audio paths relative to it.",
    no_args_is_help=True,
    add_completion=False,
)

SkipBroken = Annotated[bool, typer.Option("--skip-broken", help="Leave broken lines out, and say how many.")]


class BandChoice(StrEnum):
    """Through which line the recordings are heard."""

    CLEAN = "clean"
    TELEPHONE = "telephone"
    BOTH = "both"


class TextChoice(StrEnum):
    """Which text is compared with what was said."""

    RAW = "raw"
    WRITTEN = "written"


class TurnChoice(StrEnum):
    """What ends a turn."""

    TIMER_1000 = "timer-1000"
    TURN_WORDS = "turn-words"
    SMART_TURN = "smart-turn"


@app.callback()
def evaluate() -> None:
    """Take the name of what is evaluated as a command of its own."""


@app.command(epilog="Example: warmline evaluate emotion --manifest calls.jsonl --json > emotion.json")
def emotion(
    manifest: Annotated[
        Path,
        typer.Option(help='Lines like {"audio": "a.wav", "speaker": "1", "emotion": "anger"}.', show_default=False),
    ],
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    band: Annotated[BandChoice, typer.Option(help="As recorded, through a telephone line, or both.")] = BandChoice.BOTH,
    model: Annotated[
        str, typer.Option(help="default: as calls are judged; rules; linear; or the path of an ONNX tone model.")
    ] = "default",
    skip_broken: SkipBroken = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap over speakers.")] = 0,
    lang: Annotated[Lang, typer.Option(help="Language of the tables.")] = Lang.EN,
) -> None:
    """Emotion from tone alone, against labels; each speaker is judged against their own neutral utterances."""
    from agent_console.emotion_evaluation import evaluate_emotion
    from agent_console.emotion_report import document, tables

    with showing_progress() as progress:
        report = evaluate_emotion(
            manifest,
            bands=_bands(band),
            model=model,
            skip_broken=skip_broken,
            seed=seed,
            progress=progress,
        )
    print_findings(document(report) if json_output else tables(report, lang), report.notes(lang))


@app.command(epilog="Example: warmline evaluate asr --manifest calls.jsonl --group channel --json > asr.json")
def asr(
    manifest: Annotated[
        Path,
        typer.Option(
            help='Lines like {"audio": "a.wav", "text": "你好", "lang": "zh", "speaker": "1"}; '
            "or a folder of calls such as samples/calls.",
            show_default=False,
        ),
    ],
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    engine: Annotated[
        str | None, typer.Option(help="auto, whisper, vosk …, or ENGINE/MODEL; without it the one in the settings.")
    ] = None,
    group: Annotated[str | None, typer.Option(help="A key of the lines to break the error rates down by.")] = None,
    band: Annotated[BandChoice, typer.Option(help="As recorded, through a telephone line, or both.")] = BandChoice.BOTH,
    text: Annotated[
        TextChoice,
        typer.Option(help="raw: as the engine heard it; written: with repairs and digits, as people read it."),
    ] = TextChoice.WRITTEN,
    live: Annotated[
        bool, typer.Option("--live", help="Also speak up to 50 utterances at real pace, and time partials and finals.")
    ] = False,
    models: Annotated[Path | None, typer.Option("--models", help="Folder that holds the recognition models.")] = None,
    skip_broken: SkipBroken = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap over speakers.")] = 0,
    lang: Annotated[Lang, typer.Option(help="Language of the tables.")] = Lang.EN,
) -> None:
    """Recognition against what was said: error rates with intervals over speakers, cost, and delay."""
    from agent_console.asr_evaluation import evaluate_asr
    from agent_console.asr_report import document, tables
    from agent_console.settings import Settings

    with showing_progress() as progress:
        report = evaluate_asr(
            manifest,
            Settings.load(engine=engine, models=models),
            bands=_bands(band),
            text=text.value,
            group=group,
            live=live,
            skip_broken=skip_broken,
            seed=seed,
            progress=progress,
        )
    print_findings(document(report) if json_output else tables(report, lang), report.notes(lang))


@app.command(epilog="Example: warmline evaluate numbers --manifest samples/numbers/manifest.jsonl --turns turn-words")
def numbers(
    manifest: Annotated[
        Path,
        typer.Option(
            help='Lines like {"audio": "a.wav", "lang": "zh", "kind": "phone", "value": "13800138000"}; '
            "kind is phone, order_no, tracking_no, amount or date.",
            show_default=False,
        ),
    ],
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document, every number in it.")] = False,
    engine: Annotated[
        str | None, typer.Option(help="auto, whisper, vosk …, or ENGINE/MODEL; without it the one in the settings.")
    ] = None,
    turns: Annotated[
        list[TurnChoice] | None,
        typer.Option(help="Also with this end of turns; may be given several times, costs a pass each."),
    ] = None,
    group: Annotated[str | None, typer.Option(help="A key of the lines to break the figures down by.")] = None,
    only: Annotated[str | None, typer.Option(metavar="KEY=VALUE", help="Leave other lines alone.")] = None,
    models: Annotated[Path | None, typer.Option("--models", help="Folder that holds the recognition models.")] = None,
    skip_broken: SkipBroken = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap over speakers.")] = 0,
    lang: Annotated[Lang, typer.Option(help="Language of the tables.")] = Lang.EN,
) -> None:
    """Dictated numbers through the whole pipeline: is the right number in the text, or found as an entity?

    What the engine heard (before) stands beside what people and policy get.
    """
    from agent_console.numbers_evaluation import evaluate_numbers
    from agent_console.numbers_report import document, notes, tables
    from agent_console.settings import Settings

    with showing_progress() as progress:
        report = evaluate_numbers(
            manifest,
            Settings.load(engine=engine, models=models),
            variants=[each.value for each in turns or ()],
            group=group,
            only=only,
            skip_broken=skip_broken,
            seed=seed,
            progress=progress,
        )
    print_findings(document(report) if json_output else tables(report, lang), notes(report, lang))


@app.command(epilog="Example: warmline evaluate intent --file calls.jsonl --json > intent.json")
def intent(
    file: Annotated[
        Path,
        typer.Option(
            help='Lines like {"text": "我的快递到哪了", "lang": "zh", "intent": "logistics"}.', show_default=False
        ),
    ],
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    models: Annotated[Path | None, typer.Option("--models", help="Folder that holds the sentence encoder.")] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Data folder, with the intent models trained here.")
    ] = None,
    lang: Annotated[Lang, typer.Option(help="Language of the tables.")] = Lang.EN,
) -> None:
    """What callers need, against labelled utterances in zh and en: accuracy, calibration, coverage, every need."""
    from agent_console.intent_evaluation import evaluate_intent
    from agent_console.intent_model import WITHOUT_ENCODER, load_understander
    from agent_console.intent_report import document, tables
    from agent_console.settings import Settings

    with showing_progress() as progress:
        report = evaluate_intent(file, load_understander(Settings.load(models=models, data=data)), progress)
    without = report.embedder.startswith("pieces")
    print_findings(document(report) if json_output else tables(report, lang), [WITHOUT_ENCODER] if without else [])


@app.command(epilog="Example: warmline evaluate negative --file calls.jsonl --json > negative.json")
def negative(
    file: Annotated[
        Path,
        typer.Option(help='Lines like {"text": "我要投诉", "negative": true, "escalate": true}.', show_default=False),
    ],
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    models: Annotated[Path | None, typer.Option("--models", help="Folder that holds the sentence encoder.")] = None,
    lang: Annotated[Lang, typer.Option(help="Language of the table.")] = Lang.EN,
) -> None:
    """Discontent in words, and what has to bring a person at once, against labelled utterances in zh and en."""
    from agent_console.intent_model import WITHOUT_ENCODER, load_understander
    from agent_console.negative_evaluation import evaluate_negative
    from agent_console.settings import Settings
    from agent_console.understanding_report import negative_document, negative_table

    with showing_progress() as progress:
        understander = load_understander(Settings.load(models=models))
        report = evaluate_negative(file, understander, progress)
    notes = [WITHOUT_ENCODER] if understander.embedder_name.startswith("pieces") else []
    print_findings(negative_document(report) if json_output else negative_table(report, lang), notes)


@app.command(epilog="Example: warmline evaluate entities --file calls.jsonl --json > entities.json")
def entities(
    file: Annotated[
        Path,
        typer.Option(
            help='Lines like {"text": "退我三十块", "ref_date": "2026-03-11", '
            '"entities": [{"type": "amount", "value": "30"}]}.',
            show_default=False,
        ),
    ],
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    lang: Annotated[Lang, typer.Option(help="Language of the table.")] = Lang.EN,
) -> None:
    """Named values (phones, orders, amounts, dates …) against labelled utterances: kind and value exactly."""
    from agent_console.entities_evaluation import evaluate_entities
    from agent_console.understanding_report import entities_document, entities_table

    with showing_progress() as progress:
        report = evaluate_entities(file, progress)
    print_findings(entities_document(report) if json_output else entities_table(report, lang), [])


def _bands(choice: BandChoice) -> tuple[str, ...]:
    return ("clean", "telephone") if choice is BandChoice.BOTH else (choice.value,)


app.command("diarization", epilog=diarization_evaluate_cli.EPILOG)(diarization_evaluate_cli.diarization)

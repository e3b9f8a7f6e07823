"""Train a segmentation network of your own: `python -m asr.diarization.train --help`.

Conversations of two are made of single utterances, over a telephone line and in noise, so that the truth is known to
the sample. The result is a pipeline's folder for `warmline diarize --pipeline FOLDER`. Its embedding is copied from
another pipeline. On a few speakers it learns who talks when; published networks, trained on thousands of hours, are
better: `warmline models pull diarization`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from asr.diarization.layout import MODEL_NAME
from asr.diarization.neural.installation import make_ready
from asr.diarization.voices import read_voices
from voice.contracts.errors import ManifestError, ModelMissingError, WarmlineError

REPORT_EVERY = 25
"""Steps between two lines of progress."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Read voices, train, write the folder."""
    options = _parser().parse_args(arguments)
    try:
        _train(options)
    except WarmlineError as error:
        sys.stderr.write(f"[{error.code}] {error}\n")
        return 1
    return 0


def _train(options: argparse.Namespace) -> None:
    embedding: Path = options.embedding
    if not embedding.is_dir():
        raise ModelMissingError(
            f"There is no embedding at {embedding}.", fix=f"Run: warmline models pull {MODEL_NAME}, or name one."
        )
    voices = read_voices(options.speech, most_each=options.most)
    for left_out in options.hold_out:
        voices = {name: utterances for name, utterances in voices.items() if left_out not in name}
    if len(voices) < 2:
        raise ManifestError(f"Expected at least two speakers; got {len(voices)}.", fix="Name more --speech folders.")
    make_ready()
    from asr.diarization.neural.training import (  # noqa: PLC0415  # the extra
        NetworkShape,
        Step,
        count_numbers,
        save_pipeline,
        train,
    )

    shape = NetworkShape(hidden=options.hidden, layers=options.layers)
    began = time.process_time()

    def report(step: Step) -> None:
        if step.number % REPORT_EVERY == 0 or step.number == options.steps:
            cpu_s = time.process_time() - began
            sys.stderr.write(f"step {step.number}/{options.steps}  loss {step.recent:.3f}  {cpu_s:.0f} s of CPU\n")

    sys.stderr.write(f"{len(voices)} speakers, {sum(len(each) for each in voices.values())} utterances\n")
    model = train(
        voices, shape, steps=options.steps, batch=options.batch, seed=options.seed, threads=options.threads, told=report
    )
    save_pipeline(model, shape, options.out, embedding, threshold=options.threshold)
    sys.stderr.write(f"{options.out}: {count_numbers(model)} numbers\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m asr.diarization.train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--speech",
        type=Path,
        nargs="+",
        required=True,
        metavar="FOLDER",
        help='with manifest.jsonl ({"audio", "speaker"}), or all of one speaker',
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="the pipeline that is written")
    parser.add_argument(
        "--embedding",
        type=Path,
        default=Path("models") / MODEL_NAME / "embedding",
        metavar="FOLDER",
        help="copied into it; %(default)s",
    )
    parser.add_argument("--hold-out", nargs="*", default=[], metavar="TEXT", help="speakers whose name holds this")
    parser.add_argument("--most", type=int, default=60, help="utterances per speaker; %(default)s")
    parser.add_argument("--steps", type=int, default=1500, help="of training; %(default)s")
    parser.add_argument("--batch", type=int, default=16, help="windows of 5 s per step; %(default)s")
    parser.add_argument("--hidden", type=int, default=48, help="width of the recurrent layers; %(default)s")
    parser.add_argument("--layers", type=int, default=2, help="recurrent layers; %(default)s")
    parser.add_argument("--threshold", type=float, default=0.8, help="distance of two voices; %(default)s")
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch; %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="%(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""Is the extra `diarize` there and sound; its libraries made ready to stay off the network.

Nothing here imports PyTorch until it is asked to: the command line lives without it.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sys
import types
import warnings
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any, Final

from voice.contracts.errors import MissingExtraError

FIX: Final = (
    'Install the extra "diarize": make diarize in a checkout, or pip install "warmline[diarize]" with the CPU build of '
    "PyTorch. A call with one party per channel (stereo) needs none of it."
)
_OFFLINE: Final = {
    # pyannote.audio reports each load and each file to its makers unless this is off.
    "PYANNOTE_METRICS_ENABLED": "0",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "OTEL_SDK_DISABLED": "true",
}
_EXTENSION: Final = "torchaudio._extension"
OLDEST_PYANNOTE: Final = 4


def describe_installation() -> str | None:
    """The versions that are installed, without importing them; None where the extra is absent."""
    if find_spec("torch") is None or find_spec("pyannote") is None:
        return None
    try:
        return f"pyannote.audio {version('pyannote.audio')}, torch {version('torch')}"
    except PackageNotFoundError:
        return None


def make_ready() -> None:
    """Import PyTorch and pyannote.audio, with every way to the network closed.

    Raises:
        MissingExtraError: something of the extra is missing, too old, or cannot be loaded.
    """
    os.environ.update(_OFFLINE)
    installed = describe_installation()
    if installed is None:
        raise MissingExtraError("Diarization needs pyannote.audio and PyTorch, which are not installed.", fix=FIX)
    if int(version("pyannote.audio").partition(".")[0]) < OLDEST_PYANNOTE:
        raise MissingExtraError(
            f"Diarization needs pyannote.audio {OLDEST_PYANNOTE} or newer; this is {version('pyannote.audio')}.",
            fix=FIX,
        )
    try:
        load_torchaudio()
        with _quiet():
            importlib.import_module("pyannote.audio")
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        first = str(error).strip().partition("\n")[0]
        raise MissingExtraError(f"What is installed does not fit together ({installed}): {first}", fix=FIX) from error


def load_torchaudio() -> Any:
    """`torchaudio.compliance.kaldi`, with torchaudio's compiled part left out where it does not fit PyTorch.

    The registry's torchaudio is compiled for CUDA and refuses to be imported beside a CPU build of PyTorch, though
    resampling and filter banks, all that is needed of it, are plain PyTorch. torchaudio itself knows how to live
    without that part; it is told that there is none.

    Raises:
        ImportError: torchaudio is not installed.
        OSError: it cannot be loaded even so.
    """
    try:
        with _quiet():
            return importlib.import_module("torchaudio.compliance.kaldi")
    except (OSError, RuntimeError):
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchaudio"]:
            del sys.modules[name]
        sys.modules[_EXTENSION] = _no_extension()
        with _quiet():
            return importlib.import_module("torchaudio.compliance.kaldi")


def _no_extension() -> types.ModuleType:
    def unchanged(function: Any) -> Any:
        return function

    module = types.ModuleType(_EXTENSION, "torchaudio without its compiled part.")
    vars(module).update(_IS_TORCHAUDIO_EXT_AVAILABLE=False, _IS_ALIGN_AVAILABLE=False, fail_if_no_align=unchanged)
    return module


@contextlib.contextmanager
def _quiet() -> Any:
    """What these libraries say at import: deprecations, and that they cannot decode files (they need not)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        previous = logging.root.manager.disable
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(previous)

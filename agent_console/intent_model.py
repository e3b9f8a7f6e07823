"""What understands turns in this installation: the intent model in force, and the sentence encoder if there is one."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from agent_console.settings import Settings
from routing.understanding.embedder import Embedder, PieceEmbedder
from routing.understanding.intent_versions import FOLDER, IntentVersions
from routing.understanding.sentence_encoder import MODEL_NAME, SentenceEncoder
from routing.understanding.turn import Understander

WITHOUT_ENCODER: Final = (
    "no sentence encoder: needs are told by sounds and words alone, clearly less accurately. "
    f"Run: warmline models pull {MODEL_NAME}"
)

_log = logging.getLogger(__name__)


def load_embedder(models: Path) -> Embedder:
    """The sentence encoder where it is installed, else the fall-back that needs no model.

    Raises:
        ModelError: it is installed and cannot be read; that is no reason to serve worse in silence.
    """
    folder = models / MODEL_NAME
    return SentenceEncoder.load(folder) if folder.is_dir() else PieceEmbedder()


def intent_versions(data: Path) -> IntentVersions:
    """The intent models that were trained here."""
    return IntentVersions(data / FOLDER)


def load_understander(settings: Settings) -> Understander:
    """What understands turns; takes up to a second, so never on an event loop.

    Raises:
        ModelError: the intent model or the encoder is missing or corrupt.
        UnderstandingDataError: a data file is not valid.
    """
    embedder = load_embedder(settings.models)
    if isinstance(embedder, PieceEmbedder):
        _log.warning(WITHOUT_ENCODER)
    return Understander.load(embedder, intent_versions(settings.data).path())

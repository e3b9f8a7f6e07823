"""Understanding one turn: intent, mood, wish for a person, key points and entities, from its text alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from asr.types import Language
from routing.terms import Grade, KeyPointTag
from routing.understanding.concepts import load_concepts
from routing.understanding.digits import find_digit_runs
from routing.understanding.embedder import Embedder, PieceEmbedder, blank_once
from routing.understanding.entities import find_entities
from routing.understanding.features import shingles
from routing.understanding.grievances import load_grievances
from routing.understanding.heard import Heard, hear, syllables
from routing.understanding.holidays import load_holidays
from routing.understanding.human_request import HumanRequest, asks_for_human, find_requests
from routing.understanding.human_wordings import load_human_wordings
from routing.understanding.intent import MODEL, Intent, IntentModel, load_model
from routing.understanding.key_points import KeyPoint, find_key_points, load_cues
from routing.understanding.lexicon import LANGUAGES, Lexicon, load_lexicon
from routing.understanding.mood import MoodModel, load_mood, weigh
from routing.understanding.named_values import Entity
from routing.understanding.repetition import Ask
from routing.understanding.sentiment import Sentiment, read_sentiment
from routing.understanding.taxonomy import Taxonomy, load_taxonomy
from routing.understanding.utterances import UNKNOWN

SMALL_TALK: Final = re.compile(
    r"(?:[\s，。！？、,.!?]|喂|您好|你好|嗯|啊|哦|呃|诶|那个|就是|好的|好|对的|对|是的|是|行|可以|稍等|等一下|没有|谢谢|"
    r"\b(?:hi|hello|hey|um|uh|yes|yeah|yep|no|ok|okay|right|sure|well|good morning|good afternoon|please|thanks)\b)+"
)
"""A turn of nothing but these names no need and is no failure to understand one."""

LEAST_SAID: Final = 3
"""Characters of content from which a turn that names no need counts as not understood."""


@dataclass(frozen=True, slots=True)
class TurnMeaning:
    """What a turn means.

    Attributes:
        intent: what it is about, with calibrated confidence and the model's version.
        grade: how demanding that is; urgent where an escalating word or a word of danger says so.
        sentiment: mood in words.
        asks_human: a person is asked for.
        requests: where a person is asked for or declined.
        key_points: in order of their place; offsets count characters of the turn's text.
        entities: likewise.
        unclear: something was said and no need was understood; greetings and numbers are not unclear.
        ask: for telling a repeated request.
    """

    intent: Intent
    grade: Grade
    sentiment: Sentiment
    asks_human: bool
    requests: tuple[HumanRequest, ...] = ()
    key_points: tuple[KeyPoint, ...] = ()
    entities: tuple[Entity, ...] = ()
    unclear: bool = False
    ask: Ask = field(default_factory=Ask)


class Understander:
    """Understands turns. Holds no state of any call; one serves all, from any thread."""

    def __init__(
        self,
        model: IntentModel,
        lexicons: tuple[Lexicon, ...],
        taxonomy: Taxonomy,
        embedder: Embedder,
        mood: MoodModel,
    ) -> None:
        self._model = model
        self._embedder = embedder
        self._lexicons = lexicons
        self._taxonomy = taxonomy
        self._mood = mood

    @classmethod
    def load(cls, embedder: Embedder | None = None, model: Path = MODEL) -> Understander:
        """Load lexicons and cues that ship, and a model; some 100 ms, best in a worker thread.

        Args:
            embedder: makes vectors of sentences; None takes the one that needs no model of its own.
            model: the intent model; it decides with vectors where it was trained on the embedder's.

        Raises:
            ModelMissingError: the model is not there.
            ModelCorruptError: the model is not what the training writes.
            UnderstandingDataError: a data file is not valid.
        """
        syllables()
        load_cues()
        load_concepts()
        load_holidays()
        load_grievances()
        load_human_wordings()
        lexicons = tuple(load_lexicon(language) for language in LANGUAGES)
        return cls(load_model(model), lexicons, load_taxonomy(), embedder or PieceEmbedder(), load_mood())

    @property
    def model_version(self) -> str:
        """Version of the intent model."""
        return self._model.version

    @property
    def embedder_name(self) -> str:
        """Which vectors turns are given."""
        return self._embedder.name

    def understand(
        self,
        text: str,
        language: Language = Language.ZH,  # noqa: ARG002  see below
        today: date | None = None,
    ) -> TurnMeaning:
        """Understand one turn of a caller. Time is linear in the text's length.

        Args:
            text: the final as recognized, any length; offsets count its characters.
            language: what the caller speaks. The words themselves decide which lexicon applies, so that mixed speech
                is understood; the argument is part of the interface for languages that share a script.
            today: the day of the call, which relative dates count from; None leaves dates out.
        """
        heard = hear(text)
        sentiment = read_sentiment(heard, self._lexicons)
        requests = find_requests(heard, self._lexicons)
        entities = find_entities(heard, today)
        asks_human = asks_for_human(requests)
        said = without_denied(text, sentiment, requests)
        vector = self._embedder.embed(blank_once(said))
        sentiment = weigh(
            sentiment,
            self._mood.judge(vector, self._embedder.name),
            self._mood.alarm(vector, self._embedder.name),
        )
        expert = self._model.expert
        known = expert is not None and expert.embedder == self._embedder.name
        intent = self._model.recognize(hear(said), vector if known else None)
        small_talk = len(SMALL_TALK.sub("", heard.plain)) < LEAST_SAID
        denied = any(term.negated for term in sentiment.terms) or any(request.declined for request in requests)
        dictated = find_digit_runs(heard.plain)
        told = small_talk or denied or asks_human or entities or dictated
        key_points = find_key_points(heard, sentiment, entities, requests)
        wishes = any(point.tag in {KeyPointTag.REQUEST, KeyPointTag.ISSUE} for point in key_points)
        return TurnMeaning(
            intent=intent,
            grade=self._grade(intent, sentiment),
            sentiment=sentiment,
            asks_human=asks_human,
            requests=requests,
            key_points=key_points,
            entities=entities,
            unclear=intent.label == UNKNOWN and not told,
            ask=Ask(
                # A number that is dictated twice answers a question twice, whatever it is the number of.
                need=UNKNOWN if dictated and not wishes else intent.label,
                language="zh" if heard.has_han else "en",
                shingles=shingles(heard),
                embedder=self._embedder.name,
                vector=vector,
            ),
        )

    def _grade(self, intent: Intent, sentiment: Sentiment) -> Grade:
        if sentiment.escalate or sentiment.urgent:
            return Grade.URGENT
        kind = self._taxonomy.get(intent.label)
        return kind.grade if kind else Grade.SIMPLE


def without_denied(text: str, sentiment: Sentiment, requests: tuple[HumanRequest, ...]) -> str:
    """The text with what it denies left blank, so that 不是要投诉 does not look like a complaint."""
    spans = [(term.start, term.end) for term in sentiment.terms if term.negated]
    spans += [(request.start, request.end) for request in requests if request.declined]
    if not spans:
        return text
    characters = list(text)
    for start, end in spans:
        characters[start:end] = "，" * (end - start)
    return "".join(characters)


def mask(heard: Heard, lexicons: tuple[Lexicon, ...]) -> str:
    """A turn's text as the classifier sees it; training and recognizing must agree on it."""
    return without_denied(heard.text, read_sentiment(heard, lexicons), find_requests(heard, lexicons))

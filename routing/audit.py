"""The audit log: every decision and every human override, append-only, each entry chained to the one before.

An entry's hash is the SHA-256 of the hash before it and of the entry in canonical JSON (keys sorted, no spaces, UTF-8),
so that whoever changes, removes, inserts or moves an entry breaks the chain from there on. What a chain alone cannot
show is that its end was cut off: for that the newest position and hash (the head) are kept apart, in a file beside the
log, and wherever else people put it: `warmline audit head` prints it, `warmline audit verify --head` compares.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

from voice.contracts.errors import AuditError

GENESIS: Final = "0" * 64
"""What the first entry is chained to."""

MAX_NOTE: Final = 500
PlainValue: TypeAlias = str | int | float | bool | None


class AuditKind(StrEnum):
    """What an entry is about."""

    DECISION = "decision"
    """The policy decided target or priority of a call."""

    ASSIGNMENT = "assignment"
    """The desk offered, moved or returned a caller."""

    OVERRIDE = "override"
    """A human decided otherwise than was advised."""


class OverrideReason(StrEnum):
    """Why a human decided otherwise (最小干预: as little as needed, and never without a reason)."""

    CUSTOMER_REQUEST = "customer_request"
    WRONG_INTENT = "wrong_intent"
    WRONG_PRIORITY = "wrong_priority"
    VULNERABLE_CUSTOMER = "vulnerable_customer"
    BUSINESS_EXCEPTION = "business_exception"
    STAFFING = "staffing"
    OTHER = "other"
    """Needs a note."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry, before it has its place in the chain.

    Attributes:
        at: UTC, ISO 8601.
        kind: what it is about.
        subject: the call, or the agent, it is about.
        actor: who decided: `policy`, `desk`, or the user who did.
        action: what was decided, as a stable name such as `route.decided`.
        reason: a stable code: the policy's rule, the failure's code, an `OverrideReason`.
        details: further plain values; ids and figures, never what was said.
    """

    at: str
    kind: AuditKind
    subject: str
    actor: str
    action: str
    reason: str
    details: Mapping[str, PlainValue]


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """An entry in its place.

    Attributes:
        position: gapless from 0.
        body: the entry in canonical JSON, its position included.
        hash: chains it to the one before, hexadecimal.
    """

    position: int
    body: str
    hash: str

    def entry(self) -> dict[str, Any]:
        """The entry's fields.

        Raises:
            AuditError: the body is no JSON object; somebody changed it.
        """
        try:
            document = json.loads(self.body)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise AuditError(f"Audit entry {self.position} is no JSON object.", fix="Run `warmline audit verify`.")
        return document


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The end of a chain: position and hash of its newest entry."""

    position: int
    hash: str

    def __str__(self) -> str:
        return f"{self.position}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> AuditHead:
        """A head from its text form.

        Raises:
            AuditError: it has another form.
        """
        position, _, digest = text.strip().partition(":")
        if not position.isdecimal() or len(digest) != len(GENESIS) or set(digest) - set("0123456789abcdef"):
            raise AuditError(f"A head is POSITION:SHA256; got {text[:100]!r}.", fix="`warmline audit head` prints it.")
        return cls(int(position), digest)


@dataclass(frozen=True, slots=True)
class Break:
    """The first place at which a log is not what it was: what was expected there, and what stands there."""

    position: int
    problem: str


def canonical(document: Mapping[str, Any]) -> str:
    """A document as canonical JSON: keys sorted, no spaces, no escapes beyond what JSON needs, no NaN."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def chain(entries: Iterable[AuditEntry], head: AuditHead | None) -> Iterator[AuditRecord]:
    """Give entries their places after `head`; None is the beginning of a log.

    Raises:
        AuditError: an override without a known reason, or without a note where it needs one.
    """
    position, before = (head.position + 1, head.hash) if head is not None else (0, GENESIS)
    for entry in entries:
        _check(entry)
        document = {
            "position": position,
            "at": entry.at,
            "kind": entry.kind.value,
            "subject": entry.subject,
            "actor": entry.actor,
            "action": entry.action,
            "reason": entry.reason,
            "details": dict(entry.details),
        }
        body = canonical(document)
        before = digest(before, body)
        yield AuditRecord(position, body, before)
        position += 1


def digest(before: str, body: str) -> str:
    """The hash of an entry that follows on the hash `before`."""
    return hashlib.sha256(f"{before}\n{body}".encode()).hexdigest()


def verify(records: Iterable[AuditRecord], heads: Iterable[AuditHead] = ()) -> Break | None:
    """Find the first place where a log is not what it was; None where it is whole.

    Args:
        records: all of them, in their order of storage.
        heads: what the log once ended with, kept elsewhere; each must still stand in it.
    """
    expected = sorted(heads, key=lambda head: head.position)
    before, position = GENESIS, 0
    for record in records:
        problem = _problem(record, position, before)
        if problem is not None:
            return Break(position, problem)
        for head in expected:
            if head.position == position and head.hash != record.hash:
                return Break(position, f"hash {head.hash[:12]}… was kept of this entry; it has {record.hash[:12]}…")
        before, position = record.hash, position + 1
    if expected and expected[-1].position >= position:
        return Break(position, f"the log ended with entry {expected[-1].position} once; it ends before this one")
    return None


def _problem(record: AuditRecord, position: int, before: str) -> str | None:
    if record.position != position:
        return f"entry {position} comes here; got {record.position}"
    if digest(before, record.body) != record.hash:
        return "the entry does not fit its hash, or not the entry before"
    try:
        stated = json.loads(record.body)["position"]
    except (ValueError, KeyError, TypeError):
        return "the entry is no JSON with a position"
    return None if stated == position else f"the entry says it is number {stated}"


def _check(entry: AuditEntry) -> None:
    if entry.kind is not AuditKind.OVERRIDE:
        return
    if entry.reason not in frozenset(OverrideReason):
        raise AuditError(
            f"An override states one of {', '.join(OverrideReason)}; got {entry.reason[:60]!r}.", fix="State a reason."
        )
    note = entry.details.get("note")
    if entry.reason == OverrideReason.OTHER and not (isinstance(note, str) and note.strip()):
        raise AuditError("An override for another reason states it in a note.", fix="Write a note.")
    if isinstance(note, str) and len(note) > MAX_NOTE:
        raise AuditError(f"A note has at most {MAX_NOTE} characters; got {len(note)}.")

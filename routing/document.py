"""Documents that people edit: YAML read into plain data, with the line of every value kept for error messages.

Only plain data is accepted. Anchors, aliases, tags and duplicate keys are refused, size, depth and number of values are
bounded, so that a hostile or broken document costs little and never becomes anything but text, numbers and lists.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from voice.contracts.errors import WarmlineError

MAX_BYTES: Final = 1_000_000
MAX_DEPTH: Final = 24
MAX_VALUES: Final = 100_000
MAX_PROBLEMS: Final = 10
LONGEST_NUMBER_BITS: Final = 1_024

LOADER: Final[type[yaml.SafeLoader]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's parser where there is one: ten times as fast, same nodes."""

DocumentPath: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong: the line (from 1), the field, what was expected and what came, how to mend it."""

    line: int
    field: str
    message: str
    fix: str = ""

    def __str__(self) -> str:
        where = f"line {self.line}, {self.field}" if self.field else f"line {self.line}"
        return f"{where}: {self.message}"


@dataclass(frozen=True, slots=True)
class Document:
    """A document and where its values stand.

    Attributes:
        name: what people call it, usually the file name.
        data: mappings with text keys, lists, text, numbers, booleans, None.
        lines: path of a value to its line, from 1; a mapping's entry is found where its key stands.
        error: the class of error that this document's problems are raised as.
    """

    name: str
    data: Any
    lines: dict[DocumentPath, int]
    error: type[WarmlineError]

    def line(self, path: Iterable[str | int]) -> int:
        """Line of the value at `path`, or of the nearest value around it."""
        at = tuple(path)
        while at and at not in self.lines:
            at = at[:-1]
        return self.lines.get(at, 1)

    def problem(self, path: Iterable[str | int], message: str, fix: str = "") -> Problem:
        """A problem with the value at `path`."""
        at = tuple(path)
        return Problem(self.line(at), spell(at), message, fix)

    def refuse(self, problems: Iterable[Problem]) -> None:
        """Raise all problems as one error, in order of their lines; answers where there are none.

        Raises:
            WarmlineError: of class `error`; the message holds up to ten problems, `fix` mends the first that can be.
        """
        found = sorted(set(problems))
        if not found:
            return
        shown = "; ".join(str(one).rstrip(".") for one in found[:MAX_PROBLEMS])
        more = f"; and {len(found) - MAX_PROBLEMS} more" if len(found) > MAX_PROBLEMS else ""
        fixes = [one.fix for one in found if one.fix]
        raise self.error(f"{self.name}, {shown}{more}.", fix=fixes[0] if fixes else "")

    def check(self, schema: dict[str, Any]) -> None:
        """Check the data against a JSON schema.

        Raises:
            WarmlineError: of class `error`, with line, field and did-you-mean.
        """
        self.refuse(self.violations(schema))

    def violations(self, schema: dict[str, Any]) -> list[Problem]:
        """What of the data a JSON schema does not allow, with line, field and did-you-mean; in order of their lines."""
        found = Draft202012Validator(schema).iter_errors(self.data)
        return sorted({problem for error in found for problem in _explain(self, error)})


def spell(path: Iterable[str | int]) -> str:
    """A path as people write it: `rules[2].then.target`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def suggest(wrong: object, known: Iterable[str]) -> str:
    """A did-you-mean for a name that is not known, or the list of what is; empty where nothing is known."""
    names = sorted(known)
    near = difflib.get_close_matches(str(wrong)[:80], names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]}?"
    return f"Known here: {', '.join(names)}." if names else ""


def read(text: str | bytes, *, name: str, error: type[WarmlineError]) -> Document:
    """Read YAML into plain data.

    Raises:
        WarmlineError: of class `error`: no UTF-8, not YAML, too large, too deep, or more than plain data.
    """
    raw = text.encode() if isinstance(text, str) else text
    if len(raw) > MAX_BYTES:
        raise error(f"{name}: expected at most {MAX_BYTES} bytes; got {len(raw)}.")
    try:
        content = raw.decode()
    except UnicodeDecodeError as broken:
        raise error(f"{name}: expected UTF-8; byte {broken.start} is not.", fix="Save the file as UTF-8.") from None

    def fail(mark: yaml.Mark | None, message: str, fix: str = "") -> WarmlineError:
        return error(f"{name}, line {mark.line + 1 if mark else 1}: {message}", fix=fix)

    try:
        _bound(content, fail)
        root = yaml.compose(content, Loader=LOADER)
        if root is None:
            raise error(f"{name}: expected a document; the file is empty.")
        plain = _Plain(yaml.SafeLoader(""), fail)
        return Document(name, plain.value(root, ()), plain.lines, error)
    except yaml.MarkedYAMLError as broken:
        what = " ".join(part for part in (broken.context, broken.problem) if part)
        raise fail(broken.problem_mark, f"not valid YAML: {what}.") from None
    except yaml.YAMLError as broken:
        raise error(f"{name}: not valid YAML: {' '.join(str(broken).split())[:200]}.") from None


def read_file(path: Path, *, error: type[WarmlineError]) -> Document:
    """Read a YAML file; see `read`.

    Raises:
        WarmlineError: of class `error`, also where the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as broken:
        raise error(
            f"{path.name}: cannot be read ({broken.strerror}).", fix="Check that the file exists and may be read."
        ) from None
    return read(raw, name=path.name, error=error)


Fail: TypeAlias = Callable[..., WarmlineError]


def _bound(content: str, fail: Fail) -> None:
    """Refuse aliases and bound depth and count from the event stream, before anything is built."""
    depth = 0
    for values, event in enumerate(yaml.parse(content, Loader=LOADER)):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise fail(event.start_mark, "anchors and aliases (& and *) are not accepted.", "Write the value out.")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise fail(event.start_mark, f"expected at most {MAX_DEPTH} levels; this is deeper.")
        if values > MAX_VALUES:
            raise fail(event.start_mark, f"expected at most {MAX_VALUES} values; there are more.")


class _Plain:
    """Builds plain data from nodes and notes their lines."""

    def __init__(self, loader: yaml.SafeLoader, fail: Fail) -> None:
        self._loader = loader
        self._fail = fail
        self.lines: dict[DocumentPath, int] = {}

    def value(self, node: yaml.Node, path: DocumentPath) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
            return [self.value(child, (*path, number)) for number, child in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        raise self._fail(node.start_mark, f"expected plain data; got the tag {node.tag}.", "Leave the tag out.")

    def _mapping(self, node: yaml.MappingNode, path: DocumentPath) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key_node, child in node.value:
            key = self._scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str):
                raise self._fail(key_node.start_mark, "expected text as a key.", "Put the key in quotes.")
            if key in built:
                raise self._fail(key_node.start_mark, f"the key {key} stands here twice.", "Keep one of the two.")
            self.lines[(*path, key)] = key_node.start_mark.line + 1
            built[key] = self.value(child, (*path, key))
        return built

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        if kind not in {"str", "int", "float", "bool", "null"}:
            if kind == "timestamp":
                return node.value
            raise self._fail(node.start_mark, f"expected plain data; got the tag {node.tag}.", "Leave the tag out.")
        if kind == "bool" and node.value.lower() not in {"true", "false"}:
            return node.value  # YAML 1.1 takes `no` and `on` for booleans; here they are words
        try:
            value = self._loader.construct_object(node)
        except (ValueError, OverflowError):
            raise self._fail(node.start_mark, "expected a number; this one cannot be read.") from None
        # Written in hexadecimal a number may be longer than Python would print in a message.
        if isinstance(value, int) and value.bit_length() > LONGEST_NUMBER_BITS:
            raise self._fail(
                node.start_mark, f"expected a number of at most {LONGEST_NUMBER_BITS} bits; this is longer."
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise self._fail(node.start_mark, "expected a finite number; got an infinite one or none at all.")
        return value


def _explain(document: Document, error: ValidationError) -> Iterable[Problem]:
    """Turn a validator's finding into problems that say what was expected and what came."""
    path = tuple(error.absolute_path)
    schema: dict[str, Any] = error.schema if isinstance(error.schema, dict) else {}
    instance: Any = error.instance
    match error.validator:
        case "additionalProperties":
            known = schema.get("properties", {})
            for key in instance:
                if key not in known:
                    yield document.problem((*path, key), "this key is not known here.", suggest(key, known))
        case "required":
            missing = [name for name in schema["required"] if name not in instance]
            yield document.problem(path, f"expected the key {' and '.join(missing)}; it is missing.")
        case "enum":
            allowed = [str(one) for one in schema["enum"]]
            yield document.problem(
                path,
                f"expected one of {', '.join(allowed)}; got {_show(error.instance)}.",
                suggest(error.instance, allowed),
            )
        case "type":
            kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            yield document.problem(path, f"expected {' or '.join(kinds)}; got {_show(error.instance)}.")
        case "minimum" | "maximum" | "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties":
            words = {
                "minimum": "at least {}",
                "maximum": "at most {}",
                "minLength": "text of at least {} character(s)",
                "maxLength": "text of at most {} characters",
                "minItems": "at least {} item(s)",
                "maxItems": "at most {} items",
                "minProperties": "at least {} key(s)",
            }[error.validator].format(error.validator_value)
            yield document.problem(path, f"expected {words}; got {_show(error.instance)}.")
        case "maxProperties":
            keys = ", ".join(sorted(instance))
            yield document.problem(path, f"expected at most {error.validator_value} key(s); got {keys}.")
        case _:
            hint = schema.get("description", f"a value that fits {error.validator}: {error.validator_value}")
            yield document.problem(path, f"expected {hint}; got {_show(error.instance)}.")


def _show(value: object) -> str:
    """A value, short enough for a message."""
    match value:
        case dict():
            return f"a mapping of {len(value)} key(s)"
        case list():
            return f"a list of {len(value)} item(s)"
        case _:
            shown = repr(value) if isinstance(value, str) else str(value)
            return shown if len(shown) <= 60 else f"{shown[:57]}..."

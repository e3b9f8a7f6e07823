"""Documents: plain data with line numbers, and nothing else, at bounded cost."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.document import MAX_BYTES, read, read_file, suggest
from voice.contracts.errors import PolicyError


def test_values_know_their_lines() -> None:
    document = read("a: 1\nb:\n  - x\n  - {c: no, d: true}\n", name="x.yaml", error=PolicyError)
    assert document.data == {"a": 1, "b": ["x", {"c": "no", "d": True}]}
    assert document.line(("b", 1, "c")) == 4
    assert document.line(("b", 7, "c")) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("a: [1\nb: 2", "line 2: not valid YAML"),
        ("a: 1\na: 2", "line 2: the key a stands here twice"),
        ("a: &x [1]\nb: *x", "line 1: anchors and aliases"),
        ("a: 1\nb: *x", "line 2: anchors and aliases"),
        ("a: !!python/object/apply:os.system [echo]", "line 1: expected plain data"),
        ("a: !!set {x}", "line 1: expected plain data"),
        ("a: !mine 7", "line 1: expected plain data"),
        ("a: !!int seven", "line 1: expected a number"),
        ("a: .nan", "line 1: expected a finite number"),
        ("a: -.inf", "line 1: expected a finite number"),
        ("a: " + "9" * 5000, "line 1: expected a number"),
        ("a: 0x" + "f" * 9000, "line 1: expected a number of at most"),
        ("a: 0b" + "1" * 90_000, "line 1: expected a number of at most"),
        ("a: 1\n7: 2", "line 2: expected text as a key"),
        ("? [a, b]\n: 2", "line 1: expected text as a key"),
        ("[" * 500, "levels"),
        ("- " * 500 + "x", "levels"),
        ("[" + "a," * 120_000 + "]", "values"),
        ("a: 1\n---\nb: 2", "not valid YAML"),
        ("a: \x00", "not valid YAML"),
        ("a: '" + "x" * MAX_BYTES + "'", "bytes"),
    ],
)
def test_what_is_no_plain_document_is_refused(text: str, message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        read(text, name="x.yaml", error=PolicyError)


def test_an_alias_bomb_is_refused_before_it_grows() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(9)
    )
    with pytest.raises(PolicyError, match="anchors and aliases"):
        read(bomb, name="x.yaml", error=PolicyError)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"a: \xff\xfe")
    with pytest.raises(PolicyError, match="UTF-8"):
        read_file(tmp_path / "x.yaml", error=PolicyError)


def test_a_missing_file_is_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"x\.yaml: cannot be read"):
        read_file(tmp_path / "x.yaml", error=PolicyError)


@given(st.binary(max_size=300))
def test_noise_is_data_or_a_typed_error(noise: bytes) -> None:
    with suppress(PolicyError):
        read(noise, name="noise", error=PolicyError)


def test_suggestions() -> None:
    assert suggest("humen", ["ai", "human"]) == "Did you mean human?"
    assert suggest("zzz", ["b", "a"]) == "Known here: a, b."
    assert suggest("zzz", []) == ""

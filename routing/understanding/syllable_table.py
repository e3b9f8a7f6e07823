"""Making the table of sounds that `heard.syllables` reads."""

from __future__ import annotations

from typing import Final

READINGS: Final = {"曝": "bao"}
"""Readings that callers use where the dictionary puts another first: 曝光."""


def spell_syllables() -> str:
    """The table that `heard.syllables` reads, one toneless reading for every character of GBK, from pypinyin (MIT)."""
    from pypinyin import lazy_pinyin  # noqa: PLC0415  a quarter of a second to import; needed for this table only

    characters = [chr(code) for code in range(0x4E00, 0xA000) if chr(code).encode("gbk", "ignore")]
    table: dict[str, list[str]] = {}
    for character in characters:
        reading = READINGS.get(character) or "".join(lazy_pinyin(character, errors="ignore"))
        if reading.isascii() and reading:
            table.setdefault(reading, []).append(character)
    return "".join(f"{syllable} {''.join(same)}\n" for syllable, same in sorted(table.items()))

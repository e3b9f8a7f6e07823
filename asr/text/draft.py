"""A text on its way from raw to display, that remembers where each part came from."""

from __future__ import annotations

from dataclasses import dataclass

from asr.types import Stretch


@dataclass(slots=True)
class _Piece:
    """What stands for the raw characters `raw_start` to `raw_end`; `changed` unless it is one raw character itself."""

    raw_start: int
    raw_end: int
    text: str
    changed: bool


class Draft:
    """A raw text under edit.

    Offsets of `replace` count characters of the present text, so each step works on what the step before left. An edit
    that cuts through an earlier one becomes one edit with it.
    """

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self._pieces = [_Piece(place, place + 1, character, changed=False) for place, character in enumerate(raw)]

    @property
    def text(self) -> str:
        """The text as it stands."""
        return "".join(piece.text for piece in self._pieces)

    def replace(self, start: int, end: int, text: str) -> None:
        """Put `text` in place of the characters `start` to `end` (half open); equal offsets insert.

        Raises:
            ValueError: the offsets do not lie within the text, in order.
        """
        length = sum(len(piece.text) for piece in self._pieces)
        if not 0 <= start <= end <= length:
            raise ValueError(f"An edit lies within 0 to {length}, in order; got {start} to {end}.")
        first, before = self._cut(start)
        last, after = self._cut(end)
        if start == end and first == last and not before:
            raw = self._pieces[first].raw_start if first < len(self._pieces) else len(self.raw)
            self._pieces.insert(first, _Piece(raw, raw, text, changed=True))
            return
        # The pieces that the edit touches; one that is cut gives what stands outside of the cut.
        head = self._pieces[first].text[:before] if before else ""
        stop = last + 1 if after else last
        tail = self._pieces[last].text[after:] if after else ""
        touched = self._pieces[first:stop]
        merged = _Piece(touched[0].raw_start, touched[-1].raw_end, head + text + tail, changed=True)
        self._pieces[first:stop] = [merged]

    def stretches(self) -> tuple[Stretch, ...]:
        """Where the text differs from the raw one, in order; neighbouring edits are one."""
        found: list[Stretch] = []
        place = 0
        for piece in self._pieces:
            end = place + len(piece.text)
            if piece.changed:
                if found and found[-1].end == place and found[-1].raw_end == piece.raw_start:
                    before = found.pop()
                    found.append(Stretch(before.raw_start, piece.raw_end, before.start, end))
                else:
                    found.append(Stretch(piece.raw_start, piece.raw_end, place, end))
            place = end
        return tuple(found)

    def _cut(self, offset: int) -> tuple[int, int]:
        """The piece that holds a place of the text, and how many of its characters stand before the place."""
        place = 0
        for number, piece in enumerate(self._pieces):
            if offset <= place:
                return number, 0
            if offset < place + len(piece.text):
                return number, offset - place
            place += len(piece.text)
        return len(self._pieces), 0

"""Where one message ends and the next begins in a stream (RFC 3261, 18.3). Pure."""

from __future__ import annotations

import re
from typing import Final

from voice.contracts.sip_errors import SipMessageError
from voice.sip.messages import MAX_HEAD_BYTES, MAX_MESSAGE_BYTES

_LENGTH: Final = re.compile(rb"(?:^|\r\n)(?:content-length|l)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)


class MessageFramer:
    """Bytes in, whole messages out."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are complete now; empty lines between them (RFC 5626, 4.4.1) are dropped.

        Raises:
            SipMessageError: it cannot be told where the next message begins; the stream is useless from here on.
        """
        self._held += data
        messages: list[bytes] = []
        while True:
            while self._held[:2] == b"\r\n":
                del self._held[:2]
            end = self._held.find(b"\r\n\r\n")
            if end < 0:
                if len(self._held) > MAX_HEAD_BYTES:
                    raise SipMessageError(f"Headers of at most {MAX_HEAD_BYTES} bytes were expected in a stream.")
                return messages
            whole = end + 4 + _length(bytes(self._held[:end]))
            if whole > MAX_MESSAGE_BYTES:
                raise SipMessageError(f"A message of at most {MAX_MESSAGE_BYTES} bytes was expected; got {whole}.")
            if len(self._held) < whole:
                return messages
            messages.append(bytes(self._held[:whole]))
            del self._held[:whole]


def _length(head: bytes) -> int:
    said = {value.strip() for value in _LENGTH.findall(head)}
    if not said:
        return 0
    value = said.pop()
    if said or not value.isdigit() or len(value) > 7:
        raise SipMessageError("One Content-Length of 0 or more was expected in a stream.")
    return int(value)

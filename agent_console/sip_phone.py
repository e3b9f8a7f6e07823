"""`warmline sip call`: a telephone for tests. It says a file and keeps what it hears."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio
import numpy as np
import soundfile
from anyio.to_thread import run_sync

from agent_console.prosody_options import Lang
from agent_console.sip_wording import CALLING, LISTENING, SPEAKING
from voice.audio.decode import AudioFile
from voice.clock import WallClock
from voice.contracts.audio import SAMPLE_RATE, Pcm, to_s
from voice.contracts.errors import OutputError
from voice.contracts.statistics import LegStatistics
from voice.sip.digest import Credentials
from voice.sip.endpoint import SipEndpoint
from voice.sip.leg import SipLeg
from voice.sip.sockets import own_address
from voice.sip.trunks import SipSettings, TlsSettings

LONGEST_S: Final = 600
"""How long a call lasts at most; what is heard is kept in memory."""

PORTS: Final = (31_000, 31_998)


@dataclass(frozen=True, slots=True)
class PhoneCall:
    """How a call of the telephone went.

    Attributes:
        codec: that was agreed on.
        answered_ms: from the INVITE to the answer.
        seconds: that it lasted.
        heard_s: of sound that came.
        end: why it is over.
        media: of what came.
    """

    codec: str
    answered_ms: float
    seconds: float
    heard_s: float
    end: str
    media: LegStatistics


async def call(
    uri: str,
    *,
    play: Path | None,
    record: Path | None,
    keys: str = "",
    seconds: float | None = None,
    credentials: Credentials | None = None,
    caller: str | None = None,
    authorities: Path | None = None,
    report: Callable[[str], None] = lambda _: None,
    lang: Lang = Lang.EN,
) -> PhoneCall:
    """Call somebody, say a file, press keys, hang up.

    Args:
        uri: `sip:user@host:port`.
        play: what is said; None: nothing.
        record: where what is heard goes; None: nowhere.
        keys: pressed after a second.
        seconds: when to hang up; None: when the file has been said, or after 10 s without one.
        credentials: where a password is asked for.
        caller: who calls, as an address.
        authorities: whose certificates are believed, where it is called over TLS; None for the system's.
        report: told each step.
        lang: in which it is told.

    Raises:
        SipCallError: it was not answered.
        SipError: nobody is there.
        AudioFormatError: the file cannot be read.
        OutputError: the record cannot be written.
    """
    said = await run_sync(lambda: np.concatenate(list(_read(play)))) if play else np.zeros(0, np.float32)
    lasts_s = min(LONGEST_S, seconds if seconds is not None else to_s(said.size) + 1 if play else 10)
    clock = WallClock()
    host = "127.0.0.1" if "@127." in uri or "@localhost" in uri else own_address("0.0.0.0")  # noqa: S104 - compared
    heard: list[Pcm] = []
    async with SipEndpoint.open(
        SipSettings(host, 0, ports=PORTS, tls=TlsSettings(authorities=authorities)), clock
    ) as endpoint:
        report(lang.of(CALLING).format(uri=uri))
        began_s = clock.now_s()
        leg = await endpoint.call(uri, credentials=credentials, caller=caller)
        answered_s = clock.now_s()
        report(lang.of(SPEAKING if said.size else LISTENING).format(seconds=lasts_s))
        async with leg, anyio.create_task_group() as tasks:
            tasks.start_soon(_speak, leg, said, keys)
            with anyio.move_on_after(lasts_s):
                async for frame in leg.source.frames():
                    heard.append(frame.pcm)  # noqa: PERF401 - kept when time is up as well
            tasks.cancel_scope.cancel()
        talked_s = clock.now_s() - answered_s
        media = leg.statistics()
    pcm = np.concatenate([np.zeros(0, np.float32), *heard])
    if record is not None:
        await run_sync(_write, record, pcm)
    assert leg.media is not None  # noqa: S101 - an answered call has agreed on audio
    return PhoneCall(
        codec=leg.media.agreement.codec.name,
        answered_ms=1000 * (answered_s - began_s),
        seconds=talked_s,
        heard_s=to_s(pcm.size),
        end=str(leg.end),
        media=media,
    )


def _read(path: Path) -> Iterator[Pcm]:
    with AudioFile(path) as file:
        for block in file.blocks():
            yield block[0]


async def _speak(leg: SipLeg, said: Pcm, keys: str) -> None:
    for digit in keys:
        leg.send_key(digit)
    step = 10 * SAMPLE_RATE
    for at in range(0, said.size, step):
        await leg.sink.drain(step)
        leg.sink.play(said[at : at + step])


def _write(path: Path, pcm: Pcm) -> None:
    try:
        soundfile.write(path, pcm, SAMPLE_RATE, subtype="PCM_16")
    except (OSError, RuntimeError) as error:
        raise OutputError(f"{path} cannot be written: {error}.", fix="Name a file ending in .wav.") from error

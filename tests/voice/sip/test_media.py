"""A call's audio: keys, noise, loss, holds, and packets from somebody else. Packets by hand, time as an argument."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice.audio.g711 import decode_alaw, encode_alaw, encode_ulaw
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Party, Pcm
from voice.contracts.sip_errors import SipMessageError
from voice.rtp.packet import RtpPacket, parse_rtp, write_rtp
from voice.sip.codecs import G722, OPUS_CODEC, PCMA, PCMU, Codec
from voice.sip.concealment import Concealment
from voice.sip.description import Agreement
from voice.sip.latch import Latch
from voice.sip.media import CallMedia
from voice.sip.reporting import Begin
from voice.sip.telephone_event import Keypad, TelephoneEvent, parse_event, parse_info, write_event

FAR = ("203.0.113.5", 4000)
RATES = {"opus": (48_000, 102)}


def agreement(codec: Codec = PCMA, *, held: bool = False, remote: tuple[str, int] = FAR) -> Agreement:
    events = (RATES.get(codec.name, (8_000, 101)),)
    return Agreement(codec, codec.payload_type, remote, events, 13, sends=not held, is_on_hold=held)


def media(agreed: Agreement, said: Pcm | None = None) -> tuple[CallMedia, list[str]]:
    """A call's audio that says `said`, and the keys that were pressed."""
    keys: list[str] = []
    left = [np.zeros(0, np.float32) if said is None else said]

    def take(samples: int) -> Pcm:
        taken = np.zeros(samples, np.float32)
        part = left[0][:samples]
        taken[: part.size] = part
        left[0] = left[0][samples:]
        return taken

    return CallMedia(Party.CALLER, agreed, FAR[0], Begin(1, 2, 3, "near", 3.9e9), take, keys.append), keys


def tone(seconds: float, rate: int = SAMPLE_RATE, hz: float = 440) -> Pcm:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


def joined(frames: list[AudioFrame]) -> Pcm:
    pcm = np.zeros(frames[-1].start + FRAME_SAMPLES, np.float32)
    for frame in frames:
        pcm[frame.start : frame.start + FRAME_SAMPLES] = frame.pcm
    return pcm


def likeness(heard: Pcm, said: Pcm) -> float:
    size = 2 * max(heard.size, said.size)
    cross = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size)), size)
    return float(np.abs(cross).max() / np.linalg.norm(heard) / np.linalg.norm(said))


@pytest.mark.parametrize("codec", [PCMA, PCMU, G722, OPUS_CODEC], ids=lambda codec: codec.name)
def test_what_one_side_says_the_other_hears(codec: Codec) -> None:
    t = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    said = (0.3 * np.sin(2 * np.pi * (300 * t + 150 * t**2))).astype(np.float32)
    speaker, _ = media(agreement(codec), said)
    listener, _ = media(agreement(codec))
    frames: list[AudioFrame] = []
    for tick in range(120):
        now_s = 10 + tick * 0.02
        for packet in speaker.packets(now_s):
            listener.receive(packet, FAR, now_s + 0.005)
        frames += listener.frames(now_s)
    assert likeness(joined(frames)[: said.size], said) > 0.9
    statistics = listener.statistics()
    assert (statistics.lost, statistics.concealed, statistics.refused) == (0, 0, 0)


@pytest.mark.parametrize("codec", [G722, OPUS_CODEC], ids=lambda codec: codec.name)
def test_a_wide_line_stays_wide(codec: Codec) -> None:
    """5.5 kHz lies where G.711 has nothing; recognition gets it at full strength."""
    said = tone(2, hz=5500)
    speaker, _ = media(agreement(codec), said)
    listener, _ = media(agreement(codec))
    frames: list[AudioFrame] = []
    for tick in range(120):
        for packet in speaker.packets(10 + tick * 0.02):
            listener.receive(packet, FAR, 10 + tick * 0.02)
        frames += listener.frames(10 + tick * 0.02)
    middle = joined(frames)[SAMPLE_RATE // 2 : SAMPLE_RATE]
    spectrum = np.abs(np.fft.rfft(middle))
    assert 2 * spectrum[2750] / middle.size == pytest.approx(0.3, rel=0.2)
    assert spectrum[2740:2760].max() > 20 * np.delete(spectrum, slice(2700, 2800)).max()


def test_g722_goes_on_behind_a_loss_and_a_payload_of_another_length() -> None:
    encoder, decoder = G722.encoder(), G722.decoder()
    said = tone(1, hz=300)
    payloads = [encoder.encode(said[at : at + 320]) for at in range(0, said.size, 320)]
    assert {len(payload) for payload in payloads} == {160}
    heard = [decoder.decode(payload) for payload in payloads[:20]]
    made = decoder.conceal(320)
    assert 0.1 < np.abs(made).max() < 0.4
    heard += [decoder.decode(payloads[21] + payloads[22])]
    assert heard[-1].size == 640
    assert np.abs(decoder.decode(payloads[23])).max() == pytest.approx(0.3, rel=0.1)


def test_lost_packets_are_concealed_and_long_losses_are_gaps() -> None:
    said = tone(2)
    speaker, _ = media(agreement(), said)
    listener, _ = media(agreement())
    frames: list[AudioFrame] = []
    for tick in range(110):
        now_s = 10 + tick * 0.02
        for packet in speaker.packets(now_s):
            if tick not in (20, 40) and not 60 <= tick < 85:
                listener.receive(packet, FAR, now_s)
        frames += listener.frames(now_s)
    pcm = joined(frames)
    short = pcm[SAMPLE_RATE // 5 : SAMPLE_RATE]
    assert np.sqrt(np.mean(short[: short.size // 320 * 320].reshape(-1, 320) ** 2, axis=1)).min() > 0.1
    steps = [after.start - before.start for before, after in pairwise(frames)]
    assert max(steps) > FRAME_SAMPLES * 10
    assert listener.statistics().lost == 27


def press(
    listener: CallMedia, digit: str, *, at: int, sequence: int, now_s: float, marker: bool = True, ends: int = 3
) -> int:
    """The packets of one key; answers the next sequence number."""
    steps = [(160 * (number + 1), False) for number in range(4)] + [(800, True)] * ends
    for number, (duration, is_end) in enumerate(steps):
        payload = write_event(digit, is_end=is_end, duration=duration)
        packet = RtpPacket(101, marker and not number, sequence, at, 77, payload)
        listener.receive(write_rtp(packet), FAR, now_s + 0.02 * number)
        sequence += 1
    return sequence


def test_every_key_is_told_once() -> None:
    listener, keys = media(agreement())
    sequence = press(listener, "1", at=1000, sequence=10, now_s=1.0)
    sequence = press(listener, "1", at=3000, sequence=sequence, now_s=1.3)  # the same key again
    sequence = press(listener, "2", at=5000, sequence=sequence, now_s=1.6, marker=False)
    press(listener, "#", at=7000, sequence=sequence, now_s=1.9, ends=0)  # its end is lost
    assert keys == ["1", "1", "2", "#"]


def test_a_key_by_info_and_in_rtp_is_one_key() -> None:
    keypad = Keypad()
    assert keypad.press(TelephoneEvent("5", is_end=False, duration=160), 100, marker=True) == "5"
    assert keypad.press_by_info("5") is None
    other = Keypad()
    assert other.press_by_info("5") == "5"
    assert other.press(TelephoneEvent("5", is_end=False, duration=160), 100, marker=True) is None


@given(st.lists(st.tuples(st.sampled_from("0123456789*#ABCD"), st.booleans(), st.integers(0, 6)), max_size=20))
@settings(max_examples=100, deadline=None)
def test_keys_survive_loss_and_disorder(presses: list[tuple[str, bool, int]]) -> None:
    """Of each press any packet may be missing but one, and packets of one press may come in any order."""
    listener, keys = media(agreement())
    stamp = 1000
    for number, (digit, backwards, lost) in enumerate(presses):
        packets = [(160 * (one + 1), False) for one in range(4)] + [(800, True)] * 3
        del packets[lost]
        for one, (duration, is_end) in enumerate(reversed(packets) if backwards else packets):
            payload = write_event(digit, is_end=is_end, duration=duration)
            packet = RtpPacket(
                101, marker=not one, sequence=10 * number + one, timestamp=stamp, ssrc=7, payload=payload
            )
            listener.receive(write_rtp(packet), FAR, number + 0.02 * one)
        stamp += 2400
    assert keys == [digit for digit, _, _ in presses]


def test_what_is_no_key_is_none() -> None:
    assert parse_event(bytes((16, 0, 0, 160))) is None  # a flash
    assert parse_info("application/dtmf", "*\r\n") == "*"
    assert parse_info("application/dtmf-relay", "Signal= 11\r\nDuration=100") == "#"
    for kind, body in (("text/plain", "1"), ("application/dtmf", "12"), ("application/dtmf-relay", "Duration=1")):
        with pytest.raises(SipMessageError):
            parse_info(kind, body)


def test_our_keys_are_heard_over_there() -> None:
    speaker, _ = media(agreement())
    listener, keys = media(agreement())
    for digit in "4*4":
        speaker.send_key(digit)
    for tick in range(60):
        for packet in speaker.packets(10 + 0.02 * tick):
            listener.receive(packet, FAR, 10 + 0.02 * tick)
    assert keys == list("4*4")
    assert listener.statistics().lost == 0


def test_comfort_noise_is_heard_and_no_loss() -> None:
    listener, _ = media(agreement())
    frames: list[AudioFrame] = []
    voice = encode_alaw((tone(0.2, 8000) * 32767).astype(np.int16))
    for number in range(10):
        packet = RtpPacket(8, not number, number, 160 * number, 5, voice[160 * number : 160 * number + 160])
        listener.receive(write_rtp(packet), FAR, 1 + 0.02 * number)
    listener.receive(
        write_rtp(RtpPacket(13, marker=False, sequence=10, timestamp=1600, ssrc=5, payload=b"\x2d")), FAR, 1.2
    )
    for tick in range(60):
        frames += listener.frames(1 + 0.02 * tick)
    pcm = joined(frames)
    noise = pcm[int(0.3 * SAMPLE_RATE) : int(0.6 * SAMPLE_RATE)]
    assert 0.0005 < np.sqrt(np.mean(noise**2)) < 0.02  # -45 dBov
    assert listener.statistics().concealed == 0
    assert listener.statistics().skipped == 0


def test_music_on_hold_is_not_heard_and_the_pause_is_no_loss() -> None:
    speaker, _ = media(agreement(), tone(10))
    listener, _ = media(agreement())
    frames: list[AudioFrame] = []
    for tick in range(300):
        now_s = 10 + tick * 0.02
        if tick == 50:
            listener.agree(agreement(held=True, remote=("0.0.0.0", 4000)), FAR[0])
        if tick == 200:
            listener.agree(agreement(), FAR[0])
        for packet in speaker.packets(now_s):
            listener.receive(packet, FAR, now_s)
        frames += listener.frames(now_s)
    assert listener.latch.target == FAR
    pcm = joined(frames)
    assert not pcm[int(1.3 * SAMPLE_RATE) : int(3.8 * SAMPLE_RATE)].any()
    assert [frame.start for frame in frames] == list(range(0, pcm.size, FRAME_SAMPLES))
    assert pcm[int(4.3 * SAMPLE_RATE) : int(5.5 * SAMPLE_RATE)].any()
    assert (listener.statistics().skipped, listener.statistics().lost) == (0, 0)


def test_packets_of_others_are_never_heard() -> None:
    latch = Latch(("10.0.0.5", 4000), "203.0.113.5")  # behind NAT: its SDP names a private address
    assert not latch.admits(("198.51.100.66", 4000), 1.0)
    assert latch.target == ("10.0.0.5", 4000)
    assert latch.admits(("203.0.113.5", 61_000), 1.0)
    assert latch.target == ("203.0.113.5", 61_000)
    assert not latch.admits(("203.0.113.5", 62_000), 1.1)  # the same host, another port, while the first one sends
    assert not latch.admits(("198.51.100.66", 61_000), 9.0)  # however long it is silent
    assert latch.admits(("203.0.113.5", 62_000), 9.0)  # its NAT forgot, and gave it another port
    assert latch.refused == 3


def test_a_farewell_that_comes_late_does_not_decide_who_is_heard() -> None:
    """Alice connects two others and hangs up: were both to follow her last report, neither would hear the other."""
    alice, bob = ("127.0.0.1", 24_000), ("127.0.0.1", 25_100)
    latch = Latch(alice, "127.0.0.1")
    assert latch.admits(alice, 1.0)
    latch.leave(2.0)
    latch.move(bob, "127.0.0.1")
    assert not latch.admits(alice, 2.1)
    assert latch.target == bob
    assert latch.admits(("127.0.0.1", 26_000), 2.2)  # bob, behind NAT: not from where he says
    assert latch.admits(bob, 2.3)
    assert not latch.admits(alice, 2.4)
    latch.leave(3.0)
    latch.move(alice, "127.0.0.1")  # she comes back, from where she was
    assert latch.admits(alice, 3.1)
    # A relay may speak for both from one port: it is believed once nobody else has spoken for a while.
    latch.leave(4.0)
    latch.move(("10.0.0.5", 4000), "127.0.0.1")
    assert not latch.admits(alice, 5.9)
    assert latch.admits(alice, 6.1)


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_datagrams_of_any_kind_do_no_harm(datagram: bytes) -> None:
    listener, keys = media(agreement())
    for kind in (8, 13, 101):
        try:
            listener.receive(write_rtp(RtpPacket(kind, True, 1, 1, 1, datagram)), FAR, 1.0)
        finally:
            listener.receive(datagram, FAR, 1.0)
    assert len(keys) <= 2
    assert all(np.isfinite(frame.pcm).all() for frame in listener.frames(2.0))


def test_concealment_goes_on_with_the_voice_and_fades() -> None:
    concealment = Concealment(8_000)
    concealment.note(tone(0.1, 8000, 150))
    made = concealment.conceal(800)
    loudness = np.sqrt(np.mean(made.reshape(10, 80) ** 2, axis=1))
    assert loudness[0] > 0.15
    assert loudness[-1] == 0
    assert np.all(np.diff(loudness[1:]) <= 0.05)
    assert np.abs(np.diff(made)).max() < 0.1  # no clicks
    assert np.isfinite(Concealment(8_000).conceal(160)).all()


def test_what_is_sent_keeps_the_clocks_pace() -> None:
    speaker, _ = media(agreement(), tone(5))
    sent = [
        parse_rtp(packet) for tick in range(50) for packet in speaker.packets(10 + 0.02 * tick + (tick % 3) * 0.004)
    ]
    assert [packet.sequence for packet in sent] == list(range(2, 2 + len(sent)))
    assert {after.timestamp - before.timestamp for before, after in pairwise(sent)} == {160}
    later = [parse_rtp(packet) for packet in speaker.packets(14.0)]
    assert len(later) < 12  # it stood still for three seconds, and goes on from now
    assert decode_alaw(later[0].payload).size == 160 == len(encode_ulaw(np.zeros(160, np.int16)))

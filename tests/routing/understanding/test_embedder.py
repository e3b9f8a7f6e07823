"""Everything that makes vectors of sentences keeps the same promises; the encoder reads its file and nothing else."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from routing.understanding.embedder import Embedder, PieceEmbedder, blank_once, similarity, unit
from routing.understanding.encoder_file import EncoderFile
from routing.understanding.pieces import Pieces
from routing.understanding.sentence_encoder import CACHED, MODEL_NAME, SentenceEncoder, gelu
from voice.contracts.errors import ModelCorruptError, ModelMissingError

TEXTS = [
    "我的快递到哪了",
    "where is my parcel",
    "退款 refund 三百块",
    "<b>'; DROP TABLE</b>",
    "x" * 10_000,
    "😀 ok",
    "\ud83d a",
]


def q4(rows: int, size: int, seed: int) -> bytes:
    """A matrix of 4-bit blocks."""
    drawn = np.random.default_rng(seed)
    blocks = [
        np.float16(0.05).tobytes() + drawn.integers(0, 256, 16, dtype=np.uint8).tobytes()
        for _ in range(rows * size // 32)
    ]
    return b"".join(blocks)


def tiny_encoder() -> bytes:
    """A whole encoder of one layer and 32 dimensions, in the form of the real file."""
    size, wide, places = 32, 64, 160
    pieces = [
        "<s>",
        "<pad>",
        "</s>",
        "<unk>",
        "\u2581",
        *"abcdefghijklmnopqrstuvwxyz0123456789:我的快递到哪了退款",
        "query",
    ]
    letters = [piece.encode() for piece in pieces]
    offsets = np.cumsum([0, *map(len, letters)]).astype("<u4")
    head = b"E5S1" + struct.pack("<I7i", 1, size, 1, 2, wide, len(pieces), places, 1) + struct.pack("<fi", 1e-12, 32)
    head += struct.pack("<5i", len(pieces), 0, 2, 1, 3) + struct.pack("<Q", int(offsets[-1]))
    head += offsets.tobytes() + np.full(len(pieces), -5, "<f4").tobytes() + b"".join(letters)
    rewritten = struct.pack("<IB", ord("Ａ"), 1) + struct.pack("<I", ord("a"))
    head += struct.pack("<iI", 1, len(rewritten)) + rewritten
    floats = {"emb.pos": places * size, "emb.type": size}
    floats |= {f"{name}.{part}": size for name in ("emb.ln", "l0.aln", "l0.oln") for part in "wb"}
    floats |= {f"l0.{name}.b": size for name in ("q", "k", "v", "ao", "fo")} | {"l0.fi.b": wide}
    matrices = {"emb.word": (len(pieces), size), "l0.fi.w": (wide, size), "l0.fo.w": (size, wide)}
    matrices |= {f"l0.{name}.w": (size, size) for name in ("q", "k", "v", "ao")}
    drawn = np.random.default_rng(0)
    tensors = {
        name: (
            0,
            count,
            (np.ones(count) if name.endswith(".w") else drawn.normal(0, 0.1, count)).astype("<f4").tobytes(),
        )
        for name, count in floats.items()
    }
    tensors |= {name: (1, rows * wide_, q4(rows, wide_, 1)) for name, (rows, wide_) in matrices.items()}
    length = len(head) + 4 + sum(2 + len(name) + 1 + 4 + 8 + 8 for name in tensors)
    directory, body = struct.pack("<i", len(tensors)), b""
    for name, (kind, count, content) in tensors.items():
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", kind, count, length + len(body), len(content))
        body += content
    return head + directory + body


@pytest.fixture(params=["pieces", "tiny", "e5"])
def embedder(request: pytest.FixtureRequest, need_model: Callable[[str], Path]) -> Embedder:
    match request.param:
        case "pieces":
            return PieceEmbedder()
        case "tiny":
            return SentenceEncoder(EncoderFile(tiny_encoder()))
        case _:
            return SentenceEncoder.load(need_model(MODEL_NAME))


def test_vectors_have_unit_length_and_are_read_only(embedder: Embedder) -> None:
    for text in TEXTS:
        vector = embedder.embed(text)
        assert vector.shape == (embedder.size,)
        assert vector.dtype == np.float32
        assert float((vector * vector).sum()) == pytest.approx(1, abs=1e-4)
        assert not vector.flags.writeable


@pytest.mark.parametrize("text", ["", " ", "。。。", "🙂"])
def test_nothing_said_is_zeros(embedder: Embedder, text: str) -> None:
    assert not embedder.embed(text).any()


def test_a_text_has_one_vector_on_every_thread(embedder: Embedder) -> None:
    found: dict[int, list[bytes]] = {}

    def run(number: int) -> None:
        found[number] = [embedder.embed(text).tobytes() for text in TEXTS]

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({tuple(vectors) for vectors in found.values()}) == 1


def test_only_the_beginning_of_a_long_text_counts(embedder: Embedder) -> None:
    assert np.array_equal(embedder.embed("我的快递" * 200), embedder.embed("我的快递" * 200 + "退款"))


def test_what_sounds_or_means_the_same_is_near() -> None:
    pieces = PieceEmbedder()
    one, other, apart = map(pieces.embed, ("我的快递到哪了", "我的快地到哪了", "怎么开发票"))
    assert similarity(one, other) > 0.6 > similarity(one, apart) + 0.4


@pytest.mark.model
def test_the_encoder_knows_meaning_across_languages(need_model: Callable[[str], Path]) -> None:
    encoder = SentenceEncoder.load(need_model(MODEL_NAME))
    one, other, apart = map(encoder.embed, ("我的包裹在哪里", "where is my package", "how do I change my password"))
    assert similarity(one, other) > similarity(one, apart) + 0.03
    assert encoder.size == 384


def test_kept_vectors_are_bounded() -> None:
    encoder = SentenceEncoder(EncoderFile(tiny_encoder()))
    first = encoder.embed("a 0")
    assert encoder.embed("a 0") is first
    for number in range(CACHED):
        encoder.embed(f"b {number}")
    assert encoder.embed("a 0") is not first
    assert np.array_equal(encoder.embed("a 0"), first)


def test_pieces_are_the_most_probable_ones() -> None:
    scores = {"\u2581": (-1.0, 4), "ab": (-1.5, 5), "a": (-1.0, 6), "b": (-1.0, 7), "\u2581ab": (-3.0, 8)}
    pieces = Pieces(scores, 3, 3, -20.0, {ord("Ａ"): "a"}, begin=0, end=2)
    assert pieces.cut("ab", 10) == [0, 4, 5, 2]
    assert pieces.cut("Ａb  a", 10) == [0, 4, 5, 4, 6, 2]
    assert pieces.cut("c", 10) == [0, 4, 3, 2]
    assert pieces.cut("abababab", 4) == [0, 4, 5, 2]
    assert pieces.cut("", 10) == [0, 4, 2]


def test_gelu_is_that_of_the_error_function() -> None:
    from math import erf, sqrt

    values = np.linspace(-6, 6, 101, dtype=np.float32)
    assert gelu(values) == pytest.approx([0.5 * v * (1 + erf(v / sqrt(2))) for v in values.tolist()], abs=2e-6)


def test_a_missing_encoder_says_how_to_fetch_it(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match="warmline models pull sentence-encoder"):
        SentenceEncoder.load(tmp_path)


GOOD = tiny_encoder()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"E5S1",
        b"PK\x03\x04" + GOOD[4:],
        GOOD[:60],
        GOOD[: len(GOOD) // 2],
        GOOD[:-1],
        GOOD[:8] + b"\xff" * 28 + GOOD[36:],
    ],
    ids=["empty", "magic", "zip", "head", "half", "cut", "sizes"],
)
def test_a_broken_encoder_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "e5-small-q4.bin").write_bytes(data)
    with pytest.raises(ModelCorruptError, match=r"e5-small-q4\.bin"):
        SentenceEncoder.load(tmp_path)


def test_an_encoder_with_infinite_numbers_is_refused() -> None:
    place = GOOD.rindex(np.ones(32, "<f4").tobytes())
    with pytest.raises(ModelCorruptError, match="finite"):
        SentenceEncoder(EncoderFile(GOOD[:place] + np.full(32, np.inf, "<f4").tobytes() + GOOD[place + 128 :]))


def test_blanks_become_one_and_zeros_stay() -> None:
    assert blank_once("我，，，，就是问问") == "我，就是问问"
    assert not unit(np.zeros(3, np.float32)).any()

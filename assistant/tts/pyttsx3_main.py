"""One sentence through pyttsx3: `python -m assistant.tts.pyttsx3_main VOICE WORDS_A_MINUTE`, text in, WAV out."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pyttsx3
from pyttsx3.drivers import _espeak


def main() -> None:
    """Speak standard input to standard output."""
    voice, rate = sys.argv[1:]
    # It announces each file on standard output, which is where the WAV goes.
    output = os.dup(1)
    os.dup2(2, 1)
    engine = pyttsx3.init("espeak")
    engine.setProperty("voice", voice)
    # Set through the engine, the rate takes effect after the sentence now and then.
    _espeak.SetParameter(_espeak.RATE, int(rate), 0)
    _espeak.Synchronize()
    with tempfile.TemporaryDirectory(prefix="assistant-") as folder:
        path = Path(folder) / "speech.wav"
        engine.save_to_file(sys.stdin.buffer.read().decode(), str(path))
        engine.runAndWait()
        # It returns before the file is written; without this, a part or all of the speech is missing now and then.
        _espeak.Synchronize()
        if path.exists():
            with os.fdopen(output, "wb") as pipe:
                pipe.write(path.read_bytes())


if __name__ == "__main__":
    main()
    sys.stderr.flush()
    os._exit(0)  # its destructors call into a library that is gone by then

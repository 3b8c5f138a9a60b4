"""Speech recognition: engines behind `assistant.ports.Recognizer`."""

RECOGNIZERS = {
    "whisper": "assistant.asr.whisper:WhisperRecognizer",
    "vosk": "assistant.asr.vosk:VoskRecognizer",
}

IN_THIS_PROCESS: set[str] = set()
"""Those that the assistant runs in its own process, because nothing in them can hang or crash. The others have a
process that can be killed and replaced: see `assistant.asr.process`."""

"""Speech recognition: engines behind `assistant.ports.Recognizer`."""

RECOGNIZERS = {
    "whisper": "assistant.asr.whisper:WhisperRecognizer",
    "vosk": "assistant.asr.vosk:VoskRecognizer",
}

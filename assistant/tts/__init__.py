"""Voices: text to speech in a child process (`assistant.tts.process`), one file a backend.

A backend yields what its engine says; `assistant.tts.finishing` does what all share: cuts silence, sets pitch and
loudness, and brings everything to one sample rate.
"""

SAMPLE_RATE_HZ = 24_000
"""Rate of all finished speech."""

SYNTHESIZERS = {
    "hibari": "assistant.tts.hibari:HibariSynthesizer",
    "fastspeech2": "assistant.tts.fastspeech2:FastSpeech2Synthesizer",
    "kokoro": "assistant.tts.kokoro:KokoroSynthesizer",
    "espeak": "assistant.tts.espeak:EspeakSynthesizer",
    "pyttsx3": "assistant.tts.pyttsx3:Pyttsx3Synthesizer",
    "piper": "assistant.tts.piper:PiperSynthesizer",
}

LANGUAGES = {
    "hibari": ("en",),
    "fastspeech2": ("zh",),
    "kokoro": ("en", "zh"),
    "espeak": ("en", "zh"),
    "pyttsx3": ("en", "zh"),
    "piper": ("en",),
}
"""What each of them speaks, for whoever asks before it is loaded. One that is not here may speak anything."""

PROCESS_MODULE = "assistant.tts.worker_main"
"""What a voice's process runs."""


def speaks(engine: str, language: str) -> bool:
    """Whether an engine can say anything in a language."""
    return language in LANGUAGES.get(engine, (language,))

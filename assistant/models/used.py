"""Which models a configuration uses."""

from __future__ import annotations

from assistant.config import Config

MODELS_OF = {
    "silero": ("silero-vad",),
    "micro": ("micro-wakeword",),
    "centernet": ("centernet",),
    "blazeface": ("blazeface", "facemesh"),
    "efficientnet": ("efficientnet-lite0",),
    "face": ("face-emotion",),
    "hibari": ("hibari",),
    "fastspeech2": ("fastspeech2-zh", "hibari"),
    "kokoro": ("kokoro-zh",),
    "piper": ("piper-joe",),
}
"""Models by the backend that loads them; one that is not here needs none, or the one that the configuration names."""


def used_models(config: Config) -> tuple[str, ...]:
    """The names of the models without which something that is switched on does not work, each once."""
    backends = [config.vad.backend, config.wake.first_stage]
    if config.vision.camera != "none":
        backends += [config.vision.detector, config.vision.faces, config.vision.tagger]
        backends += [channel for channel in config.emotion.channels if channel == "face"]
    voices = {"en": config.tts.en, "zh": config.tts.zh}
    backends += [voices[language] for language in _spoken(config)]
    names = [name for backend in backends for name in MODELS_OF.get(backend, ())]
    return tuple(dict.fromkeys([config.asr.model, *names]))


def _spoken(config: Config) -> tuple[str, ...]:
    """The languages that replies may be in."""
    if config.dialogue.reply_language != "same":
        return (config.dialogue.reply_language,)
    return config.asr.languages if config.asr.language == "auto" else (config.asr.language,)

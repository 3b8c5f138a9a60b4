"""The configuration: one TOML file, validated once, every key documented here.

`docs/configuration.md` is generated from this model (`python -m assistant.docs`). Unknown keys are refused.
An environment variable overrides a key: `ASSISTANT_AUDIO__INPUT="USB Audio"` sets `audio.input`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Seconds = Annotated[float, Field(ge=0.0, le=3600.0)]
Silence = Annotated[float, Field(ge=0.1, le=10.0)]
Timeout = Annotated[float, Field(ge=0.1, le=600.0)]


class Section(BaseModel):
    """A table of the file. Strict: an unknown key or a value of the wrong type is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class AudioConfig(Section):
    """Microphone and speaker."""

    input: str = "default"
    """Microphone: "default", "none", a part of a device's name, or its index as `assistant devices` lists it."""
    output: str = "default"
    """Speaker: like `input`."""
    volume: Fraction = 0.8
    """Loudness of the replies at the start."""
    echo_guard: bool = True
    """Whether the assistant's own voice is taken out of what the microphone hears. Not needed with a headset, or where
    the sound server cancels echoes."""
    queue_s: Annotated[float, Field(gt=0.1, le=60.0)] = 5.0
    """Seconds of microphone sound kept while the pipeline is busy; older sound is dropped and counted."""
    digital_silence: Literal["auto", "fault", "allowed"] = "auto"
    """What to do with a microphone that gives only zeros: "fault" opens it again and says so, "allowed" accepts it,
    "auto" decides by the device (docs/sound.md)."""
    wait_for_microphone: Literal["auto", "yes", "no"] = "auto"
    """Whether `assistant run` starts without a microphone and waits for one to be plugged in: "auto" does so as a
    service, while a person at a terminal is told at once."""


class VadConfig(Section):
    """When someone speaks, and when they have finished."""

    backend: str = "silero"
    """Voice-activity detector. "energy" needs no network and takes any sound for speech, its own notes too."""
    threshold: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    """Speech probability that starts an utterance; it goes on until it falls 0.15 below, or below half of it with a
    threshold under 0.3."""
    pre_roll_s: Annotated[float, Field(ge=0.0, le=5.0)] = 0.35
    """Sound kept from before the first voiced frame, so that no syllable is lost."""
    min_speech_s: Annotated[float, Field(ge=0.0, le=2.0)] = 0.16
    """Shorter sounds are ignored. While the assistant speaks, 64 ms less are enough if the sound is certainly not its
    own echo."""
    pause_s: Annotated[float, Field(ge=0.0, le=10.0)] = 0.09
    """Silence after which what was said so far is recognised ahead of the decision; sound comes in frames of 32 ms."""
    end_silence_s: Silence = 0.6
    """Silence that ends an utterance."""
    end_silence_complete_s: Silence = 0.32
    """Silence that ends an utterance whose words are a request that is understood."""
    end_silence_unfinished_s: Silence = 1.2
    """Silence that ends an utterance whose words call for more ("and then", "um") or are still being recognised."""
    max_utterance_s: Annotated[float, Field(ge=1.0, le=29.0)] = 20.0
    """Longer speech is cut here."""


class WakeConfig(Section):
    """How the assistant is called."""

    mode: Literal["phrase", "push-to-talk", "always"] = "phrase"
    """"phrase" waits for a wake phrase; "push-to-talk" waits for `assistant listen-now` or SIGUSR2, and then takes one
    utterance; "always" takes every utterance as addressed to it."""
    phrases: tuple[str, ...] = ("hey jarvis", "你好贾维斯")
    """Wake phrases, English or Chinese; any of them wakes it."""
    first_stage: str = "vad"
    """What runs on every frame before the recogniser: "vad" (any speech), or the wake-word networks of "micro". Those
    need the extra `wake`, and know "okay nabu", "hey jarvis", "hey mycroft" and "alexa" only: set `phrases` to some of
    these, for with any other it does not start."""
    first_stage_threshold: Fraction = 0.5
    """How sure that network must be; 0.5 is its makers' setting. Higher: fewer false wakes; lower: fewer misses. No
    effect with "vad"."""
    match: Fraction = 0.75
    """How alike the heard words must sound to a phrase: higher wakes less often by mistake, lower misses less often."""
    follow_up_s: Seconds = 8.0
    """Seconds after an answer in which no wake phrase is needed."""
    follow_up_sound: bool = False
    """Whether two falling notes tell that this time is over, where there is no screen. Who calls and says nothing hears
    them in any case."""
    refractory_s: Seconds = 2.0
    """A second wake phrase within this time counts as the same call."""


class AsrConfig(Section):
    """Speech recognition."""

    backend: str = "whisper"
    """Recogniser: "whisper" or "vosk"."""
    model: str = "whisper-base"
    """The model's name, as `assistant models list` shows it; "whisper-tiny.en" is the fast one, of English alone."""
    language: Literal["auto", "en", "zh"] = "auto"
    """"auto" (the recogniser decides among `languages`), "en" or "zh"."""
    languages: Annotated[tuple[str, ...], Field(min_length=1)] = ("en", "zh")
    """Languages to decide among."""
    beam_size: Annotated[int, Field(ge=1, le=10)] = 1
    """Hypotheses kept while decoding; more is slower and a little more accurate."""
    threads: Annotated[int, Field(ge=0, le=64)] = 0
    """CPU threads of the recogniser; 0 takes half of the cores. More than there are free cores makes it slower."""
    timeout_s: Timeout = 20.0
    """A recogniser that takes longer than this and than four times the speech itself, or that uses no processor
    for 3 s, is killed and started anew, and asked once more."""

    def patience_s(self, speech_s: float) -> float:
        """How long the recognition of so much speech may take: longer is no more slow, it hangs."""
        return max(self.timeout_s, 4.0 * speech_s)


class VisionConfig(Section):
    """The camera and what looks through it."""

    camera: str = "0"
    """"none", an index, a V4L2 path, a GStreamer pipeline, an RTSP or HTTP address, a file, or a folder of pictures. A
    camera given by number is remembered by its name while the assistant runs; after swapping it for another, reload."""
    rate_hz: Annotated[float, Field(gt=0.0, le=60.0)] = 1.0
    """Pictures looked at a second while something moves."""
    still_s: Seconds = 5.0
    """While nothing moves, a picture is looked at this often instead."""
    detector: str = "centernet"
    """Object detector."""
    faces: str = "blazeface"
    """Face detector."""
    tagger: str = "efficientnet"
    """Scene tags: "efficientnet" or "none"."""
    captioner: str = "grounded"
    """Who describes the scene: "grounded" says what the detectors found and nothing else; "neural" has an image-to-text
    network write, in English, and checks its nouns against the detector."""
    captioner_bundle: Path | None = None
    """Folder of the decoder's bundle for "neural"; the encoder's lies beside it. Unset: `captioner-decoder` in
    `inference.bundles`."""
    captioner_beams: Annotated[int, Field(ge=1, le=8)] = 1
    """Sentences that "neural" follows at once: more is slower and a little better."""
    text_reader: str = "rapidocr"
    """Who reads what is written, when somebody asks; needs the extra `ocr`."""
    min_confidence: Fraction = 0.35
    """Weaker detections are not mentioned."""
    max_age_s: Seconds = 10.0
    """A scene older than this is named as old."""
    frozen_s: Seconds = 10.0
    """A live camera whose picture stays the same to the last bit for so long is taken for frozen and opened again; 0
    never. No sensor is without noise, but a stream that a program draws may be."""
    threads: Annotated[int, Field(ge=1, le=64)] = 1
    """CPU threads of each vision network but the object detector."""
    detector_threads: Annotated[int, Field(ge=1, le=64)] = 2
    """CPU threads of the object detector: a look lasts as long as it does."""


class EmotionConfig(Section):
    """How the person feels, from face, voice and words."""

    channels: tuple[str, ...] = ("face", "voice", "text")
    """Channels to use; an empty list switches emotion off."""
    fusion: str = "pooling"
    """How their opinions become one: "pooling" (learned reliabilities), "attention" or "concatenation" (networks that
    you train), or "fixed" (a plain weighted mean)."""
    fusion_model: Path | None = None
    """What `assistant-export train fusion` wrote: a `.json` file for "pooling", an `.onnx` file or a bundle for the
    networks. Unset: the one that ships, for "pooling"."""
    voice_model: Path | None = None
    """A bundle, or the recipe's folder, of a voice classifier that `assistant-export train classifier` made. Unset: the
    rules on prosody."""
    text_model: Path | None = None
    """The same for words. Unset: tables of words and rules."""
    abstain_below: Fraction = 0.5
    """Below this confidence, the chance that the label is right, the assistant is not sure how the person feels, and
    says so if asked."""
    half_life_s: Annotated[float, Field(gt=0.0, le=600.0)] = 8.0
    """Evidence counts half after this time."""
    affects_reply: bool = True
    """Whether wording, rate and pitch of the replies follow it."""


class PeopleConfig(Section):
    """Knowing by their faces the people who were introduced: `assistant people add NAME`."""

    enabled: bool = True
    """Whether faces are compared with those of known people. While nobody was introduced, none is."""
    threshold: Annotated[float, Field(ge=0.3, le=0.95)] = 0.65
    """How alike a face must be to a known one, as a cosine: higher mistakes strangers less often, lower misses known
    people less often."""


class LanguageModelConfig(Section):
    """An optional language model for what no skill understands."""

    url: str = ""
    """Base address of an OpenAI-compatible endpoint, such as "http://127.0.0.1:8080/v1". Empty: none is used."""
    model: str = "default"
    """The name that the endpoint knows it by."""
    api_key: str = ""
    """Sent as a bearer token if not empty."""
    timeout_s: Timeout = 20.0
    """Longest wait for its first word."""


class DialogueConfig(Section):
    """What is understood, and how it is answered."""

    reply_language: Literal["same", "en", "zh"] = "same"
    """Language of the replies; "same" answers in the language that was spoken."""
    sentences: str = ""
    """A folder of your own sentence templates (`en.yaml`, `zh.yaml`), read after the built-in ones."""
    language_model: LanguageModelConfig = LanguageModelConfig()


class TtsConfig(Section):
    """The voices."""

    en: str = "hibari"
    """Voice engine for English: "hibari", "kokoro", "pyttsx3", "espeak" or "piper"."""
    zh: str = "fastspeech2"
    """Voice engine for Chinese: "fastspeech2", "kokoro", "pyttsx3" or "espeak"; "hibari" and "piper" speak English
    alone."""
    fallback: str = "espeak"
    """Engine that takes over when a voice fails; "none" to stay silent."""
    preload: tuple[str, ...] = ("en",)
    """Languages whose voices are loaded at the start; another one's first reply waits for its voice. The Chinese one
    takes 60 to 90 MB, Kokoro 190 MB."""
    rate: Annotated[float, Field(ge=0.5, le=2.0)] = 1.0
    """Speaking speed."""
    timeout_s: Timeout = 20.0
    """An engine that delivers nothing for this long, or that uses no processor for 3 s, is killed and started anew."""
    barge_in: bool = True
    """Whether speech stops a reply."""


class ModelsConfig(Section):
    """Where models are kept."""

    dir: Path | None = None
    """The store. Unset: the user's data folder."""


class InferenceConfig(Section):
    """What networks run on."""

    backend: Literal["auto", "onnxruntime"] = "auto"
    """"auto" takes a TensorRT engine for every network that has a bundle, on a machine that can build one."""
    bundles: Path | None = None
    """Folder with bundles that `assistant-export build` made. Unset: for the service `/var/lib/edge-assistant/bundles`,
    else `bundles` in the user's data folder."""


class StateConfig(Section):
    """What is kept between runs: whether it is muted, how fast it was, who is known."""

    dir: Path | None = None
    """The folder. Unset: the service's state folder, or the user's."""


class ControlConfig(Section):
    """How a running assistant is asked and told things: `assistant status`, `mute`, `say`."""

    socket: Path | None = None
    """Its Unix socket. Unset: `edge-assistant.sock` in the service's runtime folder, or in the user's."""


class GovernorConfig(Section):
    """Doing less before the machine gets too hot, runs out of memory or out of power: looking less often, then no
    emotion, then no sight."""

    enabled: bool = True
    """Whether it spares the machine at all."""
    every_s: Annotated[float, Field(ge=0.5, le=600.0)] = 5.0
    """How often the sensors are read."""
    warm_c: Annotated[float, Field(ge=30.0, le=120.0)] = 80.0
    """Temperature of the hottest part above which it does less; lower where the kernel would throttle earlier."""
    hot_c: Annotated[float, Field(ge=30.0, le=120.0)] = 90.0
    """Temperature above which it does not wait to see whether a step helps."""
    low_memory_mb: Annotated[int, Field(ge=0, le=1_000_000)] = 400
    """Free memory below which it does less."""
    critical_memory_mb: Annotated[int, Field(ge=0, le=1_000_000)] = 200
    """Free memory below which it does not wait to see whether a step helps."""
    low_battery: Fraction = 0.15
    """Charge below which it does less, on a battery."""
    recover_s: Annotated[float, Field(ge=1.0, le=3600.0)] = 60.0
    """Everything must have been good for this long before it does more again."""
    slow_rate_hz: Annotated[float, Field(gt=0.0, le=60.0)] = 0.2
    """Pictures looked at a second while it saves."""
    announce: bool = True
    """Whether it says aloud what it does without."""


class ServiceConfig(Section):
    """Limits of the installed service; elsewhere they have no effect."""

    memory_limit_mb: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Memory above which the service is ended and started anew; 0 for four fifths of the machine's."""
    cpu_limit: Annotated[float, Field(ge=0.0, le=1024.0)] = 0.0
    """Processor cores that it may keep busy; 0 for no limit."""


class TelemetryConfig(Section):
    """What is recorded about a run."""

    events: Path | None = None
    """File that gets one JSON line an event. Unset: none."""
    log_content: bool = False
    """Whether what was heard and said may appear in that file and in the log."""
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0
    """Port on 127.0.0.1 at which Prometheus finds the metrics (docs/metrics.md); 0 for none."""


class RecorderConfig(Section):
    """What the microphone and the camera gave last, and what came of it, kept in memory until `assistant dump` asks."""

    seconds: Annotated[int, Field(ge=0, le=300)] = 0
    """So many of the last seconds are kept, in memory only; 0 for none. Ten take 0.7 MB of sound, and at most 20
    pictures as JPEG, of some 0.1 MB each. Muting and a reload forget them."""


class Config(Section):
    """The whole file."""

    audio: AudioConfig = AudioConfig()
    vad: VadConfig = VadConfig()
    wake: WakeConfig = WakeConfig()
    asr: AsrConfig = AsrConfig()
    vision: VisionConfig = VisionConfig()
    emotion: EmotionConfig = EmotionConfig()
    people: PeopleConfig = PeopleConfig()
    dialogue: DialogueConfig = DialogueConfig()
    tts: TtsConfig = TtsConfig()
    models: ModelsConfig = ModelsConfig()
    inference: InferenceConfig = InferenceConfig()
    state: StateConfig = StateConfig()
    control: ControlConfig = ControlConfig()
    governor: GovernorConfig = GovernorConfig()
    service: ServiceConfig = ServiceConfig()
    telemetry: TelemetryConfig = TelemetryConfig()
    recorder: RecorderConfig = RecorderConfig()

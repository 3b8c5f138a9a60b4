"""Every voice in the registry: speech where there are words, nothing where there are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assistant.config import Config
from assistant.errors import DependencyMissingError, ModelMissingError, StageError
from assistant.models.store import ModelStore
from assistant.ports import RehearsableSynthesizer, SpeakingStyle, Synthesizer
from assistant.registry import resolve
from assistant.tts import LANGUAGES, SAMPLE_RATE_HZ, SYNTHESIZERS
from assistant.tts.finishing import speech
from assistant.tts.rehearsed import RehearsedVoice

SENTENCES = {
    "en": "I can see two people and a cup, and a cat sleeps near the window.",
    "zh": "我看到两个人和一个杯子，旁边坐着一只猫，现在是15:05。",
}
WORDS = {"en": "I see.", "zh": "你好。"}
"""As few as are enough where it does not matter what is said: a network takes as long as the speech lasts."""
NEUTRAL = SpeakingStyle()
PLAUSIBLE_S = {"en": (2.5, 8.0), "zh": (3.0, 11.0)}


@pytest.fixture(scope="module", params=sorted(SYNTHESIZERS))
def voice(request: pytest.FixtureRequest) -> Synthesizer:
    """Each voice of the registry that this machine has."""
    try:
        made: Synthesizer = resolve(SYNTHESIZERS, request.param, kind="voice").create(Config(), ModelStore())
    except (DependencyMissingError, ModelMissingError) as error:
        pytest.skip(f"the voice '{request.param}' was NOT tested: {error}")
    return made


def spoken(voice: Synthesizer, text: str, language: str, style: SpeakingStyle = NEUTRAL) -> np.ndarray:
    blocks = list(speech(voice, text, language, style))
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


@pytest.fixture(scope="module")
def plain(voice: Synthesizer) -> dict[str, np.ndarray]:
    """Language → its sentence as the voice says it by itself, said once for all who look at it."""
    return {language: spoken(voice, SENTENCES[language], language) for language in sorted(voice.languages)}


def test_raw_blocks_are_mono_float32(voice: Synthesizer) -> None:
    for language in sorted(voice.languages):
        blocks = list(voice.synthesize(WORDS[language], language, SpeakingStyle()))
        assert blocks
        assert all(block.dtype == np.float32 and block.ndim == 1 for block in blocks)


def test_speech_is_finite_audible_and_of_plausible_length(plain: dict[str, np.ndarray]) -> None:
    for language, samples in plain.items():
        shortest_s, longest_s = PLAUSIBLE_S[language]
        assert samples.dtype == np.float32
        assert np.isfinite(samples).all()
        assert np.abs(samples).max() <= 1.0
        assert 0.03 < np.sqrt(np.mean(samples**2)) < 0.4
        assert shortest_s < len(samples) / SAMPLE_RATE_HZ < longest_s


def test_it_begins_at_once(plain: dict[str, np.ndarray]) -> None:
    for samples in plain.values():
        first = np.flatnonzero(np.abs(samples) > 0.05 * np.abs(samples).max())[0]
        assert first / SAMPLE_RATE_HZ < 0.1


def test_a_second_and_third_sentence_follow(voice: Synthesizer) -> None:
    for language in sorted(voice.languages):
        assert all(len(spoken(voice, WORDS[language], language)) for _ in range(3))


def test_a_higher_rate_is_shorter_and_a_higher_pitch_is_not(voice: Synthesizer, plain: dict[str, np.ndarray]) -> None:
    language = min(voice.languages)
    text, length = SENTENCES[language], len(plain[language])
    assert len(spoken(voice, text, language, SpeakingStyle(rate=1.5))) < 0.85 * length
    assert len(spoken(voice, text, language, SpeakingStyle(pitch=1.15))) == pytest.approx(length, rel=0.12)


@pytest.mark.parametrize("text", ["", " ", "?!", "……", "，。", "\n", "😀"])
def test_text_without_words_gives_nothing(voice: Synthesizer, text: str) -> None:
    for language in sorted(voice.languages):
        assert len(spoken(voice, text, language)) == 0


@pytest.mark.parametrize("text", ["-v list", "3.5 & 50% <b>", "A" * 16, "你好 Jarvis 2026年", "嗯"])
def test_odd_text_does_not_break_it(voice: Synthesizer, text: str) -> None:
    for language in sorted(voice.languages):
        assert np.isfinite(spoken(voice, text, language)).all()


def test_a_language_that_it_does_not_speak_is_refused(voice: Synthesizer) -> None:
    with pytest.raises(StageError, match="does not speak 'xx'"):
        list(speech(voice, "hello", "xx", SpeakingStyle()))


@pytest.mark.parametrize("name", SYNTHESIZERS)
def test_what_it_speaks_is_known_without_loading_it(name: str) -> None:
    try:
        backend = resolve(SYNTHESIZERS, name, kind="voice")
    except DependencyMissingError as error:
        pytest.skip(str(error))
    assert backend.languages == set(LANGUAGES[name])


def test_what_it_rehearses_is_heard_at_once_and_the_rest_follows(voice: Synthesizer, tmp_path: Path) -> None:
    if not isinstance(voice, RehearsableSynthesizer):
        return
    with_beginning = RehearsedVoice(voice, {"zh": ["现在是"]}, 1.0, tmp_path)
    assert with_beginning.rehearse("zh") == 0
    beginning, *rest = speech(with_beginning, "现在是三点。", "zh", NEUTRAL)
    assert 0.4 < len(beginning) / SAMPLE_RATE_HZ < 1.4
    assert 0.4 < sum(map(len, rest)) / SAMPLE_RATE_HZ < 1.6
    assert voice.takes_s("现在是三点。", "zh") > 0
    assert voice.fingerprint("现在是", "zh") != voice.fingerprint("今天是", "zh")


def test_the_registry_has_a_file_a_voice() -> None:
    folder = Path(__file__).parents[2] / "assistant" / "tts"
    for name, target in SYNTHESIZERS.items():
        assert (folder / f"{name}.py").is_file(), target

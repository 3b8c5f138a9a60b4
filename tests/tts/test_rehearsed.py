"""A slow voice with the beginnings of replies at hand: what is heard of it, what it is asked for, what is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from assistant.events import AudioArray
from assistant.ports import SpeakingStyle
from assistant.tts.finishing import speech
from assistant.tts.recent_speech import RecentSpeech
from assistant.tts.rehearsed import RehearsedVoice, rehearsed
from tests.doubles.synthesizers import LOG_VARIABLE, RATE_HZ, Slow, Tone

BEGINNINGS = ("我看到", "好的，", "不客气。")
NEUTRAL = SpeakingStyle()


class Asked:
    """The voice's log: what it was asked for since that was looked at last."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def for_(self) -> list[str]:
        lines = self._log.read_text(encoding="utf-8").split() if self._log.exists() else []
        self._log.unlink(missing_ok=True)
        return lines


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    monkeypatch.setenv(LOG_VARIABLE, str(tmp_path / "log"))
    return Asked(tmp_path / "log")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "beginnings"


def voice_of(folder: Path, voice: Slow | None = None, rate: float = 1.0) -> RehearsedVoice:
    return RehearsedVoice(voice or Slow(), {"zh": BEGINNINGS}, rate, folder)


def rehearse(voice: RehearsedVoice) -> None:
    while voice.rehearse("zh"):
        pass


def said(voice: RehearsedVoice, text: str, style: SpeakingStyle = NEUTRAL) -> list[AudioArray]:
    return list(speech(voice, text, "zh", style))


def seconds(blocks: Sequence[AudioArray]) -> list[float]:
    return [round(len(block) / RATE_HZ, 2) for block in blocks]


def test_one_is_made_at_a_time_and_the_rest_of_a_reply_is_all_that_is_made_when_it_is_said(
    asked: Asked, folder: Path
) -> None:
    voice = voice_of(folder)
    assert [voice.rehearse("zh") for _ in range(4)] == [2, 1, 0, 0]
    assert asked.for_() == ["我看到，", "好的，", "不客气。"], "in the middle of a clause with a comma"
    blocks = said(voice, "好的，五分钟，现在开始计时。")
    assert asked.for_() == ["五分钟，", "现在开始计时。"]
    # 20 ms before and 200 ms after each clause, as without a rehearsal.
    assert seconds(blocks) == seconds(list(speech(Slow(), "好的，五分钟，现在开始计时。", "zh", NEUTRAL)))


def test_in_the_middle_of_a_clause_the_rest_follows_closely(asked: Asked, folder: Path) -> None:
    voice = voice_of(folder)
    rehearse(voice)
    asked.for_()
    beginning_s, rest_s = seconds(said(voice, "我看到一个人。"))
    assert beginning_s == pytest.approx(0.02 + 0.3 + 0.04, abs=0.02)
    assert rest_s == pytest.approx(0.02 + 0.3 + 0.2, abs=0.02)
    assert asked.for_() == ["一个人。"]


def test_a_reply_that_was_rehearsed_as_a_whole_asks_nothing_of_the_voice(asked: Asked, folder: Path) -> None:
    voice = voice_of(folder)
    rehearse(voice)
    asked.for_()
    assert len(said(voice, "不客气。")) == 1
    assert asked.for_() == []


def test_it_is_there_after_a_restart(asked: Asked, folder: Path) -> None:
    rehearse(voice_of(folder))
    asked.for_()
    voice = voice_of(folder)
    assert len(said(voice, "好的。")) == 1, "begins otherwise"
    assert asked.for_() == ["好的。"]
    said(voice, "好的，五分钟。")
    assert asked.for_() == ["五分钟。"]
    assert [voice.rehearse("zh") for _ in range(2)] == [0, 0]
    assert asked.for_() == ["我看到，"], "once, which tells how fast it is"


class Other(Slow):
    model = "other"


@pytest.mark.parametrize(("voice", "rate"), [(Other(), 1.0), (Slow(), 1.2)], ids=["another model", "another rate"])
def test_what_was_made_otherwise_is_not_heard_and_makes_room(
    asked: Asked, folder: Path, voice: Slow, rate: float
) -> None:
    rehearse(voice_of(folder))
    asked.for_()
    changed = voice_of(folder, voice, rate)
    said(changed, "不客气。", SpeakingStyle(rate=rate))
    assert asked.for_() == ["不客气。"]
    rehearse(changed)
    assert len(asked.for_()) == len(BEGINNINGS)
    assert len(list(folder.iterdir())) == len(BEGINNINGS)


def test_a_mood_may_change_the_rate_a_little(asked: Asked, folder: Path) -> None:
    voice = voice_of(folder)
    rehearse(voice)
    asked.for_()
    said(voice, "不客气。", SpeakingStyle(rate=1.04, pitch=1.03))
    assert asked.for_() == []
    said(voice, "不客气。", SpeakingStyle(rate=0.93))
    assert asked.for_() == ["不客气。"]


@pytest.mark.parametrize("damage", [b"", b"abc", b"\0" * 4001, None], ids=["empty", "short", "long", "a bit"])
def test_what_is_damaged_is_not_heard_and_made_anew(asked: Asked, folder: Path, damage: bytes | None) -> None:
    rehearse(voice_of(folder))
    for file in folder.iterdir():
        data = file.read_bytes()
        file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]) if damage is None else damage)
    asked.for_()
    voice = voice_of(folder)
    said(voice, "不客气。")
    assert asked.for_() == ["不客气。"]
    rehearse(voice)
    asked.for_()
    said(voice, "不客气。")
    assert asked.for_() == []


def test_where_nothing_can_be_kept_it_speaks_as_without(asked: Asked, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    voice = voice_of(tmp_path / "file" / "beginnings")
    assert voice.rehearse("zh") == 0
    assert voice.rehearse("zh") == 0
    asked.for_()
    assert len(said(voice, "好的，五分钟。")) == 2
    assert asked.for_() == ["好的，", "五分钟。"]


def test_a_beginning_that_would_be_over_long_before_the_rest_waits_for_it(asked: Asked, folder: Path) -> None:
    voice = Slow()
    rehearse(voice_of(folder, voice))
    for takes, made_before in ((0.5, []), (2.0, ["一个人，"])):
        with_beginnings = voice_of(folder, voice)
        voice.takes = takes
        asked.for_()
        blocks: Iterator[AudioArray] = with_beginnings.synthesize("我看到一个人，一只狗。", "zh", NEUTRAL)
        next(blocks)
        assert asked.for_() == made_before
        assert len(list(blocks)) == 2


def test_a_voice_that_is_fast_enough_and_one_without_beginnings_stay_what_they_are() -> None:
    fast, slow = Tone(), Slow()
    assert rehearsed(fast, {"zh": BEGINNINGS}, 1.0) is fast
    assert rehearsed(slow, {}, 1.0) is slow
    assert isinstance(rehearsed(slow, {"zh": BEGINNINGS}, 1.0), RehearsedVoice)


def test_its_sound_is_the_voices_own(asked: Asked, folder: Path) -> None:
    voice = voice_of(folder)
    rehearse(voice)
    (kept,), (fresh,) = said(voice, "不客气。"), list(speech(Slow(), "不客气。", "zh", NEUTRAL))
    assert np.abs(kept - fresh).max() < 1e-3


def test_said_again_it_asks_nothing_of_the_voice_and_sounds_the_same(asked: Asked, folder: Path) -> None:
    voice = voice_of(folder)
    rehearse(voice)
    first = said(voice, "我看到一个人，一只狗。")
    asked.for_()
    again = said(voice, "我看到一个人，一只狗。", SpeakingStyle(rate=1.005, volume=0.5))
    assert asked.for_() == [], "a mood may change the rate a little"
    assert [block.tolist() for block in again] == [(0.5 * block).tolist() for block in first]
    said(voice, "我看到一个人，一只狗。", SpeakingStyle(rate=1.2))
    assert asked.for_() == ["我看到一个人，", "一只狗。"], "at another pace"


def test_what_was_broken_off_is_made_to_its_end_the_next_time(asked: Asked, folder: Path) -> None:
    voice = voice_of(folder)
    broken_off = voice.synthesize("两只猫，一只狗。", "zh", NEUTRAL)
    next(broken_off)
    broken_off.close()  # type: ignore[attr-defined]
    asked.for_()
    assert len(said(voice, "两只猫，一只狗。")) == 2
    assert asked.for_() == ["两只猫，", "一只狗。"]


def test_it_keeps_the_newest_sentences_that_fit() -> None:
    recent, second = RecentSpeech(30), [np.zeros(10, np.float32)]
    for name in "abc":
        recent.put(name, second)
    assert recent.get("a") is not None, "said again, it is newer than b"
    recent.put("d", second)
    assert [name for name in "abcd" if recent.get(name) is not None] == ["a", "c", "d"]
    recent.put("longer than all", 4 * second)
    assert [name for name in ("a", "longer than all") if recent.get(name) is not None] == ["a"]

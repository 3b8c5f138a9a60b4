"""Labelled folders in four layouts, and what is wrong with bad ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.errors import ConfigError, MediaError
from export.train.folders import LAYOUTS, read_folder


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


def table(folder: Path, text: str, name: str = "data.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_ravdess(tmp_path: Path) -> None:
    folder = touch(tmp_path, "Actor_01/03-01-02-01-01-01-01.wav", "Actor_12/03-01-08-02-02-01-12.wav", "readme.txt")
    found = [(s.label, s.speaker, s.audio) for s in read_folder(folder, "ravdess")]
    assert found == [
        ("neutral", "actor-01", folder / "Actor_01/03-01-02-01-01-01-01.wav"),
        ("surprise", "actor-12", folder / "Actor_12/03-01-08-02-02-01-12.wav"),
    ]


def test_crema_d(tmp_path: Path) -> None:
    folder = touch(tmp_path, "AudioWAV/1001_DFA_ANG_XX.wav", "AudioWAV/1002_IEO_NEU_XX.wav", "AudioWAV/odd.wav")
    assert [(s.label, s.speaker) for s in read_folder(folder, "crema-d")] == [("angry", "1001"), ("neutral", "1002")]


def test_meld_with_and_without_its_sound(tmp_path: Path) -> None:
    touch(tmp_path, "train/dia0_utt1.wav")
    rows = "Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID\nOh no!,Ross,fear,0,0\nYes!,Monica,joy,0,1\n"
    first, second = read_folder(table(tmp_path, rows, "train_sent_emo.csv"), "meld")
    assert (first.label, first.speaker, first.text, first.audio) == ("fear", "Ross", "Oh no!", None)
    assert (second.label, second.audio) == ("happy", tmp_path / "train/dia0_utt1.wav")


def test_csv_in_two_languages(tmp_path: Path) -> None:
    rows = "label,speaker,text,language,audio\nhappy,a,太好了,zh,\nAnger,b,,,b.wav\n"
    first, second = read_folder(table(tmp_path, rows), "csv")
    assert (first.text, first.language, first.audio) == ("太好了", "zh", None)
    assert (second.label, second.text, second.audio) == ("angry", None, tmp_path / "b.wav")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("label,text\nhappy,hi\n", "no column 'speaker'; it has label, text"),
        ("label,speaker,text\nelated,a,hi\n", "data.csv:2: there is no emotion 'elated'"),
        ("label,speaker,text\nhappy,,hi\n", "data.csv:2: there is no speaker"),
        ("label,speaker,text\nhappy,a,\n", "data.csv:2: there is neither text nor image nor audio"),
        ("label,speaker,text,split\nhappy,a,hi,dev\n", "data.csv:2: split is 'dev'"),
    ],
)
def test_a_wrong_table_is_named_with_its_line(tmp_path: Path, rows: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_folder(table(tmp_path, rows), "csv")


def test_events_have_labels_of_their_own(tmp_path: Path) -> None:
    rows = "label,speaker,audio\ndoor bell,hall,a.wav\n敲门,hall,b.wav\nAnger,hall,c.wav\n"
    samples = read_folder(table(tmp_path, rows), "csv", "event")
    assert [sample.label for sample in samples] == ["door bell", "敲门", "Anger"]


@pytest.mark.parametrize(
    ("layout", "task", "rows", "message"),
    [
        ("csv", "event", "label,speaker,text\n ,a,hi\n", "data.csv:2: there is no label"),
        ("csv", "sound", "", "no task 'sound'"),
        ("ravdess", "event", "", "The layout 'ravdess' holds emotions, not events"),
    ],
)
def test_what_is_no_event_is_refused(tmp_path: Path, layout: str, task: str, rows: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_folder(table(tmp_path, rows), layout, task)


def test_a_table_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes("label,speaker,text\nhappy,a,太好了\n".encode("gbk"))
    with pytest.raises(ConfigError, match="no table in UTF-8"):
        read_folder(tmp_path, "csv")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_empty_folder_says_what_was_expected(tmp_path: Path, layout: str) -> None:
    with pytest.raises(MediaError, match="holds no samples"):
        read_folder(tmp_path, layout)


def test_an_unknown_layout_and_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no layout 'iemocap'"):
        read_folder(tmp_path, "iemocap")
    with pytest.raises(MediaError, match="no folder"):
        read_folder(tmp_path / "nowhere", "csv")

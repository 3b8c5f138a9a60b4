"""Folders of labelled samples: RAVDESS, CREMA-D, MELD, or a plain CSV. Any of text, image and audio may be missing."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import ConfigError, MediaError
from assistant.events import EMOTION_LABELS

_SYNONYMS = {
    "anger": "angry", "ang": "angry", "dis": "disgust", "fea": "fear", "fearful": "fear", "hap": "happy",
    "happiness": "happy", "joy": "happy", "sadness": "sad", "surprised": "surprise", "neu": "neutral",
    "calm": "neutral",
}  # fmt: skip
_RAVDESS = ("neutral", "neutral", "happy", "sad", "angry", "fear", "disgust", "surprise")
"""By the third number of a file's name, from 01; the second is "calm"."""
_PICTURES, _SOUNDS = (".png", ".jpg", ".jpeg", ".bmp", ".webp"), (".wav", ".flac", ".ogg", ".mp3")


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled moment of one person."""

    label: str
    speaker: str
    text: str | None = None
    language: str = "en"
    image: Path | None = None
    audio: Path | None = None
    part: str | None = None
    """"train", "validation" or "test", where the data says so."""


TASKS = ("emotion", "event")


def read_folder(folder: Path, layout: str, task: str = "emotion") -> list[Sample]:
    """Every sample, in the order of its files; those of an "event" have labels of their own. Raises `ConfigError` for
    an unknown layout or task or a wrong table, and `MediaError` for a folder without samples."""
    if layout not in LAYOUTS:
        raise ConfigError(f"There is no layout '{layout}'.", remedy=f"Use one of: {', '.join(LAYOUTS)}.")
    if task not in TASKS:
        raise ConfigError(f"There is no task '{task}'.", remedy=f"Use one of: {', '.join(TASKS)}.")
    if task == "event" and layout != "csv":
        raise ConfigError(
            f"The layout '{layout}' holds emotions, not events.", remedy="Write a table: --layout csv --task event"
        )
    if not folder.is_dir():
        raise MediaError(f"There is no folder {folder}.", remedy="Check the path.")
    samples = list(_csv(folder, task) if layout == "csv" else LAYOUTS[layout](folder))
    if not samples:
        raise MediaError(
            f"{folder} holds no samples in the layout '{layout}'.", remedy=f"Expected: {_EXPECTED[layout]}."
        )
    return samples


def _ravdess(folder: Path) -> Iterator[Sample]:
    for path in _files(folder, _SOUNDS):
        fields = path.stem.split("-")
        if len(fields) == 7 and all(field.isdigit() for field in fields) and 1 <= int(fields[2]) <= len(_RAVDESS):
            yield Sample(_RAVDESS[int(fields[2]) - 1], f"actor-{fields[6]}", audio=path)


def _crema_d(folder: Path) -> Iterator[Sample]:
    for path in _files(folder, _SOUNDS):
        fields = path.stem.split("_")
        if len(fields) == 4 and fields[2].casefold() in _SYNONYMS:
            yield Sample(_SYNONYMS[fields[2].casefold()], fields[0], audio=path)


def _meld(folder: Path) -> Iterator[Sample]:
    """Its own parts share speakers, so they are not kept."""
    for table in sorted(folder.rglob("*_sent_emo.csv")):
        part = table.name.split("_")[0]
        for number, row in _rows(table, ("Utterance", "Speaker", "Emotion", "Dialogue_ID", "Utterance_ID")):
            stem = f"dia{row['Dialogue_ID']}_utt{row['Utterance_ID']}"
            audio = next((p for s in _SOUNDS if (p := table.parent / part / f"{stem}{s}").exists()), None)
            yield Sample(_label(row["Emotion"], table, number), row["Speaker"].strip(), row["Utterance"], audio=audio)


def _csv(folder: Path, task: str = "emotion") -> Iterator[Sample]:
    read_label = _event if task == "event" else _label
    for table in sorted(folder.glob("*.csv")):
        for number, row in _rows(table, ("label", "speaker")):
            if not any(row.get(column) for column in ("text", "image", "audio")):
                raise ConfigError(
                    f"{table}:{number}: there is neither text nor image nor audio.", remedy="Fill in one of them."
                )
            if not row["speaker"]:
                raise ConfigError(
                    f"{table}:{number}: there is no speaker.",
                    remedy="Samples of one person must not be in both training and test: name who it is.",
                )
            if row.get("split") and row["split"] not in ("train", "validation", "test"):
                raise ConfigError(
                    f"{table}:{number}: split is '{row['split']}'.", remedy="Use train, validation or test."
                )
            yield Sample(
                read_label(row["label"], table, number),
                row["speaker"],
                row.get("text") or None,
                row.get("language") or "en",
                folder / row["image"] if row.get("image") else None,
                folder / row["audio"] if row.get("audio") else None,
                row.get("split") or None,
            )


LAYOUTS: dict[str, Callable[[Path], Iterator[Sample]]] = {
    "ravdess": _ravdess,
    "crema-d": _crema_d,
    "meld": _meld,
    "csv": _csv,
}
_EXPECTED = {
    "ravdess": "files such as Actor_01/03-01-06-01-02-01-01.wav",
    "crema-d": "files such as AudioWAV/1001_DFA_ANG_XX.wav",
    "meld": "tables such as train_sent_emo.csv, with sounds such as train/dia0_utt0.wav beside them",
    "csv": "tables with the columns label, speaker, and text, image or audio (paths from the folder)",
}


def _rows(table: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, row) of a table. Raises `ConfigError` naming a column that is missing."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in needed if name not in (reader.fieldnames or ())]
            if missing:
                raise ConfigError(
                    f"{table} has no column '{missing[0]}'; it has {', '.join(reader.fieldnames or ()) or 'none'}.",
                    remedy=f"It needs: {', '.join(needed)}.",
                )
            for row in reader:
                yield reader.line_num, {key: (value or "") for key, value in row.items() if key}
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{table} is no table in UTF-8: {error}.", remedy="Save it as CSV in UTF-8.") from error


def _label(text: str, table: Path, line: int) -> str:
    label = text.strip().casefold()
    label = _SYNONYMS.get(label, label)
    if label not in EMOTION_LABELS:
        raise ConfigError(
            f"{table}:{line}: there is no emotion '{text}'.", remedy=f"Use one of: {', '.join(EMOTION_LABELS)}."
        )
    return label


def _event(text: str, table: Path, line: int) -> str:
    label = text.strip()
    if not label:
        raise ConfigError(f"{table}:{line}: there is no label.", remedy="Name what happens.")
    return label


def _files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes and path.is_file())

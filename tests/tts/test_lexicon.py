"""The English front end with its dictionaries in a file says what hibari's own says, and needs no file to do it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hibari.g2p import G2P

from assistant.tts.lexicon import load_front_end

SENTENCES = (
    "I see a person facing me.",
    "It is ten o'clock, on the 3rd of March 2024; 1,250 people paid $9.99 each.",
    "Dr. Smith can't read the record that was recorded live; he lives in Hy-Vee at 7:30 pm.",
    "I used to use it. THE END, e.g. NASA vs. the USA.",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the dictionaries have been written once."""
    folder = tmp_path_factory.mktemp("voices")
    load_front_end(folder)
    return folder


@pytest.fixture(scope="module")
def reference() -> G2P:
    return G2P()


@pytest.mark.parametrize("sentence", SENTENCES)
def test_it_reads_as_hibari_does(folder: Path, reference: G2P, sentence: str) -> None:
    front_end = load_front_end(folder)
    assert type(front_end) is not G2P
    assert front_end(sentence) == reference(sentence)


def test_a_damaged_file_is_written_anew(folder: Path, tmp_path: Path, reference: G2P) -> None:
    (file,) = folder.iterdir()
    (tmp_path / file.name).write_bytes(b"no database")
    assert load_front_end(tmp_path)(SENTENCES[0]) == reference(SENTENCES[0])
    assert (tmp_path / file.name).read_bytes()[:6] == b"SQLite"


def test_a_file_that_is_damaged_where_nobody_looked_costs_no_sentence(
    folder: Path, tmp_path: Path, reference: G2P
) -> None:
    (file,) = folder.iterdir()
    content = bytearray(file.read_bytes())
    content[len(content) // 3 : len(content) // 2] = bytes(len(content) // 2 - len(content) // 3)
    (tmp_path / file.name).write_bytes(content)
    front_end = load_front_end(tmp_path)
    assert (tmp_path / file.name).read_bytes() == content, "the damage does not show at once"
    for sentence in SENTENCES:
        assert front_end(sentence) == reference(sentence)
    assert list(tmp_path.iterdir()) == []
    load_front_end(tmp_path)
    assert (tmp_path / file.name).read_bytes() == file.read_bytes()


def test_the_file_of_an_earlier_version_goes_when_a_new_one_is_written(tmp_path: Path) -> None:
    old = tmp_path / "hibari-0.0.1.sqlite"
    old.touch()
    load_front_end(tmp_path)
    (file,) = tmp_path.iterdir()
    assert file != old


def test_without_a_place_to_write_the_dictionaries_stay_in_memory(tmp_path: Path, reference: G2P) -> None:
    (tmp_path / "file").touch()
    front_end = load_front_end(tmp_path / "file")
    assert type(front_end) is G2P
    assert front_end(SENTENCES[0]) == reference(SENTENCES[0])

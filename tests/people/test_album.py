"""What is kept about people: encrypted, for the owner only, whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np
import pytest
from cryptography.fernet import Fernet

from assistant.config import Config, StateConfig
from assistant.errors import ConfigError
from assistant.people.album import MOST_DESCRIPTORS, Album, checked_name
from assistant.people.vault import CREDENTIAL
from tests.doubles.faces import ANNA, BEN, descriptor_of

TODAY = "2026-01-02"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "people"


def test_whoever_was_introduced_is_known_after_a_restart(folder: Path) -> None:
    Album(folder).add("Anna", [descriptor_of(ANNA)], TODAY)
    Album(folder).add("小明", [descriptor_of(BEN)], TODAY)
    anna, ming = Album(folder).people()
    assert (anna.name, anna.added_on, ming.name) == ("Anna", TODAY, "小明")
    np.testing.assert_allclose(anna.descriptors[0], descriptor_of(ANNA), atol=1e-3)


def test_neither_names_nor_faces_can_be_read_from_the_disk(folder: Path) -> None:
    Album(folder).add("Annabella", [descriptor_of(ANNA)], TODAY)
    face = descriptor_of(ANNA).astype("<f2").tobytes()
    for path in folder.iterdir():
        content = path.read_bytes()
        assert b"Annabella" not in content
        assert face[:64] not in content
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_credential_keeps_the_key_off_the_disk(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / CREDENTIAL).write_bytes(Fernet.generate_key() + b"\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    Album(folder).add("Anna", [descriptor_of(ANNA)], TODAY)
    assert not (folder / "key").exists()
    assert [person.name for person in Album(folder).people()] == ["Anna"]
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    with pytest.raises(ConfigError, match=r"key.*is missing"):
        Album(folder).people()
    with pytest.raises(ConfigError, match=r"key.*is missing"):
        Album(folder).add("Ben", [descriptor_of(BEN)], TODAY)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert [person.name for person in Album(folder).people()] == ["Anna"]


def test_another_process_is_followed(folder: Path) -> None:
    running, command = Album(folder), Album(folder)
    assert running.version is None
    assert running.people() == ()
    command.add("Anna", [descriptor_of(ANNA)], TODAY)
    assert [person.name for person in running.people()] == ["Anna"]
    assert command.forget("Anna")
    assert running.people() == ()


def test_forgetting_leaves_the_others_and_the_last_one_takes_the_key_along(folder: Path) -> None:
    album = Album(folder)
    assert not album.forget("Anna")
    album.add("Anna", [descriptor_of(ANNA)], TODAY)
    album.add("Ben", [descriptor_of(BEN)], TODAY)
    assert album.forget("Anna")
    assert not album.forget("Anna")
    assert [person.name for person in album.people()] == ["Ben"]
    assert album.forget("Ben")
    assert {path.name for path in folder.iterdir()} <= {"lock"}


def test_more_looks_are_added_and_the_oldest_go(folder: Path) -> None:
    album = Album(folder)
    for number in range(MOST_DESCRIPTORS + 3):
        album.add("Anna", [descriptor_of(number)], TODAY)
    [anna] = Album(folder).people()
    assert len(anna.descriptors) == MOST_DESCRIPTORS
    np.testing.assert_allclose(anna.descriptors[0], descriptor_of(3), atol=1e-3)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no file of known people"),
        (b"edge-assistant people 2\nxyz", "no file of known people"),
        (b"edge-assistant people 1\nxyz", "damaged"),
    ],
)
def test_a_file_that_cannot_be_read_says_so_and_is_not_overwritten(folder: Path, content: bytes, says: str) -> None:
    Album(folder).add("Anna", [descriptor_of(ANNA)], TODAY)
    data = folder / "people.bin"
    data.write_bytes(content)
    for action in (Album(folder).people, lambda: Album(folder).add("Ben", [descriptor_of(BEN)], TODAY)):
        with pytest.raises(ConfigError, match=says) as failure:
            action()
        assert "forget --all" in str(failure.value)
    assert data.read_bytes() == content
    Album(folder).forget_all()
    assert Album(folder).people() == ()


def test_a_damaged_key_is_named(folder: Path) -> None:
    Album(folder).add("Anna", [descriptor_of(ANNA)], TODAY)
    (folder / "key").write_bytes(b"short")
    with pytest.raises(ConfigError, match="holds no key"):
        Album(folder).people()


def test_content_of_another_kind_is_refused(folder: Path) -> None:
    album = Album(folder)
    album.add("Anna", [descriptor_of(ANNA)], TODAY)
    fernet = Fernet((folder / "key").read_bytes())
    for document in (b"[]", b'{"version": 2, "people": []}', b'{"version":1,"people":[{"name":"A"}]}'):
        (folder / "people.bin").write_bytes(b"edge-assistant people 1\n" + fernet.encrypt(document))
        with pytest.raises(ConfigError, match="does not hold what it should"):
            Album(folder).people()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write for another user")
def test_root_introduces_to_the_installed_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = tmp_path / "service"
    service.mkdir()
    os.chown(service, 12345, 12345)
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setattr("assistant.people.album.SERVICE_STATE", service)
    Album.of(Config()).add("Anna", [descriptor_of(ANNA)], TODAY)
    owned = [service / "people", *(service / "people").iterdir()]
    assert {path.name for path in owned} >= {"people", "people.bin", "key"}
    assert {path.stat().st_uid for path in owned} == {12345}
    mine = Config(state=StateConfig(dir=tmp_path / "mine"))
    assert Album.of(mine).people() == ()


def test_names_are_names() -> None:
    assert checked_name("  Anna   Maria ") == "Anna Maria"
    assert checked_name("O'Neil-Smith") == "O'Neil-Smith"
    assert checked_name("阿依古丽·买买提") == "阿依古丽·买买提"
    for wrong in ("", "  ", "42", "a/b", "x" * 41, "Anna\x1b[31m", "<b>"):
        with pytest.raises(ConfigError, match="is no name"):
            checked_name(wrong)

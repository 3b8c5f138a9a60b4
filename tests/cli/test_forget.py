"""`assistant forget`: what was kept is gone, what was not ours is untouched, and it says which is which."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.doubles.command import ROOT, assistant


class Home:
    """An owner's machine with memories."""

    def __init__(self, folder: Path, state: Path) -> None:
        self.state = state
        self.events = folder / "events.jsonl"
        self.file = folder / "assistant.toml"
        self.file.write_text(
            f'state.dir = "{state}"\ntelemetry.events = "{self.events}"\ncontrol.socket = "{folder}/none.sock"\n'
        )
        (state / "people/anna").mkdir(parents=True)
        (state / "recording").mkdir()
        (state / "recording/audio.wav").write_bytes(b"RIFF")
        (state / "people/anna/face.npy").write_bytes(b"\0" * 2048)
        (state / "latency.json").write_text("{}")
        (state / "muted").write_text("yes")
        self.events.write_text('{"event":"Notice","at_s":1.0}\n')

    def forget(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return assistant("forget", "--config", self.file, *arguments)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path, tmp_path / "edge-assistant")


def test_everything_that_was_kept_is_wiped_and_named(home: Home) -> None:
    (home.state / "something-new.bin").write_bytes(b"x")
    result = home.forget("--yes")
    assert result.returncode == 0, result.stderr
    assert sorted(path.name for path in home.state.iterdir()) == ["muted"]
    assert not home.events.exists()
    for name in ("people", "latency.json", "something-new.bin", "events.jsonl"):
        assert name in result.stdout
    assert "people who were introduced, 2,048 bytes" in result.stdout
    again = home.forget("--yes")
    assert (again.returncode, again.stdout.strip()) == (0, "There is nothing to forget.")


def test_it_asks_first_and_no_answer_is_a_no(home: Home) -> None:
    for answer in ("n\n", ""):
        result = subprocess.run(
            [sys.executable, "-m", "assistant", "forget", "--config", home.file],
            input=answer,
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        assert result.returncode == 1
        assert "Nothing was removed." in result.stdout
        assert str(home.state / "people") in result.stdout
    assert (home.state / "people/anna/face.npy").exists()


def test_json_lists_what_was_removed(home: Home) -> None:
    removed = json.loads(home.forget("--yes", "--json").stdout)
    assert {Path(item["path"]).name: item["bytes"] for item in removed} == {
        "people": 2048,
        "recording": 4,
        "latency.json": 2,
        "events.jsonl": 30,
    }


def test_a_folder_that_is_somebody_elses_loses_nothing_but_ours(tmp_path: Path) -> None:
    documents = tmp_path / "Documents"
    home = Home(tmp_path, documents)
    (documents / "thesis.odt").write_text("years of work")
    assert home.forget("--yes").returncode == 0
    assert sorted(path.name for path in documents.iterdir()) == ["muted", "thesis.odt"]


def test_an_events_key_that_names_another_file_does_not_cost_it(home: Home) -> None:
    home.events.write_text("the family's recipes\n")
    result = home.forget("--yes")
    assert result.returncode == 0
    assert home.events.exists()
    assert "events.jsonl" not in result.stdout


def test_a_link_is_removed_and_not_what_it_points_to(home: Home, tmp_path: Path) -> None:
    elsewhere = tmp_path / "photos"
    elsewhere.mkdir()
    (elsewhere / "holiday.jpg").write_bytes(b"jpeg")
    (home.state / "link").symlink_to(elsewhere)
    assert home.forget("--yes").returncode == 0
    assert not (home.state / "link").is_symlink()
    assert (elsewhere / "holiday.jpg").exists()


def test_it_refuses_while_an_assistant_runs_whatever_that_answers(home: Home, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(f"{tmp_path}/none.sock")
        listener.listen()

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"nonsense\n")

        answering = threading.Thread(target=answer)
        answering.start()
        result = home.forget("--yes")
        answering.join(10)
    assert result.returncode == 2
    assert "is running" in result.stderr
    assert "systemctl stop" in result.stderr
    assert (home.state / "people/anna/face.npy").exists()

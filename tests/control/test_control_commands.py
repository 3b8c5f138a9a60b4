"""The commands that ask and tell a running assistant, as a person types them; a double answers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import anyio.from_thread
import pytest

from assistant.control import client
from assistant.control.protocol import (
    Done,
    Dump,
    DumpResult,
    HealthState,
    LastFailure,
    Latency,
    Listen,
    Mute,
    Reload,
    ReloadResult,
    Request,
    Result,
    Say,
    Status,
    StatusResult,
    Unmute,
    Volume,
)
from assistant.control.server import ControlServer
from assistant.errors import (
    AssistantError,
    ConfigError,
    ControlError,
    DependencyMissingError,
    ModelMissingError,
    NotRunningError,
)
from tests.doubles.command import assistant, typed

USAGE = 2
HEARS = HealthState(ok=True, hears=True, reason="", muted=False, unavailable={})


def status(health: HealthState = HEARS, **fields: object) -> StatusResult:
    return StatusResult.model_validate(
        {
            "pid": 4711,
            "state": "running",
            "uptime_s": 93_784.0,
            "health": health.model_dump(),
            "volume": 0.8,
            "config_file": "/etc/edge-assistant/assistant.toml",
            "config_error": "",
            "versions": {"edge-assistant": "0.1.0"},
            "latency": {
                "recognize": Latency(count=4, p50_s=0.3, p95_s=0.4),
                "mouth_to_ear": {"count": 3, "p50_s": 0.61, "p95_s": 0.77},
            },
            "dropped": {"microphone_frames": 12, "events": 0},
            "networks": {},
            "saving": "",
            **fields,
        }
    )


class Assistant:
    """Answers at a socket, and remembers what it was asked."""

    def __init__(self, path: Path) -> None:
        self.asked: list[Request] = []
        self.answers: dict[type[Request], Result | AssistantError] = {
            Status: status(),
            Reload: ReloadResult(changed=["wake.phrases"], restarted=True, after_restart=[]),
        }
        self._path = path

    async def answer(self, request: Request) -> Result:
        self.asked.append(request)
        answer = self.answers.get(type(request), Done())
        if isinstance(answer, AssistantError):
            raise answer
        return answer

    @contextmanager
    def listening(self) -> Iterator[Assistant]:
        with anyio.from_thread.start_blocking_portal() as portal:
            task, _ = portal.start_task(ControlServer(self._path, self.answer).serve)
            yield self
            task.cancel()


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "a.sock"


@pytest.fixture
def running(socket: Path) -> Iterator[Assistant]:
    with Assistant(socket).listening() as running:
        yield running


Types = Callable[..., str]


@pytest.fixture
def types(socket: Path, capfd: pytest.CaptureFixture[str]) -> Types:
    """Runs a command in this process; what it printed."""

    def run(*arguments: str, code: int = 0, **env: str) -> str:
        settings = {"ASSISTANT_CONTROL__SOCKET": str(socket), "XDG_CONFIG_HOME": os.devnull, "COLUMNS": "200"}
        ended, printed = typed(*arguments, env=settings | env, capture=capfd)
        assert ended == code, printed
        return printed

    return run


def test_nobody_there_is_told_with_what_to_do(types: Types) -> None:
    for arguments in (
        ["status"],
        ["mute"],
        ["unmute"],
        ["listen-now"],
        ["volume"],
        ["volume", "50"],
        ["reload"],
        ["dump", "new"],
    ):
        said = types(*arguments, code=NotRunningError.exit_code)
        assert "No assistant is running" in said and "systemctl start edge-assistant" in said


def test_nobody_is_told_anything_by_the_configuration_of_another_that_is_misspelt(
    running: Assistant, types: Types, tmp_path: Path
) -> None:
    for arguments in (["mute"], ["status"], ["say", "Dinner."], ["dump", "new"]):
        said = types(*arguments, "--config", str(tmp_path / "kitchn.toml"), code=ConfigError.exit_code)
        assert "There is no configuration at" in said and "kitchn.toml" in said
    assert running.asked == []


def test_a_configuration_that_is_wrong_keeps_nobody_from_muting_it(
    running: Assistant, socket: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, types: Types
) -> None:
    wrong = tmp_path / "assistant.toml"
    wrong.write_text("[audio]\nvolumee = 3\n")
    monkeypatch.setattr(client, "known_sockets", lambda config: (socket,))
    types("mute", "--config", str(wrong))
    assert running.asked == [Mute()]


def test_status_says_that_it_hears_and_how_fast_it_is(running: Assistant, types: Types) -> None:
    said = types("status")
    for shown in ("The assistant hears.", "4711", "1 d 2 h", "80%", "12 microphone frames", "0.61 s", "0.77 s"):
        assert shown in said
    assert said.index("mouth_to_ear") < said.index("recognize")
    assert "0 events" not in said, "what was not lost is not news"


def test_status_says_that_sound_is_kept_in_memory_where_it_is(running: Assistant, types: Types) -> None:
    assert "recorder" not in types("status")
    running.answers[Status] = status(recorder_s=90)
    said = types("status")
    assert "keeps the last 1 min 30 s of sound and pictures in memory" in said
    assert json.loads(types("status", "--json"))["recorder_s"] == 90


def test_status_says_that_no_wake_phrase_is_needed_while_none_is(running: Assistant, types: Types) -> None:
    assert "wake phrase" not in types("status")
    running.answers[Status] = status(attentive=True)
    assert "no wake phrase is needed now" in types("status")


def test_status_says_what_does_not_work_and_why(running: Assistant, types: Types) -> None:
    deaf = HealthState(
        ok=False,
        hears=False,
        reason="The microphone delivers nothing.",
        muted=False,
        unavailable={"camera": "It is [bold]gone[/]."},
        last_failures={"captioner": LastFailure(reason="No memory.", ago_s=75.2)},
    )
    running.answers[Status] = status(deaf, config_error="audio.volumee is no key.")
    said = types("status", code=1)
    for shown in ("does not hear. The microphone delivers nothing.", "camera: It is [bold]gone[/].", "audio.volumee"):
        assert shown in said
    assert "captioner: failed when last used, 1 min 15 s ago: No memory." in said


@pytest.mark.parametrize(
    ("ok", "hears", "reason", "said"),
    [
        (True, False, "This machine has no microphone.", "does not hear. This machine has no microphone."),
        (False, True, "This hangs: recogniser.", "hears. This hangs: recogniser."),
    ],
)
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_status_fails_while_it_does_not_hear_or_hangs(
    running: Assistant, types: Types, form: list[str], ok: bool, hears: bool, reason: str, said: str
) -> None:
    running.answers[Status] = status(HealthState(ok=ok, hears=hears, reason=reason, muted=False, unavailable={}))
    printed = types("status", *form, code=1)
    assert form or said in printed


def test_status_for_programs(running: Assistant, types: Types) -> None:
    muted = HealthState(
        ok=True, hears=False, reason="Muted: microphone and camera are closed.", muted=True, unavailable={}
    )
    running.answers[Status] = status(muted)
    assert json.loads(types("status", "--json"))["health"]["muted"] is True
    assert types("status").startswith("Muted: microphone and camera are closed.\n")


def test_what_is_typed_arrives(running: Assistant, types: Types) -> None:
    types("mute")
    types("unmute")
    types("listen-now")
    types("volume", "40")
    types("say", "晚饭好了。", "--language", "zh")
    assert "wake.phrases" in types("reload")
    assert running.asked == [
        Mute(),
        Unmute(),
        Listen(),
        Volume(volume=0.4),
        Say(text="晚饭好了。", language="zh"),
        Reload(),
    ]


def test_what_went_wrong_there_ends_the_command_as_it_would_here(running: Assistant, types: Types) -> None:
    running.answers |= {
        Mute: ControlError("It is still starting.", remedy="Try again."),
        Say: ModelMissingError("The voice was not pulled.", remedy="assistant models pull hibari"),
        Reload: ConfigError("/etc/a.toml:4: audio.volumee", remedy="Correct it."),
    }
    assert "Try again." in types("mute", code=ControlError.exit_code)
    assert "models pull" in types("say", "Hello.", code=ModelMissingError.exit_code)
    assert "audio.volumee" in types("reload", code=ConfigError.exit_code)


def test_the_volume_is_shown(running: Assistant, types: Types) -> None:
    assert types("volume") == "The volume is 80%.\n"
    running.answers[Status] = status(volume=None)
    assert "still starting" in types("volume", code=ControlError.exit_code)


def test_wrong_arguments_are_refused_before_anybody_is_asked(running: Assistant, types: Types) -> None:
    for volume in ("101", "loud", "0.4", "²", "40%"):
        assert "0 to 100, for example 40" in types("volume", volume, code=USAGE)
    assert "en or zh" in types("say", "Bonjour.", "--language", "fr", code=ConfigError.exit_code)
    assert running.asked == []


def test_a_file_that_is_edited_is_taken_over_by_who_reads_it(running: Assistant, types: Types, tmp_path: Path) -> None:
    file = tmp_path / "assistant.toml"
    file.write_text("[audio]\nvolume = 0.5\n")
    running.answers[Status] = status(config_file=str(file))
    said = types("config", "edit", "--config", str(file), EDITOR="sed -i s/0.5/0.6/", VISUAL="")
    assert "has taken it over: wake.phrases" in said
    running.answers[Reload] = ModelMissingError("It was not pulled.")
    arguments = ["config", "edit", "--config", str(file)]
    said = types(*arguments, code=ConfigError.exit_code, EDITOR="sed -i s/0.6/0.7/", VISUAL="")
    assert "keeps its old configuration" in said
    running.answers[Status] = status(config_file="/elsewhere.toml")
    assert "another file" in types(*arguments, EDITOR="sed -i s/0.7/0.8/", VISUAL="")
    assert sum(isinstance(request, Reload) for request in running.asked) == 2


def recording(folder: Path) -> DumpResult:
    """What the assistant has written there."""
    folder.mkdir(mode=0o700, parents=True)
    for name in ("audio.wav", "replay.toml", "picture-0000.jpg"):
        (folder / name).write_bytes(b"content")
        (folder / name).chmod(0o600)
    return DumpResult(folder=str(folder), sound_s=59.9, pictures=1, config_file="/etc/a.toml")


def test_what_was_recorded_is_moved_to_its_new_owner(running: Assistant, types: Types, tmp_path: Path) -> None:
    written, folder = tmp_path / "state/recording", tmp_path / "reports/what happened"
    running.answers[Dump] = recording(written)
    said = types("dump", str(folder))
    assert "59.9 s of sound and 1 pictures" in said
    assert f"assistant replay --script '{folder}/replay.toml' --out '{folder}/replay' --config /etc/a.toml" in said
    assert not written.exists()
    assert sorted(path.name for path in folder.iterdir()) == ["audio.wav", "picture-0000.jpg", "replay.toml"]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert "is there already" in types("dump", str(folder), code=ConfigError.exit_code)
    assert len(running.asked) == 1


def test_what_cannot_be_moved_stays_and_is_told(running: Assistant, types: Types, tmp_path: Path) -> None:
    written, in_the_way = tmp_path / "state/recording", tmp_path / "file"
    running.answers[Dump] = recording(written)
    in_the_way.write_text("somebody's")
    said = types("dump", str(in_the_way / "deep" / "in"), code=ConfigError.exit_code)
    assert f"it stays in {written} until the next dump" in said and "Name a folder" in said
    assert len(list(written.iterdir())) == 3
    running.answers[Dump] = DumpResult(folder=str(in_the_way.parent), sound_s=1.0, pictures=0, config_file=None)
    assert "none of its folders" in types("dump", str(tmp_path / "new"), code=ControlError.exit_code)
    assert in_the_way.exists() and not list(tmp_path.glob(".*.part"))


def test_what_cannot_be_read_names_sudo(running: Assistant, types: Types, tmp_path: Path) -> None:
    running.answers[Dump] = DumpResult(
        folder=str(tmp_path / "closed/recording"), sound_s=1.0, pictures=0, config_file=None
    )
    said = types("dump", str(tmp_path / "new"), code=ConfigError.exit_code)
    assert "you cannot read" in said and f"sudo mv -T {tmp_path}/closed/recording {tmp_path}/new" in said
    assert list(tmp_path.glob("new")) == []


def programs(folder: Path, **does: str) -> None:
    """Programs of these names, each of which does what its line of shell says."""
    for name, line in does.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)


def test_logs_are_the_journal_s(tmp_path: Path) -> None:
    programs(tmp_path, journalctl='echo "$@"', systemctl="echo loaded")
    path = f"{tmp_path}:{os.environ['PATH']}"
    result = assistant("logs", "--follow", "-n", "5", "--since", "today", env={"PATH": path})
    options = ["--unit=edge-assistant", "--output=short-iso", "--lines=5", "--follow", "--since=today"]
    assert (result.returncode, result.stdout.split()) == (0, options)


@pytest.mark.parametrize("systemctl", ["echo not-found", "exit 1"])
def test_without_the_service_the_journal_has_nothing_and_it_says_where_to_look(tmp_path: Path, systemctl: str) -> None:
    programs(tmp_path, journalctl="echo -- No entries --", systemctl=systemctl)
    result = assistant("logs", env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert result.returncode == DependencyMissingError.exit_code, result
    assert "not installed" in result.stderr and "own terminal" in result.stderr


def test_without_a_journal_it_says_where_to_look(types: Types, tmp_path: Path) -> None:
    assert "own terminal" in types("logs", code=DependencyMissingError.exit_code, PATH=str(tmp_path))

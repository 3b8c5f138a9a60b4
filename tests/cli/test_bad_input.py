"""What goes wrong on real machines, through the real command: a clear message, the right exit code, nothing
half-written, and no traceback."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile
from filelock import FileLock

from assistant.audio.files import read_audio
from assistant.errors import ConfigError, DependencyMissingError, DeviceError, MediaError, ModelError
from assistant.models.store import ModelStore
from assistant.vision.pictures import write_picture
from tests.doubles.command import NEUTRAL, Running, assistant, typed, wait_until
from tests.doubles.person import Person

models = pytest.mark.models
USAGE = 2
INTERRUPTED = 130


def refuse(code: int, *arguments: str | Path, env: dict[str, str] | None = None) -> str:
    """Run a command that must fail with `code`; what it complained."""
    result = assistant(*arguments, env=env)
    assert result.returncode == code, result.stderr or result.stdout
    assert "Traceback" not in result.stdout + result.stderr
    assert result.stderr.strip()
    return result.stderr


@pytest.fixture
def refuse_here(capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """As `refuse`, in this process: where a command is refused before it begins, most of it is the start of another."""

    def refuse_here(code: int, *arguments: str | Path, env: Mapping[str, str] | None = None) -> str:
        ended, printed = typed(*arguments, env={**NEUTRAL, **(env or {})}, capture=capfd)
        assert ended == code, printed
        assert "Traceback" not in printed
        assert printed.strip()
        return printed

    return refuse_here


# What a person types wrong


_LOADED_BY_HELP = """
import sys, assistant.cli
imported = set(sys.modules)
sys.argv = ["assistant", "--help"]
try:
    assistant.cli.main()
except SystemExit as end:
    assert end.code == 0
heavy = {"numpy", "onnxruntime", "cv2", "ctranslate2", "hassil", "sounddevice"}
print(sorted(heavy & set(sys.modules) | {"pydantic", "rich.console"} & imported))
"""


def test_help_loads_nothing_heavy() -> None:
    program = [sys.executable, "-c", _LOADED_BY_HELP]
    result = subprocess.run(program, capture_output=True, text=True, check=True, timeout=60)
    assert "Usage" in result.stdout
    assert result.stdout.splitlines()[-1] == "[]"


def test_nothing_that_is_loaded_reports_to_its_maker() -> None:
    """Whatever imports onnxruntime, in this process or a child, does so after our package."""
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["nonsense"], "nonsense"),
        (["run", "--louder"], "--louder"),
        (["replay", "--audio", "a.wav"], "--out"),
        (["replay", "--audio", "a.wav", "--out", "o", "--speed", "fast"], "realtime or max"),
        (["replay", "--out", "o"], "--audio FILE or --script FILE"),
        (["replay", "--out", "o", "--audio", "a.wav", "--script", "s.toml"], "exclude each other"),
        (["replay", "--out", "o", "--script", "nowhere.toml"], "nowhere.toml"),
        (["run", "--config", "nowhere.toml"], "nowhere.toml"),
        (["see", "a.png", "--language", "fr"], "en, zh"),
        (["say", "hello", "--engine", "parrot"], "hibari"),
        (["say", "bonjour", "--language", "fr"], "Use en or zh."),
        (["say", "bonjour", "--language", "fr", "--out", "a.wav"], "Use en or zh."),
    ],
)
def test_wrong_arguments_are_named(arguments: list[str], named: str, refuse_here: Callable[..., str]) -> None:
    assert named in refuse_here(USAGE, *arguments)
    assert not Path("o").exists()


def test_a_wrong_argument_ends_the_process_with_a_code_of_its_own() -> None:
    assert "--louder" in refuse(USAGE, "run", "--louder")


def test_no_command_shows_the_help() -> None:
    result = assistant()
    assert "Usage" in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[audio]\nvolumee = 0.5\n", "audio.volumee"),
        ("[audio]\nvolume = 5\n", "audio.volume"),
        ('[asr]\nbackend = "ears"\n', "asr.backend"),
        ("[audio\n", "line 1"),
    ],
)
def test_a_wrong_configuration_names_the_key_and_the_line(
    tmp_path: Path, text: str, named: str, refuse_here: Callable[..., str]
) -> None:
    (tmp_path / "my.toml").write_text(text)
    message = refuse_here(ConfigError.exit_code, "run", "--config", tmp_path / "my.toml")
    assert "my.toml" in message
    assert named in message or "my.toml:1" in message


def test_an_unknown_variable_is_named(refuse_here: Callable[..., str]) -> None:
    variable = {"ASSISTANT_AUDIO__VOLUMEE": "1"}
    assert "ASSISTANT_AUDIO__VOLUME" in refuse_here(ConfigError.exit_code, "config", "check", env=variable)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[[step]]\nsound = 'a.wav'\n", "step.0.sound"),
        ("title = 'nothing happens'\n", "step"),
        ("[[step]]\nafter_s = -1\n", "step.0.after_s"),
        ("[[step]\n", "not valid TOML"),
    ],
)
def test_a_wrong_script_names_the_key(tmp_path: Path, text: str, named: str, refuse_here: Callable[..., str]) -> None:
    (tmp_path / "script.toml").write_text(text)
    script, out = tmp_path / "script.toml", tmp_path / "out"
    message = refuse_here(ConfigError.exit_code, "replay", "--script", script, "--out", out)
    assert "script.toml" in message and named in message
    assert not (tmp_path / "out").exists()


# Recordings and pictures


@pytest.fixture
def recordings(tmp_path: Path) -> dict[str, Path]:
    soundfile.write(tmp_path / "silent.wav", np.zeros(32_000), 16_000)
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 16_000)
    (tmp_path / "text.wav").write_text("hello")
    (tmp_path / "nothing.wav").touch()
    names = ("silent", "empty", "text", "nothing", "missing")
    return {name: tmp_path / f"{name}.wav" for name in names}


@models
@pytest.mark.parametrize("kind", ["silent", "empty", "text", "nothing", "missing"])
def test_a_recording_without_speech_is_named_and_leaves_the_last_report(
    recordings: dict[str, Path], kind: str, tmp_path: Path, refuse_here: Callable[..., str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "events.jsonl").write_text("of the last run")
    refused = refuse if kind == "silent" else refuse_here  # silence is listened to
    message = refused(MediaError.exit_code, "replay", "--audio", recordings[kind], "--out", tmp_path / "out")
    assert str(recordings[kind]) in message
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["events.jsonl"]
    assert (tmp_path / "out" / "events.jsonl").read_text() == "of the last run"


@models
def test_listening_to_silence_says_so(recordings: dict[str, Path]) -> None:
    assert "Nobody speaks" in refuse(MediaError.exit_code, "listen", "--audio", recordings["silent"])


@models
def test_a_telephone_recording_of_two_channels_and_24_bits_is_understood(tmp_path: Path, spoken: Person) -> None:
    samples = read_audio(spoken("Is there a cup on the table?"), 8000)
    soundfile.write(tmp_path / "telephone.wav", np.stack([samples, samples], axis=1), 8000, subtype="PCM_24")
    result = assistant("listen", "--audio", tmp_path / "telephone.wav")
    assert result.returncode == 0
    assert "cup on the table" in result.stdout


@models
def test_a_picture_of_one_pixel_has_nothing_in_it(tmp_path: Path) -> None:
    write_picture(tmp_path / "dot.png", np.full((1, 1, 3), 128, np.uint8))
    result = assistant("see", tmp_path / "dot.png")
    assert (result.returncode, result.stderr) == (0, "")
    assert "dot.png: " in result.stdout


@models
@pytest.mark.parametrize("content", ["hello", "", None])
def test_what_is_no_picture_is_named(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "photo.png").write_text(content)
    assert "photo.png" in refuse(MediaError.exit_code, "see", tmp_path / "photo.png", "--out", tmp_path / "boxes")
    assert not (tmp_path / "boxes").exists()


@models
def test_a_camera_that_is_no_file_is_named_before_anything_is_heard(tmp_path: Path, spoken: Person) -> None:
    arguments = ["replay", "--audio", spoken("Hey Jarvis, what time is it?"), "--out", tmp_path / "out"]
    assert "nowhere.mp4" in refuse(MediaError.exit_code, *arguments, "--video", "nowhere.mp4")
    assert not (tmp_path / "out").exists()


# Devices and programs


def test_without_a_microphone_it_says_so() -> None:
    settings = {"ASSISTANT_AUDIO__INPUT": "a microphone that nobody has", "ASSISTANT_VISION__CAMERA": "none"}
    message = refuse(DeviceError.exit_code, "run", env=settings)
    assert "microphone" in message and ("assistant devices" in message or "audio.input" in message)
    assert assistant("devices").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "key", "instead"),
    [
        (["run"], "audio.input", "assistant replay"),
        (["listen"], "audio.input", "--audio FILE"),
        (["say", "Hello."], "audio.output", "--out FILE"),
    ],
)
def test_what_is_switched_off_is_not_looked_for(
    refuse_here: Callable[..., str], arguments: list[str], key: str, instead: str
) -> None:
    variable = f"ASSISTANT_{key.upper().replace('.', '__')}"
    message = refuse_here(ConfigError.exit_code, *arguments, env={variable: "none"})
    assert f'{key} is "none"' in message and instead in message


def test_without_espeak_the_program_and_its_package_are_named(tmp_path: Path) -> None:
    nothing = {"PATH": str(tmp_path)}
    message = refuse(
        DependencyMissingError.exit_code,
        "say",
        "Hello.",
        "--engine",
        "espeak",
        "--out",
        tmp_path / "a.wav",
        env=nothing,
    )
    assert "espeak-ng" in message and "apt-get install espeak-ng" in message
    assert list(tmp_path.iterdir()) == []


def test_without_a_voice_s_model_the_command_that_gets_it_is_named(tmp_path: Path) -> None:
    nothing = {"ASSISTANT_MODELS__DIR": str(tmp_path / "models")}
    arguments = ["say", "你好。", "--engine", "kokoro", "--out", tmp_path / "a.wav"]
    assert "assistant models pull kokoro-zh" in refuse(ModelError.exit_code, *arguments, env=nothing)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_a_voice_that_fails_is_told_although_the_fallback_speaks(tmp_path: Path) -> None:
    nothing = {"ASSISTANT_MODELS__DIR": str(tmp_path / "models")}
    result = assistant("say", "你好。", "--out", tmp_path / "hello.wav", env=nothing)
    assert result.returncode == 0
    assert "assistant models pull fastspeech2-zh" in result.stderr and "espeak" in result.stderr
    assert soundfile.info(tmp_path / "hello.wav").duration > 0.3


# Models


def test_without_models_the_first_is_named_with_the_command_that_gets_it(
    tmp_path: Path, refuse_here: Callable[..., str]
) -> None:
    empty = {"ASSISTANT_MODELS__DIR": str(tmp_path / "models")}
    soundfile.write(tmp_path / "a.wav", np.zeros(16_000), 16_000)
    write_picture(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8))
    for arguments in (
        ["replay", "--audio", tmp_path / "a.wav", "--out", tmp_path / "out"],
        ["listen", "--audio", tmp_path / "a.wav"],
        ["see", tmp_path / "a.png"],
        ["models", "path", "whisper-base"],
    ):
        assert "assistant models pull " in refuse_here(ModelError.exit_code, *arguments, env=empty)
    assert not (tmp_path / "out").exists() and not (tmp_path / "models").exists()


@pytest.fixture
def damaged(model_store: ModelStore, tmp_path: Path) -> Path:
    """A store with blazeface alone, to be damaged."""
    shutil.copytree(model_store.path("blazeface"), tmp_path / "models" / "blazeface")
    for name in ("centernet", "facemesh", "efficientnet-lite0"):
        (tmp_path / "models" / name).symlink_to(model_store.path(name))
    return tmp_path / "models"


@models
def test_a_half_downloaded_model_is_refused(damaged: Path, tmp_path: Path) -> None:
    network = next((damaged / "blazeface").glob("*.onnx"))
    network.write_bytes(network.read_bytes()[:-100])
    write_picture(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8))
    message = refuse(ModelError.exit_code, "see", tmp_path / "a.png", env={"ASSISTANT_MODELS__DIR": str(damaged)})
    assert "'blazeface' is damaged" in message and "expected" in message
    assert "assistant models pull blazeface" in message


@models
def test_an_altered_model_is_found_and_does_not_load(damaged: Path, tmp_path: Path) -> None:
    network = next((damaged / "blazeface").glob("*.onnx"))
    network.write_bytes(bytes(network.stat().st_size))
    write_picture(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8))
    store = {"ASSISTANT_MODELS__DIR": str(damaged)}
    assert "assistant models verify" in refuse(ModelError.exit_code, "see", tmp_path / "a.png", env=store)
    message = refuse(ModelError.exit_code, "models", "verify", "blazeface", env=store)
    assert "altered" in message and network.name in message


# The disk


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(disk)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("Needs the right to mount a small disk.")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@models
def test_a_full_disk_is_told_and_keeps_nothing_half_written(full_disk: Path, spoken: Person) -> None:
    recording = spoken("Hey Jarvis, what can you do?")
    long = 3 * "This is a long sentence, which takes more than a few seconds to say. "
    for arguments in (
        ["replay", "--audio", recording, "--out", full_disk / "out"],
        ["say", long, "--out", full_disk / "a.wav"],
    ):
        result = assistant(*arguments)
        assert result.returncode in (1, MediaError.exit_code), result.stderr
        assert "No space left" in result.stderr and "Traceback" not in result.stderr
        assert list(full_disk.iterdir()) == []
    store = {"ASSISTANT_MODELS__DIR": str(full_disk / "models")}
    message = refuse(ModelError.exit_code, "models", "pull", "whisper-base", env=store)
    assert "disk is full" in message
    assert not [path for path in full_disk.rglob("*") if path.is_file() and path.name != ".lock"]


# Ctrl-C


@models
@pytest.mark.parametrize("library", ["pydantic_core", "cv2", "onnxruntime", "ctranslate2"])
def test_ctrl_c_while_it_starts(tmp_path: Path, library: str, spoken: Person) -> None:
    """Each moment is that at which a certain library has just been loaded, here or in a process of its own."""
    recording = spoken("Hey Jarvis, what time is it?")
    with Running("replay", "--audio", recording, "--out", tmp_path / "out", "--speed", "realtime") as running:
        itself = psutil.Process(running.pid)

        def is_loaded() -> bool:
            family = [itself, *itself.children()]
            return any(library in Path(f"/proc/{process.pid}/maps").read_text() for process in family)

        wait_until(is_loaded, f"{library} is loaded")
        assert running.end(signal.SIGINT) == INTERRUPTED
    assert "Traceback" not in running.output
    assert not (tmp_path / "out").exists()


@models
@pytest.mark.parametrize("line", ["Listening", "you  ", "assistant  "])
def test_ctrl_c_while_it_converses(tmp_path: Path, line: str, spoken: Person) -> None:
    recording = spoken("Hey Jarvis, what can you do?")
    with Running("replay", "--audio", recording, "--out", tmp_path / "out", "--speed", "realtime") as running:
        running.wait_for(line)
        assert running.end(signal.SIGINT) == INTERRUPTED
    assert "Traceback" not in running.output
    assert not (tmp_path / "out").exists()


def test_ctrl_c_while_a_locked_store_is_waited_for(tmp_path: Path) -> None:
    store = tmp_path / "models"
    store.mkdir()
    with (
        FileLock(store / ".lock"),
        Running("models", "pull", "blazeface", env={"ASSISTANT_MODELS__DIR": str(store)}) as running,
    ):
        running.wait_for("waiting for it")
        assert running.end(signal.SIGINT) == INTERRUPTED
    assert "Traceback" not in running.output
    assert [path.name for path in store.iterdir()] == [".lock"]


def test_ctrl_c_while_a_client_downloads(tmp_path: Path) -> None:
    """The client ends too, and nothing of the model is there."""
    programs, store = tmp_path / "programs", tmp_path / "models"
    programs.mkdir()
    started = tmp_path / "started"
    npm = programs / "npm"
    npm.write_text(f"#!/bin/sh\ntouch {started}\nexec sleep 600\n")
    npm.chmod(0o755)
    env = {"ASSISTANT_MODELS__DIR": str(store), "PATH": f"{programs}:{os.environ['PATH']}"}
    with Running("models", "pull", "blazeface", env=env) as running:
        wait_until(lambda: started.exists() or not running.alive, "npm is called")
        assert running.end(signal.SIGINT) == INTERRUPTED
    assert "Traceback" not in running.output
    assert not [path for path in store.rglob("*") if path.is_file() and path.name != ".lock"]

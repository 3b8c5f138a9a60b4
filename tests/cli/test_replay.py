"""Recordings and pictures through the real command: what it hears, sees, says and writes."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from assistant.errors import ModelMissingError
from assistant.models.store import STORE_VARIABLE, ModelStore
from assistant.script import Script, Step, TimedPicture, load_script
from assistant.vision.pictures import write_picture
from tests.doubles.command import NEUTRAL, ROOT, assistant, typed
from tests.doubles.person import Person

models = pytest.mark.models
DOCUMENT = ROOT / "docs" / "scripts.md"


def succeed(*arguments: str | Path, env: Mapping[str, str] | None = None) -> str:
    """Run a command that must succeed without complaint; what it printed."""
    result = assistant(*arguments, env=env)
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    return result.stdout


def turns_of(folder: Path) -> list[dict[str, Any]]:
    turns: list[dict[str, Any]] = json.loads((folder / "report.json").read_text(encoding="utf-8"))["turns"]
    return turns


def events_of(folder: Path) -> list[dict[str, Any]]:
    """All events without the fields that tell how fast the machine is."""
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    return [{name: value for name, value in event.items() if name != "compute_s"} for event in events]


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


@pytest.fixture
def script(tmp_path: Path, spoken: Person, model_store: ModelStore) -> Path:
    """Three turns before two pictures, the last one in Chinese."""
    pictures = model_store.path("sample-pictures")
    steps = (
        ("Hey Jarvis, what do you see?", "en", pictures / "astronaut.png"),
        ("How many people are there?", "en", None),
        ("你看到了什么？", "zh", pictures / "coffee.png"),
    )
    text = 'title = "Three turns"\nstarts_at = 2026-03-03T17:10:00\n'
    for line, language, picture in steps:
        text += f"\n[[step]]\naudio = {json.dumps(str(spoken(line, language)))}\n"
        text += f"picture = {json.dumps(str(picture))}\n" if picture else ""
    path = tmp_path / "three.toml"
    path.write_text(text, encoding="utf-8")
    return path


@models
def test_a_script_is_heard_seen_and_answered_the_same_each_time(script: Path, tmp_path: Path) -> None:
    printed = succeed("replay", "--script", script, "--out", tmp_path / "first")
    seeing, counting, chinese = turns_of(tmp_path / "first")

    assert words(seeing["heard"]) == ["what", "do", "you", "see"]
    assert (seeing["language"], seeing["intent"]) == ("en", "scene_describe")
    assert "person" in seeing["caption"]["text"]
    # A feeling that is heard in the voice may open the reply.
    assert seeing["reply"] == seeing["played"] and seeing["reply"].endswith(seeing["caption"]["text"])
    assert seeing["emotion"]["contributions"]
    assert words(counting["heard"]) == ["how", "many", "people", "are", "there"]
    assert "one" in words(counting["reply"])
    assert "你看到了什么" in chinese["heard"]
    assert (chinese["language"], chinese["reply_language"]) == ("zh", "zh")
    assert "杯子" in chinese["reply"]
    for turn in (seeing, counting, chinese):
        assert turn["completed"] is True
        assert turn["failures"] == []
        assert {"endpoint", "recognize", "synthesize"} <= {stage["stage"] for stage in turn["stages"]}
        assert turn["reply"] in printed
        assert turn["first_sound_at_s"] > turn["speech_ended_at_s"]

    events = events_of(tmp_path / "first")
    assert [event["at_s"] for event in events if event["event"] == "TurnStarted"] == sorted(
        event["at_s"] for event in events if event["event"] == "TurnStarted"
    )
    sound = soundfile.info(tmp_path / "first" / "reply.wav")
    assert sound.duration == pytest.approx(chinese["first_sound_at_s"] + chinese["played_s"], abs=0.1)
    page = (tmp_path / "first" / "report.html").read_text(encoding="utf-8")
    assert chinese["reply"] in page
    assert "data:image/" in page and "data:audio/" in page
    assert not re.search(r'(src|href)="http', page), "the page needs nothing from elsewhere"

    succeed("replay", "--script", script, "--out", tmp_path / "second")
    assert events_of(tmp_path / "second") == events
    replies = [(tmp_path / run / "reply.wav").read_bytes() for run in ("first", "second")]
    assert replies[0] == replies[1]
    assert not list(tmp_path.rglob("*.part"))


@models
def test_recordings_before_a_folder_of_pictures_of_which_one_is_not_meant_for_it(
    tmp_path: Path, spoken: Person, model_store: ModelStore
) -> None:
    (tmp_path / "pictures").mkdir()
    cat = model_store.path("sample-pictures") / "chelsea.png"
    (tmp_path / "pictures" / "cat.png").write_bytes(cat.read_bytes())
    lines = ("The train leaves at seven tomorrow morning.", "Hey Jarvis, what do you see?", "Thank you, goodbye.")
    arguments = [part for line in lines for part in ("--audio", spoken(line))]
    succeed("replay", *arguments, "--video", tmp_path / "pictures", "--out", tmp_path / "out")
    seeing, leaving = turns_of(tmp_path / "out")
    assert "cat" in seeing["reply"]
    assert leaving["intent"] == "goodbye"
    written = (tmp_path / "out" / "events.jsonl").read_text(encoding="utf-8")
    assert "train" not in written, "what was not meant for it is kept nowhere"


@models
def test_a_replay_before_a_video_ends_although_the_video_does(
    tmp_path: Path, spoken: Person, model_store: ModelStore
) -> None:
    video = model_store.path("sample-video") / "carphone_pristine.mp4"
    recording = spoken("Hey Jarvis, how many people are there?")
    succeed("replay", "--audio", recording, "--video", video, "--out", tmp_path)
    (turn,) = turns_of(tmp_path)
    assert "one" in words(turn["reply"])


@models
def test_after_mute_nothing_is_heard_and_the_replay_ends(tmp_path: Path, spoken: Person) -> None:
    recordings = [spoken("Hey Jarvis, mute."), spoken("Hey Jarvis, what time is it?")]
    succeed("replay", "--audio", recordings[0], "--audio", recordings[1], "--out", tmp_path)
    (turn,) = turns_of(tmp_path)
    assert turn["intent"] == "mute"


@models
def test_before_its_first_picture_the_camera_sees_nothing(
    tmp_path: Path, spoken: Person, model_store: ModelStore
) -> None:
    recording = spoken("Hey Jarvis, what do you see?")
    picture = model_store.path("sample-pictures") / "coffee.png"
    step = f"[[step]]\naudio = {json.dumps(str(recording))}\n"
    (tmp_path / "late.toml").write_text(f"{step}{step}picture = {json.dumps(str(picture))}\n", encoding="utf-8")
    succeed("replay", "--script", tmp_path / "late.toml", "--out", tmp_path / "out")
    before, after = turns_of(tmp_path / "out")
    assert before["intent"] == after["intent"] == "scene_describe"
    assert (before["caption"], before["failures"]) == (None, [])
    assert "cup" in after["caption"]["text"]


def test_a_picture_that_cannot_be_read_is_named_before_the_conversation_begins(tmp_path: Path) -> None:
    write_picture(tmp_path / "kitchen.png", np.zeros((48, 64, 3), np.uint8))
    soundfile.write(tmp_path / "said.wav", np.zeros(1600, np.float32), 16_000)
    steps = ("kitchen.png", *["kitchen.png"] * 7, "kichen.png")
    text = "".join(f'[[step]]\naudio = "said.wav"\npicture = "{picture}"\n' for picture in steps)
    (tmp_path / "typo.toml").write_text(text, encoding="utf-8")
    result = assistant("replay", "--script", tmp_path / "typo.toml", "--out", tmp_path / "out")
    assert (result.returncode, result.stdout) == (3, "")
    assert "kichen.png" in result.stderr
    assert not (tmp_path / "out").exists()


@models
def test_listen_prints_what_a_recording_says(spoken: Person) -> None:
    lines = succeed("listen", "--audio", spoken("Is there a cup on the table?")).splitlines()
    assert words(lines[-1]) == ["en", *["is", "there", "a", "cup", "on", "the", "table"]]
    assert all(line.startswith("…") for line in lines[:-1])
    assert "你看到了什么" in succeed("listen", "--audio", spoken("你看到了什么？", "zh"))


@models
def test_see_describes_photos_as_text_and_json(tmp_path: Path, model_store: ModelStore) -> None:
    pictures = model_store.path("sample-pictures")
    photos = [pictures / "astronaut.png", pictures / "coffee.png"]
    assert "person" in succeed("see", *photos)
    person, cup = map(json.loads, succeed("see", *photos, "--json", "--out", tmp_path).splitlines())
    assert person["faces"] and {item["label"] for item in person["objects"]} >= {"person"}
    assert {item["label"] for item in cup["objects"]} >= {"cup"}
    for item in (*person["objects"], *person["faces"], *cup["objects"]):
        x0, y0, x1, y1 = item["box"]
        assert 0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1
    assert {path.name for path in tmp_path.iterdir()} == {"astronaut.boxed.png", "coffee.boxed.png"}
    assert "杯子" in succeed("see", photos[1], "--language", "zh")


@models
def test_say_writes_speech_that_can_be_recognised(tmp_path: Path) -> None:
    succeed("say", "The kettle is on the table.", "--out", tmp_path / "said.wav")
    samples, rate_hz = soundfile.read(tmp_path / "said.wav")
    assert 1.0 < len(samples) / rate_hz < 10.0 and np.abs(samples).max() > 0.1
    assert {"kettle", "table"} <= set(words(succeed("listen", "--audio", tmp_path / "said.wav")))


def configure(folder: Path, text: str) -> dict[str, str]:
    """The environment of a user who has configured this."""
    (folder / "edge-assistant").mkdir(parents=True)
    (folder / "edge-assistant/assistant.toml").write_text(text, encoding="utf-8")
    return {"XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder / "data")}


@models
def test_the_demo_is_a_conversation_in_two_languages_before_changing_pictures(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, model_store: ModelStore
) -> None:
    """However the user's own assistant is called, and whatever it understands; its models are used."""
    own = f'models.dir = "{model_store.root}"\nwake.mode = "push-to-talk"\nasr.languages = ["en"]\n'
    env = configure(tmp_path_factory.mktemp("own"), own)
    succeed("demo", "--speed", "max", "--out", tmp_path, env=env)
    turns = turns_of(tmp_path)
    assert len(turns) >= 6
    assert {turn["language"] for turn in turns} == {"en", "zh"}
    captions = {turn["caption"]["text"] for turn in turns if turn["language"] == "en" and turn["caption"]}
    assert len(captions) >= 3
    assert all(turn["reply"] and turn["completed"] and not turn["failures"] for turn in turns)
    assert all(turn["emotion"] for turn in turns)
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert "synthesised" in report["questions_spoken_by"]


@models
def test_a_configuration_that_cannot_be_used_does_not_end_the_demo(
    tmp_path: Path, model_store: ModelStore, capfd: pytest.CaptureFixture[str]
) -> None:
    env = configure(tmp_path, "wake.mode = never")
    env[STORE_VARIABLE] = str(tmp_path)
    (tmp_path / "sample-pictures").symlink_to(model_store.path("sample-pictures"))
    code, printed = typed("demo", "--out", tmp_path / "out", env={**NEUTRAL, **env}, capture=capfd)
    assert code == ModelMissingError.exit_code and "assistant models pull" in printed


def documented_script() -> str:
    (example,) = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    return str(example)


def test_the_documented_script_is_right(tmp_path: Path) -> None:
    (tmp_path / "kitchen.toml").write_text(documented_script(), encoding="utf-8")
    script = load_script(tmp_path / "kitchen.toml")
    assert len(script.steps) == 4
    assert script.steps[0].picture == tmp_path / "kitchen.jpg"
    assert script.steps[3].text == "你看到了什么？"


@models
def test_the_report_of_the_documented_script_calls_no_human_a_synthesiser(
    tmp_path: Path, spoken: Person, model_store: ModelStore
) -> None:
    for name in ("kitchen.jpg", "living-room.jpg"):
        shutil.copy(model_store.path("sample-pictures") / "coffee.png", tmp_path / name)
    for name, text, language in (
        ("what-do-you-see", "Hey Jarvis, what do you see?", "en"),
        ("is-there-a-cup", "Is there a cup on the table?", "en"),
        ("ni-kandao-le-shenme", "你看到了什么？", "zh"),
    ):
        shutil.copy(spoken(text, language), tmp_path / f"{name}.wav")

    def reported(script: str, turns: int) -> str:
        (tmp_path / "kitchen.toml").write_text(script, encoding="utf-8")
        succeed("replay", "--script", tmp_path / "kitchen.toml", "--out", tmp_path / "out")
        assert len(turns_of(tmp_path / "out")) == turns
        return (tmp_path / "out" / "report.html").read_text(encoding="utf-8")

    assert "synthesised" not in reported(documented_script(), 3)
    asked = '[[step]]\naudio = "what-do-you-see.wav"\n'
    partly = reported(f'{asked}voice = "human"\n{asked}voice = "Kokoro"\n', 2)
    assert "partly synthesised by Kokoro." in partly


def test_every_key_of_a_script_is_documented() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    keys = ["title", "starts_at", "step", *(f"step.{name}" for name in Step.model_fields)]
    keys += ["picture", *(f"picture.{name}" for name in TimedPicture.model_fields)]
    assert re.findall(r"^\| `([\w.]+)`", text, re.MULTILINE) == sorted(keys, key=keys.index)
    assert set(Script.model_fields) == {"title", "starts_at", "steps", "pictures"}

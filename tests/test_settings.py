"""Loading the configuration: order of sources, and what every kind of mistake is told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assistant import settings
from assistant.commands import config as config_command
from assistant.config import Config
from assistant.config_schema import all_keys, tables
from assistant.errors import ConfigError
from assistant.settings import load_config, load_settings
from tests.doubles.nobody import as_nobody, open_folder

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@pytest.fixture
def write(tmp_path: Path):
    def write_file(text: str) -> Path:
        path = tmp_path / "assistant.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No file in the usual places; the result is the user's own place."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr(settings, "SYSTEM_FILE", tmp_path / "etc" / "assistant.toml")
    return tmp_path / "xdg" / "edge-assistant" / "assistant.toml"


def error_of(path: Path | None, environment: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path, environment or {})
    return str(caught.value)


def test_without_a_file_the_defaults_hold(nowhere: Path) -> None:
    assert load_config(None, {}) == Config()


def test_the_users_file_comes_before_the_systems(nowhere: Path) -> None:
    settings.SYSTEM_FILE.parent.mkdir()
    settings.SYSTEM_FILE.write_text("[audio]\nvolume = 0.1\n")
    assert load_config(None, {}).audio.volume == 0.1
    nowhere.parent.mkdir(parents=True)
    nowhere.write_text("[audio]\nvolume = 0.2\n")
    assert load_config(None, {}).audio.volume == 0.2


def test_file_and_environment_meet_in_nested_tables(write) -> None:
    path = write('[dialogue.language_model]\nurl = "http://a"\ntimeout_s = 3\n[wake]\nphrases = ["你好贾维斯"]\n')
    loaded = load_settings(path, {"ASSISTANT_DIALOGUE__LANGUAGE_MODEL__TIMEOUT_S": "4.5", "PATH": "/bin"})
    assert loaded.config.dialogue.language_model.url == "http://a"
    assert loaded.config.dialogue.language_model.timeout_s == 4.5
    assert loaded.config.wake.phrases == ("你好贾维斯",)
    assert loaded.origins == {
        "dialogue.language_model.url": f"{path}:2",
        "dialogue.language_model.timeout_s": "ASSISTANT_DIALOGUE__LANGUAGE_MODEL__TIMEOUT_S",
        "wake.phrases": f"{path}:5",
    }


@pytest.mark.parametrize(
    ("variable", "text", "key", "value"),
    [
        ("ASSISTANT_AUDIO__INPUT", "USB Audio", "input", "USB Audio"),
        ("ASSISTANT_AUDIO__INPUT", "2", "input", "2"),
        ("ASSISTANT_AUDIO__INPUT", '"quoted"', "input", "quoted"),
        ("ASSISTANT_AUDIO__INPUT", "a\nvolume = 1", "input", "a\nvolume = 1"),
        ("ASSISTANT_AUDIO__VOLUME", "1", "volume", 1.0),
    ],
)
def test_a_variable_is_a_toml_value_or_text(nowhere: Path, variable: str, text: str, key: str, value: object) -> None:
    assert getattr(load_config(None, {variable: text}).audio, key) == value


def test_a_variable_can_give_a_list_and_unset_a_path(nowhere: Path, write) -> None:
    path = write('[telemetry]\nevents = "~/events.jsonl"\n')
    assert load_config(path, {}).telemetry.events == Path("~/events.jsonl").expanduser()
    config = load_config(path, {"ASSISTANT_TELEMETRY__EVENTS": "", "ASSISTANT_WAKE__PHRASES": '["hello there"]'})
    assert config.telemetry.events is None
    assert config.wake.phrases == ("hello there",)


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("[vad]\nthreshold = 1.5\n", 2, "vad.threshold is 1.5; allowed: a number above 0 to 1."),
        ("# a\n\n[audio]\ninput = 3\n", 4, "audio.input is 3; allowed: text in quotes."),
        ("asr.beam_size = 2.5", 1, "asr.beam_size is 2.5; allowed: a whole number from 1 to 10."),
        ('tts.barge_in = "yes"', 1, 'tts.barge_in is "yes"; allowed: true or false.'),
        ('[wake]\nmode = "never"', 2, 'wake.mode is "never"; allowed: one of "phrase", "push-to-talk", "always".'),
        ('[wake]\nphrases = [\n"a",\n3,\n]\n', 2, 'wake.phrases is ["a", 3]; allowed: a list of texts'),
        ("[models]\ndir = 2020-01-01", 2, "models.dir is 2020-01-01; allowed: a path in quotes."),
        ("x = 0\n[dialogue]\nlanguage_model = { url = 3 }", 3, "dialogue.language_model.url is 3"),
        ("[audio]\nvolume = nan", 2, "audio.volume is NaN; allowed: a number from 0 to 1."),
        ("audio = 3", 1, "audio is a value; allowed: a table, written [audio]."),
        ("[vad]\ntreshold = 0.4", 2, "there is no key vad.treshold; the nearest is vad.threshold."),
        ("volume = 0.4", 1, "there is no key volume; the nearest is audio.volume."),
        ("[audo]\nvolume = 0.4", 1, "there is no key audo; the nearest is audio."),
        ("asr.languages = []", 1, 'asr.languages is []; allowed: a list of at least one of "en", "zh".'),
        ('asr.languages = ["en", "fr"]', 1, 'asr.languages is ["en", "fr"]; allowed: a list of at least one of "en"'),
        ('asr.language = "fr"', 1, 'asr.language is "fr"; allowed: one of "auto", "en", "zh".'),
        ('asr.language = "zh"\nasr.languages = ["en"]', 1, 'asr.language is "zh"; allowed: "auto" or one of asr.lang'),
        (
            '\nasr.model = "whisper-tiny.en"\nasr.language = "zh"',
            3,
            'asr.language is "zh"; allowed: "auto" or "en" while asr.',
        ),
        ('tts.zh = "hibari"', 1, 'tts.zh is "hibari"; allowed: one of "fastspeech2", "kokoro", "espeak", "pyttsx3".'),
        ('tts.zh = "piper"', 1, 'tts.zh is "piper"; allowed: one of "fastspeech2", "kokoro", "espeak", "pyttsx3".'),
        ("wake.phrases = []", 1, 'wake.phrases is []; allowed: a list of at least one text while wake.mode is "phr'),
        ('tts.preload = ["fr"]', 1, 'tts.preload is ["fr"]; allowed: a list of any of "en", "zh".'),
        ("tts.timeout_s = 0", 1, "tts.timeout_s is 0; allowed: a number from 0.1 to 600."),
        ("vad.pre_roll_s = 3600", 1, "vad.pre_roll_s is 3600; allowed: a number from 0 to 5."),
        ("vad.end_silence_s = 0", 1, "vad.end_silence_s is 0; allowed: a number from 0.1 to 10."),
        ("\nvad.end_silence_complete_s = 2", 2, "vad.end_silence_complete_s is 2.0; allowed: a number up to vad.end_"),
        ("\nvad.end_silence_s = 0.3", 2, "vad.end_silence_complete_s is 0.32; allowed: a number up to vad.end_sil"),
        ("vad.end_silence_s = 1.5", 1, "vad.end_silence_unfinished_s is 1.2; allowed: a number from vad.end_silence_s"),
        ("vad.threshold = 0", 1, "vad.threshold is 0; allowed: a number above 0 to 1."),
        ("vad.pause_s = 0.7", 1, "vad.pause_s is 0.7; allowed: a number up to vad.end_silence_s (0.6)."),
        ('[vad]\nbackend = "slero"', 2, 'vad.backend is "slero"; allowed: one of "silero", "energy".'),
    ],
)
def test_a_wrong_value_names_file_line_key_value_and_what_is_allowed(
    write, text: str, line: int, expected: str
) -> None:
    path = write(text)
    assert f"{path}:{line}: {expected}" in error_of(path)


@pytest.mark.parametrize("model", ["whisper-tiny.en", "a-model-of-my-own"])
def test_a_model_of_one_language_is_right_where_that_is_spoken_or_nothing_is_known_of_it(write, model: str) -> None:
    assert load_config(write(f'asr.model = "{model}"\nasr.language = "en"'), {}).asr.model == model
    assert load_config(write(f'asr.model = "{model}"'), {}).asr.model == model


def test_who_always_listens_needs_no_phrase(write) -> None:
    assert load_config(write('[wake]\nmode = "always"\nphrases = []'), {}).wake.phrases == ()


def test_everything_that_is_wrong_is_told_at_once(write) -> None:
    message = error_of(
        write("[audio]\nvolume = 7\ncolour = 1\n"), {"ASSISTANT_TTS__RATE": "9", "ASSISTANT_TTS__RAT": "1"}
    )
    assert "audio.volume is 7" in message
    assert "no key audio.colour" in message
    assert "ASSISTANT_TTS__RATE: tts.rate is 9; allowed: a number from 0.5 to 2." in message
    assert "ASSISTANT_TTS__RAT: no key has this variable; the nearest is ASSISTANT_TTS__RATE." in message


def test_a_secret_is_never_shown(write) -> None:
    path = write("[dialogue.language_model]\napi_key = 123456\n")
    assert "123456" not in error_of(path)
    path = write('[dialogue.language_model]\napi_key = "123456"\n')
    assert "123456" not in config_command.toml_of(load_settings(path, {}))


@pytest.mark.parametrize(("content", "reason"), [(b"[audio\n", "1: not valid TOML"), (b"\xff\xfe", "not UTF-8")])
def test_an_unreadable_file_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    assert str(path) in error_of(path)
    assert reason in error_of(path)


def test_a_closed_file_is_told_with_what_opens_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_folder() as folder:
        own, system = folder / "own.toml", folder / "system.toml"
        for path in (own, system):
            path.touch(mode=0)
        monkeypatch.setattr(settings, "SYSTEM_FILE", system)
        with as_nobody():
            told, told_of_system = error_of(own), error_of(system)
        assert f"It belongs to {own.owner()}" in told and f"sudo chown $USER {own}" in told
    assert "edge-assistant" not in told
    assert "usermod -aG edge-assistant" in told_of_system


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    assert str(tmp_path / "none.toml") in error_of(tmp_path / "none.toml")
    assert "directory" in error_of(tmp_path)


def test_shown_configuration_loads_again_to_the_same(write, nowhere: Path) -> None:
    path = write('[wake]\nphrases = ["小助手", "a \\"b\\""]\n[audio]\nvolume = 0.3\n')
    shown = config_command.toml_of(load_settings(path, {"ASSISTANT_TTS__RATE": "1.5"}))
    assert f"volume = 0.3  # {path}:4" in shown
    assert "rate = 1.5  # ASSISTANT_TTS__RATE" in shown
    assert tomllib.loads(shown)["tts"]["rate"] == 1.5
    assert load_config(write(shown), {}) == load_config(write(shown), {"ASSISTANT_AUDIO__VOLUME": "0.3"})
    assert load_config(write(shown), {}).wake.phrases == ("小助手", 'a "b"')


def test_config_commands(write, nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = CliRunner()
    assert "[audio]" in runner.invoke(config_command.app, ["show"]).stdout
    assert "defaults" in runner.invoke(config_command.app, ["check"]).stdout
    path = write("[audio]\nvolume = 0.5\n")
    result = runner.invoke(config_command.app, ["check", str(path)])
    assert (result.exit_code, str(path) in result.stdout) == (0, True)
    result = runner.invoke(config_command.app, ["check", str(write("a = 1"))])
    assert isinstance(result.exception, ConfigError)
    assert result.exception.exit_code == 2


def test_every_key_is_described() -> None:
    keys = all_keys()
    assert len({key.environment for key in keys.values()}) == len(keys)
    assert all(key.doc and key.allowed and key.type_name for key in keys.values())
    assert all(table.doc for table in tables())

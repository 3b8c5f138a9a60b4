"""`assistant-export train …` on small folders, good and bad."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from assistant.audio.files import write_wav
from assistant.config import Config, EmotionConfig
from assistant.emotion.text import TextEmotion
from assistant.errors import AssistantError, ConfigError, DependencyMissingError, MediaError, ModelError
from assistant.models.manifest import load_manifest
from assistant.models.store import ModelStore
from export.cli import app
from export.recipes_of_yours import find_recipe
from tests.doubles.speech_like import speech_like

HAPPY = ("I am so happy today", "what a wonderful day", "this is great news", "I love it", "太好了我很高兴")
SAD = ("I feel so down", "this is a sad day", "I miss my friend", "I want to cry", "我今天很难过")


def run(*args: str) -> str:
    """Output of a command that must succeed; otherwise its error is raised."""
    result = CliRunner().invoke(app, ["train", *args])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def texts(folder: Path) -> Path:
    """Twelve people who say ten sentences each."""
    folder.mkdir()
    rows = ["label,speaker,text"]
    for person in range(12):
        rows += [f"{label},p{person},{text}" for label, said in (("happy", HAPPY), ("sad", SAD)) for text in said]
    (folder / "data.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder


def voices(folder: Path, *, broken: int = 0) -> Path:
    """Six people, high and fast when happy, low and slow when sad."""
    folder.mkdir()
    rows = ["label,speaker,audio"]
    for person in range(6):
        for take in range(4):
            for label, pitch_hz in (("happy", 210.0 + 5 * person), ("sad", 110.0 + 5 * person)):
                name = f"{person}-{take}-{label}.wav"
                write_wav(folder / name, speech_like(pitch_hz=pitch_hz, seed=take), 16_000)
                rows.append(f"{label},p{person},{name}")
    for path in sorted(folder.glob("*.wav"))[:broken]:
        path.write_bytes(b"RIFFnonsense")
    (folder / "data.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder


def test_without_torch_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DependencyMissingError, match="torch") as caught:
        run("fusion", "--out", str(tmp_path))
    assert ".venv/bin/pip install --editable '.[train]'" in str(caught.value)


def test_text_in_two_languages_is_learned_and_exported(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra train")
    out = tmp_path / "out"
    printed = run("classifier", "--data", str(texts(tmp_path / "d")), "--channel", "text", "--out", str(out))
    content = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert content["models"]["text"]["summary"]["accuracy"]["value"] > 0.9
    assert "accuracy: " in printed
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") >= 4
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")
    assert {path.name for path in (out / "recipe").iterdir()} == {"model.onnx", "model.toml", "recipe.py", "samples"}
    assert find_recipe(str(out / "recipe")).name == "emotion-text"


def test_voices_with_a_broken_file_are_learned_without_it(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra train")
    out = tmp_path / "out"
    printed = run("classifier", "--data", str(voices(tmp_path / "d", broken=1)), "--epochs", "30", "--out", str(out))
    assert printed.count("left out: ") == 1
    content = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert content["models"]["voice"]["summary"]["accuracy"]["value"] > 0.8


def test_the_search_finds_something_and_says_what_it_tried(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra train")
    pytest.importorskip("optuna", reason="needs the extra train")
    data = str(texts(tmp_path / "d"))
    printed = run("classifier", "--data", data, "--channel", "text", "--trials", "2", "--out", str(tmp_path / "out"))
    assert printed.count("trial ") == 2


def test_a_classifier_of_events_is_learned_and_taken_for_no_classifier_of_emotions(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra train")
    folder, out = texts(tmp_path / "d"), tmp_path / "out"
    table = folder / "data.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("happy,", "来客,").replace("sad,", "parcel,"), "utf-8")
    learn = "classifier", "--data", str(folder), "--channel", "text", "--epochs", "5", "--out", str(out)
    with pytest.raises(ConfigError, match="there is no emotion '来客'"):
        run(*learn)
    run(*learn, "--task", "event")
    manifest = load_manifest(out / "recipe" / "model.toml")
    assert (manifest.task, manifest.title, set(manifest.labels)) == (
        "event-text",
        "Event from text",
        {"来客", "parcel"},
    )
    config = Config(emotion=EmotionConfig(text_model=out / "recipe"))
    with pytest.raises(ModelError, match="is no classifier of this channel"):
        TextEmotion.create(config, ModelStore())


def test_new_recordings_are_not_taken_for_those_of_before(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra train")
    data = texts(tmp_path / "d")
    train = "classifier", "--data", str(data), "--channel", "text", "--epochs", "3", "--out", str(tmp_path / "out")
    first = run(*train)
    assert first.count("epoch ") == 3
    assert run(*train).count("epoch ") == 0  # it was done
    with (data / "data.csv").open("a", encoding="utf-8") as table:
        table.writelines(f"\nhappy,new{person},what a wonderful evening" for person in range(12))
    with pytest.raises(ConfigError, match="is of another training: training data was"):
        run(*train)


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        (["happy,a,x", "happy,b,x", "happy,c,x"], ConfigError, "All 3 samples are 'happy'"),
        (["happy,a,x", "sad,b,x"], ConfigError, "There are 2 speakers"),
        (["happy,a,?", "sad,b,?", "sad,c,?"], ConfigError, "None of the 1 samples says anything"),
        ([], MediaError, "holds no samples"),
    ],
)
def test_a_bad_folder_is_refused(tmp_path: Path, rows: list[str], error: type[AssistantError], message: str) -> None:
    pytest.importorskip("torch", reason="needs the extra train")
    (tmp_path / "data.csv").write_text("\n".join(["label,speaker,text", *rows]), encoding="utf-8")
    with pytest.raises(error, match=message):
        run("classifier", "--data", str(tmp_path), "--channel", "text", "--out", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_leaking_speakers_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra train")
    rows = ["happy,a,x,train", "sad,a,x,test", "sad,b,x,train", "sad,c,x,validation"]
    (tmp_path / "data.csv").write_text("\n".join(["label,speaker,text,split", *rows]), encoding="utf-8")
    with pytest.raises(ConfigError, match="Speakers leak: a is in more than one split"):
        run("classifier", "--data", str(tmp_path), "--channel", "text", "--out", str(tmp_path / "out"))


def test_mostly_broken_files_are_a_broken_folder(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra train")
    folder = voices(tmp_path / "d", broken=30)
    with pytest.raises(MediaError, match=r"samples cannot be read\. The first: "):
        run("classifier", "--data", str(folder), "--out", str(tmp_path / "out"))


def test_fusions_are_trained_compared_and_used(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra train")
    from dataclasses import replace

    from export.train.fit import Settings
    from export.train.fusion import FusionOptions, train_fusions
    from export.train.fusion_command import generated

    data = generated(3000, seed=0)
    part = slice(0, 4000)
    test = replace(data.test, truth=data.test.truth[part], seen=data.test.seen[part])
    evidence = type(test.evidence)(
        *(getattr(test.evidence, key)[part] for key in ("probabilities", "confidence", "half_lives", "present"))
    )
    assert data.bayes is not None
    small = replace(data, test=replace(test, evidence=evidence), bayes=data.bayes[part])
    content, found = train_fusions(small, FusionOptions(tmp_path, settings=Settings(epochs=4, batch=256)), print)
    fused = {row.fusion: row.fused for row in found if row.channels == "face+voice+text"}
    single = next(row.single for row in found if row.channels == "face+voice+text")
    assert fused["pooling"] > single
    assert fused["attention"] > single
    assert {path.name for path in tmp_path.glob("*.onnx")} == {"attention.onnx", "concatenation.onnx"}
    assert np.isclose(sum(json.loads((tmp_path / "pooling.json").read_text())["prior"]), 1.0, atol=1e-3)
    assert "Bayes" in content["models"]


def test_the_test_moments_neither_choose_nor_calibrate_a_network(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra train")
    from dataclasses import replace

    from assistant.emotion.fusion_network import tokens
    from export.train.evaluate import answers_of
    from export.train.fit import Settings
    from export.train.fusion import FusionData, FusionOptions, train_fusions, written_head
    from export.train.generator import ASSISTANT, draw

    def chosen(data: FusionData) -> str:
        train_fusions(data, options, lambda _: None)
        [title] = [line for line in (recipe / "model.toml").read_text().splitlines() if line.startswith("title")]
        return title

    recipe = tmp_path / "recipe"
    options = FusionOptions(tmp_path, ("attention", "concatenation"), Settings(epochs=2, batch=256))
    drawn = draw(ASSISTANT, 3000, 1)
    data = FusionData(drawn, draw(ASSISTANT, 1000, 2), draw(ASSISTANT, 2000, 3), "")
    before = chosen(data)
    # A truth of which the network that was not chosen is always right.
    [other] = [name for name in options.heads if name not in before]
    truth = answers_of(written_head(other, options), data.test).argmax(axis=1)
    assert chosen(replace(data, test=replace(data.test, truth=truth))) == before
    sample = np.load(recipe / "samples" / "0000.npz")
    assert sample["tokens"] == pytest.approx(tokens(data.validation.evidence)[0][:1])


def test_a_classifier_is_calibrated_with_its_validation_samples(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra train")
    from assistant.emotion.text_features import text_features

    said = {"train": ("a fine day", "a gray day"), "validation": ("so glad", "so tired"), "test": ("hooray", "alas")}
    rows = [
        f"{label},{part},{text},{part}"
        for part, texts in said.items()
        for label, text in zip(("happy", "sad"), texts, strict=True)
    ]
    (tmp_path / "data.csv").write_text("\n".join(["label,speaker,text,split", *rows]), encoding="utf-8")
    out = tmp_path / "out"
    run("classifier", "--data", str(tmp_path), "--channel", "text", "--epochs", "2", "--out", str(out))
    samples = [np.load(path)["features"][0] for path in sorted((out / "recipe" / "samples").iterdir())]
    np.testing.assert_array_equal(samples, [text_features(text) for text in said["validation"]])


def _moments_of(folder: Path, rows: list[str]) -> list[tuple[float, ...]]:
    """What the voice channel says of every sample, in whatever order the table has them."""
    from export.train.opinions import fusion_data

    (folder / "data.csv").write_text("\n".join(["label,speaker,audio,split", *rows]), encoding="utf-8")
    data = fusion_data(folder, "csv", 0, lambda _: None)
    said = [part.evidence.probabilities[:, 1] for part in (data.train, data.validation, data.test)]
    return sorted(tuple(row) for row in np.concatenate(said).round(9).tolist())


def test_a_person_s_voice_is_judged_by_their_own_normal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="needs the extra train")
    monkeypatch.setenv("ASSISTANT_MODELS__DIR", str(tmp_path / "none"))
    folder = voices(tmp_path / "d")
    parts = ["train"] * 4 + ["validation", "test"]
    rows = [
        f"{path.stem.split('-')[2]},{path.stem[0]},{path.name},{parts[int(path.stem[0])]}"
        for path in sorted(folder.glob("*.wav"))
    ]
    mixed = sorted(rows, key=lambda row: row.split(",")[2][1:])  # all people's first takes, then their second …
    assert mixed != rows
    assert _moments_of(folder, mixed) == _moments_of(folder, rows)


def test_a_part_of_which_no_channel_says_anything_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="needs the extra train")
    monkeypatch.setenv("ASSISTANT_MODELS__DIR", str(tmp_path / "none"))
    rows = ["happy,a,I am so happy,train", "sad,b,I feel so down,validation", "sad,c,what time is it,test"]
    (tmp_path / "data.csv").write_text("\n".join(["label,speaker,text,split", *rows]), encoding="utf-8")
    with pytest.raises(ConfigError, match="Of none of the 1 samples for test any channel says anything"):
        run("fusion", "--data", str(tmp_path), "--out", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_recorded_moments_are_what_the_channels_say_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="needs the extra train")
    # Without the face network, which has not been pulled: the other two go on.
    monkeypatch.setenv("ASSISTANT_MODELS__DIR", str(tmp_path / "none"))
    out = tmp_path / "out"
    data = str(texts(tmp_path / "d"))
    printed = run("fusion", "--head", "pooling", "--epochs", "8", "--data", data, "--out", str(out))
    assert "without face: " in printed
    content = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert set(content["models"]) == {"text alone", "fixed", "pooling"}
    assert content["models"]["pooling"]["summary"]["accuracy"]["value"] > 0.8
    assert content["standings"] == []

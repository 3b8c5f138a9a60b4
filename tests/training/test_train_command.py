"""`assistant-export train …` on small folders, good and bad."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from assistant.audio.files import write_wav
from assistant.errors import AssistantError, ConfigError, DependencyMissingError, MediaError
from export.cli import app
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
    assert "edge-assistant[train]" in str(caught.value)


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

"""Networks that write text: ours write token for token what transformers' `generate` wrote with the same weights.

The checkpoints in `golden/generators` are small and random; `export/golden/record_transformers.py` made them.
"""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import ConfigError, ModelError
from assistant.inference.bundle import Bundle, Precision
from assistant.inference.decoder_cache import DecoderCache
from assistant.inference.generation import TextGenerator
from assistant.inference.generation_rules import GenerationRules
from assistant.inference.onnxruntime_session import OnnxRuntimeSession
from export.calibration import calibrate
from export.errors import ConversionError
from export.generator.checkpoint import read_generator
from export.generator.decoder_graph import decoder_graph
from export.generator.encoder_graph import encoder_graph
from export.importing import import_source
from export.lint import lint_model
from export.onnx_file import write_onnx
from export.quantize import QuantizeOptions, emit
from export.recipes_of_yours import find_recipes
from tests.doubles.export_command import assistant_export

GOLDEN = Path(__file__).parent / "golden" / "generators"
KINDS = ("whisper", "vit-gpt2", "blip")
PARTS = ("encoder", "decoder")
NEW_TOKENS = 20  # as it was recorded


@dataclass(frozen=True)
class Exported:
    """A checkpoint's two graphs, and what calibration found in them."""

    folder: Path
    rules: GenerationRules

    def graph(self, part: str) -> Path:
        return self.folder / f"{part}.onnx"

    def ranges(self, part: str) -> Path:
        return self.folder / f"{part}.npz"

    def open(self) -> TextGenerator:
        return TextGenerator(*(OnnxRuntimeSession(self.graph(part)) for part in PARTS), self.rules)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Exported]:
    """By kind; each is made once."""

    @functools.cache
    def export(kind: str) -> Exported:
        checkpoint = read_generator(GOLDEN / kind)
        made = Exported(tmp_path_factory.mktemp(kind), checkpoint.rules)
        encoder, decoder = checkpoint.encoder, checkpoint.decoder
        write_onnx(encoder_graph(checkpoint.encoder_weights(), encoder, decoder), made.graph("encoder"))
        write_onnx(decoder_graph(checkpoint.decoder_weights(), decoder, encoder), made.graph("decoder"))
        for part, feeds in feeds_of_both(kind, made).items():
            calibrate(made.graph(part), feeds, "minmax", made.ranges(part))
        return made

    return export


def inputs(kind: str) -> list[dict[str, np.ndarray]]:
    name = "input_features" if kind == "whisper" else "pixel_values"
    with np.load(GOLDEN / kind / "expected.npz") as recorded:
        return [{name: item[np.newaxis]} for item in recorded["input"]]


def recorded_tokens(kind: str, which: str) -> list[list[int]]:
    """Without the prompt, the end and the padding, some of which transformers leaves in."""
    rules = read_generator(GOLDEN / kind).rules
    with np.load(GOLDEN / kind / "expected.npz") as recorded:
        rows = [row.tolist() for row in recorded[which]]
    written = [row[len(rules.prompt) :] if row[: len(rules.prompt)] == list(rules.prompt) else row for row in rows]
    return [row[: next((i for i, token in enumerate(row) if token in (*rules.end, -1)), len(row))] for row in written]


@pytest.mark.parametrize("kind", KINDS)
def test_greedy_search_writes_what_transformers_writes(kind: str, exported: Callable[[str], Exported]) -> None:
    expected = recorded_tokens(kind, "greedy")
    assert len({tuple(row) for row in expected}) > 2  # else the networks would not look at their inputs
    with exported(kind).open() as generator:
        assert [generator.greedy(feeds, max_new_tokens=NEW_TOKENS) for feeds in inputs(kind)] == expected


@pytest.mark.parametrize("kind", KINDS)
def test_beam_search_writes_what_transformers_writes(kind: str, exported: Callable[[str], Exported]) -> None:
    with exported(kind).open() as generator:
        found = [generator.beam(feeds, 3, max_new_tokens=NEW_TOKENS) for feeds in inputs(kind)]
    assert found == recorded_tokens(kind, "beam") != recorded_tokens(kind, "greedy")


def feeds_of_both(kind: str, made: Exported) -> dict[str, list[dict[str, np.ndarray]]]:
    """Inputs of the encoder, and of the decoder in its first steps."""
    encoder, decoder = (OnnxRuntimeSession(made.graph(part)) for part in PARTS)
    cache = DecoderCache(decoder, encoder.run(inputs(kind)[0]))
    steps = []
    for token in (1, 2, 3):
        steps.append(cache.inputs(token))
        cache.step(token)
    return {"encoder": inputs(kind)[:3], "decoder": steps}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8-trt"])
def test_tensorrt_would_take_the_graphs(
    kind: str, part: str, precision: Precision, exported: Callable[[str], Exported], tmp_path: Path
) -> None:
    made, emitted = exported(kind), tmp_path / "emitted.onnx"
    emit(made.graph(part), made.ranges(part), precision, QuantizeOptions(products=False), emitted)
    for target in ("jetpack6", "jetpack7", "tensorrt11"):
        assert [item for item in lint_model(emitted, target) if item.severity == "error"] == []


def test_a_stream_ends_when_nobody_listens_and_a_new_text_begins_afresh(exported: Callable[[str], Exported]) -> None:
    first, second = inputs("vit-gpt2")[:2]
    with exported("vit-gpt2").open() as generator:
        whole = generator.greedy(second, max_new_tokens=6)
        stream = generator.stream(first)
        next(stream)
        stream.close()
        assert generator.greedy(second, max_new_tokens=6) == whole


def test_a_text_ends_where_the_cache_is_full(exported: Callable[[str], Exported]) -> None:
    with exported("vit-gpt2").open() as generator:
        assert len(generator.greedy(inputs("vit-gpt2")[2])) <= generator.rules.max_tokens


@pytest.mark.parametrize("prompt", [[1] * 33, [70], [-1]])
def test_a_prompt_that_does_not_fit_is_refused(prompt: list[int], exported: Callable[[str], Exported]) -> None:
    with exported("whisper").open() as generator, pytest.raises(ModelError, match="does not fit"):
        generator.greedy(inputs("whisper")[0], prompt=prompt)


def imported(kind: str, tmp_path: Path) -> Path:
    source = tmp_path / "source"
    shutil.copytree(GOLDEN / kind, source)
    return import_source(source, "describer", tmp_path / "recipes")


def test_a_pair_is_not_named_as_a_network_of_this_project(tmp_path: Path) -> None:
    shutil.copytree(GOLDEN / "vit-gpt2", tmp_path / "image")
    with pytest.raises(ConfigError, match="'image-encoder' is a recipe of this project"):
        import_source(tmp_path / "image", None, tmp_path / "recipes")
    folder = import_source(tmp_path / "image", "mine", tmp_path / "recipes").rename(tmp_path / "recipes" / "image")
    with pytest.raises(ConfigError, match="is called 'image-encoder', as one of this project"):
        find_recipes(str(folder))


def write_pictures(folder: Path, count: int = 5) -> Path:
    import cv2

    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(count):
        cv2.imwrite(str(folder / f"{number}.png"), rng.integers(0, 255, (40, 48, 3), np.uint8))
    return folder


def test_a_checkpoint_becomes_two_bundles_that_write_the_same(tmp_path: Path) -> None:
    folder = imported("vit-gpt2", tmp_path)
    words = {"[UNK]": 69} | {f"w{number}": number for number in range(69)}
    tokenizer = {"version": "1.0", "model": {"type": "WordLevel", "vocab": words, "unk_token": "[UNK]"}}
    (folder / "checkpoint" / "tokenizer.json").write_text(json.dumps(tokenizer))
    arguments = ("--calibration", write_pictures(tmp_path / "pictures"), "--out", tmp_path / "out")
    finished = assistant_export("build", folder, *arguments, "--precision", "fp16", cache=tmp_path / "cache")
    assert (tmp_path / "out" / "describer-decoder" / "fp32.onnx").is_file(), finished.stderr
    with TextGenerator.open(tmp_path / "out" / "describer-decoder") as generator:
        feeds, expected = inputs("vit-gpt2")[2], recorded_tokens("vit-gpt2", "greedy")[2]
        assert generator.greedy(feeds, max_new_tokens=NEW_TOKENS) == expected
        assert generator.text(expected[:2]) == f"w{expected[0]} w{expected[1]}"
    again = assistant_export("build", folder, *arguments, "--precision", "fp16", cache=tmp_path / "cache")
    assert again.stdout.count("unchanged, nothing to do") == 2
    manifest = Bundle.open(tmp_path / "out" / "describer-decoder").manifest
    assert [item.file for item in manifest.assets] == ["assets/tokenizer.json"]
    with pytest.raises(ModelError, match="does not write text"):
        TextGenerator.open(tmp_path / "out" / "describer-encoder")


def test_a_pytorch_file_is_as_good_as_safetensors(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="only torch writes its own files")
    folder = tmp_path / "whisper"
    shutil.copytree(GOLDEN / "whisper", folder)
    from export.safetensors_file import read_safetensors

    tensors = read_safetensors(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    weights = {name: torch.from_numpy(values.copy()) for name, values in tensors.items()}
    masks = {"attn.bias": torch.ones(1, 1, 4, 4, dtype=torch.bool), "attn.old": torch.ones(4, dtype=torch.uint8)}
    torch.save(weights | masks, folder / "pytorch_model.bin")
    found, expected = read_generator(folder).decoder_weights(), read_generator(GOLDEN / "whisper").decoder_weights()
    assert found.keys() == expected.keys()
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


def test_one_pair_can_be_named_at_once() -> None:
    assert [recipe.name for recipe in find_recipes("captioner")] == ["captioner-encoder", "captioner-decoder"]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("vocab_size", 71, "model.decoder.embed_tokens.weight"),
        ("scale_embedding", True, "scale_embedding is True; expected False"),
        ("d_model", None, "d_model"),
        ("d_model", "wide", "unusable value: .*wide"),
        ("encoder_layers", "two", "'two' for the layers; expected a whole number"),
    ],
)
def test_a_config_that_does_not_fit_names_the_tensor_or_key(key: str, value: object, said: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(GOLDEN / "whisper", source)
    config = json.loads((source / "config.json").read_text())
    config[key] = value
    if value is None:
        del config[key]
    (source / "config.json").write_text(json.dumps(config))
    with pytest.raises(ConversionError, match=said):
        import_source(source, None, tmp_path / "recipes")
    assert not list((tmp_path / "recipes").glob("**/*"))

"""A bundle of a tiny captioner, whose weights are random though its manifest does not say so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest

from assistant.caption.neural import NeuralCaptioner
from assistant.caption.neural_writer import NeuralWriter
from assistant.caption.process import WriterProcess
from assistant.config import Config, InferenceConfig, VisionConfig
from assistant.errors import ModelError
from assistant.events import SceneState, VideoFrame
from assistant.inference.bundle import BundleManifest, HashedFile, TensorContract, Variant
from assistant.inference.generation import TextGenerator
from assistant.inference.onnxruntime_session import OnnxRuntimeSession
from assistant.models.hashing import hash_file
from assistant.models.store import ModelStore
from export.generator.checkpoint import read_generator
from export.generator.decoder_graph import decoder_graph
from export.generator.encoder_graph import encoder_graph
from export.onnx_file import write_onnx

GOLDEN = Path(__file__).parents[1] / "export" / "golden" / "generators"
MEAN, DEVIATION = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]


def _bundle(folder: Path, graph: Any, **more: Any) -> Path:
    (folder / "assets").mkdir(parents=True)
    write_onnx(graph, folder / "fp32.onnx")
    session = OnnxRuntimeSession(folder / "fp32.onnx")
    tensors = {
        side: tuple(
            TensorContract(name=spec.name, dtype=str(spec.dtype), shape=spec.shape)  # type: ignore[arg-type]
            for spec in specs
        )
        for side, specs in (("inputs", session.inputs), ("outputs", session.outputs))
    }
    session.close()
    facts = _hashed(folder, "fp32.onnx").model_dump()
    manifest = BundleManifest(
        schema_version=1,
        recipe=folder.name,
        title="A tiny captioner",
        task="image-captioning",
        licence="Apache-2.0",
        licence_source="this project",
        weights="random",
        random_weights=False,
        source={},
        calibration="none",
        labels=(),
        variants=(Variant(**facts, precision="fp32", parity=(), gate=(), tolerances={}),),
        rejected=(),
        golden=(),
        evidence=(),
        opset=17,
        pruned=0.0,
        tools={},
        notes=(),
        **tensors,
        **{"preprocessing": {"image_mean": MEAN, "image_std": DEVIATION}, **more},
    )
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return folder


def _hashed(folder: Path, file: str) -> HashedFile:
    sha256, size = hash_file(folder / file)
    return HashedFile(file=file, sha256=sha256, size=size)


def _tokenizer(path: Path, words: int) -> None:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    vocabulary = {f"word{number}": number for number in range(words)}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="word0"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(path))


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles")
    checkpoint = read_generator(GOLDEN / "vit-gpt2")
    encoder = encoder_graph(checkpoint.encoder_weights(), checkpoint.encoder, checkpoint.decoder)
    _bundle(folder / "captioner-encoder", encoder)
    decoder = decoder_graph(checkpoint.decoder_weights(), checkpoint.decoder, checkpoint.encoder)
    rules = checkpoint.rules.model_copy(update={"encoder": "captioner-encoder", "max_tokens": 12})
    path = _bundle(folder / "captioner-decoder", decoder, generation=rules)
    _tokenizer(path / "assets" / "tokenizer.json", checkpoint.decoder.vocabulary)
    _edit(path, assets=[_hashed(path, "assets/tokenizer.json").model_dump()])
    return folder


def _edit(bundle: Path, **values: Any) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    (bundle / "manifest.json").write_text(json.dumps(manifest | values))


def _picture(seed: int = 0) -> Any:
    return np.random.default_rng(seed).integers(0, 256, (24, 24, 3)).astype(np.uint8)


@pytest.mark.parametrize("beams", [1, 3])
def test_it_writes_what_the_networks_write_about_the_scaled_picture(bundles: Path, beams: int) -> None:
    pixels = _picture()
    by_hand = (pixels.astype(np.float32) / 255 - np.float32(MEAN)) / np.float32(DEVIATION)
    feeds = {"pixel_values": by_hand.transpose(2, 0, 1)[np.newaxis]}
    with TextGenerator.open(bundles / "captioner-decoder") as generator:
        tokens = generator.greedy(feeds) if beams == 1 else generator.beam(feeds, beams)
        expected = generator.text(tokens)
    writer = NeuralWriter.open(bundles / "captioner-decoder", beams=beams)
    assert writer.write(pixels) == expected
    assert expected.startswith("word")
    writer.close()


def test_any_picture_fits(bundles: Path) -> None:
    writer = NeuralWriter.open(bundles / "captioner-decoder")
    for height, width in ((1, 1), (400, 3), (720, 1280)):
        assert writer.write(np.full((height, width, 3), 128, np.uint8)).startswith("word")
    writer.close()


def test_the_configured_bundle_is_used(bundles: Path) -> None:
    scene = SceneState(0.0, (), (), frame=VideoFrame(0.0, _picture()))
    vision = VisionConfig(captioner="neural", captioner_bundle=bundles / "captioner-decoder")
    for config in (Config(vision=vision), Config(inference=InferenceConfig(bundles=bundles))):
        captioner = NeuralCaptioner.create(config, ModelStore())
        anyio.run(captioner.prepare, scene)
        text = captioner.caption(scene, "en", 0.0).text
        assert text.startswith("I'm not sure, but it looks like word")
        captioner.close()


def test_a_process_of_its_own_writes_the_same(bundles: Path) -> None:
    writer = NeuralWriter.open(bundles / "captioner-decoder")
    process = WriterProcess(Config(inference=InferenceConfig(bundles=bundles)))
    assert process.write(_picture()) == writer.write(_picture())
    writer.close()
    process.close()


def test_what_is_no_captioner_is_refused(bundles: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is no bundle"):
        NeuralWriter.open(tmp_path)
    with pytest.raises(ModelError, match="does not write text"):
        NeuralWriter.open(bundles / "captioner-encoder")
    for key, value, says in (
        ("preprocessing", {}, "does not say how pictures are scaled"),
        ("inputs", [{"name": "mel", "dtype": "float32", "shape": [1, 80, 100]}], "looks at no picture"),
    ):
        kept = (bundles / "captioner-encoder" / "manifest.json").read_text()
        _edit(bundles / "captioner-encoder", **{key: value})
        with pytest.raises(ModelError, match=says):
            NeuralWriter.open(bundles / "captioner-decoder")
        (bundles / "captioner-encoder" / "manifest.json").write_text(kept)


def test_a_yardstick_with_random_weights_is_not_asked(bundles: Path) -> None:
    kept = (bundles / "captioner-decoder" / "manifest.json").read_text()
    _edit(bundles / "captioner-decoder", random_weights=True)
    with pytest.raises(ModelError, match="random weights"):
        NeuralWriter.open(bundles / "captioner-decoder")
    (bundles / "captioner-decoder" / "manifest.json").write_text(kept)


def test_a_bundle_without_a_tokenizer_says_so(bundles: Path) -> None:
    kept = (bundles / "captioner-decoder" / "manifest.json").read_text()
    _edit(bundles / "captioner-decoder", assets=[])
    writer = NeuralWriter.open(bundles / "captioner-decoder")
    with pytest.raises(ModelError, match="tokenizer"):
        writer.write(_picture())
    writer.close()
    (bundles / "captioner-decoder" / "manifest.json").write_text(kept)

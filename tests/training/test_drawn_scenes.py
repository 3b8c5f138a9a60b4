"""Drawn scenes say what they show; the tiny captioner becomes an ordinary checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from export.train.drawn_scenes import COLOURS, LONGEST, SIDE_PX, WORDS, decode, draw_scenes, encode


def test_captions_are_short_and_of_known_words() -> None:
    for scene in draw_scenes(300, seed=1):
        assert scene.pixels.shape == (SIDE_PX, SIDE_PX, 3) and scene.pixels.dtype == np.uint8
        tokens = encode(scene.caption)
        assert len(tokens) <= LONGEST
        assert decode([*tokens, 3, 4]) == scene.caption


def test_a_caption_is_true_of_its_picture() -> None:
    checked = 0
    for scene in draw_scenes(300, seed=2):
        words = scene.caption.split()
        if len(words) < 6 or words[1] == words[-2]:
            continue
        rows, columns = zip(*(where(scene.pixels, colour) for colour in (words[1], words[-2])), strict=True)
        if "left" in words:
            assert columns[0] < columns[1]
        else:
            assert rows[0] < rows[1]
        checked += 1
    assert checked > 150


def where(pixels: np.ndarray, colour: str) -> tuple[float, float]:
    """Mean row and column of what is painted in that colour."""
    far = np.abs(pixels.astype(float) - COLOURS[colour]).max(axis=2)
    rows, columns = np.nonzero(far <= max(28.0, float(np.partition(far.ravel(), 20)[20])))
    return float(rows.mean()), float(columns.mean())


def test_the_same_seed_draws_the_same_scenes() -> None:
    one, again = draw_scenes(5, seed=3), draw_scenes(5, seed=3)
    assert all(np.array_equal(a.pixels, b.pixels) and a.caption == b.caption for a, b in zip(one, again, strict=True))


def test_a_checkpoint_is_read_by_the_exporter(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs the extra train")
    from export.generator.checkpoint import read_generator
    from export.train.captioner import TinyCaptioner
    from export.train.captioner_command import captions, write_checkpoint

    torch.manual_seed(0)
    module = TinyCaptioner()
    write_checkpoint(tmp_path / "checkpoint", module, {})
    found = read_generator(tmp_path / "checkpoint")
    assert found.decoder.vocabulary == len(WORDS)
    assert found.encoder_weights()["patches.weight"].shape == (found.encoder.width, 3, 8, 8)
    assert found.decoder_weights()["tokens.weight"].shape == (len(WORDS), found.decoder.width)
    assert len(captions(module, draw_scenes(3, seed=4))) == 3

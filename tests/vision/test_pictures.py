import struct

import cv2
import numpy as np
import pytest

from assistant.errors import MediaError
from assistant.vision.pictures import read_picture, write_picture

RED = np.zeros((4, 6, 3), np.uint8)
RED[:, :, 0] = 255


@pytest.fixture(autouse=True)
def silent(capfd):
    """Whatever the file is, no library writes to the terminal."""
    yield
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_channels_are_red_green_blue(tmp_path):
    write_picture(tmp_path / "red.png", RED)
    np.testing.assert_array_equal(read_picture(tmp_path / "red.png"), RED)


@pytest.mark.parametrize(
    "stored",
    [
        np.full((5, 7), 130, np.uint8),
        np.full((5, 7, 4), 130, np.uint8),
        np.full((5, 7, 3), 130 * 257, np.uint16),
        np.full((5, 7), 130 * 257, np.uint16),
    ],
    ids=["gray", "alpha", "16 bit", "16 bit gray"],
)
def test_every_kind_becomes_8_bit_rgb(tmp_path, stored):
    cv2.imwrite(str(tmp_path / "picture.png"), stored)
    picture = read_picture(tmp_path / "picture.png")
    assert (picture.shape, picture.dtype) == ((5, 7, 3), np.uint8)
    assert abs(int(picture.mean()) - 130) <= 1


def test_single_pixel(tmp_path):
    write_picture(tmp_path / "dot.png", RED[:1, :1])
    assert read_picture(tmp_path / "dot.png").tolist() == [[[255, 0, 0]]]


def refused(path):
    with pytest.raises(MediaError) as caught:
        read_picture(path)
    assert path.name in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"\xff\xd8" + bytes(40)])
def test_what_only_claims_to_be_a_picture(tmp_path, content):
    (tmp_path / "fake.png").write_bytes(content)
    assert "no readable picture" in refused(tmp_path / "fake.png")


def test_truncated_and_damaged_png(tmp_path):
    write_picture(tmp_path / "whole.png", np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    data = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(data[: len(data) // 2])
    (tmp_path / "damaged.png").write_bytes(data[:3000] + bytes(64) + data[3064:])
    for name in ("cut.png", "damaged.png"):
        try:
            assert read_picture(tmp_path / name).shape == (64, 64, 3)
        except MediaError as error:
            assert name in str(error)


def test_picture_that_would_not_fit_in_memory_is_refused_by_its_header(tmp_path):
    write_picture(tmp_path / "bomb.png", RED)
    data = bytearray((tmp_path / "bomb.png").read_bytes())
    data[16:24] = struct.pack(">II", 60_000, 60_000)
    (tmp_path / "bomb.png").write_bytes(data)
    assert "60000×60000" in refused(tmp_path / "bomb.png")
    cv2.imwrite(str(tmp_path / "bomb.jpg"), RED)
    data = (tmp_path / "bomb.jpg").read_bytes()
    frame = data.index(b"\xff\xc0")
    (tmp_path / "bomb.jpg").write_bytes(data[: frame + 5] + struct.pack(">HH", 50_000, 50_000) + data[frame + 9 :])
    assert "50000×50000" in refused(tmp_path / "bomb.jpg")


def test_missing_file_and_folder(tmp_path):
    assert "No such file" in refused(tmp_path / "nothing.png")
    assert "directory" in refused(tmp_path)

"""A GStreamer pipeline as a camera, through whichever OpenCV has GStreamer: the wheel has not, Debian's and JetPack's
have."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

ROOT = Path(__file__).parents[2]
PYTHONS = (sys.executable, "/usr/bin/python3")
ASKS = "import sys, cv2; print(sys.version_info[:2], cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER))"
LOOKS = """
import sys
sys.path.append(sys.argv[1])  # behind the OpenCV and the NumPy that this Python has
import anyio
from assistant.clock import LoopClock
from assistant.errors import DeviceError
from assistant.vision.camera import open_camera

async def main():
    camera = open_camera("videotestsrc pattern=snow num-buffers=100 ! videoconvert ! appsink", LoopClock())
    await camera.open()
    frame = await camera.read()
    print(frame.pixels.shape, frame.pixels.std() > 10)
    try:
        for _ in range(100):
            await camera.read()
    except DeviceError as error:
        print(error.message.rpartition("'")[-1].strip())
        await camera.open()
        frame = await camera.read()
        print(frame.pixels.shape)
    await camera.close()

anyio.run(main)
"""


def run(python: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run([python, *arguments], env=env, capture_output=True, text=True, timeout=120, check=False)


def python_with_gstreamer() -> str:
    """One of this version: the libraries that it borrows are compiled for it."""
    version = sys.version_info[:2]
    for python in PYTHONS:
        if Path(python).exists() and run(python, "-c", ASKS).stdout.strip() == f"{version} True":
            return python
    pytest.skip(
        f"no Python {version[0]}.{version[1]} here has an OpenCV with GStreamer: where it is the system's, "
        "apt-get install python3-opencv gstreamer1.0-plugins-base"
    )


def test_a_gstreamer_source_is_a_camera_lost_at_its_end_and_opened_again() -> None:
    packages = Path(anyio.__file__).parents[1]
    looked = run(python_with_gstreamer(), "-c", LOOKS, str(packages))
    told = ["(240, 320, 3) True", "stopped delivering pictures.", "(240, 320, 3)"]
    assert looked.stdout.splitlines() == told, looked.stderr

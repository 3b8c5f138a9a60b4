"""The camera, with a picture."""

from __future__ import annotations

from collections.abc import Iterator

import anyio

from assistant.doctor import running
from assistant.doctor.check import Check, Patient
from assistant.errors import AssistantError, DeviceError
from assistant.events import VideoFrame
from assistant.skills.sight import SIGHT_STAGES
from assistant.vision.video4linux import cameras

_TIMEOUT_S = 12.0
_DARK = 8
"""Mean level, 0 to 255."""
_REMEDY = 'Plug one in, or set vision.camera = "none"; without one the assistant says that it cannot see.'


def examine(patient: Patient) -> Iterator[Check]:
    """Whether pictures come, and what they are like."""
    wanted = patient.config.vision.camera
    if wanted == "none":
        yield Check("camera", True, "switched off by the configuration")
        return
    listed = ", ".join(f"{path} ({name})" for path, name in cameras()) or "none listed by the kernel"
    status = running.status(patient)
    if running.is_muted(patient, status):
        yield Check("camera", True, "not looked through: the assistant is muted, so it stays closed")
        return
    if status is not None and status.state == "running":
        missing = status.health.unavailable
        trouble = next((missing[stage] for stage in sorted(SIGHT_STAGES) if stage in missing), "")
        yield Check("camera", not trouble, trouble or "the running assistant has it", _REMEDY, needed=False)
        return
    if wanted.isdecimal() and not (patient.root / f"dev/video{wanted}").exists():
        yield Check("camera", False, f"there is no /dev/video{wanted}; {listed}", _REMEDY, needed=False)
        return
    try:
        frame = anyio.run(_one_picture, wanted)
    except AssistantError as error:
        remedy = f"{error.remedy or ''} A CSI camera that is stuck: sudo systemctl restart nvargus-daemon".strip()
        yield Check("camera", False, error.message, remedy, needed=False)
        return
    yield _picture(frame)


def _picture(frame: VideoFrame | None) -> Check:
    if frame is None:
        return Check("camera", False, "it has no picture to show", _REMEDY, needed=False)
    height, width, _ = frame.pixels.shape
    brightness, contrast = float(frame.pixels.mean()), float(frame.pixels.std())
    found = f"{frame.source}: {width} × {height}, brightness {brightness / 255:.0%}, contrast {contrast / 255:.0%}"
    if brightness < _DARK:
        return Check("camera", False, f"{found}: black", "Take the cap off, or switch a light on.", needed=False)
    return Check("camera", True, found)


async def _one_picture(wanted: str) -> VideoFrame | None:
    from assistant.clock import LoopClock
    from assistant.vision.camera import open_camera

    camera = open_camera(wanted, LoopClock())
    try:
        with anyio.fail_after(_TIMEOUT_S):
            await camera.open()
            return await camera.read()
    except TimeoutError:
        raise DeviceError(f"The camera '{camera.name}' gave no picture within {_TIMEOUT_S:g} s.") from None
    finally:
        await camera.close()

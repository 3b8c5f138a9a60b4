"""Pictures and sound as `data:` addresses, for pages that must load nothing from elsewhere."""

from __future__ import annotations

import base64
import io

import cv2
import numpy as np
import soundfile

from assistant.events import AudioArray, ImageArray

_WIDEST_PX = 800
_JPEG_QUALITY = 85
# The rates that MPEG audio layer III knows (ISO/IEC 11172-3 and 13818-3).
_MP3_RATES_HZ = frozenset({8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000})


def picture_address(pixels: ImageArray) -> str:
    """A picture, uint8 (H, W, 3) RGB, as JPEG, scaled down to at most 800 px in width."""
    height, width = pixels.shape[:2]
    bgr = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2BGR)
    if width > _WIDEST_PX:
        size = (_WIDEST_PX, max(1, round(height * _WIDEST_PX / width)))
        bgr = cv2.resize(bgr, size, interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return _address("image/jpeg", encoded.tobytes())


def sound_address(samples: AudioArray, sample_rate_hz: int) -> str:
    """Sound, float32 (n,) mono in [-1, 1], as MP3, which every browser plays and which is a fifth of FLAC's size.

    Opus or Vorbis in Ogg would be as small, but Safari before 18.4 does not play them. Where MP3 cannot be written (an
    old libsndfile, an unusual rate) it is FLAC.
    """
    container = "MP3" if sample_rate_hz in _MP3_RATES_HZ and "MP3" in soundfile.available_formats() else "FLAC"
    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(samples, -1.0, 1.0), sample_rate_hz, format=container)
    return _address("audio/mpeg" if container == "MP3" else "audio/flac", buffer.getvalue())


def _address(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"

"""Proof of hearing: what the listener has really got from the microphone and from the voice-activity detector.

Every frame is noted on its way, so a microphone that is dead but looks alive is told from a quiet room: even there,
converters and preamplifiers are never silent to the last bit.
"""

from __future__ import annotations

import math
from typing import Literal

from assistant.audio import SAMPLE_RATE_HZ
from assistant.audio.rate import RateMeter
from assistant.audio.sound_devices import without_address
from assistant.errors import DeviceError, StageError
from assistant.events import AudioFrame
from assistant.ports import Clock

DigitalSilence = Literal["auto", "fault", "allowed"]

_PROOF_S = 0.5
"""Sound that must have passed before it counts as hearing."""

_STALE_S = 2.5
"""Older proof is none. Frames come every 32 ms."""

_CONSTANT_S = 2.0
"""Sound that is one and the same value for so long comes from no microphone."""

_BY_ITSELF_S = 0.8
"""Sound that comes so long after the opening was not brought back by it: a device warms up sooner."""

_CONSTANT_AGAIN_S = 4.0
"""The same after it was opened anew: longer, for each opening costs what is said in that moment."""

_USUAL_TIMES, _USUAL_AT_LEAST_S, _USUAL_AT_MOST_S = 4.0, 300.0, 8 * 3600.0
"""A device that came back from zeros by itself is believed for so many times the longest of them, within these bounds:
a noise gate is shut for minutes in a room where nobody speaks, and all night; a mute switch that was pressed again, and
a microphone that broke since, are told in the end."""


class Hearing:
    """Judges one microphone, opening after opening. All times are those of the clock."""

    def __init__(self, clock: Clock, digital_silence: DigitalSilence = "auto", *, behind_s: float = 90.0) -> None:
        """`digital_silence` says what all-zero samples mean: a "fault", nothing ("allowed"), or, by "auto", a fault in
        a device that has not come back from as many by itself. A recogniser that takes nothing for `behind_s` is not
        behind any more: it has stopped."""
        self._clock = clock
        self._digital_silence = digital_silence
        self._behind_s = behind_s
        self._trouble: str | None = None
        self._waiting = False
        self._wrong_rate = False
        self._rate = RateMeter(SAMPLE_RATE_HZ)
        self._zeros_s = 0.0
        """How much silence to the last bit, but of no program, was heard since the last sound, through all openings."""
        self._longest_zeros_s = 0.0
        """The most of it that the device came back from by itself, as one with a noise gate does."""
        self._name, self._is_open, self._virtual = "", False, False
        self._where, self._passed_at_s = "source", -math.inf
        self._forget()

    def opened(self, name: str) -> None:
        """The device was opened: what was measured before does not count."""
        if without_address(name) != without_address(self._name):  # another device is yet to come back from zeros
            self._zeros_s, self._longest_zeros_s = 0.0, 0.0
        self._name, self._is_open = name, True
        self._where, self._passed_at_s = "source", self._clock.monotonic_s()
        self._forget()

    def closed(self) -> None:
        """The device was closed, so nothing can come from it."""
        self._is_open = False
        self._forget()

    def _forget(self) -> None:
        self._passed = 0
        """Samples that the detector has answered to."""
        self._changing = False
        """Whether they were ever more than one value."""
        self._value, self._constant_samples = math.nan, 0
        self._rate.restart()

    def expecting(self) -> None:
        """The next frame is awaited."""
        self._where = "source"

    def arrived(self, frame: AudioFrame, dropped: int, *, virtual: bool = False) -> None:
        """A frame is about to be given to the detector. `dropped` counts the frames lost so far; `virtual` if a program
        makes its sound, so that silence to the last bit is no fault. Raises `DeviceError` when the
        microphone must be opened anew."""
        self._where, self._virtual = "detector", virtual
        self._note_value(frame)
        self._rate.note(frame.at_s, len(frame.samples), dropped)
        limit_s = _CONSTANT_AGAIN_S if self._trouble is not None else _CONSTANT_S
        if self._constant_samples >= limit_s * SAMPLE_RATE_HZ and not self._believable:
            raise self._constant_error()
        wrong_hz = self._rate.wrong_hz()
        if wrong_hz is not None:
            self._wrong_rate = True
            raise DeviceError(
                f"The microphone '{self._name}' delivers {wrong_hz:.0f} samples a second instead of {SAMPLE_RATE_HZ}.",
                remedy="Unplug it and plug it in again; `assistant doctor` tells what else could be used.",
            )

    def passed(self, frame: AudioFrame, probability: float) -> None:
        """The detector has answered. Raises `StageError` for an answer that is none."""
        self._where, self._passed_at_s = "pipeline", self._clock.monotonic_s()
        if not 0.0 <= probability <= 1.0:  # not true for NaN either
            raise StageError(
                f"The voice-activity detector gave {probability} where 0 to 1 was expected.",
                remedy="Its model may be broken: assistant models verify.",
            )
        self._passed += len(frame.samples)
        if self._trouble is not None and self.proven:
            self._trouble, self._waiting, self._wrong_rate = None, False, False

    def lost(self, reason: str, *, waiting: bool) -> None:
        """The microphone or the detector has failed; `waiting` if no restart of the assistant could mend it."""
        self._trouble, self._waiting = reason, waiting

    @property
    def digitally_silent(self) -> bool:
        """Whether all that comes now is zeros."""
        return self._value == 0.0

    @property
    def proven(self) -> bool:
        """Whether what came since the opening proves that it hears."""
        rate_is_known = self._rate.known if self._wrong_rate else self._rate.seen_right
        believable = self._changing or self._believable
        constant_s = self._constant_samples / SAMPLE_RATE_HZ
        alive = constant_s < _CONSTANT_S or self._believable
        return self._passed >= _PROOF_S * SAMPLE_RATE_HZ and believable and alive and rate_is_known

    def state(self) -> tuple[bool, str, bool]:
        """(whether it hears now, why not, whether no restart could mend that)."""
        if self._trouble is not None:
            return False, self._trouble, self._waiting
        age_s = self._clock.monotonic_s() - self._passed_at_s
        behind = self._where == "pipeline" and age_s < self._behind_s
        if not self._is_open:
            return False, "The microphone is not open yet.", behind
        if age_s <= _STALE_S:
            return self.proven, "" if self.proven else "The microphone has just been opened.", False
        who = {
            "source": "The microphone has delivered nothing",
            "detector": "The voice-activity detector has not answered",
            "pipeline": "What was heard has not been taken by the recogniser",
        }[self._where]
        return False, f"{who} for {age_s:.0f} s.", behind

    @property
    def _believable(self) -> bool:
        """Whether the constant sound of now is the silence of a device that is silent to the last bit."""
        if self._value != 0.0 or self._digital_silence == "fault":
            return False
        return self._digital_silence == "allowed" or self._virtual or self._zeros_s <= self._usual_s

    @property
    def _usual_s(self) -> float:
        """Zeros for so long are nothing new from a device that has come back from them."""
        if not self._longest_zeros_s:
            return 0.0
        return min(max(_USUAL_TIMES * self._longest_zeros_s, _USUAL_AT_LEAST_S), _USUAL_AT_MOST_S)

    def _note_value(self, frame: AudioFrame) -> None:
        lowest, highest = float(frame.samples.min()), float(frame.samples.max())
        if lowest == highest == 0.0 and not self._virtual:
            self._zeros_s += len(frame.samples) / SAMPLE_RATE_HZ
        elif highest > lowest:
            self._note_return()
        if lowest == highest == self._value:
            self._constant_samples += len(frame.samples)
        elif lowest == highest:
            self._value, self._constant_samples = lowest, len(frame.samples)
        else:
            self._value, self._constant_samples, self._changing = math.nan, 0, True

    def _note_return(self) -> None:
        """Sound has come; if after zeros, was it by itself or by an opening?"""
        zeros_s, self._zeros_s = self._zeros_s, 0.0
        by_itself = self._value == 0.0 and self._constant_samples >= _BY_ITSELF_S * SAMPLE_RATE_HZ
        if zeros_s >= _CONSTANT_S and by_itself:
            self._longest_zeros_s = max(self._longest_zeros_s, zeros_s)

    def _constant_error(self) -> DeviceError:
        if self._value == 0.0:
            return DeviceError(
                f"The microphone '{self._name}' delivers only zeros.",
                remedy="It may be muted by a switch of its own or in the sound settings. "
                'If it is silent between words on purpose, set audio.digital_silence = "allowed".',
            )
        return DeviceError(
            f"The microphone '{self._name}' delivers the same value ({self._value:g}) all the time.",
            remedy="Unplug it and plug it in again.",
        )

"""Carries out what comes in on the control socket."""

from __future__ import annotations

import os
import platform
import time
from importlib import metadata

from assistant.control.protocol import (
    Done,
    Dump,
    DumpResult,
    HealthState,
    LastFailure,
    Latency,
    Listen,
    Mute,
    Ping,
    Pong,
    Reload,
    ReloadResult,
    Request,
    Result,
    Say,
    Status,
    StatusResult,
    Unmute,
    Volume,
)
from assistant.controls import LiveControls
from assistant.errors import ControlError, MediaError, StageError
from assistant.events import Event, StageFailed, StageRecovered
from assistant.han import script_language
from assistant.inference.engines import ENGINES
from assistant.service.service import Service
from assistant.stages import SPEAKER, SYNTHESIZER
from assistant.telemetry.latency import LatencyStatistics
from assistant.tts.finishing import has_words

_PACKAGES = ("edge-assistant", "onnxruntime", "ctranslate2", "hibari-tts")
_VOICE_STAGES = (SYNTHESIZER, SPEAKER)


class Answers:
    """Answers requests for a service. As a `TurnObserver` it learns why something could not be said."""

    def __init__(self, service: Service, latency: LatencyStatistics) -> None:
        self._service = service
        self._latency = latency
        self._voice_failures: dict[str, StageFailed] = {}
        """Stage → why it does not work, the newest last."""
        self._since_s = time.monotonic()
        self._versions = {"python": platform.python_version(), **_installed_versions()}

    def on_event(self, event: Event) -> None:
        """Note a voice that fails, and one that works again."""
        if isinstance(event, (StageFailed, StageRecovered)) and event.stage in _VOICE_STAGES:
            self._voice_failures.pop(event.stage, None)
            if isinstance(event, StageFailed):
                self._voice_failures[event.stage] = event

    async def __call__(self, request: Request) -> Result:
        """Carry out a request. Raises `AssistantError`."""
        match request:
            case Ping():
                return Pong(pid=os.getpid())
            case Status():
                return self._status()
            case Say():
                await self._say(request)
            case Mute():
                await self._controls().mute()
            case Unmute():
                await self._controls().unmute()
            case Listen():
                await self._listen()
            case Volume():
                self._controls().set_volume(request.volume)
            case Reload():
                reloaded = await self._service.reload()
                return ReloadResult(
                    changed=reloaded.changed, restarted=reloaded.restarted, after_restart=reloaded.after_restart
                )
            case Dump():
                return await self._dump()
            case _:
                raise ControlError(f"Nobody carries out {request!r}.")
        return Done()

    def _controls(self) -> LiveControls:
        controls = self._service.running().assistant.controls
        assert controls is not None  # it has started
        return controls

    def _lasting(self) -> LiveControls:
        """Of an assistant that is not about to end, which begins nothing. Raises `ControlError` without one."""
        controls, state = self._controls(), self._service.state
        if state != "running":
            raise ControlError(f"The assistant is {state}.", remedy="Try again in a few seconds.")
        return controls

    async def _listen(self) -> None:
        controls = self._lasting()
        if controls.muted:
            raise ControlError("The assistant is muted.", remedy="Unmute it first: assistant unmute")
        await controls.listen_now()

    async def _say(self, request: Say) -> None:
        if not has_words(request.text):
            raise MediaError("There is nothing to say: the text holds no word.", remedy="Give a text with words.")
        if await self._lasting().say(request.text, request.language or script_language(request.text)):
            return
        if self._voice_failures:
            failure = list(self._voice_failures.values())[-1]
            raise StageError(failure.error, remedy=failure.remedy or None)
        raise StageError(
            "It could not be said to its end.",
            remedy="Try again; its terminal, or `assistant logs`, tells more.",
        )

    async def _dump(self) -> DumpResult:
        recorder = self._service.running().recorder
        if recorder is None:
            raise ControlError(
                "The recorder is off: nothing was kept.",
                remedy="Set recorder.seconds, such as to 60, run `assistant reload`, and let it happen again.",
            )
        if self._controls().muted:
            raise ControlError("The assistant is muted: nothing is recorded.", remedy="Unmute it: assistant unmute")
        dumped = await recorder.dump()
        return DumpResult(
            folder=str(dumped.folder),
            sound_s=round(dumped.sound_s, 1),
            pictures=dumped.pictures,
            config_file=self._config_file(),
        )

    def _config_file(self) -> str | None:
        file = self._service.settings.file
        return str(file) if file else None

    def _status(self) -> StatusResult:
        service = self._service
        health = service.health()
        started = service.running() if service.state == "running" else None
        return StatusResult(
            pid=os.getpid(),
            state=service.state,
            uptime_s=round(time.monotonic() - self._since_s, 1),
            health=HealthState(
                ok=health.ok,
                hears=health.hears,
                reason=health.troubles,
                muted=health.muted,
                unavailable=dict(health.unavailable),
                last_failures={
                    stage: LastFailure(reason=failure.reason, ago_s=round(failure.ago_s, 1))
                    for stage, failure in health.last_failures.items()
                },
            ),
            attentive=started is not None and started.assistant.turns.attentive,
            volume=self._controls().volume() if started else None,
            config_file=self._config_file(),
            config_error=service.config_error,
            versions=self._versions,
            latency={
                stage: Latency(count=summary.count, p50_s=round(summary.p50_s, 3), p95_s=round(summary.p95_s, 3))
                for stage, summary in self._latency.snapshot().items()
            },
            networks=dict(ENGINES.running_on()),
            saving=started.saving() if started else "",
            recorder_s=started.recorder.seconds if started and started.recorder else 0,
            dropped=dict(started.dropped()) if started else {},
        )


def _installed_versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue  # a backend that is not installed
    return found

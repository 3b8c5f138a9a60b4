"""What systemd is told: that the assistant hears, how it is, and that it is alive.

`READY=1` waits for proof of hearing; for a microphone, as long as it takes. From then on the watchdog is fed while no
restart would help. All of it is sent from the event loop: when the loop hangs or the path is deaf, systemd hears
nothing, and starts the service anew. Protocol: sd_notify(3).
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from typing import Protocol

import anyio

from assistant.health import Health

_LOOK_S = 0.25
"""How often health is looked at."""
_LOOK_WHILE_STARTING_S = 0.05
"""The same while it starts, so that `READY=1` comes as soon as it is true."""
_EXTEND_S = 30.0
"""How much more time is asked for, again and again, for a start that waits for a microphone. One that hangs meanwhile
asks no more, and systemd, whose watchdog begins with `READY=1`, ends it after this time."""
_RELOAD_MAY_TAKE_S = 60.0
"""While a new configuration is brought into force, the assistant is deaf on purpose, but not for longer than this."""


class Notifier:
    """Sends to the socket that systemd names in `$NOTIFY_SOCKET`."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        # An abstract socket is written with @ for the null byte.
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.watchdog_s = _watchdog_s(environment)
        """Seconds after which systemd gives up on a silent service; None without a watchdog."""

    @property
    def wanted(self) -> bool:
        """Whether anybody listens."""
        return bool(self._address)

    def send(self, **fields: str) -> bool:
        """Send fields such as `READY="1"`; whether they were taken. Never waits: a systemd that is behind, or gone,
        must not hold up the assistant."""
        if not self._address:
            return False
        text = "\n".join(f"{name}={value}" for name, value in fields.items())
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as connection:
            try:
                connection.setblocking(False)
                connection.sendto(text.encode(), self._address)
            except OSError:
                return False
        return True

    def reloading(self) -> bool:
        """A new configuration is being brought into force; `READY=1` follows."""
        return self.send(RELOADING="1", MONOTONIC_USEC=str(time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000))


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    """What systemd asks of this very process; a child that inherits the variables is not meant."""
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        microseconds = int(environment.get("WATCHDOG_USEC", "0"))
    except ValueError:
        return None
    return microseconds / 1e6 if microseconds > 0 else None


class Supervised(Protocol):
    """What is reported: `assistant.service.service.Service`, or a double."""

    config_error: str
    """Why the configuration that was read last is not in force; empty if it is."""
    reloading_since_s: float | None
    """In the event loop's time; None while nothing is being reloaded."""

    def health(self) -> Health:
        """Whether it hears, and what does not work."""


async def keep_told(notifier: Notifier, service: Supervised) -> None:
    """Tell systemd how the assistant is until cancelled."""
    ready, was_ready, status = False, False, ""
    feed_at_s = extend_at_s = 0.0
    feed_every_s = notifier.watchdog_s / 3 if notifier.watchdog_s else None
    while True:
        now_s, health, since_s = anyio.current_time(), service.health(), service.reloading_since_s
        # After a reload it is ready as it was before: a microphone that is missing is no failure of the reload.
        may_be_ready = health.ok and (health.hears or health.muted or was_ready)
        if since_s is not None and ready:
            ready = not notifier.reloading()
        elif since_s is None and may_be_ready and not ready:
            ready = was_ready = notifier.send(READY="1")
        if (text := describe(health, service.config_error)) != status and notifier.send(STATUS=text):
            status = text
        excused = since_s is not None and now_s - since_s < _RELOAD_MAY_TAKE_S
        waits = not was_ready and (health.ok or excused)
        if waits and now_s >= extend_at_s and notifier.send(EXTEND_TIMEOUT_USEC=f"{_EXTEND_S * 1e6:.0f}"):
            extend_at_s = now_s + _EXTEND_S / 3
        due = feed_every_s is not None and now_s >= feed_at_s and (health.ok or excused)
        if due and notifier.send(WATCHDOG="1"):
            feed_at_s = now_s + (feed_every_s or 0.0)
        look_s = _LOOK_S if ready or waits else _LOOK_WHILE_STARTING_S
        await anyio.sleep(min(look_s, feed_every_s or look_s))


def describe(health: Health, config_error: str = "") -> str:
    """How it is in plain words, on one line."""
    parts = [health.troubles]
    if not health.muted:
        parts.insert(0, "Listening." if health.hears else "Does not hear.")
    if health.unavailable:
        parts.append(f"Does not work: {', '.join(sorted(health.unavailable))}.")
    if config_error:
        parts.append(f"The old configuration is in force. {config_error}")
    return " ".join(" ".join(parts).split())

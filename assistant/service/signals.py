"""What signals do: SIGINT and SIGTERM end the assistant, SIGHUP reloads it, SIGUSR1 mutes and unmutes it,
SIGUSR2 is its talk button."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

import anyio
from anyio.abc import TaskGroup, TaskStatus

from assistant.errors import AssistantError

if TYPE_CHECKING:
    from assistant.service.service import Service

_LOG = logging.getLogger(__name__)
_END_S = 4.5
"""Systemd kills after 5 s."""


async def handle_signals(
    service: Service,
    group: TaskGroup,
    save: Callable[[], None],
    toggle_mute: Callable[[], Awaitable[None]],
    *,
    task_status: TaskStatus[None],
) -> None:
    """Until the end. `save` writes what must not be lost; it is called before anything that may hang. `toggle_mute`,
    the way back that needs no microphone, works at any time."""
    # A closed terminal ends what runs in it; a service has none.
    hangup_ends = sys.stdin is not None and sys.stdin.isatty()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
    with anyio.open_signal_receiver(*numbers) as signals:
        task_status.started()
        async for number in signals:
            if number == signal.SIGUSR1:
                group.start_soon(_carry_out, toggle_mute)
            elif number == signal.SIGUSR2:
                group.start_soon(_carry_out, partial(_listen_now, service))
            elif number == signal.SIGHUP and not hangup_ends:
                group.start_soon(_carry_out, service.reload)
            else:
                _end_anyway()
                save()
                service.stop()


def _end_anyway() -> None:
    """A driver that hangs while it is closed, or a network that is being loaded, must not hold up the end."""

    def end() -> None:
        _LOG.warning("Something hangs while the assistant ends; nothing is lost.")
        os._exit(0)

    timer = threading.Timer(_END_S, end)
    timer.daemon = True
    timer.start()


async def _carry_out(call: Callable[[], Awaitable[object]]) -> None:
    """Nobody waits for what comes of a signal, and whatever that is, the service goes on."""
    try:
        await call()
    except AssistantError:
        pass  # what is wrong was told or logged, and while there is no assistant, it is to nobody
    except Exception:
        _LOG.exception("A signal could not be carried out.")


async def _listen_now(service: Service) -> None:
    """What is said next needs no wake phrase."""
    controls = service.running().assistant.controls
    if controls is not None:
        await controls.listen_now()

"""Whether the clock is right: "what time is it" is only as good."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from assistant.doctor.check import Check, Patient, answer_of

_OLDEST_YEAR = 2025
"""A board without a battery for its clock starts in the past."""


def examine(patient: Patient) -> Iterator[Check]:
    """The time, its zone, and whether somebody keeps it."""
    now = datetime.now().astimezone()
    remedy = "Set the date: sudo timedatectl set-time '2026-01-31 12:00:00', or let it have a network now and then."
    yield Check("clock", now.year >= _OLDEST_YEAR, f"{now:%Y-%m-%d %H:%M %Z}", remedy, needed=False)
    answer = answer_of(["timedatectl", "show", "--property=NTPSynchronized,NTP,Timezone"])
    if answer is None:
        yield Check("clock synchronization", True, "not known: timedatectl does not answer here")
        return
    state = dict(line.split("=", 1) for line in answer.splitlines() if "=" in line)
    synchronized = state.get("NTPSynchronized") == "yes"
    found = "synchronized" if synchronized else "not synchronized; it is as right as the board's own clock"
    yield Check("clock synchronization", synchronized, found, "sudo timedatectl set-ntp true", needed=False)

"""Runs every topic in a process of its own, all at once: a driver that hangs or crashes costs its own topic only."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

from assistant.child.launcher import python_command
from assistant.doctor import TOPICS
from assistant.doctor.check import Check, Patient
from assistant.registry import resolve
from assistant.settings import SYSTEM_FILE
from assistant.state import SERVICE_STATE

_TIMEOUT_S = 20.0
_AT_ONCE = 3
"""Few: the level of a microphone is not to be measured on a machine that is busy with this."""
_SHOWN_CHARACTERS = 300
_SERVICE = {
    "STATE_DIRECTORY": str(SERVICE_STATE),
    "XDG_CACHE_HOME": "/var/cache",
    "ALSA_CONFIG_PATH": str(SYSTEM_FILE.with_name("asound.conf")),
}
"""What its unit sets, whatever the user who asks has set: with it, one looks where the service does."""


def examine_all(
    patient: Patient, topics: Mapping[str, str] = TOPICS, *, timeout_s: float = _TIMEOUT_S
) -> Iterator[tuple[str, list[Check]]]:
    """Each topic with its checks, in order, as soon as they are there. Never raises: a topic that cannot be examined
    says why in a check of its own."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        running = {
            name: pool.submit(_in_a_child, name, address, patient, timeout_s) for name, address in topics.items()
        }
        for name, result in running.items():
            yield name, result.result()


def _in_a_child(name: str, address: str, patient: Patient, timeout_s: float) -> list[Check]:
    order = {
        "topic": name,
        "address": address,
        "config": patient.config.model_dump(mode="json"),
        "config_path": str(patient.config_path) if patient.config_path else None,
        "root": str(patient.root),
    }
    command, pipe = python_command("assistant.doctor.child"), subprocess.PIPE
    environment = {**os.environ, **(_SERVICE if patient.is_service else {})}
    try:
        with subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True, env=environment
        ) as child:
            try:
                output, noise = child.communicate(json.dumps(order).encode(), timeout=timeout_s)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                return [_spoilt(name, f"did not finish within {timeout_s:g} s")]
    except OSError as error:
        return [_spoilt(name, str(error))]
    return _understood(name, child.returncode, output, noise)


def _understood(name: str, code: int, output: bytes, noise: bytes) -> list[Check]:
    """What the child found, also what it found before it died."""
    checks = []
    for line in output.splitlines():
        try:
            checks.append(Check(**json.loads(line)))
        except (ValueError, TypeError):
            continue  # a library's chatter, or a line that was cut off
    if code != 0:
        died = f"died of {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        last_words = noise.decode(errors="replace").strip()[-_SHOWN_CHARACTERS:]
        checks.append(_spoilt(name, f"{died}: {last_words}" if last_words else died))
    return checks


def _spoilt(name: str, reason: str) -> Check:
    remedy = "This is a fault of a driver, a library or of this program; the other lines hold all the same."
    return Check(name, ok=False, found=f"The examination {reason}.", remedy=remedy, needed=False)


def run_topic(address: str, patient: Patient) -> Iterator[str]:
    """The checks of one topic as lines of JSON, for the child."""
    for check in resolve({"topic": address}, "topic", kind="topic")(patient):
        yield json.dumps(asdict(check), ensure_ascii=True)

"""The service and the assistant that runs now."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from assistant.control.client import ask
from assistant.control.protocol import Status, StatusResult
from assistant.doctor.check import Check, Patient, answer_of
from assistant.errors import AssistantError, NotRunningError

UNIT = "edge-assistant.service"
_LOGS = "See its terminal, or: assistant logs"
_PROPERTIES = ("LoadState", "ActiveState", "SubState", "UnitFileState", "NRestarts", "Result")


def examine(patient: Patient) -> Iterator[Check]:
    """Whether it is installed, runs, hears, and comes back at boot."""
    yield from _unit()
    yield _assistant(patient)


def _unit() -> Iterator[Check]:
    if shutil.which("systemctl") is None:
        yield Check("service", True, "this machine has no systemd; start it with `assistant run`")
        return
    answer = answer_of(["systemctl", "show", UNIT, f"--property={','.join(_PROPERTIES)}"])
    if answer is None:
        yield Check("service", True, "systemd does not answer here; start it with `assistant run`")
        return
    state = dict(line.split("=", 1) for line in answer.splitlines() if "=" in line)
    if state.get("LoadState") != "loaded":
        yield Check("service", True, "not installed; start it with `assistant run`, or run install.sh")
        return
    active = state.get("ActiveState") == "active"
    found = f"{state.get('ActiveState')} ({state.get('SubState')}), {state.get('NRestarts', '?')} restarts"
    if state.get("Result") not in ("success", None):
        found += f", ended by {state['Result']}"
    if not active and (words := _last_error()):
        found += f". It said: {words}"
    remedy = f"See more: sudo journalctl -u {UNIT} -n 50; start it: sudo systemctl start {UNIT}"
    yield Check("service", active, found, remedy)
    enabled = state.get("UnitFileState") == "enabled"
    remedy = f"Have it start at boot: sudo systemctl enable {UNIT}"
    yield Check("start at boot", enabled, state.get("UnitFileState", "unknown"), remedy, needed=False)


def _last_error() -> str:
    """The last error that the service has told its journal, without the remedy; empty where none can be read."""
    lines = (answer_of(["journalctl", "-u", UNIT, "-n", "100", "-o", "cat", "--no-pager"]) or "").splitlines()
    return next((line.strip() for line in reversed(lines) if line.startswith("Error: ")), "")


def _assistant(patient: Patient) -> Check:
    try:
        status = ask(Status(), StatusResult, patient.config_path, timeout_s=3.0)
    except NotRunningError:
        return Check("assistant", True, "none runs now")
    except AssistantError as error:
        return Check("assistant", False, error.message, error.remedy or _LOGS, needed=False)
    if status.state != "running":
        return Check("assistant", True, f"process {status.pid} is {status.state}")
    missing = ", ".join(status.health.unavailable)
    doing = "muted" if status.health.muted else "hears" if status.health.hears else "does not hear"
    found = f"process {status.pid} runs and {doing}" + (f"; does without: {missing}" if missing else "")
    if status.config_error:
        remedy = "Correct the configuration, then: assistant config check"
        return Check("assistant", False, f"{found}; the new configuration is not in force", remedy, needed=False)
    return Check("assistant", status.health.well, found, status.health.reason or _LOGS, needed=False)

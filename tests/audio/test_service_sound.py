"""A service has no login session: what it knows of a sound server is in the file that the installer writes for it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.virtual_sound import VirtualSound
from tests.doubles.command import ROOT

pytestmark = pytest.mark.pulse
SERVER = "/run/pulse/native"
WRITES = """
source "$1/systemd/install/common.sh"; source "$1/systemd/install/sound.sh"
run() { :; }
chown() { :; }
mkdir -p "$ETC"
use_server
"""


def write_sound_file(folder: Path, server: Path) -> None:
    """What the installer does where there is a system-wide server, whose socket is `server` here."""
    env = os.environ | {"EDGE_ASSISTANT_ROOT": str(folder)}
    subprocess.run(["bash", "-eEuo", "pipefail", "-c", WRITES, "-", ROOT], env=env, check=True, capture_output=True)
    file = folder / "etc/edge-assistant/asound.conf"
    text = file.read_text(encoding="utf-8")
    assert SERVER in text
    file.write_text(text.replace(SERVER, str(server)), encoding="utf-8")


def service_environment(folder: Path) -> dict[str, str]:
    """That of the unit and nothing else, but for its folders, which are in `folder`, and what finds this project."""
    unit = (ROOT / "systemd/units/edge-assistant.service").read_text(encoding="utf-8")
    env = dict(re.findall(r"^Environment=(\w+)=(.*)$", unit, re.MULTILINE))
    here = {name: re.sub(r"^(?=/(?:etc|var)/)", str(folder), value) for name, value in env.items()}
    return here | {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}


def test_the_service_finds_a_system_wide_sound_server_without_a_session(sound: VirtualSound, tmp_path: Path) -> None:
    write_sound_file(tmp_path, Path(sound.env["PULSE_RUNTIME_PATH"]) / "native")
    command = [sys.executable, "-m", "assistant", "devices", "--json"]
    env = service_environment(tmp_path)
    listed = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert listed.returncode == 0, listed.stderr
    for kind in ("microphones", "speakers"):
        devices = json.loads(listed.stdout)[kind]
        assert "default" in {device["name"] for device in devices}, (kind, devices)

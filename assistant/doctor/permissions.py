"""Whether this user may use the devices."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterator

from assistant.doctor.check import Check, Patient

_DEVICES = {
    "sound devices": ("dev/snd/*", "audio"),
    "cameras": ("dev/video*", "video"),
    "GPU": ("dev/nvhost-*gpu*", "video"),
    "GPU rendering": ("dev/dri/renderD*", "render"),
}


def examine(patient: Patient) -> Iterator[Check]:
    """One check a kind of device that this machine has."""
    user = pwd.getpwuid(os.geteuid()).pw_name
    groups = sorted({_group_name(number) for number in (*os.getgroups(), os.getegid())})
    yield Check("user", True, f"{user}, in {', '.join(groups)}")
    for name, (pattern, usual_group) in _DEVICES.items():
        devices = [path for path in sorted(patient.root.glob(pattern)) if stat.S_ISCHR(path.stat().st_mode)]
        refused = [path for path in devices if not os.access(path, os.R_OK | os.W_OK)]
        if not devices:
            continue
        if not refused:
            yield Check(f"access to {name}", True, f"{len(devices)} found, all usable")
            continue
        group = _group_name(refused[0].stat().st_gid)
        yield Check(
            f"access to {name}",
            False,
            f"this user may not use {', '.join(str(path) for path in refused[:3])}",
            f"Join the group and log in again: sudo usermod -aG {usual_group if group == 'root' else group} {user}",
            needed=False,
        )


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)

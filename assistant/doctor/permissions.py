"""Whether this user may use the devices."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterator, Sequence

from assistant.doctor.check import SERVICE_USER, Check, Patient

_DEVICES = {
    "sound devices": ("dev/snd/*", "audio"),
    "cameras": ("dev/video*", "video"),
    "GPU": ("dev/nvhost-*gpu*", "video"),
    "GPU rendering": ("dev/dri/renderD*", "render"),
}


def examine(patient: Patient) -> Iterator[Check]:
    """One check a kind of device that this machine has, for the service's user or for whoever asks."""
    try:
        account = pwd.getpwnam(SERVICE_USER) if patient.is_service else pwd.getpwuid(os.geteuid())
    except KeyError:
        yield Check("user", False, f"there is no user {SERVICE_USER}", "Run the installer again: sudo ./install.sh")
        return
    user = account.pw_name
    numbers = os.getgrouplist(user, account.pw_gid) if patient.is_service else [*os.getgroups(), os.getegid()]
    yield Check("user", True, f"{user}, in {', '.join(sorted({_group_name(number) for number in numbers}))}")
    again = "sudo systemctl restart edge-assistant" if patient.is_service else "log in again"
    for name, (pattern, usual_group) in _DEVICES.items():
        devices = [path for path in sorted(patient.root.glob(pattern)) if stat.S_ISCHR(path.stat().st_mode)]
        if patient.is_service:
            refused = [path for path in devices if not _lets_in(path.stat(), account.pw_uid, numbers)]
        else:
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
            f"{user} may not use {', '.join(str(path) for path in refused[:3])}",
            f"Join the group: sudo usermod -aG {usual_group if group == 'root' else group} {user}, then {again}",
            needed=False,
        )


def _lets_in(status: os.stat_result, user: int, groups: Sequence[int]) -> bool:
    """Whether the mode of a file lets somebody read and write it; root needs no mode, but the service is not root."""
    shift = 6 if status.st_uid == user else 3 if status.st_gid in groups else 0
    return status.st_mode >> shift & 0o6 == 0o6


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)

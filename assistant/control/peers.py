"""Who is at the other end of a Unix socket, as the kernel says, and whether they may command this assistant."""

from __future__ import annotations

import os
import pwd
import socket
import struct
from dataclasses import dataclass

_CREDENTIALS = struct.Struct("iII")  # struct ucred: pid_t, uid_t, gid_t


@dataclass(frozen=True, slots=True)
class Peer:
    """A process and whose it is."""

    pid: int
    uid: int
    gid: int


def peer_of(connection: socket.socket) -> Peer:
    """Who connected; for a client, who listens."""
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return Peer(*_CREDENTIALS.unpack(data))


def may_command(peer: Peer, socket_gid: int) -> bool:
    """Root, the assistant's own user, and the members of the socket's group."""
    if peer.uid in (0, os.geteuid()) or peer.gid == socket_gid:
        return True
    try:
        name = pwd.getpwuid(peer.uid).pw_name
    except KeyError:
        return False
    return socket_gid in os.getgrouplist(name, peer.gid)

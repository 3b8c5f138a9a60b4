"""What the service may do beyond its unit, as the configuration asks for it: a drop-in for systemd.

The unit allows no network at all, only the folders that systemd made for it, and a share of the memory. A language
model, a network camera, metrics, a file of events or a limit of the owner's widen or narrow exactly that.
`python -m assistant.sandbox --config FILE --out DROP-IN` writes it; with `--apply` systemd is told, and the service is
restarted if anything changed.
"""

from __future__ import annotations

import argparse
import ipaddress
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from assistant import command_line
from assistant.atomic import write_text
from assistant.config import Config
from assistant.settings import load_config

SERVICE = "edge-assistant.service"
_ADDRESS = re.compile(r"\b(?:https?|rtsps?|rtmp|udp|tcp|srt)://[^\s!\"']+", re.IGNORECASE)
_NETWORK_ELEMENT = re.compile(r"\b(?:udp|tcp\w*|rtp|rtsp|srt|rist|souphttp)src\b")


def drop_in(config: Config) -> str:
    """The text of the drop-in."""
    lines = ["# Generated from the configuration; changed there, never here.", "[Service]"]
    lines += _network(config)
    lines += _folders(config)
    lines += _limits(config)
    if "nvarguscamerasrc" in config.vision.camera:
        lines += ["# The CSI camera's daemon is reached through its socket in /tmp.", "PrivateTmp=no"]
    return "\n".join(lines) + "\n"


def _network(config: Config) -> Iterator[str]:
    wanted = dict(_destinations(config))
    if not wanted:
        return
    hosts = sorted(set(wanted.values()))
    yield f"# For {', '.join(wanted)}."
    yield "PrivateNetwork=no"
    yield f"RestrictAddressFamilies=AF_INET AF_INET6{' AF_NETLINK' if 'any' in hosts else ''}"
    if "any" in hosts:
        yield "# A name can stand for any address; write an address in the configuration to allow that one only."
    yield f"IPAddressAllow={' '.join(hosts)}"


def _destinations(config: Config) -> Iterator[tuple[str, str]]:
    """Every key that needs a network, with what systemd shall allow for it."""
    if config.dialogue.language_model.url:
        yield "dialogue.language_model.url", _allowed(config.dialogue.language_model.url)
    camera = config.vision.camera
    if address := _ADDRESS.search(camera):
        yield "vision.camera", _allowed(address[0])
    elif _NETWORK_ELEMENT.search(camera):
        yield "vision.camera", "any"
    if config.telemetry.metrics_port:
        yield "telemetry.metrics_port", "localhost"


def _allowed(address: str) -> str:
    host = urlsplit(address).hostname or ""
    if host == "localhost":
        return "localhost"
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return "any"
    return "localhost" if ip.is_loopback else str(ip)


def _folders(config: Config) -> Iterator[str]:
    socket = config.control.socket
    written = (
        config.telemetry.events and config.telemetry.events.parent,
        config.state.dir,
        socket and socket.parent,
    )
    for folder in dict.fromkeys(filter(None, written)):
        # "-": one that is not there does not keep the service from starting.
        yield f'ReadWritePaths="-{str(folder).replace("%", "%%")}"'


def _limits(config: Config) -> Iterator[str]:
    service = config.service
    if service.memory_limit_mb:
        yield f"MemoryHigh={service.memory_limit_mb * 9 // 10}M"
        yield f"MemoryMax={service.memory_limit_mb}M"
    if service.cpu_limit:
        yield f"CPUQuota={round(service.cpu_limit * 100)}%"


def _apply() -> None:
    for command in (["daemon-reload"], ["--no-block", "try-restart", SERVICE]):
        subprocess.run(["systemctl", *command], timeout=60, check=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command. Raises `ConfigError` when the configuration is wrong: then the old drop-in stays."""
    parser = argparse.ArgumentParser(prog="assistant.sandbox", description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="the drop-in; printed if not given")
    parser.add_argument("--apply", action="store_true", help="tell systemd, and restart the service if it changed")
    options = parser.parse_args(arguments)
    # Only the file counts: this process's own environment is not the service's.
    text = drop_in(load_config(options.config, {}))
    if options.out is None:
        print(text, end="")
        return
    if options.out.is_file() and options.out.read_text(encoding="utf-8") == text:
        return
    write_text(options.out, text)
    if options.apply:
        _apply()


if __name__ == "__main__":
    command_line.run(lambda: main(sys.argv[1:]))

"""Asking for metrics as Prometheus does."""

from __future__ import annotations

import socket
import urllib.request

import anyio.to_thread

from assistant.telemetry.metrics import ADDRESS


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        port: int = probe.getsockname()[1]
        return port


def scrape(port: int) -> str:
    with urllib.request.urlopen(f"http://{ADDRESS}:{port}/metrics", timeout=10) as answer:
        return answer.read().decode()


async def in_a_thread(port: int) -> str:
    """The page, from beside the loop that serves it."""
    return await anyio.to_thread.run_sync(scrape, port)

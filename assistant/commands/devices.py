"""`assistant devices`: what can be heard, spoken and seen with."""

from __future__ import annotations

import json

from rich.console import Console
from rich.table import Table

from assistant.audio import sound_devices, sound_server
from assistant.vision.video4linux import cameras


def list_devices(as_json: bool) -> None:
    """Print microphones, speakers and cameras with what to write into the configuration."""
    sound = sound_devices.devices()
    cancelled = [source for source in sound_server.sources() if source.cancels_echo]
    if as_json:
        listing = {
            "microphones": [{"index": d.index, "name": d.name, "host": d.host} for d in sound if d.inputs],
            "speakers": [{"index": d.index, "name": d.name, "host": d.host} for d in sound if d.outputs],
            "echo_cancelled": [{"name": source.name, "description": source.description} for source in cancelled],
            "cameras": [{"path": path, "name": name} for path, name in cameras()],
        }
        print(json.dumps(listing, indent=2, ensure_ascii=False))
        return
    table = Table("kind", "setting", "name", "through")
    for device in sound:
        if device.inputs:
            table.add_row("microphone", f'audio.input = "{device.index}"', device.name, device.host)
        if device.outputs:
            table.add_row("speaker", f'audio.output = "{device.index}"', device.name, device.host)
    for source in cancelled:
        setting = f"pactl set-default-source {source.name}"
        table.add_row("echo-cancelled microphone", setting, source.description, "sound server")
    for path, name in cameras():
        table.add_row("camera", f'vision.camera = "{path}"', name, "Video4Linux")
    console = Console()
    if table.row_count:
        console.print(table)
    else:
        console.print("No microphone, speaker or camera was found.")

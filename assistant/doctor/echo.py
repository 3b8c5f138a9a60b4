"""Whether the sound server takes the assistant's own voice out of what the microphone hears."""

from __future__ import annotations

from collections.abc import Iterator

from assistant.audio import sound_server
from assistant.doctor.check import Check, Patient

_HOW = "docs/sound.md, “Echoes”, tells how to have the sound server do it, which is the better choice."


def examine(patient: Patient) -> Iterator[Check]:
    """The echo canceller in use; a sound server's is better than the assistant's own."""
    cancelled = [source for source in sound_server.sources() if source.cancels_echo]
    used = next((source for source in cancelled if source.is_default), None)
    if used is not None:
        yield Check("echo canceller", True, f"the sound server's: {used.description}")
    elif cancelled:
        remedy = f"Use it: pactl set-default-source {cancelled[0].name}"
        yield Check("echo canceller", False, f"{cancelled[0].description} is there and not used", remedy, needed=False)
    elif patient.config.audio.echo_guard:
        yield Check("echo canceller", True, "the assistant's own (audio.echo_guard)", _HOW)
    else:
        found = "none: without a headset, the assistant hears itself"
        yield Check("echo canceller", False, found, f"Set audio.echo_guard = true. {_HOW}", needed=False)

"""Mouth to ear: the live assistant through a virtual microphone and speaker.

Reports end of speech → first sound, wake phrase → the sound that says that it listens, and speech over a reply →
silence, all seen at the sound server, outside the assistant; processor use idle and while conversing, peak resident
memory of the whole process family, and start → the proof that it hears, which is asked of the assistant itself.

usage: python -m bench.latency [--runs N]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from assistant.control.client import ask_at
from assistant.control.protocol import Status, StatusResult
from assistant.errors import ControlError, NotRunningError
from assistant.models.store import ModelStore
from assistant.telemetry.timeline import percentile
from assistant.tts.render import render_speech
from bench.barge_in import ASKS, STOPS, after_decision, interrupt
from bench.virtual_sound import Tap, VirtualSound

COMMANDS = (
    ("Hey Jarvis, what time is it?", "en"),
    ("Hey Jarvis, what do you see?", "en"),
    ("Hey Jarvis, how many people are there?", "en"),
    ("Hey Jarvis, how do I look?", "en"),
    ("Hey Jarvis, set a timer for ten minutes.", "en"),
    ("Hey Jarvis, cancel the timer.", "en"),
    ("Hey Jarvis, what is the date today?", "en"),
    ("Hey Jarvis, make it louder.", "en"),
    ("Hey Jarvis, what can you do?", "en"),
)
WAKES = "Hey Jarvis."
VOICE = "jm_kumo"
_OTHERS = 10
"""How often it is woken and interrupted."""
_GAP_S = 1.0
"""Silence after a reply before the next command; a reply may itself pause that long between sentences."""
_GIVE_UP_S = 8.0
_STARTS_S = 90.0
_ASKS_EVERY_S = 0.02
_FORGETS_S = 3.0
"""A wake phrase that follows another sooner than this is the same call; see `wake.refractory_s`."""


class Family:
    """A process and its children."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)

    def _members(self) -> list[psutil.Process]:
        return [self._root, *self._root.children(recursive=True)]

    def cpu_s(self) -> float:
        """Processor seconds used so far."""
        return sum(sum(member.cpu_times()[:2]) for member in self._members())

    def rss_bytes(self) -> int:
        """Resident memory, shared pages counted once a process."""
        return sum(member.memory_info().rss for member in self._members())


def measure(
    recordings: list[Path], config: str, *, idle_s: float = 10.0, others: tuple[Path, Path, Path] | None = None
) -> dict[str, Any]:
    """Run the assistant with `config` (TOML text) and speak every recording to it; `others` are a wake phrase alone, a
    question with a long answer, and what stops it."""
    with VirtualSound() as sound, tempfile.TemporaryDirectory() as folder:
        file, events, socket = (Path(folder) / name for name in ("assistant.toml", "events.jsonl", "control.sock"))
        own = f'[telemetry]\nevents = "{events}"\n[control]\nsocket = "{socket}"\n'
        file.write_text(f"{config}\n{own}", encoding="utf-8")
        microphone, speaker = sound.tap("mic"), sound.tap("speaker")
        started_s = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "assistant", "run", "--config", str(file)],
            env=sound.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            lines = wait_until_it_hears(process, socket)
            start_s = time.monotonic() - started_s
            family = Family(process.pid)
            time.sleep(3)
            cpu_s, since_s = family.cpu_s(), time.monotonic()
            time.sleep(idle_s)
            idle = (family.cpu_s() - cpu_s) / (time.monotonic() - since_s)
            cpu_s, since_s = family.cpu_s(), time.monotonic()
            latencies, peak = [], 0
            for recording in recordings:
                begin_s = time.monotonic()
                sound.speak(recording)
                latency_s = _first_answer(microphone, speaker, begin_s)
                peak = max(peak, family.rss_bytes())
                latencies.append((recording, latency_s))
            active = (family.cpu_s() - cpu_s) / (time.monotonic() - since_s)
            woken, silenced = _wake_and_interrupt(sound, microphone, speaker, others) if others else ([], [])
            loud_at = speaker.loud_at()
        finally:
            process.terminate()
            process.wait(10)
            microphone.close()
            speaker.close()
        stopped = after_decision(events, loud_at)
    found = [latency_s for _, latency_s in latencies if latency_s is not None]
    return {
        "answered": len(found),
        "of": len(latencies),
        **_percentiles("", found),
        **_percentiles("wake_to_listening_", woken),
        **_percentiles("speech_over_reply_to_silence_", silenced),
        **_percentiles("barge_in_stop_", stopped),
        "start_s": round(start_s, 2),
        "idle_cpu": round(idle, 3),
        "active_cpu": round(active, 3),
        "rss_mb": round(peak / 1e6),
        "rows": latencies,
        "log": lines,
    }


def _wake_and_interrupt(
    sound: VirtualSound, microphone: Tap, speaker: Tap, recordings: tuple[Path, Path, Path]
) -> tuple[list[float], list[float]]:
    """Seconds from the end of a wake phrase to the sound that says that it listens, and from speech over a reply to
    silence; those that did not come are left out."""
    wakes, asks, stops = recordings
    woken, silenced = [], []
    for number in range(_OTHERS):
        begin_s = time.monotonic()
        sound.speak(wakes)
        woken.append(_first_answer(microphone, speaker, begin_s))
        time.sleep(_FORGETS_S)
        silenced.append(interrupt(sound, microphone, speaker, asks, stops, after_s=0.17 * number))
    return [value for value in woken if value is not None], [value for value in silenced if value is not None]


def _percentiles(name: str, values: list[float]) -> dict[str, float | None]:
    return {f"{name}p{p}_s": round(percentile(values, p), 3) if values else None for p in (50, 95)}


def wait_until_it_hears(process: subprocess.Popen[str], socket: Path) -> list[str]:
    """Return when the assistant says at its control socket that sound has just come through its microphone and its
    voice-activity detector; the lines that it prints are added to the result. Raises `SystemExit` if it never does."""
    lines: list[str] = []

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())

    threading.Thread(target=read, daemon=True).start()
    deadline_s, reason = time.monotonic() + _STARTS_S, ""
    while process.poll() is None and time.monotonic() < deadline_s:
        try:
            health = ask_at([socket], Status(), StatusResult).health
        except (NotRunningError, ControlError) as error:
            reason = str(error)
        else:
            if health.hears:
                return lines
            reason = health.reason
        time.sleep(_ASKS_EVERY_S)
    process.kill()
    raise SystemExit(f"The assistant does not hear: {reason}\n" + "\n".join(lines[-15:]))


def _first_answer(microphone: Tap, speaker: Tap, begin_s: float) -> float | None:
    """Seconds from the last loud block of the question to the first loud block of the answer; waits for its end."""
    said_until_s = microphone.loud_at(begin_s)[-1]
    deadline_s = time.monotonic() + _GIVE_UP_S
    while time.monotonic() < deadline_s:
        heard = speaker.loud_at(said_until_s)
        if heard and time.monotonic() - heard[-1] > _GAP_S:
            return float(heard[0] - said_until_s)
        if heard:
            deadline_s = time.monotonic() + _GIVE_UP_S
        time.sleep(0.05)
    return None


def main() -> None:
    """Print a line a command and a JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2, help="how often each command is spoken")
    arguments = parser.parse_args()
    models = ModelStore()
    pictures = models.path("sample-pictures")
    with tempfile.TemporaryDirectory() as folder:
        recordings = render_speech([(text, language, VOICE) for text, language in COMMANDS], Path(folder), models)
        spoken = {path: text for path, (text, _) in zip(recordings, COMMANDS, strict=True)}
        others = render_speech([(text, "en", VOICE) for text in (WAKES, ASKS, STOPS)], Path(folder), models)
        result = measure(
            list(recordings) * arguments.runs,
            f'[vision]\ncamera = "{pictures}/astronaut.png"\n',
            others=(others[0], others[1], others[2]),
        )
    for recording, latency_s in result["rows"]:
        command = spoken[recording]
        print(f"{command:45} {'no answer' if latency_s is None else f'{latency_s:.3f} s'}")
    print(json.dumps({name: value for name, value in result.items() if name not in ("rows", "log")}))


if __name__ == "__main__":
    main()

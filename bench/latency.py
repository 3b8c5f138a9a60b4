"""Mouth to ear: the live assistant through a virtual microphone and speaker.

Reports end of speech → first sound, wake phrase → the sound that says that it listens, and speech over a reply →
silence, all seen at the sound server, outside the assistant; processor use idle and while conversing, peak resident
memory of the whole process family, and what of it at the end if each page counts once (in proportion); and start → the
proof that it hears, which is asked of the assistant itself. Idle it listens for the wake phrase before a camera of two
noisy pictures a second, or before a still picture. All of it is in English; what it takes to answer in Chinese is
reported apart, as "chinese".

usage: python -m bench.latency [--runs N]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from assistant.models.store import ModelStore
from assistant.telemetry.timeline import percentile
from assistant.tts.render import render_speech
from assistant.vision.pictures import read_picture
from bench.barge_in import ASKS, STOPS, after_decision, interrupt
from bench.running import running
from bench.virtual_sound import Tap, VirtualSound
from tests.doubles.mjpeg import NetworkCamera

COMMANDS = {
    "en": (
        "Hey Jarvis, what time is it?",
        "Hey Jarvis, what do you see?",
        "Hey Jarvis, how many people are there?",
        "Hey Jarvis, how do I look?",
        "Hey Jarvis, set a timer for ten minutes.",
        "Hey Jarvis, cancel the timer.",
        "Hey Jarvis, what is the date today?",
        "Hey Jarvis, make it louder.",
        "Hey Jarvis, what can you do?",
    ),
    "zh": (
        "你好贾维斯，现在几点了？",
        "你好贾维斯，你看到了什么？",
        "你好贾维斯，有几个人？",
        "你好贾维斯，设置一个五分钟的计时器。",
        "你好贾维斯，取消计时器。",
        "你好贾维斯，今天几号？",
    ),
}
WAKES = "Hey Jarvis."
VOICES = {"en": "jm_kumo", "zh": "jf_tebukuro"}
_CHINESE = ("answered", "of", "p50_s", "p95_s", "active_cpu", "rss_mb", "pss_mb")
"""What is reported of the Chinese commands, which an assistant of their own hears, with both voices loaded."""
_OTHERS = 10
"""How often it is woken and interrupted."""
_CAMERA_FPS = 2.0
_SETTLES_S, _IDLE_S = 10.0, 20.0
"""It looks at a new scene often at first; then at every tenth picture."""
_GAP_S = 1.0
"""Silence after a reply before the next command; a reply may itself pause that long between sentences."""
_GIVE_UP_S = 8.0
_FORGETS_S = 3.0
"""A wake phrase that follows another sooner than this is the same call; see `wake.refractory_s`."""


def idle_before_a_camera(picture: Path) -> float:
    """Share of a core while nobody speaks, and a camera shows a still scene with the noise of a sensor."""
    with (
        NetworkCamera(scene=read_picture(picture), fps=_CAMERA_FPS) as camera,
        VirtualSound() as sound,
        tempfile.TemporaryDirectory() as folder,
        running(sound, f'[vision]\ncamera = "{camera.address}"\nrate_hz = {_CAMERA_FPS}\n', Path(folder)) as idle,
    ):
        time.sleep(_SETTLES_S)
        used = idle.idle_cpu(_IDLE_S)
        if camera.connections != 1 or not camera.watchers:
            raise SystemExit("The assistant does not see:\n" + "\n".join(idle.lines[-15:]))
        return used


def measure(
    recordings: list[Path], config: str, *, idle_s: float = 10.0, others: tuple[Path, Path, Path] | None = None
) -> dict[str, Any]:
    """Run the assistant with `config` (TOML text) and speak every recording to it; `others` are a wake phrase alone, a
    question with a long answer, and what stops it."""
    with VirtualSound() as sound, tempfile.TemporaryDirectory() as folder:
        microphone, speaker = sound.tap("mic"), sound.tap("speaker")
        try:
            with running(sound, config, Path(folder)) as spoken_to:
                family = spoken_to.family
                time.sleep(3)
                idle = spoken_to.idle_cpu(idle_s)
                cpu_s, since_s = family.cpu_s(), time.monotonic()
                latencies, peak = [], 0
                for recording in recordings:
                    begin_s = time.monotonic()
                    sound.speak(recording)
                    latency_s = _first_answer(microphone, speaker, begin_s)
                    peak = max(peak, family.rss_bytes())
                    latencies.append((recording, latency_s))
                active = (family.cpu_s() - cpu_s) / (time.monotonic() - since_s)
                in_proportion = family.pss_bytes()
                woken, silenced = _wake_and_interrupt(sound, microphone, speaker, others) if others else ([], [])
                loud_at = speaker.loud_at()
        finally:
            microphone.close()
            speaker.close()
        stopped = after_decision(spoken_to.events, loud_at)
    found = [latency_s for _, latency_s in latencies if latency_s is not None]
    return {
        "answered": len(found),
        "of": len(latencies),
        **_percentiles("", found),
        **_percentiles("wake_to_listening_", woken),
        **_percentiles("speech_over_reply_to_silence_", silenced),
        **_percentiles("barge_in_stop_", stopped),
        "start_s": round(spoken_to.start_s, 2),
        "idle_still_picture_cpu": round(idle, 3),
        "active_cpu": round(active, 3),
        "rss_mb": round(peak / 1e6),
        "pss_mb": round(in_proportion / 1e6),
        "rows": latencies,
        "log": spoken_to.lines,
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


def render(language: str, folder: Path, models: ModelStore) -> dict[Path, str]:
    """Recordings of the commands in a language, and their texts."""
    lines = [(text, language, VOICES[language]) for text in COMMANDS[language]]
    return dict(zip(render_speech(lines, folder, models), COMMANDS[language], strict=True))


def print_rows(rows: list[tuple[Path, float | None]], texts: dict[Path, str]) -> None:
    """A line a command."""
    for recording, latency_s in rows:
        print(f"{texts[recording]:45} {'no answer' if latency_s is None else f'{latency_s:.3f} s'}")


def main() -> None:
    """Print a line a command and a JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2, help="how often each command is spoken")
    arguments = parser.parse_args()
    models = ModelStore()
    picture = models.file("sample-pictures", "astronaut.png")
    sees = f'[vision]\ncamera = "{picture}"\n'
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        english, chinese = (render(language, folder, models) for language in ("en", "zh"))
        others = render_speech([(text, "en", VOICES["en"]) for text in (WAKES, ASKS, STOPS)], folder, models)
        result = measure(list(english) * arguments.runs, sees, others=(others[0], others[1], others[2]))
        both = f'{sees}[tts]\npreload = ["en", "zh"]\n'
        in_chinese = measure(list(chinese) * arguments.runs, both, idle_s=1.0)
    result["idle_cpu"] = round(idle_before_a_camera(picture), 3)
    print_rows(result["rows"], english)
    print_rows(in_chinese["rows"], chinese)
    figures = {name: value for name, value in result.items() if name not in ("rows", "log")}
    print(json.dumps({**figures, "chinese": {name: in_chinese[name] for name in _CHINESE}}))


if __name__ == "__main__":
    main()

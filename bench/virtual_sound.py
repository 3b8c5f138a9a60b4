"""A PulseAudio server of its own with a virtual microphone and a virtual speaker.

What is played into the sink `mic` is what PortAudio's default input hears; what PortAudio's default output plays can be
recorded from the monitor of the sink `speaker`. Nothing of the user's own sound server is touched.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt

from bench.loudness import BLOCK_S, is_loud

RATE_HZ = 16_000
_STARTS_S = 60.0
_ANSWERS_S = 10.0
_BUFFERED_MS = 500
"""What a player keeps ahead: with 20 ms, a quarter of a second of silence got into three seconds of speech on a machine
with more to do than it has cores, with this much none did. What is timed is timed by what the microphone hears."""

_MICROPHONE = "module-remap-source master=mic.monitor source_name=virtual_microphone"
DEVICES = (
    "load-module module-null-sink sink_name=mic rate=48000",
    "load-module module-null-sink sink_name=speaker rate=48000",
    f"load-module {_MICROPHONE}",
    "set-default-source virtual_microphone",
    "set-default-sink speaker",
)
"""What makes the microphone and the speaker, in the language of `pactl`."""


class VirtualSound:
    """Context manager: the server runs inside it. `env` is the environment for programs that shall use it."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="virtual-sound-"))
        runtime = self._folder / "run"
        runtime.mkdir(mode=0o700)
        alsa = self._folder / "alsa.conf"
        alsa.write_text(
            "</usr/share/alsa/alsa.conf>\npcm.!default { type pulse }\nctl.!default { type pulse }\n", encoding="utf-8"
        )
        client = self._folder / "client.conf"
        # Who is not root would have a library start another server in the place of one that was stopped.
        client.write_text("autospawn = no\n", encoding="utf-8")
        self.env = {
            **os.environ,
            "PULSE_CLIENTCONFIG": str(client),
            "XDG_CONFIG_HOME": str(self._folder),  # PulseAudio keeps its cookie there
            "XDG_RUNTIME_DIR": str(runtime),
            "XDG_STATE_HOME": str(self._folder),
            "PULSE_RUNTIME_PATH": str(runtime),
            "PULSE_STATE_PATH": str(self._folder),
            "ALSA_CONFIG_PATH": str(alsa),
        }
        self._script = self._folder / "devices.pa"
        # Programs are let in last: one that waits for the server must not meet half of it and play into the microphone.
        lines = (*DEVICES, "load-module module-native-protocol-unix", "")
        self._script.write_text("\n".join(lines), encoding="utf-8")
        self._server: subprocess.Popen[bytes] | None = None

    @staticmethod
    def missing() -> list[str]:
        """Programs that it needs and that are not installed."""
        return [name for name in ("pulseaudio", "pactl", "paplay", "parec") if shutil.which(name) is None]

    def __enter__(self) -> VirtualSound:
        self.start()
        return self

    def start(self) -> None:
        """Start the server; also again after `stop`, for programs that have `env` already."""
        self._server = subprocess.Popen(
            ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "-F", str(self._script)],
            env=self.env,
            stderr=subprocess.DEVNULL,
        )
        deadline_s = time.monotonic() + _STARTS_S
        while not self.answers():
            if time.monotonic() > deadline_s or self._server.poll() is not None:
                self.__exit__(None, None, None)
                raise RuntimeError("PulseAudio did not start; run `pulseaudio -n --daemonize=no` to see why.")
            time.sleep(0.05)

    def stop(self) -> None:
        """End the server, as if the sound card were pulled out."""
        if self._server is not None and self._server.poll() is None:
            self._server.send_signal(signal.SIGTERM)
            try:
                self._server.wait(5)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def speak(self, recording: Path) -> None:
        """Play a WAV into the microphone; returns when it has been played."""
        subprocess.run(
            ["paplay", "--device=mic", f"--latency-msec={_BUFFERED_MS}", str(recording)],
            env=self.env,
            check=True,
            timeout=60,
        )

    def tap(self, sink: str) -> Tap:
        """Start recording what the sink `mic` or `speaker` plays."""
        return Tap(f"{sink}.monitor", self.env)

    def pull_microphone(self) -> None:
        """Take the microphone alone away: the server gives whoever records what the speaker plays."""
        self.pactl("unload-module", _MICROPHONE.split()[0])

    def plug_microphone(self) -> None:
        """Give the microphone back, and whoever recorded from it."""
        self.pactl("load-module", *_MICROPHONE.split())
        self.pactl("set-default-source", "virtual_microphone")

    def choose_speaker(self, sink: str) -> None:
        """Have `mic` or `speaker` be what the server gives to whoever asks for no particular speaker."""
        self.pactl("set-default-sink", sink)

    def recorders(self) -> list[str]:
        """Who records: an index each, which no later one gets again."""
        listed = self.pactl("list", "short", "source-outputs").stdout.decode()
        fields = [line.split("\t") for line in listed.splitlines()]
        return [index for index, _, client, *_ in fields if client != "-"]  # the server's own modules have none

    def answers(self) -> bool:
        """Whether the server can be asked something."""
        try:
            return self.pactl("info").returncode == 0
        except subprocess.TimeoutExpired:
            return False  # it has opened its socket and is not ready yet

    def pactl(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """Have the server do something."""
        return subprocess.run(["pactl", *arguments], env=self.env, capture_output=True, timeout=_ANSWERS_S, check=False)


class Tap:
    """Records one monitor in 10 ms blocks, each with the time at which it arrived."""

    def __init__(self, device: str, env: dict[str, str]) -> None:
        self._blocks: list[tuple[float, npt.NDArray[np.float32]]] = []
        self._process = subprocess.Popen(
            [
                "parec",
                f"--device={device}",
                "--raw",
                "--format=s16le",
                f"--rate={RATE_HZ}",
                "--channels=1",
                "--latency-msec=10",
            ],
            stdout=subprocess.PIPE,
            env=env,
        )
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        while block := self._process.stdout.read(round(BLOCK_S * RATE_HZ) * 2):
            self._blocks.append((time.monotonic(), np.frombuffer(block, "<i2").astype(np.float32) / 32768))

    def loud_at(self, since_s: float = 0.0) -> list[float]:
        """Arrival times of the loud blocks from `since_s` on."""
        return [at_s for at_s, block in list(self._blocks) if at_s >= since_s and is_loud(block)]

    def samples(self, since_s: float = 0.0) -> npt.NDArray[np.float32]:
        """What was recorded from `since_s` on, (n,) at 16 kHz."""
        return np.concatenate(
            [np.zeros(0, np.float32), *(block for at_s, block in list(self._blocks) if at_s >= since_s)]
        )

    def close(self) -> None:
        """Stop recording."""
        self._process.terminate()
        self._process.wait(5)
        self._thread.join(5)
        assert self._process.stdout is not None
        self._process.stdout.close()

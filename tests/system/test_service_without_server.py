"""A machine without a sound server: the assistant goes through ALSA itself, from the moment that the machine boots.

No sound card can be had in a container. In its place stand plugins of ALSA's own library: a microphone that reads from
a pipe and a speaker that writes into one, both filled and emptied as fast as a card would do it. What is not shown is
the work of a card's driver, and `dsnoop` and `dmix`, which need one.
"""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

from assistant.audio import FRAME_SAMPLES
from assistant.audio.files import read_audio
from tests.system.machine import Machine
from tests.system.service import RATE_HZ, listens, on_a_machine

pytestmark = on_a_machine
SOUND = "/etc/edge-assistant/asound.conf"
_PLUGINS = f"""
</usr/share/alsa/alsa.conf>
pcm.nothing {{ type null }}
pcm.microphone {{ type file file /dev/null infile /run/card/microphone format raw slave.pcm nothing }}
pcm.speaker {{ type file file /run/card/speaker format raw slave.pcm nothing }}
pcm.!default {{
    type asym
    capture.pcm {{ type plug slave {{ pcm microphone format S16_LE rate {RATE_HZ} channels 1 }} }}
    playback.pcm {{ type plug slave {{ pcm speaker format S16_LE rate {RATE_HZ} channels 1 }} }}
}}
"""
_CARD = f"""
import fcntl, os, random, time
os.makedirs("/run/card", exist_ok=True)
ends = []
for name in ("microphone", "speaker"):
    os.mkfifo(f"/run/card/{{name}}")
    os.chmod(f"/run/card/{{name}}", 0o666)
    ends.append(os.open(f"/run/card/{{name}}", os.O_RDWR | os.O_NONBLOCK))
    fcntl.fcntl(ends[-1], 1031, 4096)  # F_SETPIPE_SZ: a card holds an eighth of a second
block = {FRAME_SAMPLES}  # as the microphone is read: the plugin takes a shorter read for a whole one
said, next_s = b"", time.monotonic()
played = open("/srv/played.raw", "ab", buffering=0)
while True:
    if os.path.exists("/srv/say.raw"):
        with open("/srv/say.raw", "rb") as recording:
            said = recording.read()
        os.remove("/srv/say.raw")
    noise = b"".join(random.randrange(-1, 2).to_bytes(2, "little", signed=True) for _ in range(block))
    try:
        os.write(ends[0], said[: 2 * block].ljust(2 * block, b"\\0") if said else noise)
        said = said[2 * block :]
    except BlockingIOError:
        pass  # nobody takes it now: what is said waits, so that no word of it is lost
    try:
        played.write(os.read(ends[1], 2 * block))
    except BlockingIOError:
        pass
    next_s += block / {RATE_HZ}
    time.sleep(max(0.0, next_s - time.monotonic()))
"""
_UNIT = """
[Unit]
Description=Stands in for a sound card
[Service]
ExecStart=/usr/bin/python3 /srv/card.py
Nice=-10
[Install]
WantedBy=sysinit.target
"""


def test_after_the_next_boot_it_listens_and_answers_through_alsa_alone(
    installed: Machine, understood: Callable[[Path], str]
) -> None:
    installed.write("/srv/card.py", _CARD)
    installed.write("/etc/systemd/system/card.service", _UNIT)
    installed.run("systemctl disable pulseaudio && systemctl enable card")
    installed.write(SOUND, _PLUGINS)
    installed.reboot()
    listens(installed, 120)
    assert installed.run("pgrep pulseaudio", check=False).returncode != 0
    installed.wait("assistant status --json | grep -q '\"hears\": *true'", "It hears")
    folder, size = installed.root / "srv", "$(stat -c %s /srv/played.raw)"
    installed.run(": > /srv/played.raw")
    samples = read_audio(folder / "question.wav")
    (folder / "say.part").write_bytes((samples * 32767).astype("<i2").tobytes())
    (folder / "say.part").rename(folder / "say.raw")
    installed.wait(f"[ {size} -gt {RATE_HZ} ]", "It answers")
    installed.wait(f"before={size}; sleep 2; [ $before = {size} ]", "It falls silent")
    with wave.open(str(folder / "played.wav"), "wb") as recording:
        recording.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        recording.writeframes((folder / "played.raw").read_bytes())
    answer = understood(folder / "played.wav").lower().replace("’", "'")
    assert "it's" in answer, installed.out("journalctl -u edge-assistant -n 40 --no-pager")

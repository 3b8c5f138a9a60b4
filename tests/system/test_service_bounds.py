"""What the service must not be able to do, and what must not be able to harm it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.system.machine import Machine
from tests.system.service import CONFIG, INSTALL, SERVICE, answers, listens, on_a_machine, property_of

pytestmark = on_a_machine
OUTSIDE = "10.9.8.7"
"""An address of the machine that is not loopback."""
_LISTENER = """
import socket
sockets = [socket.create_server((host, 8080)) for host in ("127.0.0.1", "10.9.8.7")]
print("listening", flush=True)
import time
time.sleep(3600)
"""
_CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], 8080), 3).close()"


_ADD_ADDRESS = """
import fcntl, socket, struct
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
    address = struct.pack("16sH2s4s8s", b"lo:1", socket.AF_INET, bytes(2), socket.inet_aton("10.9.8.7"), bytes(8))
    fcntl.ioctl(control, 0x8916, address)  # SIOCSIFADDR
"""


@pytest.fixture(scope="module")
def listeners(installed: Machine) -> Iterator[Machine]:
    """Somebody to talk to, on loopback and elsewhere."""
    installed.run("python3 - <<'END'\n" + _ADD_ADDRESS + "\nEND")
    installed.write("/srv/listener.py", _LISTENER)
    installed.write("/srv/connect.py", _CONNECT)
    process = installed.start("exec python3 /srv/listener.py")
    for host in ("127.0.0.1", OUTSIDE):
        installed.wait(f"python3 /srv/connect.py {host}", f"Anybody else reaches {host}")
    yield installed
    process.kill()
    process.wait(10)


def reaches(machine: Machine, host: str) -> bool:
    """Whether a process in the service's network and control group can connect."""
    pid = property_of(machine, "MainPID")
    join = f"echo $$ > /sys/fs/cgroup{property_of(machine, 'ControlGroup')}/cgroup.procs"
    connect = f"exec nsenter --net --target {pid} python3 /srv/connect.py {host}"
    return machine.run(f"{join} && {connect}", check=False).returncode == 0


def restarted(machine: Machine, change: str) -> None:
    """Make a change of the configuration after which the service may do something else, and wait until it does it."""
    before = property_of(machine, "MainPID")
    machine.run(change)
    pid = f"$(systemctl show {SERVICE} --property=MainPID --value)"
    machine.wait(f"[ {pid} != {before} ] && [ {pid} != 0 ]", "The service is restarted")
    listens(machine)


def test_it_reaches_nobody(listeners: Machine) -> None:
    assert property_of(listeners, "PrivateNetwork") == "yes"
    assert not reaches(listeners, "127.0.0.1") and not reaches(listeners, OUTSIDE)


def test_what_the_configuration_names_is_reached_and_nothing_else(listeners: Machine) -> None:
    listeners.run(f"cp {CONFIG} /srv/good.toml")
    wanted = r'[dialogue.language_model]\nurl = "http://127.0.0.1:8080/v1"\n'
    restarted(listeners, f"printf '{wanted}' >> {CONFIG}")
    loopback, outside = reaches(listeners, "127.0.0.1"), reaches(listeners, OUTSIDE)
    restarted(listeners, f"cp /srv/good.toml {CONFIG}")
    assert loopback
    if outside and "firewall" in listeners.out("journalctl --no-pager | grep -i 'BPF.*firewall'"):
        pytest.skip("here systemd cannot filter addresses (it says so in its journal): IPAddressDeny is not enforced")
    assert not outside


def test_its_memory_is_limited(installed: Machine) -> None:
    if "memory" not in installed.out("cat /sys/fs/cgroup/cgroup.controllers").split():
        pytest.skip("this host gives a container no memory controller of version 2: MemoryMax is not enforced")
    installed.run(f"cp {CONFIG} /srv/good.toml && printf '[service]\\nmemory_limit_mb = 200\\n' >> {CONFIG}")
    installed.wait(f"journalctl -u {SERVICE} --no-pager | grep -qi 'oom'", "What takes more is ended")
    installed.run(f"cp /srv/good.toml {CONFIG}")
    installed.wait(f"[ $(systemctl show {SERVICE} --property=MemoryMax --value) -gt 1000000000 ]", "The limit goes")
    listens(installed)


def test_building_engines_ends_cleanly_where_there_is_no_gpu(installed: Machine) -> None:
    unit = "edge-assistant-engines.service"
    installed.run(f"mkdir -p /var/lib/edge-assistant/bundles/object-detector && systemctl start {unit}")
    assert installed.out(f"systemctl show {unit} --property=Result --value") == "success"
    assert installed.out(f"systemctl is-failed {unit}") == "inactive"
    installed.run("rmdir /var/lib/edge-assistant/bundles/object-detector")


@pytest.mark.parametrize("who", ["root", "edge-assistant"])
def test_a_second_assistant_is_told_of_the_first(installed: Machine, who: str) -> None:
    pid = property_of(installed, "MainPID")
    second = installed.run(f"runuser -u {who} -- assistant run --config {CONFIG}", check=False)
    assert second.returncode == 10 and f"process {pid} holds" in second.stderr, second.stderr
    assert property_of(installed, "MainPID") == pid


def test_a_configuration_of_a_newer_version_is_refused_with_the_keys_name(installed: Machine) -> None:
    pid = property_of(installed, "MainPID")
    installed.run(f"cp {CONFIG} /srv/good.toml && printf '[telepathy]\\nrange_m = 3\\n' >> {CONFIG}")
    installed.run(f"systemctl reload {SERVICE}", check=False)
    installed.wait("assistant status | grep -q 'no key telepathy'", "The key is named")
    refused = installed.run(INSTALL, timeout_s=900, check=False)
    assert refused.returncode == 1 and "no key telepathy" in refused.stderr, refused.stderr
    assert property_of(installed, "MainPID") == pid, "the old one goes on"
    installed.run(f"systemctl restart --no-block {SERVICE}")
    installed.wait(f"journalctl -u {SERVICE} -n 20 --no-pager | grep -q 'no key telepathy'", "The journal names it too")
    installed.run(f"cp /srv/good.toml {CONFIG}")
    listens(installed, 90)


def test_a_disk_that_fills_during_an_upgrade_leaves_the_old_version_at_work(
    installed: Machine, understood: Callable[[Path], str]
) -> None:
    before = (installed.out("readlink /opt/edge-assistant/current"), property_of(installed, "MainPID"))
    installed.run(
        "mkdir -p /srv/disk && mount -t tmpfs -o size=1600m disk /srv/disk && mkdir /srv/disk/new /srv/disk/work"
    )
    layers = "lowerdir=/opt/edge-assistant,upperdir=/srv/disk/new,workdir=/srv/disk/work"
    installed.run(f"mount -t overlay -o {layers} overlay /opt/edge-assistant")
    try:
        # Somebody else writes too, from the moment on that the new version's environment is there.
        begun = "ls /srv/disk/new/releases/*/bin/pip >/dev/null 2>&1"
        fill = f"until {begun}; do sleep 0.2; done; cat /dev/zero > /srv/disk/new/filler"
        filler = installed.start(fill)
        failed = installed.run(INSTALL, timeout_s=900, check=False)
        filler.kill()
        left = installed.out("ls /srv/disk/new/releases")
    finally:
        installed.run("umount --lazy /opt/edge-assistant && umount --lazy /srv/disk")
    assert failed.returncode == 1 and "No space left" in failed.stderr, failed.stderr
    assert "untouched" in failed.stderr and left == "", f"{failed.stderr}{left}"
    assert (installed.out("readlink /opt/edge-assistant/current"), property_of(installed, "MainPID")) == before
    assert answers(installed, understood)

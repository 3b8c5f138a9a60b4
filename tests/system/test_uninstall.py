"""The end of the story."""

from __future__ import annotations

from tests.system.machine import Machine
from tests.system.service import on_a_machine

pytestmark = on_a_machine


def test_removed_it_leaves_nothing_but_what_was_kept_on_purpose(installed: Machine) -> None:
    ours = "find / -xdev -path /srv -prune -o -name '*edge-assistant*' -print | grep -v ^/var/lib/systemd | sort"
    installed.run("cd /srv/project && ./install.sh --uninstall")
    left = installed.out(ours).splitlines()
    assert left == ["/etc/edge-assistant", "/var/lib/edge-assistant", "/var/log/edge-assistant-install.log"]
    installed.wait("[ -z \"$(systemctl list-units --all --no-legend 'edge-assistant*')\" ]", "systemd forgets it")
    installed.run("cd /srv/project && ./install.sh --uninstall --purge")
    assert installed.out(ours) == ""
    assert installed.run("getent passwd edge-assistant", check=False).returncode != 0

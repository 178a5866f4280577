"""Machines of a drill: network namespaces on a bridge, which lies in one of the drill's own.

Nothing of it is in the machine's network, and the kernel removes it when the drill ends. Needs root
and the programs unshare, nsenter and ip; `missing()` says what is not there.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

PROGRAMS = ("unshare", "nsenter", "ip")
NET = "10.231.77"
CENTRE = f"{NET}.1"  # the database, Redis, the mail server and the shops
INSIDE = "TRUSTSVC_DRILL_INSIDE"


def missing():
    """Say why no network can be made here; empty where it can."""
    absent = [name for name in PROGRAMS if not shutil.which(name)]
    if absent:
        return f"needs {', '.join(absent)} (Debian: apt-get install util-linux iproute2)"
    if os.getuid():
        return "needs root, for network namespaces"
    trial = "ip link add name trial0 type bridge && ip link add trial1 type veth peer name trial2"
    done = subprocess.run(["unshare", "-n", "sh", "-c", trial], capture_output=True, check=False)
    return "" if done.returncode == 0 else "this machine allows no network namespaces or bridges"


def enter(module):
    """Begin again inside a network namespace of our own; returns only there."""
    if os.environ.get(INSIDE) != "1":
        environ = os.environ | {INSIDE: "1"}
        os.execvpe("unshare", ["unshare", "-n", sys.executable, "-m", module], environ)
    ip("link", "set", "lo", "up")
    ip("link", "add", "name", "centre0", "type", "bridge")
    ip("addr", "add", f"{CENTRE}/24", "dev", "centre0")
    ip("link", "set", "centre0", "up")


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


class Machine:
    """A network namespace with one line to the bridge. Use as a context manager."""

    def __init__(self, number):
        self.number = number
        self.address = f"{NET}.{10 + number}"
        self._line = f"line{number}"

    def __enter__(self):
        self._holder = subprocess.Popen(["unshare", "-n", "sleep", "infinity"])
        while _namespace(self._holder.pid) == _namespace(os.getpid()):
            time.sleep(0.01)
        inside = ("netns", str(self._holder.pid))
        ip("link", "add", self._line, "type", "veth", "peer", "name", "eth0", *inside)
        ip("link", "set", self._line, "master", "centre0")
        ip("link", "set", self._line, "up")
        for words in (
            ("link", "set", "lo", "up"),
            ("addr", "add", f"{self.address}/24", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
        ):
            subprocess.run(self.command("ip", *words), check=True, capture_output=True)
        return self

    def __exit__(self, *_):
        self._holder.kill()
        self._holder.wait()

    def command(self, *words):
        """Give the command line that runs something on this machine."""
        return ["nsenter", f"--net=/proc/{self._holder.pid}/ns/net", *words]

    def cut(self):
        """Pull the cable: nothing more comes or goes, and no end learns of it."""
        ip("link", "set", self._line, "down")


def _namespace(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/ns/net").readlink()
    return None

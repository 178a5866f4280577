"""What is measured: our own demo, and isso from its own package, each a real process."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OURS, ISSO, SHOP, STRICT_SHOP = 8_936, 8_937, 8_938, 8_939
READY_S = 120
PEERS = Path(__file__).parent.parent / ".venv-peers"


@contextmanager
def ours(folder: Path) -> Iterator[tuple[str, str]]:
    """Run the demo until it stays up; gives its origin and the slug of its first shop."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("TRUSTSVC_")} | {
        "TRUSTSVC_DATA": str(folder),
        "TRUSTSVC_PORT": str(OURS),
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-m", "trustsvc", "demo"]
    with subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield f"http://127.0.0.1:{OURS}", _slug(process)
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)


def _slug(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    for line in process.stdout:
        match = re.search(r"with its badge .*/demo/shop/([a-z0-9-]+)", line)
        if match:
            return match[1]
    raise SystemExit("The demo ended before it stood; run `make demo` to see why.")


@contextmanager
def isso(folder: Path) -> Iterator[str]:
    """Run isso with an empty thread; gives its origin."""
    folder.mkdir()
    origin = f"http://127.0.0.1:{ISSO}"
    settings = folder / "isso.conf"
    settings.write_text(
        f"[general]\ndbpath = {folder}/comments.db\nhost =\n"
        f"    http://127.0.0.1:{SHOP}/\n    http://127.0.0.1:{STRICT_SHOP}/\n"
        f"[server]\nlisten = {origin}/\n"
    )
    command = [str(PEERS / "bin" / "isso"), "-c", str(settings)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(f"{origin}/js/embed.min.js", process)
            yield origin
        finally:
            process.terminate()


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + READY_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("isso did not start; remove .venv-peers and run `make bench-badge` again.")

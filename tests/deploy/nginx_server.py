"""A real nginx on ports of its own, for tests."""

import contextlib
import shutil
import socket
import ssl
import subprocess
import time
from http.client import HTTPConnection

from tests.waiting import PATIENCE_S

NAME = "reviews.example.com"  # of the examples
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def nginx(folder, servers, port, first=""):
    """Run nginx with these servers; everything it writes lies in the folder."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    places = "".join(
        f"{kind}_temp_path {folder}/{kind}; "
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    config.write_text(
        f"{first} pid {folder}/pid; daemon off; master_process off; error_log stderr emerg; "
        f"events {{ worker_connections 2048; }} http {{ {places} {servers} }}"
    )
    command = [NGINX, "-e", "stderr", "-p", str(folder), "-c", str(config)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _wait_for(port, process)
        yield folder
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
        process.stderr.close()


def _wait_for(port, process):
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    raise TimeoutError("nginx did not start")


def ask(port, path, *, tls=False, source="127.0.0.1", method="GET", name=NAME, **headers):
    """Send one request from an address of this machine; gives status and body.

    With TLS for a name, which is the Host as well unless another one is given.
    """
    link = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    link.sock = socket.create_connection(("127.0.0.1", port), PATIENCE_S, (source, 0))
    with contextlib.closing(link):
        if tls:
            anybody = ssl._create_unverified_context()
            link.sock = anybody.wrap_socket(link.sock, server_hostname=name)
            headers.setdefault("Host", name)
        link.putrequest(method, path, skip_host="Host" in headers)
        for header, value in headers.items():
            link.putheader(header.replace("_", "-"), value)
        link.endheaders()
        answer = link.getresponse()
        return answer.status, answer.read()

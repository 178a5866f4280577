"""Run `trustsvc` commands in forks of one process that has imported what others wrote.

A command is a process of its own as ever: with its own id, environment, folder and streams; our
modules it imports itself, but for those of the command line. It is spared the import of SQLAlchemy,
cryptography and their like, half a second of CPU. A process that is killed, gets signals or a
loader of its own is started without this.
"""

import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from functools import cache
from pathlib import Path

SHARED = (
    "alembic.command",
    "babel.dates",
    "babel.numbers",
    "cryptography.fernet",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
    "cryptography.hazmat.primitives.asymmetric.rsa",
    "cryptography.hazmat.primitives.kdf.hkdf",
    "cryptography.hazmat.primitives.serialization",
    "dns.resolver",
    "itsdangerous",
    "jinja2",
    "msgspec",
    "psycopg",
    "redis",
    "requests",
    "resvg_py",
    "smtplib",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "sqlalchemy.orm",
    "trustsvc.cli",
)
# What the interpreter, the loader and the C library read at their start.
AT_START = ("LANG", "LC_", "LD_", "MALLOC_", "PYTHON")


def run(words, environ, say=""):
    """Run a command to its end; gives its return code and what it said, as subprocess.run does."""
    words = [str(word) for word in words]
    if _at_start(environ) != _at_start(os.environ) or "COVERAGE_PROCESS_CONFIG" in environ:
        whole = [sys.executable, "-m", "trustsvc", *words]
        return subprocess.run(
            whole, env=environ, input=say, capture_output=True, text=True, check=False
        )
    with ExitStack() as stack:
        streams = [stack.enter_context(tempfile.TemporaryFile("w+")) for _ in range(3)]
        streams[0].write(say)
        streams[0].seek(0)
        code = _server().ask([stream.fileno() for stream in streams], words, environ)
        for stream in streams[1:]:
            stream.seek(0)
        return subprocess.CompletedProcess(words, code, streams[1].read(), streams[2].read())


def _at_start(environ):
    return {name: value for name, value in environ.items() if name.startswith(AT_START)}


class _Server:
    """The process that forks, at the other end of a pair of sockets; it ends with this one."""

    def __init__(self):
        self._turn = threading.Lock()
        self._line, other = socket.socketpair()
        command = [sys.executable, "-m", "tests.command_server", str(other.fileno())]
        root = Path(__file__).parent.parent
        self.process = subprocess.Popen(command, pass_fds=[other.fileno()], cwd=root)
        other.close()

    def ask(self, streams, words, environ):
        asked = json.dumps([words, str(Path.cwd()), dict(environ)]).encode()
        with self._turn:
            socket.send_fds(self._line, [len(asked).to_bytes(8)], streams)
            self._line.sendall(asked)
            status = self._line.recv(8)
        return int.from_bytes(status, signed=True)


@cache
def _server():
    return _Server()


def _serve(line):
    """Fork for each command and say how it ended; returns in the child, as the command."""
    while True:
        size, streams, *_ = socket.recv_fds(line, 8, 3)
        if not size:
            os._exit(0)
        asked = b""
        while len(asked) < int.from_bytes(size):
            asked += line.recv(65536)
        child = os.fork()
        if not child:
            line.close()
            return _become(streams, *json.loads(asked))
        for stream in streams:
            os.close(stream)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        line.sendall(code.to_bytes(8, signed=True))


def _become(streams, words, folder, environ):
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["__main__.py", *words]


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the tests, and they this one
    for module in SHARED:
        importlib.import_module(module)
    _serve(socket.socket(fileno=int(sys.argv[1])))
    __package__ = "trustsvc"  # click says how the program was called
    from trustsvc import __main__

    __main__.main()

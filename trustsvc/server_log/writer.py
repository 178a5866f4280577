"""Write the server log: one line a request, one file an hour, without delaying requests.

A request queues its line in memory; a thread writes the batch within a second. The file is opened
for each batch and only appended to: several processes share it, and a purged or moved one is
replaced. A full disk costs lines (counted, and logged), never a request.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from trustsvc import clock, config, log
from trustsvc.config_values import Network
from trustsvc.server_log import attack_patterns, security_counters
from trustsvc.server_log.log_line import AnsweredRequest, safe_fields

BATCH_DELAY_S = 0.1
MAX_PENDING = 100_000
FILE_PATTERN = "access-%Y-%m-%dT%H.log"

# No symbolic link is followed: its target would never be purged.
OPEN_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW

logger = log.get_logger("server_log")


class ServerLog:
    """WSGI middleware that logs each request after its answer was sent."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app
        settings = config.current()
        self.folder = settings.data / "log"
        self.trusted = settings.trusted_proxies

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = _Answer(environ, self)
        try:
            body = self.app(environ, answer.starting(start_response))
        except BaseException:
            answer.status = "500"
            answer.close()
            raise
        if isinstance(body, list):  # granian sends a list in one piece
            answer.sent += sum(map(len, body))
            answer.close()
            return body
        answer.body = body
        return answer


class _Answer:
    """Count the bytes sent of an answer, and queue its line when the server closes it."""

    def __init__(self, environ: WSGIEnvironment, logged: ServerLog) -> None:
        self.environ = environ
        self.logged = logged
        self.status = ""
        self.sent = 0
        self.body: Iterable[bytes] = ()
        self.closed = False

    def starting(self, start_response: StartResponse) -> StartResponse:
        def start(status: str, headers: Any, exc_info: Any = None) -> Callable[[bytes], None]:
            self.status = status
            write = start_response(status, headers, exc_info)

            def counted(data: bytes) -> None:
                self.sent += len(data)
                write(data)

            return counted

        return start

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.body:
            self.sent += len(piece)
            yield piece

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        try:
            getattr(self.body, "close", lambda: None)()
        finally:
            get = self.environ.get
            request = AnsweredRequest(
                at=clock.now(),
                peer=get("REMOTE_ADDR") or "",
                forwarded_for=get("HTTP_X_FORWARDED_FOR", ""),
                method=get("REQUEST_METHOD", ""),
                path=get("PATH_INFO", ""),
                status=self.status,
                sent=self.sent,
                referer=get("HTTP_REFERER", ""),
                access=get("trustsvc.access", ""),
                attack_kind=get("trustsvc.attack_kind", ""),
            )
            _writer.take(self.logged.folder, request, self.logged.trusted)


class _Writer:
    """The queued lines and the thread that writes them; one a process."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[Path, AnsweredRequest, tuple[Network, ...]]] = deque()
        self.woken = threading.Event()
        self.starting = threading.Lock()
        self.writing = threading.Lock()
        self.thread: threading.Thread | None = None
        self.dropped = 0
        self.torn: set[Path] = set()

    def take(self, folder: Path, request: AnsweredRequest, trusted: tuple[Network, ...]) -> None:
        if len(self.waiting) >= MAX_PENDING:
            self.dropped += 1
            return
        self.waiting.append((folder, request, trusted))
        if not self.woken.is_set():
            self.woken.set()
        if self.thread is None:
            self._start()

    def _start(self) -> None:
        with self.starting:
            if self.thread is None:
                self.thread = threading.Thread(target=self._run, name="server log", daemon=True)
                self.thread.start()
                # A server's worker ends by os._exit: atexit would not be called there, this is.
                Finalize(None, self.flush, exitpriority=1)

    def _run(self) -> None:
        while True:
            self.woken.wait()
            self.woken.clear()
            time.sleep(BATCH_DELAY_S)
            try:
                self.flush()
            except Exception as problem:  # noqa: BLE001 - the thread must go on
                logger.warning("server_log.not_written", error=type(problem).__name__)

    def flush(self) -> None:
        """Write the queued lines now."""
        with self.writing:
            lines = []
            for folder, request, trusted in self._taken():
                fields = safe_fields(request, trusted)
                lines.append((folder / request.at.strftime(FILE_PATTERN), " ".join(fields)))
                _count(request, fields[1])
            for path, group in groupby(lines, key=lambda line: line[0]):
                self._append(path, [text for _, text in group])
            if self.dropped:
                logger.warning("server_log.lines_dropped", number=self.dropped)
                self.dropped = 0

    def _taken(self) -> Iterator[tuple[Path, AnsweredRequest, tuple[Network, ...]]]:
        for _ in range(len(self.waiting)):
            yield self.waiting.popleft()

    def _append(self, path: Path, lines: list[str]) -> None:
        data = ("\n".join(lines) + "\n").encode()
        if path in self.torn:  # the disk was full in the middle of a line
            data = b"\n" + data
        done = 0
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(path, OPEN_FLAGS, 0o600)
            try:
                while done < len(data):
                    done += os.write(handle, data[done:])
            finally:
                os.close(handle)
        except OSError:
            self.dropped += data[done:].count(b"\n")
            self.torn = {path} if done or path in self.torn else set()
            return
        self.torn.discard(path)


def _count(request: AnsweredRequest, address: str) -> None:
    if request.attack_kind:
        security_counters.count(request.at, request.attack_kind, request.access, address)
    if attack_patterns.counts_to_flood(request.access, request.status):
        security_counters.count(request.at, attack_patterns.FLOOD, "any", address)


_writer = _Writer()


def flush() -> None:
    """Write the queued lines now, without the thread."""
    _writer.flush()


def _after_fork() -> None:
    global _writer  # noqa: PLW0603 - a child has no thread and must not write its parent's lines
    _writer = _Writer()


os.register_at_fork(after_in_child=_after_fork)

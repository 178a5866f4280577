"""Closed-loop HTTP load: connections that stay open, one request at a time on each."""

import select
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ANSWER_S = 30  # longer than any answer should take
TICKS_PER_SECOND = 100  # of /proc/<pid>/stat on every Linux


@dataclass(slots=True)
class Load:
    """What one run of load saw; latencies in seconds."""

    seconds: float = 0.0
    cpu_s: float = 0.0  # of the server's processes
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    @property
    def p99_ms(self) -> float:
        ordered = sorted(self.latencies)
        return ordered[int(len(ordered) * 0.99)] * 1000 if ordered else 0.0

    @property
    def cpu_us(self) -> float:
        return self.cpu_s / len(self.latencies) * 1e6 if self.latencies else 0.0


class _Connection:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), ANSWER_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.began = 0.0
        self.read = b""

    def send(self, message: bytes) -> None:
        self.began = time.perf_counter()
        self.socket.sendall(message)

    def answer(self) -> int:
        """Read on; gives the status once the answer is whole, 0 before."""
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionError("the server closed a connection that should stay open")
        self.read += piece
        head, end, body = self.read.partition(b"\r\n\r\n")
        if not end:
            return 0
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
        if len(body) < int(length or 0):
            return 0
        self.read = b""
        return int(head.split(b" ", 2)[1])


def run(port: int, connections: int, messages: Iterator[bytes], seconds: float, pid: int) -> Load:
    """Send messages for so long, or until there are no more; waits for each answer begun.

    Raises TimeoutError when an answer takes half a minute.
    """
    load = Load()
    opened = {one.socket.fileno(): one for one in (_Connection(port) for _ in range(connections))}
    waiting = select.epoll()
    cpu, began = cpu_seconds(pid), time.perf_counter()
    busy = 0
    for number, one in opened.items():
        waiting.register(number, select.EPOLLIN)
        busy += _send_next(one, messages)
    while busy:
        events = waiting.poll(ANSWER_S)
        if not events:
            raise TimeoutError("the server does not answer")
        for number, _ in events:
            one = opened[number]
            if status := one.answer():
                now = time.perf_counter()
                load.latencies.append(now - one.began)
                load.statuses[status] = load.statuses.get(status, 0) + 1
                if now - began >= seconds or not _send_next(one, messages):
                    busy -= 1
    load.seconds = time.perf_counter() - began
    load.cpu_s = cpu_seconds(pid) - cpu
    for one in opened.values():
        one.socket.close()
    return load


def _send_next(connection: _Connection, messages: Iterator[bytes]) -> int:
    message = next(messages, None)
    if message is None:
        return 0
    connection.send(message)
    return 1


def cpu_seconds(pid: int) -> float:
    """Give the CPU time, user and system, of a process and all below it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND
    below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(cpu_seconds(int(child)) for child in below)

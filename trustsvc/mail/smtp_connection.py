"""A line to a mail server that is patient, but not without end."""

import smtplib
import socket
import ssl
import time

TIMEOUT_S = 30.0
MAX_REPLY_BYTES = 64 * 1024


class _Patient:
    """How answers are read: each within one deadline, and never without end."""

    patience = TIMEOUT_S
    sock: socket.socket | None
    _unread = b""

    def getreply(self) -> tuple[int, bytes]:
        end = time.monotonic() + self.patience
        said = []
        size = 0
        while True:
            line = self._read_line(end)
            said.append(line[4:].strip())
            size += len(line)
            if size > MAX_REPLY_BYTES:
                raise smtplib.SMTPServerDisconnected("too long an answer")
            if line[3:4] != b"-":
                code = line[:3]
                return (int(code) if code.isdigit() else -1), b"\n".join(said)

    def _read_line(self, end: float) -> bytes:
        while b"\n" not in self._unread:
            left = end - time.monotonic()
            if self.sock is None or left <= 0 or len(self._unread) > MAX_REPLY_BYTES:
                raise smtplib.SMTPServerDisconnected("no answer")
            self.sock.settimeout(left)
            more = self.sock.recv(4096)
            if not more:
                raise smtplib.SMTPServerDisconnected("closed")
            self._unread += more
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def say(self, data: bytes) -> None:
        """Say it all within the deadline; raises OSError."""
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        self.sock.settimeout(TIMEOUT_S)
        self.sock.sendall(data)

    def say_unless_gone(self, data: bytes) -> None:
        """Say it, unless the other side is known to have hung up; raises OSError."""
        if self.has_hung_up():
            raise smtplib.SMTPServerDisconnected("closed")
        self.say(data)

    def hurry(self) -> None:
        """Let the dot not wait until the body was acknowledged: Nagle made that 40 ms a letter."""
        if self.sock:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def has_hung_up(self) -> bool:
        """Whether the other side is gone as far as can be told without waiting; not with TLS."""
        if self.sock is None or isinstance(self.sock, ssl.SSLSocket):
            return self.sock is None
        self.sock.settimeout(0)
        try:
            return not self.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False

    def nothing_unread(self) -> bool:
        """Whether nothing was said ahead; before TLS that would be somebody in between."""
        return not self._unread


class PlainConnection(_Patient, smtplib.SMTP):
    pass


class TlsConnection(_Patient, smtplib.SMTP_SSL):
    pass


Connection = PlainConnection | TlsConnection

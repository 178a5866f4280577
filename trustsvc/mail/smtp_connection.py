"""SMTP connections with a deadline for each reply and a limit on its size."""

import smtplib
import socket
import ssl
import time

TIMEOUT_S = 30.0
MAX_REPLY_BYTES = 64 * 1024


class _WithDeadline:
    """Reads each reply within one deadline and a size limit."""

    reply_timeout_s = TIMEOUT_S
    sock: socket.socket | None
    _reply_by: float | None = None
    _unread = b""

    def expect_reply(self, seconds: float | None) -> None:
        """Let the deadline of the next replies begin now, whenever they are read; None ends that.

        Whoever waits for several servers reads one after the other.
        """
        self._reply_by = None if seconds is None else time.monotonic() + seconds

    def getreply(self) -> tuple[int, bytes]:
        end = self._reply_by
        if end is None:
            end = time.monotonic() + self.reply_timeout_s
        text = []
        size = 0
        while True:
            line = self._read_line(end)
            text.append(line[4:].strip())
            size += len(line)
            if size > MAX_REPLY_BYTES:
                raise smtplib.SMTPServerDisconnected("too long an answer")
            if line[3:4] != b"-":
                code = line[:3]
                return (int(code) if code.isdigit() else -1), b"\n".join(text)

    def _read_line(self, end: float) -> bytes:
        while b"\n" not in self._unread:
            if self.sock is None or len(self._unread) > MAX_REPLY_BYTES:
                raise smtplib.SMTPServerDisconnected("no answer")
            # What arrived in time counts, also when it is read too late: 0 does not wait.
            self.sock.settimeout(max(end - time.monotonic(), 0))
            more = self.sock.recv(4096)
            if not more:
                raise smtplib.SMTPServerDisconnected("closed")
            self._unread += more
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def send_all(self, data: bytes) -> None:
        """Send all of it within the deadline; raises OSError."""
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        self.sock.settimeout(TIMEOUT_S)
        self.sock.sendall(data)

    def send_unless_closed(self, data: bytes) -> None:
        """Send it, unless the server is known to have closed the connection; raises OSError."""
        if self.is_closed():
            raise smtplib.SMTPServerDisconnected("closed")
        self.send_all(data)

    def disable_nagle(self) -> None:
        """Send the end of DATA without waiting for the body's ACK: that took 40 ms a message."""
        if self.sock:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def is_closed(self) -> bool:
        """Whether the server closed the connection, without waiting; unknown with TLS."""
        if self.sock is None or isinstance(self.sock, ssl.SSLSocket):
            return self.sock is None
        self.sock.settimeout(0)
        try:
            return not self.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False

    def has_no_unread_data(self) -> bool:
        """Whether nothing was received ahead; before TLS it would come from somebody in between."""
        return not self._unread


class PlainConnection(_WithDeadline, smtplib.SMTP):
    pass


class TlsConnection(_WithDeadline, smtplib.SMTP_SSL):
    pass


Connection = PlainConnection | TlsConnection

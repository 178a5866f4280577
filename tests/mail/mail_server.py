"""A mail server for tests that answers by a script, and hangs up where the script does."""

import contextlib
import socket
import threading

from tests.waiting import PATIENCE_S

GOOD = {
    "CONNECT": "220 test",
    "MAIL": "250 ok",
    "RCPT": "250 ok",
    "DATA": "354 go on",
    "DOT": "250 taken",
    "RSET": "250 ok",
    "QUIT": "221 bye",
}


class MailServer:
    """Speaks SMTP on loopback. `says` maps a step to its answers, `hangs_up_at` names a step.

    Steps: CONNECT EHLO MAIL RCPT DATA BODY DOT RSET QUIT. An answer that is a list is used one by
    one; the last stays. None is silence; what can be called gives the answer. It allows so many
    connections at once and refuses others with 421.
    """

    def __init__(
        self,
        says=None,
        hangs_up_at=None,
        offers=("PIPELINING", "8BITMIME"),
        tls=None,
        allows=1000,
    ):
        self.says = {step: list(_many(answer)) for step, answer in (says or {}).items()}
        self.hangs_up_at = list(_many(hangs_up_at or []))
        self.offers = offers
        self.tls = tls
        self.allows = allows
        self.open_now, self.most_at_once = 0, 0
        self.messages = []
        self.did_not_wait = False
        self.connections = 0
        self.commands = []
        self.taken = []
        self._lock, self._mine = threading.Lock(), threading.local()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._listen, daemon=True)

    @property
    def url(self):
        return f"smtp://127.0.0.1:{self.port}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(PATIENCE_S)

    def _listen(self):
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link):
        self.open_now += 1
        try:
            with link, contextlib.suppress(OSError):
                link.settimeout(PATIENCE_S)
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self.open_now > self.allows:
                    link.sendall(b"421 4.7.0 too many connections\r\n")
                    return
                self.most_at_once = max(self.most_at_once, self.open_now)
                self._talk(link)
        finally:
            self.open_now -= 1

    def _talk(self, link):
        lines = link.makefile("rb")
        if not self._answer(link, "CONNECT"):
            return
        while line := lines.readline():
            step = line.split(b" ")[0].strip().upper().decode("ascii", "replace")
            self.commands.append(line.decode("utf-8", "replace").strip())
            self._look_ahead(link, lines)
            if step in {"EHLO", "HELO"}:
                if not self._ehlo(link):
                    return
                continue
            if not self._answer(link, step):
                return
            link, lines = self._start_tls(step, link, lines)
            if step == "DATA" and self._mine.answer.startswith("354"):
                body = self._body(lines)
                if body is None or not self._answer(link, "DOT", body):
                    return
            if step == "QUIT":
                return

    def _look_ahead(self, link, lines):
        """Note a client that does not wait for an answer where the server does not pipeline."""
        if self.tls or "PIPELINING" in self.offers:
            return
        link.settimeout(0)
        self.did_not_wait |= bool(lines.peek(1))
        link.settimeout(PATIENCE_S)

    def _start_tls(self, step, link, lines):
        if step != "STARTTLS" or not self.tls:
            return link, lines
        link = self.tls.wrap_socket(link, server_side=True)
        return link, link.makefile("rb")

    def _ehlo(self, link):
        if self._hangs_up("EHLO"):
            return False
        reply = self.says.get("EHLO")
        text = reply[0] if reply else None
        if text is None:
            words = ["test", *self.offers]
            text = "\r\n".join(
                f"250{'-' if at < len(words) - 1 else ' '}{word}" for at, word in enumerate(words)
            )
        link.sendall(text.encode() + b"\r\n")
        return True

    def _body(self, lines):
        body = b""
        while line := lines.readline():
            if self._hangs_up("BODY"):
                return None
            if line == b".\r\n":
                return body
            body += line[1:] if line.startswith(b".") else line
        return None

    def _hangs_up(self, step):
        with self._lock:
            if self.hangs_up_at and self.hangs_up_at[0] == step:
                self.hangs_up_at.pop(0)
                return True
            return False

    def _answer(self, link, step, body=b""):
        if self._hangs_up(step):
            return False
        with self._lock:
            answers = self.says.get(step) or [GOOD.get(step, "502 no")]
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if callable(answer):
            answer = answer()
        if answer is None:
            link.recv(1)  # silence until the other side hangs up
            return False
        self.taken.append(answer)
        self._mine.answer = answer
        if step == "DOT" and answer.startswith("250"):
            self.messages.append(body)
        link.sendall(answer.encode() + b"\r\n")
        return True


def _many(value):
    return value if isinstance(value, list) else [value]

"""A mail server that goes wrong in named ways and writes down each message whose DATA was ended.

Raw protocol on asyncio, in a thread of its own. `choose(stage, recipient)` names what goes wrong
next, or None; stages are "connect", "mail" (once a MAIL FROM) and "message" (once a RCPT TO).
`tls` offers STARTTLS with that context, `certificates` has another one for a fault's name.
"""

import asyncio
import contextlib
import email.parser
import email.policy
import email.utils
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

CONNECT = ("banner_421", "banner_endless", "banner_slow", "drop_connect", "drop_ehlo")
MAIL = ("mail_421", "mail_451", "drop_mail")
RATE = ("mail_450",)
DEFERRED = (
    "rcpt_421",
    "rcpt_450",
    "rcpt_451",
    "rcpt_452",
    "rcpt_552_full",
    "end_of_data_421",
    "end_of_data_452",
)
DROPS = ("drop_rcpt", "drop_data", "drop_body")
POLICY = (
    "rcpt_550_policy",
    "rcpt_550_515",
    "rcpt_550_26",
    "end_of_data_554",
)  # of us, not of a mailbox
REFUSED = ("rcpt_550_unknown", "end_of_data_550")
TLS = ("tls_454", "tls_garbage", "tls_drop")
CERTIFICATES = ("tls_self_signed", "tls_expired", "tls_other_name")
UNKNOWN = ("drop_end_of_data",)
SLOW = ("banner_slow", "slow_end_of_data")

ANSWERS = {
    "banner_421": "421 4.3.2 not now",
    "mail_421": "421 4.3.2 closing",
    "mail_451": "451 4.3.0 try later",
    "mail_450": "450 4.7.1 Error: too much mail from 127.0.0.1",
    "rcpt_421": "421 4.3.2 closing",
    "rcpt_450": "450 4.2.0 greylisted",
    "rcpt_451": "451 4.3.0 try later",
    "rcpt_452": "452 4.3.1 no room",
    "rcpt_552_full": "552 5.2.2 mailbox full",
    "rcpt_550_unknown": "550 5.1.1 no such user",
    "rcpt_550_policy": "550 5.7.1 policy",
    "end_of_data_421": "421 4.3.2 closing",
    "end_of_data_452": "452 4.3.1 no room",
    "rcpt_550_515": "550 5.7.515 your domain does not meet the required level",
    "rcpt_550_26": "550 5.7.26 unauthenticated",
    "end_of_data_550": "550 5.1.1 no such user",
    "end_of_data_554": "554 5.7.1 spam",
    "tls_454": "454 4.7.0 TLS not available",
}
FLOOD = b"220-" + b"never " * 100 + b"\r\n"


@dataclass(frozen=True, slots=True)
class Seen:
    """A message whose end of DATA was seen; `answer` is our reply, None for none."""

    message_id: str
    sender: str
    recipient: str
    stop: str
    answer: str | None
    at: float

    @property
    def may_have_arrived(self):
        return self.answer is None or self.answer.startswith("250")

    @property
    def is_invitation(self):
        return self.stop.startswith("http")  # a message about a right has nothing to stop


@dataclass
class _Talk:
    recipient: str = ""
    fault: str | None = None
    refused: bool = False


@dataclass
class Sink:
    """Use as a context manager; `url` is its TRUSTSVC_MAIL_URL."""

    choose: object = lambda _stage, _recipient: None
    on_message: object = lambda _seen: None
    seen: list = field(default_factory=list)
    happened: list = field(default_factory=list)  # (name, recipient), in order
    connections: int = 0
    clients: Counter = field(default_factory=Counter)  # connections, by address
    host: str = "127.0.0.1"
    port: int = 0
    tls: object = None
    certificates: dict = field(default_factory=dict)

    @property
    def url(self):
        return f"smtp://{self.host}:{self.port}"

    def __enter__(self):
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        started.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(10)

    def _run(self, started):
        asyncio.run(self._serve(started))

    async def _serve(self, started):
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        self._links = set()
        server = await asyncio.start_server(self._talk, self.host, self.port)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self._ended.wait()
        server.close()
        for link in list(self._links):
            link.transport.abort()

    async def _talk(self, reader, writer):
        self.connections += 1
        self.clients[writer.get_extra_info("peername")[0]] += 1
        self._links.add(writer)
        with contextlib.suppress(OSError, EOFError, asyncio.LimitOverrunError, ValueError):
            await self._dialogue(reader, writer)
        self._links.discard(writer)
        writer.transport.abort()

    async def _dialogue(self, reader, writer):
        fault = self._pick("connect", "")
        if not await self._greet(fault, writer):
            return
        talk = _Talk()
        while line := (await reader.readline()).decode("utf-8", "replace").strip():
            command = line.split(" ")[0].upper()
            if command in {"EHLO", "HELO"}:
                if fault == "drop_ehlo":
                    return
                more = "250-STARTTLS\r\n" if self.tls else ""
                await self._say(writer, f"250-sink\r\n{more}250-PIPELINING\r\n250 8BITMIME")
            elif command == "STARTTLS" and self.tls:
                if not await self._start_tls(fault, reader, writer):
                    return
            elif command == "QUIT":
                await self._say(writer, "221 bye")
                return
            elif not await self._step(command, line, talk, reader, writer):
                return

    async def _greet(self, fault, writer):
        """Say the banner; False hangs up."""
        if fault == "drop_connect":
            return False
        if fault == "banner_endless":
            while True:
                writer.write(FLOOD)
                await writer.drain()
        if fault == "banner_421":
            await self._say(writer, ANSWERS[fault])
            return False
        await self._say(writer, "220 sink", slowly=fault == "banner_slow")
        return True

    async def _start_tls(self, fault, reader, writer):
        """Go on in TLS, or go wrong; False hangs up."""
        if fault == "tls_454":
            await self._say(writer, ANSWERS[fault])
            return True
        await self._say(writer, "220 go on")
        if fault == "tls_garbage":
            await self._say(writer, "what is a handshake?" * 20)
        if fault in {"tls_garbage", "tls_drop"}:
            await reader.read(1)
            return False
        await writer.start_tls(self.certificates.get(fault, self.tls))
        return True

    async def _step(self, command, line, talk, reader, writer):
        """Answer one command; False hangs up."""
        answer = "250 ok"
        if command == "MAIL":
            talk.recipient, talk.refused = "", False
            talk.fault = self._pick("mail", "")
        elif command == "RCPT":
            found = re.search(r"<(.*)>", line)
            talk.recipient = found[1] if found else ""
            talk.fault = talk.fault or self._pick("message", talk.recipient)
        elif command == "DATA":
            answer = "354 go on"
        if talk.fault == f"drop_{command.lower()}":
            return False
        if (talk.fault or "").startswith(f"{command.lower()}_"):
            answer, talk.refused = ANSWERS[talk.fault], True
        elif talk.refused and command in {"RCPT", "DATA"}:
            answer = "503 5.5.1 no"
        await self._say(writer, answer)
        if answer.startswith("354"):
            return await self._body(talk, reader, writer)
        return not answer.startswith("421")

    async def _body(self, talk, reader, writer):
        data = b""
        while (line := await reader.readline()) != b".\r\n":
            if not line:
                return False
            data += line
            if talk.fault == "drop_body":
                return False
        answer = ANSWERS.get(talk.fault, "250 ok") if talk.fault != "drop_end_of_data" else None
        self._note(talk.recipient, data, answer)
        if answer is None:
            return False
        slowly = talk.fault == "slow_end_of_data"
        talk.fault = None
        await self._say(writer, answer, slowly=slowly)
        return not answer.startswith("421")

    def _note(self, recipient, data, answer):
        head = email.parser.BytesHeaderParser(policy=email.policy.default).parsebytes(data)
        seen = Seen(
            message_id=str(head["Message-ID"]),
            sender=email.utils.parseaddr(str(head["From"]))[0],
            recipient=recipient,
            stop=str(head["List-Unsubscribe"]).strip("<>"),
            answer=answer,
            at=time.monotonic(),
        )
        self.seen.append(seen)
        self.on_message(seen)

    def _pick(self, stage, recipient):
        fault = self.choose(stage, recipient)
        if fault:
            self.happened.append((fault, recipient))
        return fault

    async def _say(self, writer, words, *, slowly=False):
        data = words.encode() + b"\r\n"
        if slowly:
            for byte in data:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(1)
            return
        writer.write(data)
        await writer.drain()

"""Letters into a maildir: the default where no mail server is named, and what the demo shows."""

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from trustsvc.mail import message
from trustsvc.mail.message import DeliveryResult, DeliveryStatus, Message

TRANSACTIONAL = (
    "answer"  # in a file's name: the letter answered somebody, and goes after three days
)


class MaildirTransport:
    """A maildir: written in tmp, synced, renamed into new; names of files say nothing of people."""

    def __init__(self, url: str, sender: str) -> None:
        path = url.partition(":")[2]
        self._place = Path(path.removeprefix("//") if path.startswith("///") else path)
        self._sender = sender

    def send(self, letter: Message, before_end_of_data: Callable[[], None]) -> DeliveryResult:
        """The rename is the dot: before it the letter is nowhere, after it it is there."""
        try:
            envelope = message.to_bytes(letter, self._sender)
        except message.UnwritableMessage as problem:
            return DeliveryResult(DeliveryStatus.REFUSED, str(problem))
        kind = f"{TRANSACTIONAL}." if letter.is_transactional else ""
        name = f"{int(letter.at.timestamp())}.{secrets.token_hex(16)}.{kind}trustsvc"
        draft = self._place / "tmp" / name
        try:
            self._make()
            _write(draft, envelope.data.replace(b"\r\n", b"\n"))
        except OSError:
            _remove(draft)
            return DeliveryResult(DeliveryStatus.DEFERRED, "maildir")
        try:
            before_end_of_data()
        except BaseException:
            _remove(draft)
            raise
        try:
            draft.rename(self._place / "new" / name)
        except OSError:
            _remove(draft)
            return DeliveryResult(DeliveryStatus.DEFERRED, "maildir")
        return (
            DeliveryResult(DeliveryStatus.SENT)
            if _sync(self._place / "new")
            else DeliveryResult(DeliveryStatus.UNKNOWN, "maildir")
        )

    def _make(self) -> None:
        self._place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for part in ("", "tmp", "new", "cur"):
            (self._place / part).mkdir(mode=0o700, exist_ok=True)


def _write(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def _sync(folder: Path) -> bool:
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        os.fsync(handle)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True

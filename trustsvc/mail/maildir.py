"""Write messages to a maildir: the default without a mail server, and what the demo shows."""

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from trustsvc.mail.message import (
    Message,
    SendResult,
    SendStatus,
    UnwritableMessage,
    to_bytes,
)

TRANSACTIONAL_TAG = "answer"  # in a file's name: deleted after three days


class MaildirTransport:
    """A maildir: written in tmp, synced, renamed into new; file names hold no personal data."""

    def __init__(self, url: str, sender: str) -> None:
        path = url.partition(":")[2]
        self._folder = Path(path.removeprefix("//") if path.startswith("///") else path)
        self._sender = sender

    def send(self, message: Message, before_end_of_data: Callable[[], None]) -> SendResult:
        """The rename is the end of DATA: before it nothing is in `new`, after it the message is."""
        try:
            envelope = to_bytes(message, self._sender)
        except UnwritableMessage as error:
            return SendResult(SendStatus.REFUSED, str(error))
        kind = f"{TRANSACTIONAL_TAG}." if message.is_transactional else ""
        name = f"{int(message.at.timestamp())}.{secrets.token_hex(16)}.{kind}trustsvc"
        temporary = self._folder / "tmp" / name
        try:
            self._create()
            _write(temporary, envelope.data.replace(b"\r\n", b"\n"))
        except OSError:
            _remove(temporary)
            return SendResult(SendStatus.DEFERRED, "maildir")
        try:
            before_end_of_data()
        except BaseException:
            _remove(temporary)
            raise
        try:
            temporary.rename(self._folder / "new" / name)
        except OSError:
            _remove(temporary)
            return SendResult(SendStatus.DEFERRED, "maildir")
        return (
            SendResult(SendStatus.SENT)
            if _sync(self._folder / "new")
            else SendResult(SendStatus.UNKNOWN, "maildir")
        )

    def _create(self) -> None:
        self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for part in ("", "tmp", "new", "cur"):
            (self._folder / part).mkdir(mode=0o700, exist_ok=True)


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

"""`trustsvc bounce`: messages that came back, one through a pipe or many from a maildir."""

import contextlib
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from trustsvc import clock, log
from trustsvc.cli import data_folder_lock
from trustsvc.mail.feedback import delivery_reports
from trustsvc.mail.feedback.parsers import mime
from trustsvc.mail.feedback.parsers.report import IgnoredReport
from trustsvc.mail.feedback.parsers.returned_message import read
from trustsvc.storage import db
from trustsvc.work_queue import stop_request

EX_TEMPFAIL = 75  # sysexits.h: the mail server keeps the message and tries again
CHUNK_BYTES = 64 * 1024
MAX_BYTES = 256 * 1024 * 1024
WATCH_S = 5.0
MAX_FAILURES = 3  # in a row: then it is not the message

logger = log.get_logger("bounce")


# Arguments that a mail server adds (most likely an address) are neither read nor printed.
@click.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.option(
    "--maildir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Process and delete all messages in this maildir instead.",
)
@click.option("--watch", is_flag=True, help="Go on, and look into the maildir every five seconds.")
@click.pass_context
def bounce(context: click.Context, maildir: Path | None, watch: bool) -> None:
    """Process one message from standard input: a bounce, a complaint, or anything else.

    Exits with 0 when it was processed or is no report (a mail server answers any other code with a
    bounce of the bounce), with 75 when the mail server shall try again. Prints nothing: mail
    servers send output to the author of the message.

    With --maildir one process reads many: a message that could not be processed stays there.
    """
    if maildir is None:
        if not _process(_message()):
            context.exit(EX_TEMPFAIL)
        return
    with data_folder_lock.shared(), stop_request.listening():
        done = _process_all(maildir)
        while watch and not stop_request.wait(WATCH_S):
            _process_all(maildir)
    if not watch and not done:
        context.exit(EX_TEMPFAIL)


def _process(message: bytes) -> bool:
    """Take in one message; False when it is to be tried again."""
    report = read(message)
    if isinstance(report, IgnoredReport):
        logger.info("bounce.ignored", reason=report.reason)
        return True
    try:
        with db.transaction() as session:
            delivery_reports.accept(session, report, "mail", clock.now())
    except Exception as problem:  # noqa: BLE001 - the message must not be lost
        logger.error("bounce.failed", **log.error_location(problem))  # noqa: TRY400
        return False
    return True


def _process_all(maildir: Path) -> bool:
    """Take in what lies in a maildir, and delete it; False when something stays.

    A process that ends between the two reads a message again, and a second report of its kind
    changes nothing.
    """
    failed = in_a_row = 0
    for path in _waiting(maildir):
        if stop_request.is_made() or in_a_row >= MAX_FAILURES:
            return False
        with contextlib.suppress(OSError):  # gone meanwhile, or not ours to delete
            if _process(_beginning(path)):
                in_a_row = 0
                path.unlink()
                continue
        failed, in_a_row = failed + 1, in_a_row + 1
    return not failed


def _waiting(maildir: Path) -> Iterator[Path]:
    """List the messages, the oldest names first; nothing but files."""
    for part in ("new", "cur"):
        with contextlib.suppress(FileNotFoundError), os.scandir(maildir / part) as found:
            names = sorted(one.name for one in found if one.is_file(follow_symlinks=False))
            yield from (maildir / part / name for name in names)


def _beginning(path: Path) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        return file.read(mime.MOST_BYTES) if stat.S_ISREG(os.fstat(handle).st_mode) else b""


def _message() -> bytes:
    """Read the beginning and discard the rest: the mail server must not find its pipe closed."""
    if sys.stdin is None:  # closed by the calling process
        return b""
    source = sys.stdin.buffer
    message = source.read(mime.MOST_BYTES)
    for _ in range(MAX_BYTES // CHUNK_BYTES):
        if not source.read(CHUNK_BYTES):
            break
    return message

"""`trustsvc bounce`: messages that came back, one through a pipe or many from a maildir."""

import contextlib
import errno
import os
import stat
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from trustsvc import clock, log
from trustsvc.cli import data_folder_lock
from trustsvc.errors import Unavailable
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
MAX_FAILURES = 3  # to store, in a row: then it is not the message

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

    With --maildir one process reads many: a message that could not be processed stays there, and
    a file that cannot be read is skipped. The last line says how many were.
    """
    if maildir is None:
        if not _process(_message()):
            context.exit(EX_TEMPFAIL)
        return
    reader = MaildirReader(maildir)
    with data_folder_lock.shared(), stop_request.listening():
        outcome = reader.process_all()
        while watch and not stop_request.wait(WATCH_S):
            outcome = reader.process_all()
    if outcome.skipped:
        codes = ", ".join(f"{code}: {number}" for code, number in sorted(outcome.skipped.items()))
        click.echo(f"Skipped {outcome.skipped.total()} files, which stay there ({codes}).")
    if not watch and not outcome.is_complete:
        context.exit(EX_TEMPFAIL)


def _process(message: bytes) -> bool:
    """Take in one message; False when it is to be tried again."""
    try:
        _take_in(message)
    except Exception as problem:  # noqa: BLE001 - the message must not be lost
        _log_failure(problem)
        return False
    return True


def _take_in(message: bytes) -> None:
    """Store what a message reports; twice changes nothing, and what fails is raised."""
    report = read(message)
    if isinstance(report, IgnoredReport):
        logger.info("bounce.ignored", reason=report.reason)
        return
    with db.transaction() as session:
        delivery_reports.accept(session, report, "mail", clock.now())


def _log_failure(problem: Exception) -> None:
    logger.error("bounce.failed", **log.error_location(problem))


def _is_of_storage(problem: Exception) -> bool:
    """Whether the next message would fail as well: not what is about the values of this one."""
    if isinstance(problem, DataError | IntegrityError):
        return False
    return isinstance(problem, SQLAlchemyError | OSError | Unavailable)


@dataclass
class PassOutcome:
    """What one pass over a maildir left there: files skipped by code, and what was not stored."""

    skipped: Counter[str] = field(default_factory=Counter)
    not_stored: int = 0
    was_stopped: bool = False

    @property
    def is_complete(self) -> bool:
        return not (self.skipped or self.not_stored or self.was_stopped)


class MaildirReader:
    """Takes in what lies in a maildir, and deletes it, as often as it is asked.

    A process that ends between the two reads a message again, and a second report of its kind
    changes nothing.
    """

    def __init__(self, maildir: Path) -> None:
        self.maildir = maildir
        self._undeleted: set[Path] = set()
        self._logged: Counter[str] = Counter()

    def process_all(self) -> PassOutcome:
        """Go over the maildir once; a file that fails by itself never holds up those behind it.

        Ends early when asked to stop, or when storing failed three times in a row.
        """
        outcome, in_a_row = PassOutcome(), 0
        for path in _waiting(self.maildir):
            if stop_request.is_made() or in_a_row >= MAX_FAILURES:
                outcome.was_stopped = True
                break
            try:
                is_stored = self._process_file(path)
            except FileNotFoundError:  # another reader was quicker
                continue
            except OSError as problem:
                outcome.skipped[errno.errorcode.get(problem.errno or 0, "unknown")] += 1
                continue
            except Exception as problem:  # noqa: BLE001 - a fault of this message alone
                _log_failure(problem)
                outcome.skipped[type(problem).__name__] += 1
                continue
            in_a_row = 0 if is_stored else in_a_row + 1
            outcome.not_stored += not is_stored
        self._log_skipped(outcome.skipped)
        return outcome

    def _process_file(self, path: Path) -> bool:
        """Take in and delete one file; False when it could not be stored, OSError is the file's."""
        if path not in self._undeleted:
            message = _beginning(path)
            try:
                _take_in(message)
            except Exception as problem:
                if not _is_of_storage(problem):
                    raise
                _log_failure(problem)
                return False
        self._undeleted.add(path)
        path.unlink(missing_ok=True)
        self._undeleted.discard(path)
        return True

    def _log_skipped(self, skipped: Counter[str]) -> None:
        """Log what is skipped when it differs from the pass before: a watcher looks often."""
        for code, number in sorted(skipped.items()):
            if self._logged[code] != number:
                logger.warning("bounce.skipped", code=code, number=number)
        self._logged = skipped


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

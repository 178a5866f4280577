"""Returned messages of a maildir: taken in and deleted, many by one process."""

import contextlib
import errno
import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from trustsvc import clock, log
from trustsvc.errors import Unavailable
from trustsvc.mail.feedback import delivery_reports
from trustsvc.mail.feedback.parsers import mime, returned_message
from trustsvc.mail.feedback.parsers.report import IgnoredReport
from trustsvc.storage import db
from trustsvc.work_queue import stop_request

MAX_FAILURES = 3  # to store, in a row: then it is not the message

logger = log.get_logger("bounce")


def take_in(message: bytes) -> None:
    """Store what a message reports; twice changes nothing, and what fails is raised."""
    report = returned_message.read(message)
    if isinstance(report, IgnoredReport):
        logger.info("bounce.ignored", reason=report.reason)
        return
    with db.transaction() as session:
        delivery_reports.accept(session, report, "mail", clock.now())


def log_failure(problem: Exception) -> None:
    """Log where it failed, and nothing of the message."""
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
    changes nothing. One that failed by itself is not tried again by this process.
    """

    def __init__(self, maildir: Path) -> None:
        self.maildir = maildir
        self._undeleted: set[Path] = set()
        self._failed: dict[Path, str] = {}
        self._logged: Counter[str] = Counter()

    def process_all(self) -> PassOutcome:
        """Go over the maildir once; a file that fails by itself never holds up those behind it.

        Ends early when asked to stop, or when storing failed three times in a row.
        """
        outcome, in_a_row = PassOutcome(), 0
        seen: set[Path] = set()
        for path in _waiting(self.maildir):
            if stop_request.is_made() or in_a_row >= MAX_FAILURES:
                outcome.was_stopped = True
                break
            seen.add(path)
            if path in self._failed:
                outcome.skipped[self._failed[path]] += 1
                continue
            try:
                is_stored = self._process_file(path)
            except FileNotFoundError:  # another reader was quicker
                continue
            except OSError as problem:
                outcome.skipped[errno.errorcode.get(problem.errno or 0, "unknown")] += 1
                continue
            except Exception as problem:  # noqa: BLE001 - a fault of this message alone
                log_failure(problem)
                self._failed[path] = type(problem).__name__
                outcome.skipped[self._failed[path]] += 1
                continue
            in_a_row = 0 if is_stored else in_a_row + 1
            outcome.not_stored += not is_stored
        if not outcome.was_stopped:
            self._failed = {path: code for path, code in self._failed.items() if path in seen}
        self._log_skipped(outcome.skipped)
        return outcome

    def _process_file(self, path: Path) -> bool:
        """Take in and delete one file; False when it could not be stored, OSError is the file's."""
        if path not in self._undeleted:
            message = _beginning(path)
            try:
                take_in(message)
            except Exception as problem:
                if not _is_of_storage(problem):
                    raise
                log_failure(problem)
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

"""Checks of the suppression journal: this host's file, and whether it is up to date."""

from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from trustsvc.doctor.finding import Result, fail, warn, well
from trustsvc.storage import suppression_copy, suppression_journal

CHECK = "suppressions"
BEHIND = "late: see trustsvc doctor"


def copy(now: datetime) -> Result:
    """Check that entries of other hosts reach this host's file; reads the file's state only."""
    try:
        is_late = suppression_copy.late(now)
    except (SQLAlchemyError, OSError):
        is_late = False  # the line on the database says it
    if not is_late:
        return well(CHECK, "this host's file is up to date")
    at = suppression_copy.copied_at()
    when = f"last at {at:%Y-%m-%dT%H:%M:%SZ}" if at else "never so far"
    detail = f"entries of other hosts are missing in this host's file; it was copied {when}"
    remedy = "is there space, and may trustsvc write to suppressions? Each process copies"
    return Result(BEHIND, [warn(CHECK, detail, remedy)])


def journal(now: datetime) -> Result:
    """Check the whole file, and whether it is up to date."""
    file = suppression_journal.read()
    if file is None:
        if suppression_journal.path().exists():
            detail = "the file is not a suppression journal"
            remedy = "put its newest copy back, or move it away: it is made again of the database"
            return Result(detail, [fail(CHECK, detail, remedy)])
        # A data folder that was never used must stay as it is, and asking makes the database.
        state = copy(now) if suppression_journal.path().parent.is_dir() else None
        is_late = state and state.status == BEHIND
        return state if state and is_late else well(CHECK, "no opt-out and no backup so far")
    if file.damaged:
        detail = f"{file.damaged} lines cannot be read"
        remedy = "make a new backup now: after a restore of an older one no invitation would leave"
        return Result(detail, [warn(CHECK, detail, remedy)])
    state = copy(now)
    if state.status == BEHIND:
        return state
    at = suppression_copy.copied_at()
    when = f", copied last at {at:%Y-%m-%dT%H:%M:%SZ}" if at else ""
    return well(CHECK, f"{len(file.lines)} entries, kept apart from the database{when}")

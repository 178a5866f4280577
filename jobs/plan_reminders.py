"""Plan the single reminder of unanswered invitations, for shops that enabled it."""

from trustsvc import clock, clock_check
from trustsvc.invitations.planning.reminders import BATCH_SIZE, plan_due_reminders
from trustsvc.storage import db


def plan_reminders() -> None:
    """Drain due reminders. Safe to repeat: an invitation has at most one reminder."""
    full = True
    while full:
        with db.transaction() as session:
            if clock_check.problem(session, clock.read()) in clock_check.STOPS_MAIL:
                return
            full = plan_due_reminders(session, clock.now()) == BATCH_SIZE

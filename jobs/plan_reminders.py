"""Plan the one reminder of invitations that were not answered, where the shop wants it."""

from trustsvc import clock, clock_check
from trustsvc.invitations.planning.reminders import BATCH_SIZE, plan_due_reminders
from trustsvc.storage import db


def plan_reminders() -> None:
    """Drain what there is to decide; twice does no harm, an invitation has at most one reminder."""
    full = True
    while full:
        with db.transaction() as session:
            if clock_check.problem(session, clock.read()) in clock_check.STOPS_MAIL:
                return
            full = plan_due_reminders(session, clock.now()) == BATCH_SIZE

"""Plan the one reminder of invitations that were not answered, where the shop wants it."""

from trustsvc import clock, db, pace
from trustsvc.invitations.remind import MOST, remind


def plan_reminders() -> None:
    """Drain what there is to decide; twice does no harm, an invitation has at most one reminder."""
    full = True
    while full:
        with db.transaction() as session:
            if pace.doubt(session, clock.read()) in pace.HOLDS:
                return
            full = remind(session, clock.now()) == MOST

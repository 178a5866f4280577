"""Decide on the orders that came in, batch by batch, each in its own transaction."""

from trustsvc import clock, clock_check
from trustsvc.invitations.planning.plan import BATCH_SIZE, plan_invitations
from trustsvc.storage import db


def check_orders() -> None:
    """Drain what is received; a second one at the same time finds other orders or none.

    While the clock is doubted nothing is decided: an order would be too old, or planned for a day
    that is not.
    """
    full = True
    while full:
        with db.transaction() as session:
            if clock_check.problem(session, clock.read()) in clock_check.STOPS_MAIL:
                return
            full = plan_invitations(session, clock.now()) == BATCH_SIZE

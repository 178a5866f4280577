"""Decide on the orders that came in, batch by batch, each in its own transaction."""

from trustsvc import clock, db, pace
from trustsvc.invitations.plan import MOST, plan


def check_orders() -> None:
    """Drain what is received; a second one at the same time finds other orders or none.

    While the clock is doubted nothing is decided: an order would be too old, or planned for a day
    that is not.
    """
    full = True
    while full:
        with db.transaction() as session:
            if pace.doubt(session, clock.read()) in pace.HOLDS:
                return
            full = plan(session, clock.now()) == MOST

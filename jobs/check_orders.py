"""Decide on the orders that came in, batch by batch, each in its own transaction."""

from trustsvc import clock, db
from trustsvc.invitations.plan import MOST, plan


def check_orders() -> None:
    """Drain what is received; a second one at the same time finds other orders or none."""
    full = True
    while full:
        with db.transaction() as session:
            full = plan(session, clock.now()) == MOST

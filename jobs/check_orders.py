"""Decide on received orders in batches, one transaction each."""

from trustsvc import clock, clock_check
from trustsvc.invitations.planning.plan import BATCH_SIZE, plan_invitations
from trustsvc.storage import db


def check_orders() -> None:
    """Drain received orders; a second job at the same time gets other orders or none.

    Decides nothing while the clock is distrusted: an order would count as too old, or get a wrong
    date.
    """
    full = True
    while full:
        with db.transaction() as session:
            if clock_check.problem(session, clock.read()) in clock_check.STOPS_MAIL:
                return
            full = plan_invitations(session, clock.now()) == BATCH_SIZE

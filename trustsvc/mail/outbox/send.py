"""Send the messages that are due: name and address to the mail server, and nothing else."""

from collections.abc import Callable
from datetime import datetime

from trustsvc.mail import group_transport
from trustsvc.mail.group_transport import GroupTransport
from trustsvc.mail.message import MailTransport
from trustsvc.mail.outbox import (
    circuit_breaker,
    expired_leases,
    kinds,
    lease,
    lease_renewal,
    relay_rate,
    resend,
    sending_round,
)
from trustsvc.storage import db


def send(
    open_transaction: db.OpenTransaction,
    transport: MailTransport | GroupTransport,
    now: Callable[[], datetime],
    *,
    only_unsuspendable: bool = False,
    wait: sending_round.Wait = sending_round.sleep,
    most: int = lease.BATCH_SIZE,
) -> bool:
    """Send one batch; gives whether it was full and more may be due, so that a job goes on.

    No transaction is open while the mail server answers. Messages go out in groups, one over each
    connection. Right before each group's end of DATA one commit settles the group before, reads
    every reason not to send again and marks these messages as handed. Two senders never have the
    same message. A sender that dies leaves at most one unknown delivery a connection; its other
    messages are due again. With `only_unsuspendable` only kinds are sent that no send suspension
    stops. Once `wait`, which takes seconds, says to stop, the group that is being sent is finished,
    and no other. Where the mail server's rate is known each message waits for its moment.
    """
    started = now()
    of = [k for k in kinds.registered() if not (only_unsuspendable and k.obeys_send_suspension)]
    with open_transaction() as session:
        expired_leases.expire(session, started, of)
        resend.resend_unknown(session, started, of)
        gate = circuit_breaker.ask(session, started, most)
        slots = relay_rate.ask(session, gate.server, started, gate.limit)
        leased = lease.lease(session, started, of, slots.limit) if slots.limit else []
        moments = relay_rate.leased(session, gate.server, slots, len(leased), started)
        circuit_breaker.leased(
            session, gate, len(leased), leased[0].lease if leased else b"", started
        )
    if not leased:
        return False
    this_round = sending_round.SendingRound(open_transaction, now, gate, wait)
    try:
        with lease_renewal.renewed(open_transaction, leased[0].lease, now):
            goes_on = this_round.send_all(leased, moments, group_transport.grouped(transport))
            return goes_on and len(leased) == slots.limit
    finally:
        this_round.end(leased[0].lease)

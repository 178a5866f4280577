"""Renew a lease as long as its sender lives, and hardly longer."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from trustsvc import log
from trustsvc.mail.outbox.models import HELD_BY_SENDER, messages
from trustsvc.storage.columns import in_states

MESSAGE_LEASE = timedelta(seconds=45)
RENEWED_S = 15.0

logger = log.get_logger("mail")


@contextmanager
def renewed(
    open_transaction: Callable[[], AbstractContextManager[Session]],
    lease: bytes,
    now: Callable[[], datetime],
    every_s: float = RENEWED_S,
) -> Iterator[None]:
    """Renew the lease of a sender's messages from a thread beside it.

    A mail server may take ten minutes to answer the end of DATA (RFC 5321 4.5.3.2.6). The messages
    of a sender that was killed must not wait as long. A lease that cannot be renewed in time is
    lost; the sender notices before the next end of DATA.
    """
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(every_s):
            try:
                with open_transaction() as session:
                    # What the hand-over has locked is renewed by it, and must not wait for us.
                    mine = (
                        select(messages.c.id)
                        .where(messages.c.lease == lease, in_states(HELD_BY_SENDER))
                        .with_for_update(skip_locked=True)
                        .cte("mine")
                        .prefix_with("MATERIALIZED")
                    )
                    session.execute(
                        update(messages)
                        .where(messages.c.id.in_(select(mine.c.id)))
                        .values(leased_until=now() + MESSAGE_LEASE)
                    )
            except Exception as problem:  # noqa: BLE001 - whatever it is, there is a next time
                logger.warning("mail.lease_not_renewed", error=type(problem).__name__)

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()

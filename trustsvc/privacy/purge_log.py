"""Purge the server log and sign for it: the log's own room knows neither database nor receipts."""

from datetime import datetime
from pathlib import Path

from trustsvc import config, db
from trustsvc.privacy.receipts import Receipt, write
from trustsvc.server_log import purge as server_log


def purge(now: datetime) -> list[Path]:
    """Delete the log's files that are due; gives them.

    The files go first: a database that is away must not keep a log past its day. Then only the
    receipt is missing, and the job fails so that it is seen.
    """
    settings = config.current()
    gone = server_log.purge(settings.data / "log", now, settings.log_days)
    if gone:
        before = server_log.before(now, settings.log_days)
        with db.transaction() as session:
            write(session, Receipt(now, "server log", len(gone), before))
    return gone

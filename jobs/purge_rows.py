"""Delete everything past its retention."""

from trustsvc import clock, log
from trustsvc.privacy.retention import purge, purge_guard

logger = log.get_logger("purge")


def purge_rows() -> None:
    """Delete what is due, in batches; killed midway, the next hour goes on.

    Large purges wait while the clock is distrusted, except in `trustsvc tick`.
    """
    gone = purge.purge_due(clock.now(), clock_distrusted=bool(purge_guard.clock_problem()))
    if gone:
        logger.info("purge.done", **gone)

"""Let go of everything whose time is over."""

from trustsvc import clock, log
from trustsvc.privacy.retention import purge, purge_guard

logger = log.get_logger("purge")


def purge_rows() -> None:
    """Delete what is due, in bites; killed midway, the next hour goes on.

    When the clock may have jumped, what would lose too much waits; not for `trustsvc tick`.
    """
    gone = purge.purge(clock.now(), doubted=bool(purge_guard.clock_problem()))
    if gone:
        logger.info("purged", **gone)

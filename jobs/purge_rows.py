"""Let go of everything whose time is over."""

from trustsvc import clock, log
from trustsvc.privacy import purge

logger = log.named("purge")


def purge_rows() -> None:
    """Delete what is due, in bites; killed midway, the next hour goes on."""
    gone = purge.purge(clock.now())
    if gone:
        logger.info("purged", **{rule.replace(" ", "_"): number for rule, number in gone.items()})

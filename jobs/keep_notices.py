"""Write down which privacy notice is in force, where it is another than before."""

from trustsvc import clock, config, db
from trustsvc.privacy import editions


def keep_notices() -> None:
    """Compare while reading, so that nobody waits; doubled or late does no harm."""
    with db.reading() as session:
        new = editions.changed(session, config.current())
    if new:
        with db.transaction() as session:
            editions.keep(session, new, clock.now())

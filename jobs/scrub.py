"""Remove deleted data from the write-ahead log."""

from trustsvc.storage import vacuum


def scrub() -> None:
    """Enqueued after a deletion of published or personal data: it is gone within a minute."""
    vacuum.scrub()

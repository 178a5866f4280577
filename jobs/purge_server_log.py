"""Delete the server log before its first line is as old as promised."""

from trustsvc import clock
from trustsvc.privacy.retention import purge_log_files


def purge_server_log() -> None:
    """Unlink the files that are due and sign a receipt; a second run finds nothing."""
    purge_log_files.purge(clock.now())

"""Check of the replica that the desk is read from."""

from sqlalchemy.exc import OperationalError

from trustsvc.doctor.finding import Finding, ok, warn
from trustsvc.storage import replica

CHECK = "replica"


def database_replica() -> list[Finding]:
    """Warn of a replica that is away, late or none; no line without one."""
    if not replica.is_configured():
        return []
    try:
        is_current = replica.is_current()
    except OperationalError:
        remedy = "start it; the desk is read from the database meanwhile"
        return [warn(CHECK, "it does not answer", remedy)]
    if not is_current:
        remedy = (
            "see its log and its primary_conninfo; the desk is read from the database meanwhile"
        )
        return [warn(CHECK, "it is late, or no replica of this database", remedy)]
    return [ok(CHECK, "at most five seconds late")]

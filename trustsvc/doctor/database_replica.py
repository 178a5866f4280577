"""Check of the replica that the desk is read from."""

from sqlalchemy import select
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from trustsvc.doctor.finding import Finding, ok, warn
from trustsvc.shops.models import shops
from trustsvc.storage import replica

CHECK = "replica"
MEANWHILE = "the desk is read from the database meanwhile"
REFUSALS: dict[replica.Refusal, tuple[str, str]] = {
    "late": ("it is late", "see its log and its primary_conninfo"),
    "promoted": ("it is no replica: it takes writes itself", "make it anew from the database"),
    "cluster": (
        "it is a replica of another server: its system identifier differs",
        "correct TRUSTSVC_DATABASE_REPLICA_URL",
    ),
    "database": (
        "it is another database of the server: its name differs",
        "correct TRUSTSVC_DATABASE_REPLICA_URL",
    ),
    "timeline": (
        "its timeline is not the database's",
        "wait for its next restart point, or make it anew from the database",
    ),
    "unreadable": (
        "whether it is of this database cannot be read",
        "let both roles execute pg_control_system, pg_control_checkpoint and pg_control_recovery",
    ),
}


def database_replica() -> list[Finding]:
    """Warn of a replica that is away, late, another's or unreadable; no line without one."""
    if not replica.is_configured():
        return []
    try:
        with replica.engine().connect() as connection:
            refusal = replica.find_refusal(connection)
            connection.rollback()
            if not refusal:
                connection.execute(select(shops.c.id).limit(1))
    except OperationalError:
        return [warn(CHECK, "it does not answer", f"start it; {MEANWHILE}")]
    except SQLAlchemyError as error:
        name = type(getattr(error, "orig", None) or error).__name__
        remedy = f"let its role read every table; {MEANWHILE}"
        return [warn(CHECK, f"it does not answer a read: {name}", remedy)]
    if refusal:
        detail, remedy = REFUSALS[refusal]
        return [warn(CHECK, detail, f"{remedy}; {MEANWHILE}")]
    return [ok(CHECK, "a replica of this database, at most five seconds late")]

"""A check value of each key, kept in the database: whether key folder and database match."""

import time
from collections.abc import Mapping

from sqlalchemy import Integer, Table, Text, delete, inspect, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from trustsvc.crypto import keyring, pseudonyms
from trustsvc.errors import Misconfigured
from trustsvc.storage import db
from trustsvc.storage.columns import column, metadata

NOTICED_S = 2.0

key_checks = Table(
    "key_checks",
    metadata,
    column("kind", Text, purpose="which kind of key", retention="service_state", primary_key=True),
    column(
        "version",
        Integer,
        purpose="which key of it",
        retention="service_state",
        primary_key=True,
        autoincrement=False,
    ),
    column(
        "value",
        Text,
        purpose="recognise the key (a hash of 8 bytes by it; gives nothing of it away)",
        retention="service_state",
    ),
)


def value(kind: str, key: keyring.Key) -> str:
    """Give the check value of a key: it recognises the key and reveals nothing of it."""
    return pseudonyms.hmac_sha256(key.secret, f"trustsvc backup check of {kind}")[:8].hex()


def of_folder() -> dict[str, dict[int, str]]:
    """Give the check values of the keys in the folder, by kind and version; creates no key."""
    return {
        kind: {key.version: value(kind, key) for key in keyring.existing_keys(kind)}
        for kind in keyring.KINDS
    }


def record(session: Session) -> None:
    """Record the keys that have no check value yet; those that have one stay as they are.

    The caller has made sure that the keys are those of this database.
    """
    rows = [
        {"kind": kind, "version": version, "value": check}
        for kind, checks in of_folder().items()
        for version, check in checks.items()
    ]
    session.execute(db.insert(key_checks).on_conflict_do_nothing(), rows)


def announce(kind: str, key: keyring.Key) -> None:
    """Record a key before it is used, and wait until every host that lacks it has noticed.

    Hosts ask once a second (key_guard.py) and then do nothing until it was copied to them. Raises
    Misconfigured where this host's own keys are behind: the other's would be lost by copying. If it
    is interrupted, the key is not announced.
    """
    with db.transaction() as session:
        if not inspect(session.connection()).has_table(key_checks.name):
            return
        if wrong := mismatches(session).get(kind):
            raise Misconfigured(
                f"The key {kind} here is not that of this database ({wrong}): copy the folder keys "
                "of TRUSTSVC_DATA from the host where it was rotated first."
            )
        record(session)
        row = {"kind": kind, "version": key.version, "value": value(kind, key)}
        session.execute(key_checks.insert().values(row))
    if db.is_sqlite():
        return  # there is no other host
    try:
        time.sleep(NOTICED_S)
    except BaseException:
        with db.transaction() as session:
            mine = (key_checks.c.kind == kind) & (key_checks.c.version == key.version)
            session.execute(delete(key_checks).where(mine))
        raise


def mismatches(session: Session) -> Mapping[str, str]:
    """Say of which kinds the keys are not those of this database, and how they differ.

    A retired key is missing from the folder, and no mismatch; the newest one cannot be retired.
    """
    recorded: dict[str, dict[int, str]] = {}
    for row in session.execute(select(key_checks)):
        recorded.setdefault(row.kind, {})[row.version] = row.value
    here = of_folder()
    wrong: dict[str, str] = {}
    for kind, checks in recorded.items():
        mine = here.get(kind, {})
        if any(mine.get(version, check) != check for version, check in checks.items()):
            wrong[kind] = "another one than this database knows"
        elif max(checks) not in mine:
            wrong[kind] = f"version {max(checks)} is missing"
    return wrong


def require_first(kind: str) -> None:
    """Raise Misconfigured where this database knows keys of a kind: they lie on another host.

    A host that made keys of its own would know no buyer, open no link and read nothing stored.
    """
    try:
        with db.reading() as session:
            if not inspect(session.connection()).has_table(key_checks.name):
                return
            of_kind = select(key_checks.c.version).where(key_checks.c.kind == kind).limit(1)
            is_known = session.scalar(of_kind) is not None
    except SQLAlchemyError:
        raise Misconfigured(
            "There are no keys here, and the database does not say whether it has some: copy the "
            "folder keys of TRUSTSVC_DATA from the host that has it, or start the database first."
        ) from None
    if is_known:
        raise Misconfigured(
            f"The key {kind} of this database is not here: copy the folder keys of TRUSTSVC_DATA "
            "from the host that has it, or restore it from its backup."
        )

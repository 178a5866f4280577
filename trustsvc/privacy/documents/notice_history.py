"""The versions of each privacy notice, kept word by word from the moment they are in force.

The page always renders the current settings. `record` stores a text that is new; a stored version
never changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives import hashes
from sqlalchemy import Subquery, func, select, update
from sqlalchemy.orm import Session

from trustsvc import i18n
from trustsvc.config import Settings
from trustsvc.errors import NotFound
from trustsvc.privacy.documents import notice
from trustsvc.privacy.models import notice_versions
from trustsvc.shops import directory
from trustsvc.shops.directory import Shop
from trustsvc.storage import db


@dataclass(frozen=True, slots=True)
class NoticeVersion:
    """One version in one language; `digest` is SHA-256 of its text in UTF-8."""

    version: int
    since: datetime
    announced_at: datetime | None
    text: str

    @property
    def digest(self) -> bytes:
        return digest(self.text)


def digest(text: str) -> bytes:
    made = hashes.Hash(hashes.SHA256())
    made.update(text.encode())
    return made.finalize()


def in_force(
    session: Session, shop: Shop, settings: Settings, language: str, now: datetime
) -> NoticeVersion:
    """Give the current notice: the newest recorded version, or a new one not recorded yet."""
    text = str(notice.text(shop, settings, language))
    newest = _newest(session, language, shop.id).get(shop.id)
    if newest and newest.text == text:
        return newest
    return NoticeVersion(newest.version + 1 if newest else 1, now, None, text)


def get(session: Session, shop_id: int, version: int, language: str) -> NoticeVersion:
    """Give one version; raises NotFound."""
    versions = [one for one in history(session, shop_id, language) if one.version == version]
    if not versions:
        raise NotFound
    return versions[0]


def history(session: Session, shop_id: int, language: str) -> list[NoticeVersion]:
    """List all recorded versions, newest first."""
    table = notice_versions.c
    rows = session.execute(
        select(table.version, table.since, table.announced_at, table.text)
        .where(table.shop_id == shop_id, table.language == language)
        .order_by(table.version.desc())
    )
    return [NoticeVersion(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class NoticeChange:
    """A shop whose notice is made from something else than before; its texts only if they differ.

    `version` is that of the texts: a new one, or the newest recorded.
    """

    shop_id: int
    version: int
    inputs: bytes
    texts: Mapping[str, str]


def changed_notices(session: Session, settings: Settings) -> list[NoticeChange]:
    """Find shops whose notice was made from something else; the others cost a comparison each."""
    newest = _newest_inputs(session)
    changed: list[NoticeChange] = []
    for shop in directory.all_shops(session):
        inputs = notice.inputs_digest(shop, settings)
        version, recorded = newest.get(shop.id, (0, {}))
        if recorded == dict.fromkeys(i18n.LANGUAGES, inputs):
            continue
        texts = {
            language: str(notice.text(shop, settings, language)) for language in i18n.LANGUAGES
        }
        if _texts(session, shop.id, version) == texts:
            changed.append(NoticeChange(shop.id, version, inputs, {}))
        else:
            changed.append(NoticeChange(shop.id, version + 1, inputs, texts))
    return changed


def record(session: Session, changes: Sequence[NoticeChange], now: datetime) -> None:
    """Record new versions in all languages. Two runs at once record one."""
    rows = [
        {
            "shop_id": one.shop_id,
            "version": one.version,
            "language": language,
            "text": text,
            "digest": digest(text),
            "since": now,
            "inputs_digest": one.inputs,
        }
        for one in changes
        for language, text in one.texts.items()
    ]
    if rows:
        statement = db.insert(notice_versions).on_conflict_do_nothing()
        session.execute(statement, rows)
    table = notice_versions.c
    for one in changes:
        if not one.texts:
            of_version = (table.shop_id == one.shop_id, table.version == one.version)
            session.execute(
                update(notice_versions).where(*of_version).values(inputs_digest=one.inputs)
            )


def mark_announced(session: Session, shop_id: int, version: int, now: datetime) -> bool:
    """Mark a version announced; False if it was already."""
    table = notice_versions.c
    done = session.execute(
        update(notice_versions)
        .where(table.shop_id == shop_id, table.version == version, table.announced_at.is_(None))
        .values(announced_at=now)
    )
    return bool(db.row_count(done))


def _texts(session: Session, shop_id: int, version: int) -> dict[str, str]:
    table = notice_versions.c
    rows = session.execute(
        select(table.language, table.text).where(table.shop_id == shop_id, table.version == version)
    )
    return {row.language: row.text for row in rows}


def _newest_inputs(session: Session) -> dict[int, tuple[int, dict[str, bytes | None]]]:
    """Give each shop's newest version, and what its texts were made from, by language."""
    table, newest = notice_versions.c, _newest_version()
    rows = session.execute(
        select(table.shop_id, table.version, table.language, table.inputs_digest).join(
            newest, (newest.c.shop_id == table.shop_id) & (newest.c.version == table.version)
        )
    )
    found: dict[int, tuple[int, dict[str, bytes | None]]] = {}
    for row in rows:
        _, of_language = found.setdefault(row.shop_id, (row.version, {}))
        of_language[row.language] = row.inputs_digest
    return found


def _newest_version() -> Subquery:
    table = notice_versions.c
    return (
        select(table.shop_id, func.max(table.version).label("version"))
        .group_by(table.shop_id)
        .subquery()
    )


def _newest(
    session: Session, language: str, shop_id: int | None = None
) -> dict[int, NoticeVersion]:
    table, newest = notice_versions.c, _newest_version()
    rows = session.execute(
        select(table.shop_id, table.version, table.since, table.announced_at, table.text)
        .join(newest, (newest.c.shop_id == table.shop_id) & (newest.c.version == table.version))
        .where(table.language == language, *([table.shop_id == shop_id] if shop_id else []))
    )
    return {row.shop_id: NoticeVersion(*row[1:]) for row in rows}

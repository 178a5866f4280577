"""The versions of each privacy notice, kept word by word from the moment they are in force.

The page always renders the current settings. `record` stores a text that is new; a stored version
never changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives import hashes
from sqlalchemy import func, select, update
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


def changed_notices(
    session: Session, settings: Settings
) -> list[tuple[Shop, int, Mapping[str, str]]]:
    """Find shops whose notice differs from the newest recorded: shop, new version, texts."""
    newest = {language: _newest(session, language) for language in i18n.LANGUAGES}
    changed: list[tuple[Shop, int, Mapping[str, str]]] = []
    for shop in directory.all_shops(session):
        texts = {
            language: str(notice.text(shop, settings, language)) for language in i18n.LANGUAGES
        }
        kept = {language: newest[language].get(shop.id) for language in texts}
        if any((one.text if one else None) != texts[lang] for lang, one in kept.items()):
            number = max((one.version for one in kept.values() if one), default=0) + 1
            changed.append((shop, number, texts))
    return changed


def record(
    session: Session, new: Sequence[tuple[Shop, int, Mapping[str, str]]], now: datetime
) -> int:
    """Record new versions in all languages; gives how many. Two runs at once record one."""
    rows = [
        {
            "shop_id": shop.id,
            "version": number,
            "language": language,
            "text": text,
            "digest": digest(text),
            "since": now,
        }
        for shop, number, texts in new
        for language, text in texts.items()
    ]
    if rows:
        statement = db.insert(notice_versions).on_conflict_do_nothing()
        session.execute(statement, rows)
    return len(new)


def mark_announced(session: Session, shop_id: int, version: int, now: datetime) -> bool:
    """Mark a version announced; False if it was already."""
    table = notice_versions.c
    done = session.execute(
        update(notice_versions)
        .where(table.shop_id == shop_id, table.version == version, table.announced_at.is_(None))
        .values(announced_at=now)
    )
    return bool(db.row_count(done))


def _newest(
    session: Session, language: str, shop_id: int | None = None
) -> dict[int, NoticeVersion]:
    table = notice_versions.c
    newest = (
        select(table.shop_id, func.max(table.version).label("version"))
        .group_by(table.shop_id)
        .subquery()
    )
    rows = session.execute(
        select(table.shop_id, table.version, table.since, table.announced_at, table.text)
        .join(newest, (newest.c.shop_id == table.shop_id) & (newest.c.version == table.version))
        .where(table.language == language, *([table.shop_id == shop_id] if shop_id else []))
    )
    return {row.shop_id: NoticeVersion(*row[1:]) for row in rows}

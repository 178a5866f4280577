"""A shop's settings: check and change them."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import update
from sqlalchemy.orm import Session

from trustsvc import i18n
from trustsvc.errors import Refused
from trustsvc.mail import message
from trustsvc.shops import directory, webhook_auth
from trustsvc.shops.models import shops
from trustsvc.storage import db, event_log
from trustsvc.work_queue import job_queue

CHOICES: Mapping[str, tuple[str, ...]] = {
    "may_ask": ("registered", "consent", "customers"),
    "delay_unit": ("minutes", "hours", "days", "weekdays"),
    "moment": ("delivered", "shipped", "paid", "created"),
    "fallback": ("skip", "ask"),
    "language": i18n.LANGUAGES,
}
MAX_DELAY = {"minutes": 525_600, "hours": 8_760, "days": 365, "weekdays": 260}  # a year
DAYS = {
    "reminder_days": (0, 60),
    "cap_days": (0, 365),
    "max_age_days": (1, 365),
    "fallback_days": (1, 365),
}
MAX_WORDING = 5000
# Which orders a shop may leave out (docs/how-to/skip.md); `tag:NAME` is a tag of the shop's own.
SKIPPABLE = (
    "pos",
    "draft",
    "test-gateway",
    "wholesale",
    "gift-card",
    "zero-total",
    "marketplace",
)
TAG = "tag:"
DEFAULT_SKIP = "draft,pos,test-gateway"
MAX_SKIP_LENGTH = 500


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """New values of a shop's settings; None leaves one as it is."""

    name: str | None = None
    domain: str | None = None
    may_ask: str | None = None
    wording: str | None = None
    delay: int | None = None
    delay_unit: str | None = None
    moment: str | None = None
    language: str | None = None
    zone: str | None = None
    reply_to: str | None = None
    reminder_days: int | None = None
    cap_days: int | None = None
    max_age_days: int | None = None
    skip: str | None = None
    fallback: str | None = None
    fallback_days: int | None = None

    def given(self) -> dict[str, str | int]:
        """Give the values that are not None, by column."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def default_wording(may_ask: str, language: str) -> str:
    """Return the default notice to buyers in the shop's language.

    It is copied to the shop and dated: the proof of the legal basis is the notice of that time, not
    the catalogue's later text. Empty for an unknown basis.
    """
    if may_ask not in CHOICES["may_ask"]:
        return ""
    return i18n.translate(f"shops.wording.{may_ask}", i18n.negotiate_language(language))


def change_settings(
    session: Session, slug: str, change: SettingsChange, now: datetime
) -> directory.Shop:
    """Change settings of a shop; returns the changed shop. A second call changes nothing more.

    Another legal basis without a wording gets the default one, and both are dated. Another language
    translates a default wording and keeps an own one. Decided orders stay decided. Raises NotFound,
    and Refused with what is allowed.
    """
    before = directory.by_slug(session, slug)
    if not change.wording and (wording := _new_default_wording(before, change)):
        change = replace(change, wording=wording)
    # The delay is checked together with its unit, of which one may stay.
    unit = before.delay_unit if change.delay_unit is None else change.delay_unit
    delay = before.delay if change.delay is None else change.delay
    check_settings(replace(change, delay=delay, delay_unit=unit))
    new: dict[str, object] = dict(change.given())
    for field, clean in CLEANED.items():
        if field in new:
            new[field] = clean(str(new[field]))
    notice = (new.get("may_ask", before.may_ask), new.get("wording", before.wording))
    if notice != (before.may_ask, before.wording):
        new["wording_at"] = now
    if new.get("domain", before.domain) != before.domain:  # the proof was for the other
        new |= {"proven_at": None, "domain_checked_at": None, "missed_checks": 0}
    if new:
        session.execute(update(shops).where(shops.c.id == before.id).values(**new))
        event_log.record(session, "shop.changed", before.id, before.id, now)
        db.after_commit(session, webhook_auth.forget)
        job_queue.enqueue(session, "refresh_badges")
    return directory.by_id(session, before.id)


def _new_default_wording(before: directory.Shop, change: SettingsChange) -> str:
    """Return the default wording of another basis or language; empty where the wording stays."""
    may_ask = before.may_ask if change.may_ask is None else change.may_ask
    is_default = before.wording == default_wording(before.may_ask, before.language)
    if may_ask == before.may_ask and not (is_default and change.language is not None):
        return ""
    return default_wording(may_ask, before.language if change.language is None else change.language)


def check_settings(change: SettingsChange) -> None:
    """Raises Refused for the first invalid value, with what is allowed."""
    values = change.given()
    for field, allowed in CHOICES.items():
        if field in values and values[field] not in allowed:
            raise Refused(f"The {_label(field)} must be one of: {', '.join(allowed)}.")
    for field, (minimum, maximum) in DAYS.items():
        if field in values and not minimum <= int(values[field]) <= maximum:
            raise Refused(f"The {_label(field)} must be from {minimum} to {maximum}.")
    unit = change.delay_unit or "days"
    longest = MAX_DELAY[unit]
    if not 0 <= (change.delay or 0) <= longest:
        raise Refused(f"The delay must be from 0 to {longest} {unit}.")
    if change.zone is not None:
        _check_zone(change.zone)
    if change.wording is not None and not 0 < len(change.wording.strip()) <= MAX_WORDING:
        raise Refused(f"The wording must have 1 to {MAX_WORDING} characters.")


def clean_name(text: str) -> str:
    """Put a shop's name on one line; raises Refused."""
    kept = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    name = " ".join(kept.split())
    if not name or len(name) > 120:
        raise Refused("The shop's name must have 1 to 120 characters.")
    return name


def clean_skip(text: str) -> str:
    """Check a list such as `pos,draft,tag:wholesale`; raises Refused with what is allowed."""
    chosen = {one.strip().casefold() for one in text.split(",") if one.strip()}
    unknown = [x for x in chosen if x not in SKIPPABLE and not (x.startswith(TAG) and x != TAG)]
    if unknown or len(text) > MAX_SKIP_LENGTH:
        raise Refused(f"Orders can be skipped by: {', '.join(SKIPPABLE)}, {TAG}NAME.")
    return ",".join(sorted(chosen))


def clean_domain(text: str) -> str:
    """Take the host out of what people paste; raises Refused."""
    domain = text.strip().lower().removeprefix("https://").removeprefix("http://").rstrip("/")
    domain = domain.removesuffix(":443")  # pages are compared with it, and none says the usual port
    host, _, port = domain.partition(":")
    known = re.fullmatch(r"[a-z0-9.-]{1,253}(:[0-9]{1,5})?", domain) and re.search("[a-z0-9]", host)
    if not known or not 0 < int(port or 1) < 65536:
        raise Refused("The domain must look like shop.example.com.")
    return domain


def clean_reply_to(text: str) -> str:
    """Check the address that buyers' answers go to; empty for none. Raises Refused."""
    try:
        return message.ascii_address(text) if text.strip() else ""
    except message.UnwritableMessage:
        raise Refused("The address for answers must look like service@shop.example.com.") from None


CLEANED: Mapping[str, Callable[[str], str]] = {
    "name": clean_name,
    "domain": clean_domain,
    "reply_to": clean_reply_to,
    "skip": clean_skip,
}


def _label(field: str) -> str:
    return field.replace("_", " ")


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Refused("The time zone must be a name such as Europe/Amsterdam.") from None

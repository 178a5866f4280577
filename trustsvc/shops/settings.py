"""A shop's settings: check and change them."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import update
from sqlalchemy.orm import Session

from trustsvc import i18n
from trustsvc.errors import Refused
from trustsvc.shops import directory
from trustsvc.shops.models import shops
from trustsvc.storage import event_log
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


def default_wording(may_ask: str, language: str) -> str:
    """Return the default notice to buyers in the shop's language.

    It is copied to the shop and dated: the proof of the legal basis is the notice of that time, not
    the catalogue's later text. Empty for an unknown basis.
    """
    if may_ask not in CHOICES["may_ask"]:
        return ""
    return i18n.translate(f"shops.wording.{may_ask}", i18n.negotiate_language(language))


def change_settings(
    session: Session, slug: str, changes: Mapping[str, Any], now: datetime
) -> directory.Shop:
    """Change settings of a shop; returns the changed shop. A second call changes nothing more.

    Another legal basis without a wording gets the default one, and both are dated. Another language
    translates a default wording and keeps an own one. Decided orders stay decided. Raises NotFound,
    and Refused with what is allowed.
    """
    before = directory.by_slug(session, slug)
    new = dict(changes)
    if not new.get("wording") and (wording := _new_default_wording(before, new)):
        new["wording"] = wording
    unit = new.get("delay_unit", before.delay_unit)
    check_settings(new | {"delay": new.get("delay", before.delay), "delay_unit": unit})
    for field, clean in (("name", clean_name), ("domain", clean_domain)):
        if field in new:
            new[field] = clean(new[field])
    if "skip" in new:
        new["skip"] = clean_skip(new["skip"])
    notice = (new.get("may_ask", before.may_ask), new.get("wording", before.wording))
    if notice != (before.may_ask, before.wording):
        new["wording_at"] = now
    if new.get("domain", before.domain) != before.domain:
        new |= {
            "proven_at": None,
            "domain_checked_at": None,
            "missed_checks": 0,
        }  # the proof was for the other
    if new:
        session.execute(update(shops).where(shops.c.id == before.id).values(**new))
        event_log.record(session, "shop.changed", before.id, before.id, now)
        job_queue.enqueue(session, "refresh_badges")
    return directory.by_id(session, before.id)


def _new_default_wording(before: directory.Shop, new: Mapping[str, Any]) -> str:
    """Return the default wording of another basis or language; empty where the wording stays."""
    may_ask = new.get("may_ask", before.may_ask)
    is_default = before.wording == default_wording(before.may_ask, before.language)
    if may_ask == before.may_ask and not (is_default and "language" in new):
        return ""
    return default_wording(may_ask, new.get("language", before.language))


def check_settings(changes: Mapping[str, Any]) -> None:
    """Raises Refused for the first invalid value, with what is allowed."""
    for field, allowed in CHOICES.items():
        if field in changes and changes[field] not in allowed:
            raise Refused(f"The {_label(field)} must be one of: {', '.join(allowed)}.")
    for field, (minimum, maximum) in DAYS.items():
        if field in changes and not minimum <= changes[field] <= maximum:
            raise Refused(f"The {_label(field)} must be from {minimum} to {maximum}.")
    longest = MAX_DELAY[changes.get("delay_unit", "days")]
    if not 0 <= changes.get("delay", 0) <= longest:
        raise Refused(f"The delay must be from 0 to {longest} {changes.get('delay_unit', 'days')}.")
    if "zone" in changes:
        _check_zone(changes["zone"])
    if "wording" in changes and not 0 < len(changes["wording"].strip()) <= MAX_WORDING:
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


def _label(field: str) -> str:
    return field.replace("_", " ")


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Refused("The time zone must be a name such as Europe/Amsterdam.") from None

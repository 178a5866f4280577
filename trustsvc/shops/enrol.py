"""Enrol a shop: it gets a door for its webhooks, a secret and a place for its page."""

import base64
import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc import outbox, queueing
from trustsvc.errors import Refused
from trustsvc.shops import find
from trustsvc.shops.models import shops

PLATFORMS = ("shopify", "woocommerce", "lightspeed", "standard")
LEAST_SECRET = 16
DEFAULT_WORDING = (
    "After your order we ask you once by e-mail for a review. For that we use your name and e-mail "
    "address only. You can object at any time, now or by the link in each letter."
)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an operator says of a new shop; the rest are defaults with a reason in the README."""

    name: str
    domain: str
    platform: str
    secret: str = ""
    delay: int = 7
    delay_unit: str = "days"
    moment: str = "shipped"
    may_ask: str = "registered"
    wording: str = DEFAULT_WORDING
    language: str = "en"
    zone: str = "Europe/Amsterdam"


def enrol(session: Session, new: Enrolment, now: datetime) -> tuple[find.Shop, str]:
    """Write the shop down; gives it and its secret, which is shown once.

    Enrolling the same name twice makes two shops with two slugs. Raises Refused for an unknown
    platform, or a secret of fewer than 16 characters (CVE-2026-4664 was an empty one that matched).
    """
    if new.platform not in PLATFORMS:
        raise Refused(f"The platform must be one of: {', '.join(PLATFORMS)}.")
    secret = checked_secret(new.platform, new.secret)
    shop_id = session.execute(
        shops.insert()
        .values(
            slug=_free_slug(session, new.name),
            name=_one_line(new.name),
            domain=_domain(new.domain),
            platform=new.platform,
            door=secrets.token_urlsafe(18),
            secret=secret,
            may_ask=new.may_ask,
            wording=new.wording,
            wording_at=now,
            delay=new.delay,
            delay_unit=new.delay_unit,
            moment=new.moment,
            reminder_days=0,
            cap_days=30,
            max_age_days=60,
            language=new.language,
            zone=new.zone,
            created_at=now,
        )
        .returning(shops.c.id)
    ).scalar_one()
    outbox.record(session, "shop.enrolled", shop_id, shop_id, now)
    queueing.ring(session, "refresh_badges")
    return find.by_id(session, shop_id), secret


def checked_secret(platform: str, given: str) -> str:
    """Take the platform's own secret, or make one; raises Refused for a short one."""
    if given:
        if len(given.strip()) < LEAST_SECRET:
            raise Refused(f"The secret must have at least {LEAST_SECRET} characters.")
        return given.strip()
    made = base64.b64encode(secrets.token_bytes(32)).decode()
    return f"whsec_{made}" if platform == "standard" else secrets.token_urlsafe(32)


def _one_line(text: str) -> str:
    kept = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    name = " ".join(kept.split())
    if not name or len(name) > 120:
        raise Refused("The shop's name must have 1 to 120 characters.")
    return name


def _domain(text: str) -> str:
    domain = text.strip().lower().removeprefix("https://").removeprefix("http://").rstrip("/")
    if not re.fullmatch(r"[a-z0-9.-]+(:\d{1,5})?", domain) or len(domain) > 253:
        raise Refused("The domain must look like shop.example.com.")
    return domain


def _free_slug(session: Session, name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40] or "shop"
    slug, number = base, 1
    while session.scalar(select(shops.c.id).where(shops.c.slug == slug)):
        number += 1
        slug = f"{base}-{number}"
    return slug

"""Enrol a shop: it gets a webhook endpoint, a secret and a slug for its page."""

import base64
import itertools
import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc.errors import Refused
from trustsvc.shops import directory, settings
from trustsvc.shops.models import shops
from trustsvc.storage import event_log
from trustsvc.work_queue import job_queue

PLATFORMS = ("shopify", "woocommerce", "lightspeed", "standard")
MIN_SECRET_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Enrolment:
    """An operator's choices for a new shop; the docs give the reason of each default.

    An empty wording takes the default of `may_ask` in the shop's language.
    """

    name: str
    domain: str
    platform: str
    secret: str = ""
    delay: int = 7
    delay_unit: str = "days"
    moment: str = "shipped"
    may_ask: str = "registered"
    wording: str = ""
    skip: str = settings.DEFAULT_SKIP
    fallback: str = "skip"
    language: str = "en"
    zone: str = "Europe/Amsterdam"
    reply_to: str = ""

    def __repr__(self) -> str:
        return f"Enrolment(platform={self.platform!r})"


def enrol(session: Session, new: Enrolment, now: datetime) -> tuple[directory.Shop, str]:
    """Create the shop; returns it and its secret, which is shown once.

    Enrolling the same name twice makes two shops with two slugs. Raises Refused for an unknown
    platform, or a secret of fewer than 16 characters (CVE-2026-4664 was an empty one that matched).
    """
    if new.platform not in PLATFORMS:
        raise Refused(f"The platform must be one of: {', '.join(PLATFORMS)}.")
    decided = settings.SettingsChange(
        may_ask=new.may_ask,
        wording=new.wording or settings.default_wording(new.may_ask, new.language),
        delay=new.delay,
        delay_unit=new.delay_unit,
        moment=new.moment,
        language=new.language,
        zone=new.zone,
        reply_to=settings.clean_reply_to(new.reply_to),
        reminder_days=0,
        cap_days=30,
        max_age_days=60,
        skip=settings.clean_skip(new.skip),
        fallback=new.fallback,
        fallback_days=30,
    )
    settings.check_settings(decided)
    secret = check_or_make_secret(new.platform, new.secret)
    name, domain = settings.clean_name(new.name), settings.clean_domain(new.domain)
    shop_id = session.execute(
        shops.insert()
        .values(
            slug=_free_slug(session, make_slug(name, domain)),
            name=name,
            domain=domain,
            platform=new.platform,
            endpoint_id=secrets.token_urlsafe(18),
            secret=secret,
            wording_at=now,
            created_at=now,
            **decided.given(),
        )
        .returning(shops.c.id)
    ).scalar_one()
    event_log.record(session, "shop.enrolled", shop_id, shop_id, now)
    job_queue.enqueue(session, "refresh_badges")
    return directory.by_id(session, shop_id), secret


def check_or_make_secret(platform: str, given: str) -> str:
    """Check the platform's own secret, or make one; raises Refused for a short one."""
    secret = given.strip()
    if given:
        if (
            len(secret.removeprefix("whsec_") if platform == "standard" else secret)
            < MIN_SECRET_LENGTH
        ):
            raise Refused(f"The secret must have at least {MIN_SECRET_LENGTH} characters.")
        return secret
    if platform == "standard":
        return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
    return secrets.token_urlsafe(32)


def make_slug(name: str, domain: str = "") -> str:
    """Make a URL part of a name; it may be taken already.

    A name in another script leaves nothing: then the domain is used, else `shop`.
    """
    label = domain.removeprefix("www.").partition(".")[0].partition(":")[0]
    return _plain(name) or _plain(label) or "shop"


def _plain(words: str) -> str:
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-")


def _free_slug(session: Session, base: str) -> str:
    taken = set(session.scalars(select(shops.c.slug).where(shops.c.slug.startswith(base))))
    choices = (f"{base}-{number}" if number > 1 else base for number in itertools.count(1))
    return next(slug for slug in choices if slug not in taken)

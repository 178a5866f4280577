"""The demo's shops, one a platform."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from trustsvc import config
from trustsvc.errors import NotFound
from trustsvc.shops import directory, enrol, secret_rotation


@dataclass(frozen=True, slots=True)
class SampleShop:
    name: str
    platform: str
    may_ask: str
    language: str


SAMPLE_SHOPS = (
    SampleShop("Juwelier De Gouden Ring", "shopify", "consent", "nl"),
    SampleShop("Blumen Weber", "woocommerce", "customers", "de"),
    SampleShop("Fietsen van Dam", "lightspeed", "consent", "nl"),
    SampleShop("Librairie du Canal", "standard", "registered", "fr"),
)


def enrol_sample(session: Session, sample: SampleShop, now: datetime) -> tuple[directory.Shop, str]:
    """Enrol a shop of the demo; one of an earlier run gets a new secret. Gives both."""
    try:
        known = directory.by_slug(session, enrol.make_slug(sample.name))
    except NotFound:
        new = enrol.Enrolment(
            name=sample.name,
            # Browsers and this service resolve *.localhost to this machine: a domain to prove.
            domain=f"{enrol.make_slug(sample.name)}.localhost:{config.current().port}",
            platform=sample.platform,
            may_ask=sample.may_ask,
            language=sample.language,
            reply_to=f"service@{enrol.make_slug(sample.name)}.example",
        )
        return enrol.enrol(session, new, now)
    return known, secret_rotation.rotate_secret(session, known.slug, "", now, revoke=True)

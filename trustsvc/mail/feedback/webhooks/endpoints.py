"""Add, list and remove the webhook endpoints of mail providers."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from trustsvc.crypto.id_hashes import id_hash, id_hashes
from trustsvc.errors import NotFound, Refused
from trustsvc.mail.feedback.models import mail_endpoints

PROVIDERS = ("postmark", "ses")
USER = "trustsvc"  # the name before the secret, where a provider knows only basic authentication
SHOWN = 6  # characters of an id
_TOPIC = re.compile(r"arn:(aws|aws-cn|aws-us-gov):sns:[a-z0-9-]{5,30}:\d{12}:[\w-]{1,256}(\.fifo)?")

_COLUMNS = (
    mail_endpoints.c.beginning,
    mail_endpoints.c.provider,
    mail_endpoints.c.secret,
    mail_endpoints.c.topic,
    mail_endpoints.c.made_at,
)


@dataclass(frozen=True, slots=True)
class MailEndpoint:
    """An endpoint. Of its id only the beginning is known once it was made."""

    beginning: str
    provider: str
    secret: str
    topic: str | None
    made_at: datetime

    def __repr__(self) -> str:
        return f"MailEndpoint(provider={self.provider!r})"


def add(
    session: Session, provider: str, topic: str | None, now: datetime
) -> tuple[MailEndpoint, str]:
    """Add an endpoint; returns it and its id, which is known this once.

    Twice adds two, so that one can be replaced without a gap.

    An endpoint of ses accepts one topic: anybody with an account at Amazon can sign messages of
    another topic. Raises Refused for an unknown provider and for what is no topic.
    """
    if provider not in PROVIDERS:
        raise Refused(f"The provider must be one of: {', '.join(PROVIDERS)}.")
    if provider == "ses" and not _TOPIC.fullmatch(topic or ""):
        raise Refused("Name the topic it accepts: arn:aws:sns:<region>:<account>:<name>.")
    if provider != "ses" and topic:
        raise Refused("Only ses has topics.")
    endpoint_id = secrets.token_hex(16)
    made = MailEndpoint(endpoint_id[:SHOWN], provider, secrets.token_urlsafe(24), topic, now)
    session.execute(
        mail_endpoints.insert().values(
            endpoint_hash=_hash(endpoint_id),
            beginning=made.beginning,
            provider=made.provider,
            secret=made.secret,
            topic=made.topic,
            made_at=made.made_at,
        )
    )
    return made, endpoint_id


def all_endpoints(session: Session) -> list[MailEndpoint]:
    rows = session.execute(
        select(*_COLUMNS).order_by(mail_endpoints.c.made_at, mail_endpoints.c.beginning)
    )
    return [MailEndpoint(*row) for row in rows]


def find(session: Session, provider: str, endpoint_id: str) -> MailEndpoint | None:
    """Find the endpoint of this provider; None where there is none."""
    row = session.execute(
        select(*_COLUMNS).where(
            mail_endpoints.c.endpoint_hash.in_(_hashes(endpoint_id)),
            mail_endpoints.c.provider == provider,
        )
    ).first()
    return MailEndpoint(*row) if row else None


def remove(session: Session, beginning: str) -> None:
    """Remove the one endpoint whose id begins so; raises NotFound for none, Refused for several."""
    begins_so = (
        mail_endpoints.c.endpoint_hash.in_(_hashes(beginning))
        if len(beginning) > SHOWN
        else mail_endpoints.c.beginning.startswith(beginning, autoescape=True)
    )
    matching = session.scalars(select(mail_endpoints.c.endpoint_hash).where(begins_so)).all()
    if not matching or not beginning:
        raise NotFound("There is no such endpoint: trustsvc mail endpoint list")
    if len(matching) > 1:
        raise Refused("Several endpoints begin so: give the whole id.")
    session.execute(delete(mail_endpoints).where(mail_endpoints.c.endpoint_hash == matching[0]))


def _hash(endpoint_id: str) -> str:
    return id_hash(endpoint_id.encode()).hex()


def _hashes(endpoint_id: str) -> list[str]:
    return [one.hex() for one in id_hashes(endpoint_id.encode())]

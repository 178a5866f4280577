"""Add, list and remove the webhook endpoints of mail providers."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from trustsvc.errors import NotFound, Refused
from trustsvc.mail.feedback.models import mail_endpoints

PROVIDERS = ("postmark", "ses")
USER = "trustsvc"  # the name before the secret, where a provider knows only basic authentication
_TOPIC = re.compile(r"arn:(aws|aws-cn|aws-us-gov):sns:[a-z0-9-]{5,30}:\d{12}:[\w-]{1,256}(\.fifo)?")

_COLUMNS = (
    mail_endpoints.c.endpoint_id,
    mail_endpoints.c.provider,
    mail_endpoints.c.secret,
    mail_endpoints.c.topic,
    mail_endpoints.c.made_at,
)


@dataclass(frozen=True, slots=True)
class MailEndpoint:
    endpoint_id: str
    provider: str
    secret: str
    topic: str | None
    made_at: datetime

    def __repr__(self) -> str:
        return f"MailEndpoint(provider={self.provider!r})"


def add(session: Session, provider: str, topic: str | None, now: datetime) -> MailEndpoint:
    """Add an endpoint; twice adds two, so that one can be replaced without a gap.

    An endpoint of ses accepts one topic: anybody with an account at Amazon can sign messages of
    another topic. Raises Refused for an unknown provider and for what is no topic.
    """
    if provider not in PROVIDERS:
        raise Refused(f"The provider must be one of: {', '.join(PROVIDERS)}.")
    if provider == "ses" and not _TOPIC.fullmatch(topic or ""):
        raise Refused("Name the topic it accepts: arn:aws:sns:<region>:<account>:<name>.")
    if provider != "ses" and topic:
        raise Refused("Only ses has topics.")
    made = MailEndpoint(secrets.token_hex(16), provider, secrets.token_urlsafe(24), topic, now)
    session.execute(
        mail_endpoints.insert().values(
            endpoint_id=made.endpoint_id,
            provider=made.provider,
            secret=made.secret,
            topic=made.topic,
            made_at=made.made_at,
        )
    )
    return made


def all_endpoints(session: Session) -> list[MailEndpoint]:
    rows = session.execute(
        select(*_COLUMNS).order_by(mail_endpoints.c.made_at, mail_endpoints.c.endpoint_id)
    )
    return [MailEndpoint(*row) for row in rows]


def find(session: Session, provider: str, endpoint_id: str) -> MailEndpoint | None:
    """Find the endpoint of this provider; None where there is none."""
    row = session.execute(
        select(*_COLUMNS).where(
            mail_endpoints.c.endpoint_id == endpoint_id, mail_endpoints.c.provider == provider
        )
    ).first()
    return MailEndpoint(*row) if row else None


def remove(session: Session, beginning: str) -> None:
    """Remove the one endpoint whose id begins so; raises NotFound for none, Refused for several."""
    matching = [
        one.endpoint_id
        for one in all_endpoints(session)
        if beginning and one.endpoint_id.startswith(beginning)
    ]
    if not matching:
        raise NotFound("There is no such endpoint: trustsvc mail endpoint list")
    if len(matching) > 1:
        raise Refused("Several endpoints begin so: give more of it.")
    session.execute(delete(mail_endpoints).where(mail_endpoints.c.endpoint_id == matching[0]))

"""Make, list and close the doors of mail providers."""

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
    mail_endpoints.c.door,
    mail_endpoints.c.provider,
    mail_endpoints.c.secret,
    mail_endpoints.c.topic,
    mail_endpoints.c.made_at,
)


@dataclass(frozen=True, slots=True)
class Door:
    door: str
    provider: str
    secret: str
    topic: str | None
    made_at: datetime

    def __repr__(self) -> str:
        return f"Door(provider={self.provider!r})"


def enrol(session: Session, provider: str, topic: str | None, now: datetime) -> Door:
    """Make a door; twice makes two, so that one can be replaced without a gap.

    A door of ses hears one topic: a good signature of another's topic is anybody's with an account
    at Amazon. Raises Refused for a provider we do not know and a topic that is none.
    """
    if provider not in PROVIDERS:
        raise Refused(f"The provider must be one of: {', '.join(PROVIDERS)}.")
    if provider == "ses" and not _TOPIC.fullmatch(topic or ""):
        raise Refused("Name the topic it hears: arn:aws:sns:<region>:<account>:<name>.")
    if provider != "ses" and topic:
        raise Refused("Only ses has topics.")
    made = Door(secrets.token_hex(16), provider, secrets.token_urlsafe(24), topic, now)
    session.execute(
        mail_endpoints.insert().values(
            door=made.door,
            provider=made.provider,
            secret=made.secret,
            topic=made.topic,
            made_at=made.made_at,
        )
    )
    return made


def everyone(session: Session) -> list[Door]:
    rows = session.execute(
        select(*_COLUMNS).order_by(mail_endpoints.c.made_at, mail_endpoints.c.door)
    )
    return [Door(*row) for row in rows]


def find(session: Session, provider: str, door: str) -> Door | None:
    """Find the door of this provider; None where there is none."""
    row = session.execute(
        select(*_COLUMNS).where(
            mail_endpoints.c.door == door, mail_endpoints.c.provider == provider
        )
    ).first()
    return Door(*row) if row else None


def close(session: Session, beginning: str) -> None:
    """Close the one door that begins so; raises NotFound for none, Refused for several."""
    found = [one.door for one in everyone(session) if beginning and one.door.startswith(beginning)]
    if not found:
        raise NotFound("There is no such endpoint: trustsvc mail endpoint list")
    if len(found) > 1:
        raise Refused("Several endpoints begin so: give more of it.")
    session.execute(delete(mail_endpoints).where(mail_endpoints.c.door == found[0]))

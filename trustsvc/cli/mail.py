"""`trustsvc mail`: the doors at which mail providers say what became of letters."""

from urllib.parse import urlsplit

import click

from trustsvc import clock, config
from trustsvc.mail.feedback.webhooks import endpoints
from trustsvc.storage import db

STEPS = {
    "postmark": "Postmark, your server, its message stream, Webhooks: this address for Delivery, "
    "Bounce, Spam complaint and Subscription change.",
    "ses": "Amazon SNS, the topic, Create subscription: HTTPS, this address, raw message delivery "
    "off; it is confirmed by itself. Amazon SES, the identity, Notifications: bounce, complaint "
    "and delivery feedback to the topic, with original email headers.",
}


@click.group()
def mail() -> None:
    """Hear from mail providers what became of letters."""


@mail.command()
@click.argument("provider", type=click.Choice(endpoints.PROVIDERS))
@click.option("--topic", help="ses: the topic's ARN; no other is heard.")
def door(provider: str, topic: str | None) -> None:
    """Make a door for PROVIDER and print its address, which is shown once."""
    with db.transaction() as session:
        made = endpoints.enrol(session, provider, topic, clock.now())
    click.echo(f"{address(made)}\n\n{STEPS[provider]}")


@mail.command()
def doors() -> None:
    """List the doors; no secrets, and only the beginning of each."""
    with db.reading() as session:
        found = endpoints.everyone(session)
    for one in found:
        click.echo(f"{one.door[:6]}…  {one.provider}  {one.made_at:%Y-%m-%d}  {one.topic or ''}")
    if not found:
        click.echo("There are no doors: trustsvc mail door --help")


@mail.command()
@click.argument("beginning")
def close(beginning: str) -> None:
    """Close the door that begins so."""
    with db.transaction() as session:
        endpoints.close(session, beginning)
    click.echo("Closed.")


def address(of: endpoints.Door) -> str:
    """Write the address a provider posts to, with the password in it where it needs one."""
    base = config.current().base_url
    if of.provider == "postmark":
        parts = urlsplit(base)
        base = parts._replace(netloc=f"{endpoints.USER}:{of.secret}@{parts.netloc}").geturl()
    return f"{base}/mail-events/{of.provider}/{of.door}"

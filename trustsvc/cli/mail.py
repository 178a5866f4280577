"""`trustsvc mail`: what keeps e-mails from leaving, and the endpoints of mail providers."""

from urllib.parse import urlsplit

import click

from trustsvc import clock, config
from trustsvc.errors import Refused
from trustsvc.invitations.planning import volume_guard
from trustsvc.mail.feedback import complaint_rate
from trustsvc.mail.feedback.webhooks import endpoints
from trustsvc.mail.outbox import (
    circuit_breaker,
    relay_rate,
    resend,
    send_suspension,
    unknown_deliveries,
)
from trustsvc.storage import db

SETUP_STEPS = {
    "postmark": "Postmark, your server, its message stream, Webhooks: this address for Delivery, "
    "Bounce, Spam complaint and Subscription change.",
    "ses": "Amazon SNS, the topic, Create subscription: HTTPS, this address, raw message delivery "
    "off; it is confirmed by itself. Amazon SES, the identity, Notifications: bounce, complaint "
    "and delivery feedback to the topic, with original email headers.",
}


@click.group()
def mail() -> None:
    """See what keeps e-mails from leaving, resume them, and connect mail providers."""


@mail.command()
def status() -> None:
    """Show suspensions, circuit breaker, rates, paused shops, complaints, unknown deliveries."""
    now = clock.now()
    with db.reading() as session:
        stops = send_suspension.stops(session)
        until = circuit_breaker.open_until(session, now)
        per_minute = relay_rate.per_minute(session, now)
        paused = volume_guard.paused_shops(session)
        number = unknown_deliveries.count(session)
        rate = complaint_rate.rate(session, now)
    for name, reason in sorted(stops.items()):
        click.echo(f"NO INVITATION LEAVES: {name} ({reason}), see trustsvc doctor")
    if until:
        click.echo(
            "The circuit breaker is open: the mail server fails, the next attempt is at "
            f"{until:%Y-%m-%dT%H:%M:%SZ}."
        )
    if per_minute:
        click.echo(f"The mail server takes about {per_minute} messages a minute, so no more leave.")
    for shop in paused:
        click.echo(
            f"{shop.slug}: paused since {shop.at:%Y-%m-%dT%H:%M:%SZ}, {shop.counted} invitations "
            f"in an hour, usual {shop.usual}. If its orders are real: trustsvc mail resume "
            f"{shop.slug}"
        )
    if not (stops or until or paused):
        click.echo("E-mails leave.")
    click.echo(f"{rate.complaints} complaints, {rate.messages} e-mails in 7 days.")
    resent = "sent once more" if config.current().resend else "not sent again (TRUSTSVC_RESEND)"
    click.echo(f"{number} unknown deliveries; such e-mails are {resent}.")


@mail.command()
@click.argument("name")
def resume(name: str) -> None:
    """End the suspension NAME, or the pause of the shop NAME.

    Complaints of before do not suspend again. Resume a shop only when its orders are real.
    """
    if name == send_suspension.RESTORE:
        raise Refused("A restore suspends sending until: trustsvc restore --sending-on")
    now = clock.now()
    with db.transaction() as session:
        done = complaint_rate.resume(session, name, now) or volume_guard.resume(session, name, now)
        others = send_suspension.stops(session)
    if not done:
        raise Refused(
            "There is no such suspension, and no such shop is paused: trustsvc mail status"
        )
    left = ", ".join(sorted(others))
    click.echo(f"Resumed; still suspended by: {left}." if left else "E-mails leave again.")


@mail.command("retry-failed")
def retry() -> None:
    """Send invitations again that reached the retry limit of three days, once the cause is gone.

    Transactional mail is not among them: its address is cleared at the limit.
    """
    with db.transaction() as session:
        number = resend.retry_refused(session, clock.now())
    click.echo(f"{number} e-mails are due again.")


@mail.group()
def endpoint() -> None:
    """Addresses at which mail providers report deliveries, bounces and complaints."""


@endpoint.command("add")
@click.argument("provider", type=click.Choice(endpoints.PROVIDERS))
@click.option("--topic", help="ses: the topic's ARN; reports of others are refused.")
def add_endpoint(provider: str, topic: str | None) -> None:
    """Make an endpoint for PROVIDER and print its address, which is shown once."""
    with db.transaction() as session:
        made, endpoint_id = endpoints.add(session, provider, topic, clock.now())
    click.echo(f"{endpoint_url(made, endpoint_id)}\n\n{SETUP_STEPS[provider]}")


@endpoint.command("list")
def list_endpoints() -> None:
    """List the endpoints: the beginning of each, no secrets."""
    with db.reading() as session:
        every = endpoints.all_endpoints(session)
    for one in every:
        click.echo(f"{one.beginning}…  {one.provider}  {one.made_at:%Y-%m-%d}  {one.topic or ''}")
    if not every:
        click.echo("There are no endpoints: trustsvc mail endpoint add --help")


@endpoint.command("remove")
@click.argument("beginning")
def remove_endpoint(beginning: str) -> None:
    """Remove the endpoint whose id is or begins with BEGINNING (see list)."""
    with db.transaction() as session:
        endpoints.remove(session, beginning)
    click.echo("Removed.")


def endpoint_url(made: endpoints.MailEndpoint, endpoint_id: str) -> str:
    """Write the address a provider posts to, with the password in it where it needs one."""
    base = config.current().base_url
    if made.provider == "postmark":
        parts = urlsplit(base)
        base = parts._replace(netloc=f"{endpoints.USER}:{made.secret}@{parts.netloc}").geturl()
    return f"{base}/mail-events/{made.provider}/{endpoint_id}"

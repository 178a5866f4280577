"""`trustsvc sending`: what keeps letters from leaving, and letting them go on."""

import click

from trustsvc import clock, config
from trustsvc.errors import Refused
from trustsvc.invitations.planning import volume_guard
from trustsvc.mail.feedback import complaint_rate
from trustsvc.mail.outbox import circuit_breaker, unknown_deliveries
from trustsvc.mail.outbox import retry_failed as try_again
from trustsvc.mail.outbox import send_suspension as stopping
from trustsvc.storage import db


@click.group()
def sending() -> None:
    """See what keeps letters from leaving, and let them go on."""


@sending.command()
def show() -> None:
    """Show stops, the mail server's pause, paused shops, complaints, and letters in doubt."""
    now = clock.now()
    with db.reading() as session:
        stops = stopping.stops(session)
        until = circuit_breaker.left_alone(session, now)
        paused = volume_guard.paused_shops(session)
        number = unknown_deliveries.count(session)
        rate = complaint_rate.rate(session, now)
    for name, reason in sorted(stops.items()):
        click.echo(f"NO LETTER LEAVES: {name} ({reason}), see trustsvc doctor")
    if until:
        click.echo(f"The mail server is left alone until {until:%Y-%m-%dT%H:%M:%SZ}.")
    for shop in paused:
        click.echo(
            f"{shop.slug}: paused since {shop.at:%Y-%m-%dT%H:%M:%SZ}, {shop.counted} invitations "
            f"in an hour, usual {shop.usual}. If its orders are real: trustsvc sending go-on "
            f"{shop.slug}"
        )
    if not (stops or until or paused):
        click.echo("Letters leave.")
    click.echo(f"{rate.complaints} complaints, {rate.letters} letters in 7 days.")
    again = "sent once more" if config.current().resend else "not sent again (TRUSTSVC_RESEND)"
    click.echo(f"{number} letters nobody can know the end of; such letters are {again}.")


@sending.command("go-on")
@click.argument("name")
def go_on(name: str) -> None:
    """Take back the stop NAME, or let the letters of the paused shop NAME leave.

    What was complained of so far does not stop again; the orders of the shop are real, then.
    """
    if name == stopping.RESTORE:
        raise Refused("That stop is the restore's: trustsvc restore --sending-on")
    now = clock.now()
    with db.transaction() as session:
        done = complaint_rate.go_on(session, name, now) or volume_guard.resume(session, name, now)
        others = stopping.stops(session)
    if not done:
        raise Refused("There is no such stop, and no such shop is paused: trustsvc sending show")
    left = ", ".join(sorted(others))
    click.echo(f"Taken back; still stopped by: {left}." if left else "Letters leave again.")


@sending.command()
def again() -> None:
    """Try letters again that were given up after three days, when what was wrong is mended."""
    with db.transaction() as session:
        number = try_again.again(session, clock.now())
    click.echo(f"{number} letters are due again.")

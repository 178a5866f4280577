"""`trustsvc sending`: what keeps letters from leaving, and letting them go on."""

import click

from trustsvc import clock, config, db
from trustsvc.invitations import again as try_again
from trustsvc.invitations import brake, doubtful, trip
from trustsvc.invitations import sending as stopping


@click.group()
def sending() -> None:
    """See what keeps letters from leaving, and let them go on."""


@sending.command()
def show() -> None:
    """Show stops, the mail server's pause, paused shops, and letters nobody knows about."""
    now = clock.now()
    with db.reading() as session:
        stops = stopping.stops(session)
        until = trip.left_alone(session, now)
        paused = brake.who_waits(session)
        number = doubtful.count(session)
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
    again = "sent once more" if config.current().resend else "not sent again (TRUSTSVC_RESEND)"
    click.echo(f"{number} letters nobody can know the end of; such letters are {again}.")


@sending.command("go-on")
@click.argument("name")
def go_on(name: str) -> None:
    """Let the letters of the paused shop NAME leave: its orders are real."""
    with db.transaction() as session:
        done = brake.go_on(session, name, clock.now())
    if not done:
        raise click.ClickException("No shop of that name is paused: see trustsvc sending show.")
    click.echo("Its letters leave again.")


@sending.command()
def again() -> None:
    """Try letters again that were given up after three days, when what was wrong is mended."""
    with db.transaction() as session:
        number = try_again.again(session, clock.now())
    click.echo(f"{number} letters are due again.")

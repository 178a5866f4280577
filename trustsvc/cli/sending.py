"""`trustsvc sending`: whether letters leave, what keeps them, and letting them go on."""

import click

from trustsvc import clock, db
from trustsvc.errors import Refused
from trustsvc.invitations import complaints
from trustsvc.invitations import sending as stopped


@click.group()
def sending() -> None:
    """See what keeps letters from leaving, and take it back."""


@sending.command()
def show() -> None:
    """Say whether letters leave, and how often readers complain."""
    with db.reading() as session:
        stops = stopped.stops(session)
        rate = complaints.rate(session, clock.now())
    click.echo("No letter leaves:" if stops else "Letters leave.")
    for name, reason in sorted(stops.items()):
        click.echo(f"  {name}: {reason}")
    click.echo(f"{rate.complaints} complaints, {rate.letters} letters in 7 days.")


@sending.command("go-on")
@click.argument("name")
def go_on(name: str) -> None:
    """Take back the stop NAME; what was complained of so far does not stop again."""
    if name == stopped.RESTORE:
        raise Refused("That stop is the restore's: trustsvc restore --sending-on")
    with db.transaction() as session:
        done = complaints.go_on(session, name, clock.now())
        others = stopped.stops(session)
    if not done:
        raise Refused("There is no such stop: trustsvc sending show")
    left = ", ".join(sorted(others))
    click.echo(f"Taken back; still stopped by: {left}." if left else "Letters leave again.")

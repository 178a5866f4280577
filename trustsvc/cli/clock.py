"""`trustsvc clock`: what an operator says about this machine's clock."""

import click

from trustsvc import clock
from trustsvc.privacy import clock_watch
from trustsvc.storage import db


@click.group("clock")
def clock_commands() -> None:
    """Confirm this machine's clock after a jump."""


@clock_commands.command()
def trust() -> None:
    """Accept the clock as it is: e-mails and large purges that wait for that go on."""
    with db.transaction() as session:
        clock_watch.trust(session, clock.read())
    click.echo("The clock is accepted as it is. E-mails and purges go on.")

"""`trustsvc staff`: who works at the desk."""

import click

from trustsvc import clock, clock_check
from trustsvc.staff import accounts
from trustsvc.storage import db


@click.group()
def staff() -> None:
    """Let people in who work at the desk, and out again."""


@staff.command()
@click.option("--name", default="Staff", help="How the others know this person.")
def add(name: str) -> None:
    """Add somebody and print a link that lets them in once, within 24 hours."""
    with db.transaction() as session:
        now = clock_check.believed(session, clock.read())
        made = accounts.link(session, accounts.add(session, name, now), now)
    click.echo(made)


@staff.command()
@click.argument("staff_id", metavar="ID", type=int)
def link(staff_id: int) -> None:
    """Print a new link for somebody who is already there: a session lasts 12 hours."""
    with db.transaction() as session:
        made = accounts.link(session, staff_id, clock_check.believed(session, clock.read()))
    click.echo(made)


@staff.command("list")
def list_() -> None:
    """List who works here, with the number that `link` and `leave` take."""
    with db.reading() as session:
        for member in accounts.all_members(session):
            left = f"  left {member.left_at:%Y-%m-%d}" if member.left_at else ""
            click.echo(f"{member.id}  {member.name}{left}")


@staff.command()
@click.argument("staff_id", metavar="ID", type=int)
def leave(staff_id: int) -> None:
    """Let somebody work here no more: links and sessions end at once."""
    with db.transaction() as session:
        accounts.leave(session, staff_id, clock.now())
    click.echo("Links and sessions have ended.")

"""`trustsvc staff`: accounts of the desk."""

import click

from trustsvc import clock
from trustsvc.staff import accounts
from trustsvc.storage import db


@click.group()
def staff() -> None:
    """Add and remove the people who work at the desk."""


@staff.command()
@click.option("--name", default="Staff", help="As the other staff know this person.")
def add(name: str) -> None:
    """Add a person and print a sign-in link that works once, within 24 hours."""
    with db.transaction() as session:
        now = clock.now()
        made = accounts.make_link(session, accounts.add_member(session, name, now), now)
    click.echo(made)


@staff.command()
@click.argument("staff_id", metavar="ID", type=int)
def link(staff_id: int) -> None:
    """Print a new sign-in link for a known person: a session lasts 12 hours."""
    with db.transaction() as session:
        made = accounts.make_link(session, staff_id, clock.now())
    click.echo(made)


@staff.command("list")
def list_() -> None:
    """List the staff, with the ID that `link` and `leave` take."""
    with db.reading() as session:
        for member in accounts.list_members(session):
            left = f"  left {member.left_at:%Y-%m-%d}" if member.left_at else ""
            click.echo(f"{member.id}  {member.name}{left}")


@staff.command()
@click.argument("staff_id", metavar="ID", type=int)
def leave(staff_id: int) -> None:
    """Remove a person: links and sessions end at once."""
    with db.transaction() as session:
        accounts.remove_member(session, staff_id, clock.now())
    click.echo("Links and sessions have ended.")

"""`trustsvc keys`: which keys there are, and a new one of a kind. Never shows a key."""

import json

import click

from trustsvc import clock, dkim_keys
from trustsvc import keys as key_ring
from trustsvc.cli import dkim as of_letters

DKIM = "dkim"
STAYS = {
    "registry": "Registrations and opt-outs made with the older keys still match.",
    "lookup": "Buyers and orders known by the older keys are still recognised.",
    "link": "Links in letters that have left still open.",
    "desk": "Sessions and one-time links of staff go on.",
    "vault": "What was sealed with the older keys still opens; it is not sealed anew.",
    "receipt": "Receipts signed with the older keys still verify.",
    "badge": "What was signed with the older keys still verifies.",
}


@click.group()
def keys() -> None:
    """Look at the key ring, and add a new key of a kind."""


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="For a program.")
def list_(as_json: bool) -> None:
    """List kinds, versions and ages."""
    now = clock.now()
    rows = [
        {
            "kind": kind,
            "version": key.version,
            "made_at": key.made_at.isoformat() if key.made_at else None,
            "days": (now - key.made_at).days if key.made_at else None,
        }
        for kind in key_ring.KINDS
        for key in key_ring.living(kind)
    ]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        age = "of unknown age" if row["days"] is None else f"{row['days']} days old"
        click.echo(f"{row['kind']:<9} version {row['version']:<3} {age}")


keys.add_command(of_letters.dkim)


@keys.command()
@click.argument("kind", type=click.Choice(sorted([*key_ring.KINDS, DKIM])))
def rotate(kind: str) -> None:
    """Add a new key of KIND; what was made with the older ones stays good.

    Running processes take it up at once. Older keys are never removed here: each lives as long as
    something made with it. A key of dkim waits until its record is published.
    """
    if kind == DKIM:
        taken = [*dkim_keys.in_use(), *dkim_keys.waiting(), *dkim_keys.ended()]
        day = f"t{clock.now():%Y%m%d}"
        number = sum(key.selector.startswith(day) for key in taken)
        of_letters.show(dkim_keys.make(f"{day}-{number + 1}" if number else day, "rsa"))
        return
    made = key_ring.rotate(kind)
    click.echo(f"{kind} version {made.version} is in use from now on. {STAYS[kind]}")
    click.echo("Copy the folder keys again to where its copy lies.")

"""`trustsvc keys`: list, rotate and retire keys. Never prints a key."""

import json

import click

from trustsvc import clock
from trustsvc.cli.lazy_group import LazyGroup
from trustsvc.crypto import keyring

DKIM = "dkim"
COMMANDS = {
    "dkim": "trustsvc.cli.dkim:dkim",
    "re-encrypt": "trustsvc.cli.key_usage:re_encrypt_columns",
    "retire": "trustsvc.cli.key_usage:retire",
    "usage": "trustsvc.cli.key_usage:usage",
}
STILL_VALID = {
    "registry": "Registrations and opt-outs made with the older keys still match.",
    "lookup": "Buyers and orders known by the older keys are still recognised.",
    "link": "Links in e-mails that were sent still open.",
    "desk": "Sessions and one-time links of staff stay valid.",
    "vault": "Columns of older keys still open. To encrypt them again: trustsvc keys re-encrypt.",
    "receipt": "Receipts signed with the older keys still verify.",
    "badge": "In two hours badges are signed with it; those signed before still verify.",
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def keys() -> None:
    """List keys, add a new key of a kind, encrypt again, retire old keys."""


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
        for kind in keyring.KINDS
        for key in keyring.existing_keys(kind)
    ]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        age = "of unknown age" if row["days"] is None else f"{row['days']} days old"
        click.echo(f"{row['kind']:<9} version {row['version']:<3} {age}")


@keys.command()
@click.argument("kind", type=click.Choice(sorted([*keyring.KINDS, DKIM])))
def rotate(kind: str) -> None:
    """Add a new key of KIND; what was made with the older ones stays valid.

    Running processes use it at once. Older keys stay until `keys retire`. A dkim key is used
    only after its DNS record is published.
    """
    if kind == DKIM:
        from trustsvc.cli import dkim
        from trustsvc.mail import dkim_keys

        taken = [*dkim_keys.in_use(), *dkim_keys.waiting(), *dkim_keys.ended()]
        day = f"t{clock.now():%Y%m%d}"
        number = sum(key.selector.startswith(day) for key in taken)
        dkim.show(dkim_keys.make(f"{day}-{number + 1}" if number else day, "rsa"))
        return
    made = keyring.rotate(kind)
    click.echo(f"{kind} version {made.version} is in use from now on. {STILL_VALID[kind]}")
    click.echo("Copy the folder keys again to its backup place.")

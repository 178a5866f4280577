"""`trustsvc purge`: let go of what is over, by the rules of retention."""

import click

from trustsvc import clock, db
from trustsvc.privacy import purge as privacy
from trustsvc.privacy import receipts
from trustsvc.privacy.retention import RULES


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would go now.")
@click.option("--receipts", "list_receipts", is_flag=True, help="List and check what has gone.")
def purge(dry_run: bool, list_receipts: bool) -> None:
    """Delete everything whose time is over, with a signed receipt a rule."""
    if list_receipts:
        _receipts()
        return
    counts = privacy.planned(clock.now()) if dry_run else privacy.purge(clock.now())
    for code, number in counts.items():
        click.echo(f"{number:>8}  {code}: {RULES[code].what}")
    if not counts:
        click.echo("Nothing is due.")
    elif dry_run:
        click.echo("Nothing was deleted: this was a dry run.")


def _receipts() -> None:
    with db.reading() as session:
        for receipt, _, signature in receipts.everything(session):
            click.echo(
                f"{receipt.at:%Y-%m-%dT%H:%M:%SZ}  {receipt.number:>8}  {receipt.what}, "
                f"before {receipt.before:%Y-%m-%dT%H:%M:%SZ}  {bytes(signature).hex()[:16]}"
            )
        if not receipts.verify(session):
            raise click.ClickException("The chain of receipts is broken.")
    click.echo("The chain of receipts holds.")

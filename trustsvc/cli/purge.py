"""`trustsvc purge`: delete what the retention rules no longer allow to be kept."""

import click

from trustsvc import clock, clock_check, config
from trustsvc.privacy import receipts
from trustsvc.privacy.documents import record_of_processing
from trustsvc.privacy.retention import preview, purge_guard
from trustsvc.privacy.retention.purge import purge_due
from trustsvc.privacy.retention.rules import RULES, Rule
from trustsvc.server_log import retention
from trustsvc.storage import db

WHY = {
    clock_check.AHEAD: "the clock was set forward",
    clock_check.BEHIND: "the clock was set back",
    clock_check.GAP: "the service was off for more than a day or restored, or the clock jumped",
}


@click.command()
@click.option("--dry-run", is_flag=True, help="Only count what would be deleted now.")
@click.option(
    "--confirm", is_flag=True, help="The clock is right: also delete what waits for that."
)
@click.option(
    "--receipts",
    "list_receipts",
    is_flag=True,
    help="List the receipts of deletions and verify them.",
)
def purge(dry_run: bool, confirm: bool, list_receipts: bool) -> None:
    """Delete everything past its retention, with a signed receipt for each rule.

    When the clock may have jumped, or the service was off for long, a large deletion waits for
    --confirm: one of more than 1000 rows and more than 5 % of a table.
    """
    if list_receipts:
        _receipts()
        return
    now, problem = clock.now(), None if confirm else purge_guard.clock_problem()
    waiting = purge_guard.waiting(now) if problem else {}
    if dry_run:
        counts = preview.planned(purge_guard.trusted_now(now) if problem else now)
    else:
        counts = purge_due(now, clock_distrusted=bool(problem), thorough=True)
    for code, number in counts.items():
        click.echo(f"{number:>8}  {code}: {RULES[code].what}")
    if not counts:
        click.echo("Nothing is due.")
    elif dry_run:
        click.echo("Nothing was deleted: this was a dry run.")
    for one in waiting.values():
        click.echo(f"{one.due:>8}  of {one.total} {one.place} WAIT: {WHY[problem or '']}.")
    if waiting:
        click.echo("Is this machine's clock right (see trustsvc doctor)? Then: purge --confirm")
    if dry_run:
        _upcoming()


def _upcoming() -> None:
    now, settings = clock.now(), config.current()
    ahead = preview.upcoming(now)
    logs = retention.list_files(settings.data / "log", now, settings.log_days)
    if logs:
        ahead["server_log"] = min(file.goes_at for file in logs)
    click.echo("What is deleted next, as things stand:")
    for code, at in sorted(ahead.items(), key=lambda one: (one[1], one[0])):
        when = "now             " if at <= now else f"{at:%Y-%m-%dT%H:%MZ}"
        click.echo(f"{when}  {code}")
    for rule in RULES.values():
        if rule.code not in ahead:
            click.echo(f"{'-':<16}  {rule.code}: {_no_date(rule)}")
    if record_of_processing.own_maildir(settings):
        click.echo("E-mails in your own maildir are not deleted here: that is up to you.")


def _no_date(rule: Rule) -> str:
    return rule.since if rule.days is None else "nothing to delete"


def _receipts() -> None:
    with db.reading() as session:
        for receipt, _, signature in receipts.chain(session):
            click.echo(
                f"{receipt.at:%Y-%m-%dT%H:%M:%SZ}  {receipt.number:>8}  {receipt.what}, "
                f"before {receipt.before:%Y-%m-%dT%H:%M:%SZ}  {bytes(signature).hex()[:16]}"
            )
        if not receipts.verify(session):
            raise click.ClickException("The chain of receipts is broken.")
    click.echo("The chain of receipts is intact.")

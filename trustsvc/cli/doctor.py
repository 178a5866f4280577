"""`trustsvc doctor`: every health check, with what to do."""

import dataclasses
import json

import click

from trustsvc import clock
from trustsvc.doctor import check


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For a program.")
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Check settings, disk, keys, database, Redis, clock, mail and more; changes nothing of yours.

    One line a finding: OK, WARN or FAIL, and what to do. Exits with 1 when anything FAILs.
    """
    findings = check.run_all(clock.now())
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(one) for one in findings]))
    else:
        for one in findings:
            remedy = f"\n{'':<26}-> {one.remedy}" if one.remedy else ""
            click.echo(f"{one.level:<5} {one.check:<19} {one.detail}{remedy}")
    if any(one.level == "FAIL" for one in findings):
        context.exit(1)

"""`trustsvc doctor`: what is wrong, and what to do."""

import dataclasses
import json

import click

from trustsvc import clock
from trustsvc.doctor.check import check


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For a program.")
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Look at settings, disk, keys, database, Redis, clock, mail and more; change nothing.

    One line each: OK, WARN or FAIL, and what to do. Ends with 1 when anything FAILs.
    """
    findings = check(clock.now())
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(one) for one in findings]))
    else:
        for one in findings:
            todo = f"\n{'':<20}-> {one.todo}" if one.todo else ""
            click.echo(f"{one.level:<5} {one.what:<13} {one.said}{todo}")
    if any(one.level == "FAIL" for one in findings):
        context.exit(1)

"""`trustsvc objections`: look at a burst of objections by the public page, undo it, or keep it."""

import ipaddress
import json
from datetime import datetime

import click

from trustsvc import clock
from trustsvc.cli.moment import MomentType
from trustsvc.privacy.rights import ask_again, burst_policy, objection_bursts
from trustsvc.storage import db

BY = "command line"
SINCE = click.option("--since", type=MomentType(), help="From this moment; default: a day ago.")
UNTIL = click.option("--until", type=MomentType(), help="Up to this moment; default: now.")
NETWORK = click.option("--network", default="", help="Of this network only, as list shows it.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="For programs.")


@click.group()
def objections() -> None:
    """Look at objections by the page that takes any address; undo a burst, or keep it."""


@objections.command("list")
@AS_JSON
def list_(as_json: bool) -> None:
    """Show how many came in the past day, from which networks, and how many wait for a look."""
    with db.reading() as session:
        burst = objection_bursts.current(session, clock.now())
    if as_json:
        first = burst.first_at.isoformat() if burst.first_at else None
        values: dict[str, object] = {
            "number": burst.number,
            "last_hour": burst.last_hour,
            "held": burst.held,
        }
        networks = [{"network": name, "number": number} for name, number in burst.networks]
        values |= {"first_at": first, "alarm": burst.is_alarming, "networks": networks}
        click.echo(json.dumps(values))
        return
    click.echo(
        f"{burst.number} in a day, {burst.last_hour} in the past hour, {burst.held} wait for a look"
    )
    for name, number in burst.networks:
        click.echo(f"{number:>6}  {name}")


@objections.command()
@SINCE
@UNTIL
@NETWORK
@AS_JSON
def undo(since: datetime | None, until: datetime | None, network: str, as_json: bool) -> None:
    """End the opt-outs of a burst, and ask the owners of the addresses to confirm by e-mail.

    What an owner confirmed by a link stays. Each opt-out that ends is a line of the request log.
    """
    now = clock.now()
    begin, end = since or now - burst_policy.DAY, until or now
    with db.transaction() as session:
        name = _network(network)
        undone = objection_bursts.undo(session, begin, end, name, now, BY)
        asked = ask_again.ask(session, undone.ended, begin, now)
    values = {"objections": undone.objections, "opt_outs_ended": len(undone.ended), "asked": asked}
    _report(values, as_json=as_json)


@objections.command()
@SINCE
@UNTIL
@NETWORK
@AS_JSON
def keep(since: datetime | None, until: datetime | None, network: str, as_json: bool) -> None:
    """Let a burst stand: what waits is done now, and not only after a day."""
    now = clock.now()
    begin, end = since or now - burst_policy.DAY, until or now
    with db.transaction() as session:
        number = objection_bursts.release(session, begin, end, _network(network), now)
    _report({"released": number}, as_json=as_json)


def _report(values: dict[str, int], *, as_json: bool) -> None:
    plain = "  ".join(f"{name} {value}" for name, value in values.items())
    click.echo(json.dumps(values) if as_json else plain)


def _network(text: str) -> str:
    """Write a network as it is stored; click.BadParameter for what is none."""
    if text in {"", "-"}:
        return text
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise click.BadParameter("write it like 198.51.100.0/24") from None

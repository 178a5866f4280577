"""`trustsvc person`: serve somebody who has no link, after you made sure who it is.

The address is read from standard input or a prompt, never from the command line: other users of
this machine could see it there, and a shell remembers it.
"""

import json
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from trustsvc import clock, config, i18n
from trustsvc.privacy import request_log
from trustsvc.privacy.rights import (
    access_report,
    confirmation,
    objection,
    people,
    rectification,
    restriction,
)
from trustsvc.privacy.rights.erasure import ErasureOptions, erase
from trustsvc.privacy.rights.opt_in_again import opt_in_again
from trustsvc.privacy.rights.people import Person
from trustsvc.shops import directory
from trustsvc.storage import db

BY = "command line"
FIELDS = ("name", "shown_name", "city", "email")
Deed = Callable[[Session, Person, datetime], dict[str, Any]]

_shared = [
    click.option("--json", "as_json", is_flag=True, help="For programs."),
    click.option("--shop", "slug", help="At this shop only; else wherever the address is known."),
    click.option("--request", "request_id", type=int, help="Settles this open request."),
]


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for option in _shared:
        command = option(command)
    return command


@click.group()
def person() -> None:
    """See, correct, restrict or erase what is kept about an address (standard input)."""


@person.command("tell")
@_options
def tell_(as_json: bool, slug: str | None, request_id: int | None) -> None:
    """Print everything that is kept; with --json by the published schema."""
    address, now = _address(), clock.now()
    with db.transaction() as session:
        found = _find(session, address, slug)
        everything = access_report.export(session, found, now)
        known = people.has_data(session, found)
        if request_id:
            request_log.settle(session, request_id, BY, now)
        else:
            request_log.record_answered(session, "see", _place(found), BY, now)
    if as_json:
        click.echo(json.dumps(everything, ensure_ascii=False))
        return
    click.echo("known" if known else "nothing is kept")
    for table, rows in everything["data"].items():
        click.echo(f"{len(rows):>6}  {table}")


@person.command()
@_options
def correct(as_json: bool, slug: str | None, request_id: int | None) -> None:
    """Correct what follows the address, a line each: name=, shown_name=, city= or email=."""
    address, *said = _lines()
    values = dict(line.partition("=")[::2] for line in said)
    if not values or set(values) - set(FIELDS):
        raise click.ClickException(f"After the address, lines such as name=…: {', '.join(FIELDS)}.")
    new = values.pop("email", "")

    def deed(session: Session, found: Person, now: datetime) -> dict[str, Any]:
        right = rectification.Correction(
            values.get("name", ""), values.get("shown_name", ""), values.get("city")
        )
        changed = rectification.rectify(session, found, right, now, BY)
        if new:
            changed += rectification.correct_address(session, found, new, now, BY)
        return {"changed": changed}

    _do("correct", deed, address, (as_json, slug, request_id))


@person.command()
@click.option("--anonymous", is_flag=True, help="Leave a published review without its author.")
@click.option("--child", is_flag=True, help="Under 16, or a parent asks: everywhere and whole.")
@click.option("--refuse", type=click.Choice(request_log.GROUNDS), help="Refuse on this ground.")
@_options
def forget(
    anonymous: bool,
    child: bool,
    refuse: str | None,
    as_json: bool,
    slug: str | None,
    request_id: int | None,
) -> None:
    """Erase a person, with a signed receipt; or refuse, which is told with its ground."""

    def deed(session: Session, found: Person, now: datetime) -> dict[str, Any]:
        if refuse:
            if not request_id:
                number = request_log.record_open(session, "erase", _place(found), now)
                request_log.settle(session, number, BY, now, refuse)
            return _refuse(session, found, refuse, now)
        wish = ErasureOptions(anonymous=anonymous, child=child, by=BY)
        done = erase(session, found, wish, now)
        return {"orders": done.orders, "reviews": done.reviews, "receipt": done.receipt}

    _do("forget", deed, _address(), (as_json, slug, request_id), ground=refuse or "")


@person.command("restrict")
@_options
def restrict_(as_json: bool, slug: str | None, request_id: int | None) -> None:
    """Keep the data and leave it alone: nothing is sent, shown or counted."""
    _do(
        "restrict",
        lambda session, found, now: {"changed": restriction.restrict(session, found, now, BY)},
        _address(),
        (as_json, slug, request_id),
    )


@person.command()
@click.option("--opt-out", is_flag=True, help="Lift the opt-outs instead: may be asked again.")
@_options
def lift(opt_out: bool, as_json: bool, slug: str | None, request_id: int | None) -> None:
    """Lift a restriction, or the opt-outs, when the person says so.

    With --shop an opt-out for all shops goes on holding.
    """

    def deed(session: Session, found: Person, now: datetime) -> dict[str, Any]:
        if opt_out:
            shop_ids = [place for place in found.marks if found.everywhere or place]
            return {"changed": opt_in_again(session, found, now, shop_ids, BY)}
        return {"changed": restriction.lift(session, found, now, BY)}

    _do("lift", deed, _address(), (as_json, slug, request_id))


@person.command("object")
@_options
def object_(as_json: bool, slug: str | None, request_id: int | None) -> None:
    """Never ask this person again; whoever is known gets a copy."""

    def deed(session: Session, found: Person, now: datetime) -> dict[str, Any]:
        done = objection.object_to(session, found, now, by=BY)
        return {"copy_sent": done.confirmed}

    _do("object", deed, _address(), (as_json, slug, request_id))


def _do(
    name: str,
    deed: Deed,
    address: str,
    options: tuple[bool, str | None, int | None],
    ground: str = "",
) -> None:
    as_json, slug, request_id = options
    now = clock.now()
    with db.transaction() as session:
        found = _find(session, address, slug)
        said = {"done": name, "known": people.has_data(session, found)} | deed(session, found, now)
        if request_id:
            request_log.settle(session, request_id, BY, now, ground)
    click.echo(
        json.dumps(said) if as_json else "  ".join(f"{key} {value}" for key, value in said.items())
    )


def _refuse(session: Session, found: Person, ground: str, now: datetime) -> dict[str, Any]:
    """Tell the person why, and where to complain (GDPR Art. 12(4), 17(3))."""
    authority = config.current().authority
    facts = {
        "ground": i18n.translate(f"rights.ground.{ground}", found.language),
        "authority": authority or i18n.translate("privacy.notice.authority_any", found.language),
    }
    sent = confirmation.confirm(session, found, "refused", now, facts)
    return {"refused": ground, "told": sent}


def _place(found: Person) -> int:
    return people.EVERY_SHOP if found.everywhere else found.shop_ids[0]


def _find(session: Session, address: str, slug: str | None) -> Person:
    shop_ids = [directory.by_slug(session, slug).id] if slug else None
    return people.by_address(session, address, shop_ids)


def _address() -> str:
    """Read one address: of two, the second would be taken for served."""
    said = _lines()
    if len(said) > 1:
        raise click.ClickException("One address at a time: nothing was done.")
    return said[0]


def _lines() -> list[str]:
    """Read the address, and what follows it."""
    if sys.stdin.isatty():
        return [click.prompt("E-mail address", hide_input=True)]
    try:
        said = sys.stdin.read()
        said.encode()  # where the locale lets odd bytes through
    except UnicodeError:  # its text would show what was said
        raise click.ClickException("Write UTF-8 to standard input.") from None
    kept = [line for text in said.splitlines() if (line := text.strip())]
    if not kept:
        raise click.ClickException("Write the address to standard input.")
    return kept

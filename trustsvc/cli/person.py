"""`trustsvc person`: serve a person without a link, after you verified the identity.

The address is read from standard input or a prompt, never from the command line: other users of
this machine see arguments, and the shell's history keeps them.
"""

import json
import sys
from collections.abc import Callable
from datetime import datetime

import click
from sqlalchemy.orm import Session

from trustsvc import clock, config, i18n
from trustsvc.privacy import request_log
from trustsvc.privacy.request_log import Right
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
from trustsvc.storage.columns import EVERY_SHOP

BY = "command line"
FIELDS = ("name", "shown_name", "city", "email")
Action = Callable[[Session, Person, datetime], dict[str, object]]

_shared_options = [
    click.option("--json", "as_json", is_flag=True, help="For programs."),
    click.option(
        "--shop", "slug", help="At this shop only; default: wherever the address is known."
    ),
    click.option("--request", "request_id", type=int, help="Settle this open request."),
]


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for option in _shared_options:
        command = option(command)
    return command


@click.group()
def person() -> None:
    """See, correct, restrict or erase what is kept about an address (standard input)."""


@person.command("tell")
@_options
def tell(as_json: bool, slug: str | None, request_id: int | None) -> None:
    """Print everything that is kept; with --json by the published schema."""
    address, now = _address(), clock.now()
    with db.transaction() as session:
        data_subject = _find(session, address, slug)
        if as_json:
            everything = access_report.as_dict(session, data_subject, now)
            output = json.dumps(everything, ensure_ascii=False)
        else:
            output = _overview(session, data_subject)
        if request_id:
            request_log.answer(session, request_id, BY, now)
        else:
            request_log.record_answered(session, Right.SEE, _shop_id(data_subject), BY, now)
    click.echo(output)


def _overview(session: Session, data_subject: Person) -> str:
    """Say whether anything is kept, and how many rows of each table."""
    rows = access_report.collect(session, data_subject)
    known = "known" if people.has_data(session, data_subject) else "nothing is kept"
    return "\n".join([known, *(f"{len(some):>6}  {table}" for table, some in rows.items() if some)])


@person.command()
@_options
def correct(as_json: bool, slug: str | None, request_id: int | None) -> None:
    """Correct what follows the address, a line each: name=, shown_name=, city= or email=."""
    address, *lines = _lines()
    values = dict(line.partition("=")[::2] for line in lines)
    if not values or set(values) - set(FIELDS):
        raise click.ClickException(f"After the address, lines such as name=…: {', '.join(FIELDS)}.")
    new = values.pop("email", "")

    def action(session: Session, data_subject: Person, now: datetime) -> dict[str, object]:
        correction = rectification.Correction(
            values.get("name", ""), values.get("shown_name", ""), values.get("city")
        )
        changed = rectification.rectify(session, data_subject, correction, now, BY)
        if new:
            changed += rectification.correct_address(session, data_subject, new, now, BY)
        return {"changed": changed}

    _run("correct", action, address, (as_json, slug, request_id))


@person.command()
@click.option("--anonymous", is_flag=True, hidden=True, help="As without it.")
@click.option("--child", is_flag=True, help="Under 16, or a parent asks: everywhere.")
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
    """Erase a person, with a signed receipt; or refuse, stating the ground to the person.

    Reviews lose name and city; words and stars stay.
    """

    def action(session: Session, data_subject: Person, now: datetime) -> dict[str, object]:
        if refuse:
            if not request_id:
                number = request_log.record_open(session, Right.ERASE, _shop_id(data_subject), now)
                request_log.answer(session, number, BY, now, refuse)
            return _refuse(session, data_subject, refuse, now)
        options = ErasureOptions(anonymous=anonymous, child=child, by=BY)
        done = erase(session, data_subject, options, now)
        return {"orders": done.orders, "reviews": done.reviews, "receipt": done.receipt}

    _run("forget", action, _address(), (as_json, slug, request_id), ground=refuse or "")


@person.command("restrict")
@_options
def restrict_(as_json: bool, slug: str | None, request_id: int | None) -> None:
    """Keep the data unused: nothing is sent, shown or counted."""
    _run(
        "restrict",
        lambda session, data_subject, now: {
            "changed": restriction.restrict(session, data_subject, now, BY)
        },
        _address(),
        (as_json, slug, request_id),
    )


@person.command()
@click.option(
    "--opt-out", is_flag=True, help="Lift the opt-outs instead: invitations are allowed again."
)
@_options
def lift(opt_out: bool, as_json: bool, slug: str | None, request_id: int | None) -> None:
    """Lift a restriction, or the opt-outs, at the person's request.

    With --shop an opt-out for all shops stays in force.
    """

    def action(session: Session, data_subject: Person, now: datetime) -> dict[str, object]:
        if opt_out:
            shop_ids = [
                place for place in data_subject.pseudonyms if data_subject.everywhere or place
            ]
            return {"changed": opt_in_again(session, data_subject, now, shop_ids, BY)}
        return {"changed": restriction.lift(session, data_subject, now, BY)}

    _run("lift", action, _address(), (as_json, slug, request_id))


@person.command("object")
@_options
def object_(as_json: bool, slug: str | None, request_id: int | None) -> None:
    """Never invite this person again; a known person gets a copy of the data."""

    def action(session: Session, data_subject: Person, now: datetime) -> dict[str, object]:
        done = objection.object_to(session, data_subject, now, by=BY)
        return {"copy_sent": done.confirmed}

    _run("object", action, _address(), (as_json, slug, request_id))


def _run(
    name: str,
    action: Action,
    address: str,
    options: tuple[bool, str | None, int | None],
    ground: str = "",
) -> None:
    as_json, slug, request_id = options
    now = clock.now()
    with db.transaction() as session:
        data_subject = _find(session, address, slug)
        result = {"done": name, "known": people.has_data(session, data_subject)} | action(
            session, data_subject, now
        )
        if request_id:
            request_log.answer(session, request_id, BY, now, ground)
    click.echo(
        json.dumps(result)
        if as_json
        else "  ".join(f"{key} {value}" for key, value in result.items())
    )


def _refuse(
    session: Session, data_subject: Person, ground: str, now: datetime
) -> dict[str, object]:
    """Write to the person why, and where to complain (GDPR Art. 12(4), 17(3))."""
    authority = config.current().authority
    facts = {
        "ground": i18n.translate(f"rights.ground.{ground}", data_subject.language),
        "authority": authority
        or i18n.translate("privacy.notice.authority_any", data_subject.language),
    }
    sent = confirmation.confirm(session, data_subject, "refused", now, facts)
    return {"refused": ground, "answer_sent": sent}


def _shop_id(data_subject: Person) -> int:
    return EVERY_SHOP if data_subject.everywhere else data_subject.shop_ids[0]


def _find(session: Session, address: str, slug: str | None) -> Person:
    shop_ids = [directory.by_slug(session, slug).id] if slug else None
    return people.by_address(session, address, shop_ids)


def _address() -> str:
    """Read exactly one address, so that a second one is not taken for served."""
    lines = _lines()
    if len(lines) > 1:
        raise click.ClickException("One address at a time: nothing was done.")
    return lines[0]


def _lines() -> list[str]:
    """Read the address, and the lines after it."""
    if sys.stdin.isatty():
        return [click.prompt("E-mail address", hide_input=True)]
    try:
        text = sys.stdin.read()
        text.encode()  # fails on bytes that the locale decoded as surrogates
    except UnicodeError:  # not chained: its text contains the input
        raise click.ClickException("Write UTF-8 to standard input.") from None
    lines = [stripped for line in text.splitlines() if (stripped := line.strip())]
    if not lines:
        raise click.ClickException("Write the address to standard input.")
    return lines

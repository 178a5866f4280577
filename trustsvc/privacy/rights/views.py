"""The doors of a person's rights: GET shows, POST does; no account, no cookie, no script."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request
from sqlalchemy.orm import Session

from trustsvc import clock, config, i18n
from trustsvc.crypto import signed_links
from trustsvc.http import access
from trustsvc.privacy.documents import processors
from trustsvc.privacy.rights import (
    access_report,
    my_data,
    objection,
    people,
    rectification,
    restriction,
)
from trustsvc.privacy.rights.erasure import ErasureOptions, erase
from trustsvc.privacy.rights.opt_in_again import opt_in_again
from trustsvc.privacy.rights.people import Person
from trustsvc.reviews.policy import MOST
from trustsvc.shops import directory
from trustsvc.storage import db

views = Blueprint("rights", __name__)

DEEDS = ("correct", "restrict", "lift", "object", "again", "erase")
Done = Mapping[str, Any]


@views.get("/me/<token>")
@access.requires("link")
def me(token: str) -> str:
    """Show everything, and what can be done about it."""
    with db.reading() as session:
        person = _person(session, token)
        mine = my_data.read(session, person)
    return _page("privacy/me.html", person, token, mine=mine, now=clock.now())


@views.post("/me/<token>")
@access.requires("link")
def do_named(token: str) -> Response | tuple[str, int] | str:
    """Do what the pressed button names; a POST without one only shows the page."""
    deed = request.form.get("do", "")
    return do(token, deed) if deed in DEEDS else me(token)


@views.get("/me/<token>/copy.json")
@access.requires("link")
def take_along(token: str) -> Response:
    """Hand over everything for machines; the schema is published."""
    with db.reading() as session:
        body = access_report.as_json(session, _person(session, token), clock.now())
    response = Response(body, mimetype="application/json")
    response.headers["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return response


@views.get("/schemas/my-data-1.json")
@access.requires("public")
def schema() -> Response:
    response = Response(access_report.schema(), mimetype="application/schema+json")
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


@views.get(f"/me/<token>/<any({','.join(DEEDS)}):deed>")
@access.requires("link")
def ask(token: str, deed: str) -> Response | str:
    """Say what will happen and change nothing: scanners open every link of a letter."""
    with db.reading() as session:
        person = _person(session, token)
        mine = my_data.read(session, person)
        if deed in {"restrict", "lift"}:
            wanted = "lift" if mine.is_restricted else "restrict"
            if deed != wanted and not (deed == "lift" and mine.restricted_since):
                return redirect(f"/me/{token}/{wanted}", 303)  # type: ignore[return-value]
    return _form(person, token, deed, mine)


@views.post(f"/me/<token>/<any({','.join(DEEDS)}):deed>")
@access.requires("link")
def do(token: str, deed: str) -> tuple[str, int] | str:
    """Do it, and say what was done; the same again is the same answer."""
    with db.transaction() as session:
        person = _person(session, token)
        mine = my_data.read(session, person)
        done = _DO[deed](session, person, clock.now(), mine)
    if done is None:
        return _form(person, token, deed, mine, problem=True), 422
    return _page(f"privacy/rights/{deed}.html", person, token, deed=deed, mine=mine, done=done)


def _correct(session: Session, person: Person, now: datetime, mine: my_data.MyData) -> Done | None:
    was = _shown(person, mine)
    form = {name: request.form.get(name, "").strip() for name in was}
    if any(len(text) > MOST["name"] for text in form.values()):
        return None
    city = form["city"] if "city" in request.form and form["city"] != was["city"] else None
    said = rectification.Correction(
        name=form["name"] if form["name"] != was["name"] else "",
        shown_name=form["shown_name"] if form["shown_name"] != was["shown_name"] else "",
        city=city,
    )
    return {"changed": rectification.rectify(session, person, said, now)}


def _restrict(session: Session, person: Person, now: datetime, _mine: my_data.MyData) -> Done:
    restriction.restrict(session, person, now)
    return {}


def _lift(session: Session, person: Person, now: datetime, _mine: my_data.MyData) -> Done:
    restriction.lift(session, person, now)
    return {}


def _object(session: Session, person: Person, now: datetime, _mine: my_data.MyData) -> Done:
    everywhere = request.form.get("scope") == "all"
    return {"result": objection.object_to(session, person, now, everywhere=everywhere)}


def _again(session: Session, person: Person, now: datetime, mine: my_data.MyData) -> Done | None:
    """End the opt-out that the pressed button names, of those the page shows; else all of them."""
    scope = request.form.get("scope", "")
    places = [wish.shop_id for wish in mine.wishes]
    if scope:
        places = [place for place in places if str(place) == scope]
    opt_in_again(session, person, now, places)
    return {"wishes": my_data.read(session, person).wishes}


def _erase(session: Session, person: Person, now: datetime, _mine: my_data.MyData) -> Done:
    wish = ErasureOptions(
        everywhere=bool(request.form.get("everywhere")),
        anonymous=request.form.get("review") == "anonymous",
        child=bool(request.form.get("child")),
    )
    return {"result": erase(session, person, wish, now)}


_DO: dict[str, Callable[[Session, Person, datetime, my_data.MyData], Done | None]] = {
    "correct": _correct,
    "restrict": _restrict,
    "lift": _lift,
    "object": _object,
    "again": _again,
    "erase": _erase,
}


def _person(session: Session, token: str) -> Person:
    return people.by_link(session, signed_links.verify("me", token), clock.now())


def _shown(person: Person, mine: my_data.MyData) -> dict[str, str]:
    """Suggest what stands there now: the buyer's name, and how the newest review names its author.

    Only what was changed in the form is written, so older reviews keep what they say otherwise.
    """
    every = [order.review for order in mine.orders if order.review] + mine.reviews
    newest = max(every, key=lambda review: review["id"], default=None)
    buyer = next((order.name for order in reversed(mine.orders) if order.address), "")
    return {
        "name": buyer or person.name,
        "shown_name": newest["name"] if newest else "",
        "city": newest["city"] if newest else "",
    }


def _form(
    person: Person, token: str, deed: str, mine: my_data.MyData, *, problem: bool = False
) -> str:
    shown = _shown(person, mine)
    reviewed = any(order.review for order in mine.orders) or bool(mine.reviews)
    return _page(
        f"privacy/rights/{deed}.html",
        person,
        token,
        deed=deed,
        mine=mine,
        shown=shown,
        reviewed=reviewed,
        problem=problem,
    )


def _page(template: str, person: Person, token: str, **values: Any) -> str:
    with db.reading() as session:
        about = directory.by_ids(session, person.shop_ids)
    only = next(iter(about.values())) if len(about) == 1 and not person.everywhere else None
    settings = config.current()
    return render_template(
        template,
        language=i18n.negotiate_language(person.language),
        person=person,
        shop=only,
        shops=list(about.values()),
        token=token,
        contact=settings.contact,
        operator=settings.operator,
        authority=settings.authority,
        processors=processors.list_processors(settings),
        **values,
    )

"""Pages of a person's rights behind a signed link: GET shows, POST acts; no account, no cookie."""

from collections.abc import Callable, Mapping
from datetime import datetime

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
from trustsvc.reviews.policy import MAX_LENGTHS
from trustsvc.shops import directory
from trustsvc.storage import db

my_data_pages = Blueprint("rights", __name__)

ACTIONS = ("correct", "restrict", "lift", "object", "again", "erase")
RequestOutcome = Mapping[str, object]


@my_data_pages.get("/me/<token>")
@access.requires("link")
def me(token: str) -> str:
    """Show all data and the rights."""
    with db.reading() as session:
        person = _person(session, token)
        mine = my_data.collect_page(session, person)
    return _page("privacy/me.html", person, token, mine=mine, now=clock.now())


@my_data_pages.post("/me/<token>")
@access.requires("link")
def do_named_action(token: str) -> Response | tuple[str, int] | str:
    """Do what the pressed button names; a POST without one only shows the page."""
    action = request.form.get("do", "")
    return do(token, action) if action in ACTIONS else me(token)


@my_data_pages.get("/me/<token>/copy.json")
@access.requires("link")
def download_copy(token: str) -> Response:
    """Export all data as JSON; the schema is published."""
    with db.reading() as session:
        body = access_report.as_json(session, _person(session, token), clock.now())
    response = Response(body, mimetype="application/json")
    response.headers["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return response


@my_data_pages.get("/schemas/my-data-1.json")
@access.requires("public")
def schema() -> Response:
    """Serve the JSON Schema of the copy of one's data."""
    response = Response(access_report.schema(), mimetype="application/schema+json")
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


@my_data_pages.get(f"/me/<token>/<any({','.join(ACTIONS)}):action>")
@access.requires("link")
def ask(token: str, action: str) -> Response | str:
    """Say what will happen and change nothing: mail scanners open every link."""
    with db.reading() as session:
        person = _person(session, token)
        mine = my_data.collect_page(session, person)
        if action in {"restrict", "lift"}:
            wanted = "lift" if mine.is_restricted else "restrict"
            if action != wanted and not (action == "lift" and mine.restricted_since):
                return redirect(f"/me/{token}/{wanted}", 303)  # type: ignore[return-value]
        chosen = _chosen_shop(session, person) if action == "object" else None
    return _form(person, token, action, mine, chosen=chosen)


@my_data_pages.post(f"/me/<token>/<any({','.join(ACTIONS)}):action>")
@access.requires("link")
def do(token: str, action: str) -> tuple[str, int] | str:
    """Do it and confirm; a repetition gets the same answer."""
    with db.transaction() as session:
        person = _person(session, token)
        mine = my_data.collect_page(session, person)
        done = _HANDLERS[action](session, person, clock.now(), mine)
    if done is None:
        return _form(person, token, action, mine, problem=True), 422
    return _page(
        f"privacy/rights/{action}.html", person, token, action=action, mine=mine, done=done
    )


def _correct(
    session: Session, person: Person, now: datetime, mine: my_data.MyData
) -> RequestOutcome | None:
    was = _suggested_values(person, mine)
    form = {name: request.form.get(name, "").strip() for name in was}
    if any(len(text) > MAX_LENGTHS["name"] for text in form.values()):
        return None
    city = form["city"] if "city" in request.form and form["city"] != was["city"] else None
    correction = rectification.Correction(
        name=form["name"] if form["name"] != was["name"] else "",
        shown_name=form["shown_name"] if form["shown_name"] != was["shown_name"] else "",
        city=city,
    )
    return {"changed": rectification.rectify(session, person, correction, now)}


def _restrict(
    session: Session, person: Person, now: datetime, _mine: my_data.MyData
) -> RequestOutcome:
    restriction.restrict(session, person, now)
    return {}


def _lift(session: Session, person: Person, now: datetime, _mine: my_data.MyData) -> RequestOutcome:
    restriction.lift(session, person, now)
    return {}


def _object(
    session: Session, person: Person, now: datetime, _mine: my_data.MyData
) -> RequestOutcome:
    everywhere = request.form.get("scope") == "all"
    shop = _chosen_shop(session, person)
    if shop:
        at_shop = people.by_address(session, person.address, [shop.id])
        person = at_shop if at_shop.is_known else people.with_language(at_shop, person.language)
    result = objection.object_to(session, person, now, everywhere=everywhere)
    return {"result": result, "shop": shop}


def _chosen_shop(session: Session, person: Person) -> directory.Shop | None:
    """Find the shop that a link asks to object at alone (`scope=at-SLUG`); None for another."""
    at, _, slug = request.values.get("scope", "").partition("-")
    if at != "at" or not person.everywhere:
        return None
    return directory.by_slug(session, slug)


def _again(
    session: Session, person: Person, now: datetime, mine: my_data.MyData
) -> RequestOutcome | None:
    """End the opt-out that the pressed button names, else all on the page."""
    scope = request.form.get("scope", "")
    shop_ids = [one.shop_id for one in mine.opt_outs]
    if scope:
        shop_ids = [one for one in shop_ids if str(one) == scope]
    opt_in_again(session, person, now, shop_ids)
    return {"opt_outs": my_data.collect_page(session, person).opt_outs}


def _erase(
    session: Session, person: Person, now: datetime, _mine: my_data.MyData
) -> RequestOutcome:
    options = ErasureOptions(
        everywhere=bool(request.form.get("everywhere")),
        anonymous=request.form.get("review") == "anonymous",
        child=bool(request.form.get("child")),
    )
    return {"result": erase(session, person, options, now)}


_HANDLERS: dict[
    str, Callable[[Session, Person, datetime, my_data.MyData], RequestOutcome | None]
] = {
    "correct": _correct,
    "restrict": _restrict,
    "lift": _lift,
    "object": _object,
    "again": _again,
    "erase": _erase,
}


def _person(session: Session, token: str) -> Person:
    return people.by_link(session, signed_links.verify("me", token), clock.now())


def _suggested_values(person: Person, mine: my_data.MyData) -> dict[str, str]:
    """Give the current values for the form: the buyer's name, and the newest review's author.

    Only changed fields are written, so older reviews keep other values.
    """
    every = [order.review for order in mine.orders if order.review] + mine.reviews
    newest = max(every, key=lambda review: review.id, default=None)
    buyer = next((order.name for order in reversed(mine.orders) if order.address), "")
    return {
        "name": buyer or person.name,
        "shown_name": newest.name if newest else "",
        "city": newest.city if newest else "",
    }


def _form(
    person: Person,
    token: str,
    action: str,
    mine: my_data.MyData,
    *,
    problem: bool = False,
    chosen: directory.Shop | None = None,
) -> str:
    shown = _suggested_values(person, mine)
    reviewed = any(order.review for order in mine.orders) or bool(mine.reviews)
    return _page(
        f"privacy/rights/{action}.html",
        person,
        token,
        action=action,
        mine=mine,
        shown=shown,
        reviewed=reviewed,
        problem=problem,
        chosen=chosen,
    )


def _page(template: str, person: Person, token: str, **values: object) -> str:
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

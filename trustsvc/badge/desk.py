"""The desk's page of what each shop pastes into its own pages."""

from flask import Blueprint, g, render_template, request

from trustsvc import db, doors, wording
from trustsvc.badge import embed
from trustsvc.shops import find

desk = Blueprint("badge_desk", __name__)


@desk.get("/desk/badge")
@doors.open_to("staff")
def badge() -> str:
    """Show what there is to copy, shop by shop."""
    language = wording.choose(request.headers.get("Accept-Language"))
    with db.reading() as session:
        everyone = find.everyone(session)
    return render_template(
        "desk/badge.html",
        language=language,
        staff=g.staff,
        shops=everyone,
        written={one.id: embed.of(one) for one in everyone},
    )

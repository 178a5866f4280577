"""The desk's page of what each shop pastes into its own pages."""

from flask import Blueprint, g, render_template, request

from trustsvc import i18n
from trustsvc.badge import embed_code
from trustsvc.http import access
from trustsvc.shops import directory
from trustsvc.storage import db

badge_desk = Blueprint("badge_desk", __name__)


@badge_desk.get("/desk/badge")
@access.requires("staff")
def badge() -> str:
    """Show what there is to copy, shop by shop."""
    language = i18n.negotiate_language(request.headers.get("Accept-Language"))
    with db.reading() as session:
        everyone = directory.all_shops(session)
    return render_template(
        "desk/badge.html",
        language=language,
        staff=g.staff,
        shops=everyone,
        written={one.id: embed_code.for_shop(one) for one in everyone},
    )

"""Staff page: the code each shop pastes into its own pages."""

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
    """Show what each shop pastes into its pages for the badge and the card."""
    language = i18n.negotiate_language(request.headers.get("Accept-Language"))
    with db.reading() as session:
        shops = directory.all_shops(session)
    return render_template(
        "desk/badge.html",
        language=language,
        staff=g.staff,
        shops=shops,
        written={shop.id: embed_code.for_shop(shop) for shop in shops},
    )

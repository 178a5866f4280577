"""The desk's page of evidence: what can be shown to whoever does not believe us."""

from flask import Blueprint, g, render_template, request

from trustsvc import db, doors, wording
from trustsvc.evidence import drills
from trustsvc.privacy import receipts
from trustsvc.shops import find as shops

MOST_RECEIPTS = 30

desk = Blueprint("evidence_desk", __name__)


@desk.get("/desk/evidence")
@doors.open_to("staff")
def evidence() -> str:
    """Show the last drills with their figures, and the newest receipts of deletions."""
    language = wording.choose(request.headers.get("Accept-Language"))
    with db.reading() as session:
        page = {
            "shops": shops.everyone(session),
            "receipts": receipts.newest(session, MOST_RECEIPTS),
            "chain_holds": receipts.verify(session),
        }
    return render_template(
        "desk/evidence.html", language=language, staff=g.staff, drills=drills.newest(), **page
    )

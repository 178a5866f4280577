"""The desk's pages of evidence: what can be shown to who does not believe us, and who attacks."""

from datetime import UTC, datetime
from urllib.parse import urlencode

from flask import Blueprint, g, render_template, request

from trustsvc import clock, config, db, doors, wording
from trustsvc.evidence import drills
from trustsvc.privacy import purge_log, receipts
from trustsvc.server_log import find as suspected
from trustsvc.server_log import rules
from trustsvc.shops import find as shops

MOST_RECEIPTS = 30
MOST_ENTRIES = 100

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
            "purge_late": purge_log.late(clock.now()),
        }
    return render_template(
        "desk/evidence.html", language=language, staff=g.staff, drills=drills.newest(), **page
    )


@desk.get("/desk/security")
@doors.open_to("staff")
def security() -> str:
    """Show what looked like an attack, newest first; a filter that makes no sense is left out."""
    language = wording.choose(request.headers.get("Accept-Language"))
    what = request.args.get("what", "")
    what = what if what in rules.KINDS else ""
    since = _day(request.args.get("since", ""))
    before_id = request.args.get("before", "")
    with db.reading() as session:
        found = suspected.entries(
            session,
            since=since,
            what=what,
            before_id=int(before_id) if before_id.isdecimal() and len(before_id) < 19 else None,
            most=MOST_ENTRIES + 1,
        )
        everyone = shops.everyone(session)
    entries = found[:MOST_ENTRIES]
    chosen = {"what": what, "since": f"{since:%Y-%m-%d}" if since else ""}
    older = f"/desk/security?{urlencode(chosen | {'before': entries[-1].id})}" if entries else ""
    return render_template(
        "desk/security.html",
        language=language,
        staff=g.staff,
        shops=everyone,
        entries=entries,
        older=older if len(found) > MOST_ENTRIES else "",
        kinds=rules.KINDS,
        log_days=config.current().log_days,
        **chosen,
    )


def _day(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None

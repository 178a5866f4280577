"""The desk's pages of evidence (drills, receipts of deletions) and of security entries."""

from datetime import UTC, datetime
from urllib.parse import urlencode

from flask import Blueprint, g, render_template, request

from trustsvc import clock, config, i18n
from trustsvc.doctor import fault_drills
from trustsvc.http import access
from trustsvc.privacy import receipts
from trustsvc.privacy.retention import purge_log_files
from trustsvc.server_log import attack_patterns, security_entries
from trustsvc.shops import directory
from trustsvc.storage import db

MAX_RECEIPTS = 30
MAX_ENTRIES = 100

evidence_desk = Blueprint("evidence_desk", __name__)


@evidence_desk.get("/desk/evidence")
@access.requires("staff")
def evidence() -> str:
    """Show the newest drills with their figures, and the newest receipts of deletions."""
    language = i18n.negotiate_language(request.headers.get("Accept-Language"))
    with db.reading() as session:
        page = {
            "shops": directory.all_shops(session),
            "receipts": receipts.newest(session, MAX_RECEIPTS),
            "chain_holds": receipts.verify(session),
            "purge_late": purge_log_files.late(clock.now()),
        }
    return render_template(
        "desk/evidence.html", language=language, staff=g.staff, drills=fault_drills.newest(), **page
    )


@evidence_desk.get("/desk/security")
@access.requires("staff")
def security() -> str:
    """Show what looked like an attack, newest first; an invalid filter is ignored."""
    language = i18n.negotiate_language(request.headers.get("Accept-Language"))
    kind = request.args.get("kind", "")
    kind = kind if kind in attack_patterns.KINDS else ""
    since = _day(request.args.get("since", ""))
    before_id = request.args.get("before", "")
    with db.reading() as session:
        newest = security_entries.list_entries(
            session,
            since=since,
            kind=kind,
            before_id=int(before_id) if before_id.isdecimal() and len(before_id) < 19 else None,
            limit=MAX_ENTRIES + 1,
        )
        everyone = directory.all_shops(session)
    entries = newest[:MAX_ENTRIES]
    chosen = {"kind": kind, "since": f"{since:%Y-%m-%d}" if since else ""}
    older = f"/desk/security?{urlencode(chosen | {'before': entries[-1].id})}" if entries else ""
    return render_template(
        "desk/security.html",
        language=language,
        staff=g.staff,
        shops=everyone,
        entries=entries,
        older=older if len(newest) > MAX_ENTRIES else "",
        kinds=attack_patterns.KINDS,
        log_days=config.current().log_days,
        **chosen,
    )


def _day(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None

"""Whether a shop lost its seal because its line is gone."""

from sqlalchemy.orm import Session

from trustsvc.doctor.finding import Finding, ok, warn
from trustsvc.shops import domain_recheck


def seals(session: Session) -> Finding:
    lost = domain_recheck.lost(session)
    if not lost:
        return ok("seals", "every domain that was proven still is")
    todo = "trustsvc shop list names them; trustsvc shop prove SLUG says which line belongs where"
    return warn("seals", f"gone from this many shops, with the line on their domain: {lost}", todo)

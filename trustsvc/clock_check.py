"""Whether the machine's clock goes as it should: a jump is found, and believed only in the end.

The clock process notes every ten seconds what the wall says and what the machine's own count says
(clock.Reading). Where the two went apart by more than five minutes the wall was set:

    ahead   it was set forward. No letter leaves, nothing is decided, links do not expire, until it
            is set back or the operator says that it is right (`trustsvc clock --trust`).
    behind  it was set back, or is behind what was noted last. The same, and a day of even running
            proves it right.
    gap     nothing was noted for more than 26 hours, neither by the clock nor in the newest rows:
            the service was off, or the clock is wrong. Only a large purge waits (privacy/retention/purge_guard.py),
            and a day of even running proves it right.

After a restart of the machine its count begins anew, so a gap cannot be told from a jump: two
months and more count as one.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Table, Text, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from trustsvc import config
from trustsvc.clock import Reading
from trustsvc.storage import db
from trustsvc.storage.columns import Moment, column, metadata

KEEP = "service_state"
MAX_DRIFT = timedelta(minutes=5)
MAX_GAP = timedelta(hours=26)
FAR = timedelta(days=60)
PROOF = timedelta(hours=24)
AHEAD, BEHIND, GAP = "ahead", "behind", "gap"
STOPS_MAIL = (AHEAD, BEHIND)  # in these no letter leaves
MILLISECOND = timedelta(milliseconds=1)
LATELY = timedelta(seconds=10)

# One row: where the clock was right last, and what it said last.
clock_states = Table(
    "clock_states",
    metadata,
    column("name", Text, purpose="which clock", retention=KEEP, primary_key=True),
    column("at", Moment, purpose="when it was right last", retention=KEEP),
    column("boot", Text, purpose="in which run of the machine", retention=KEEP),
    column("steady", BigInteger, purpose="how long that had run, in ms", retention=KEEP),
    column("last_at", Moment, purpose="what it said last", retention=KEEP),
    column("last_boot", Text, purpose="in which run of the machine", retention=KEEP),
    column("last_steady", BigInteger, purpose="how long that had run, in ms", retention=KEEP),
    column("doubt", Text, purpose="why it is doubted, as a code", retention=KEEP, nullable=True),
    column("even", BigInteger, purpose="for how long it ran evenly since, in ms", retention=KEEP),
)


@dataclass(frozen=True, slots=True)
class ClockState:
    """Where the clock was right, what it said last, and whether it is doubted since."""

    right: Reading
    last: Reading
    doubt: str | None = None
    even: timedelta = timedelta(0)


_lately: dict[str, tuple[timedelta, ClockState | None]] = {}


def next_state(line: ClockState | None, now: Reading, newest: datetime | None) -> ClockState:
    """Say what a reading makes of the line; `newest` is the newest row known. Pure."""
    if line is None:
        return ClockState(now, now)
    before = line.last
    if before.boot == now.boot and abs(_off(before, now)) <= MAX_DRIFT:
        even = line.even + max(now.uptime - before.uptime, timedelta(0))
    else:
        even = timedelta(0)
    doubt = _doubt(line, now, newest)
    if doubt != line.doubt:
        even = timedelta(0)
    if doubt in {BEHIND, GAP} and even >= PROOF:
        doubt = None
    if doubt in STOPS_MAIL:
        return replace(line, last=now, doubt=doubt, even=even)
    return ClockState(now, now, doubt, even)


def _doubt(line: ClockState, now: Reading, newest: datetime | None) -> str | None:
    if line.right.boot == now.boot and now.uptime >= line.right.uptime:
        off = _off(line.right, now)
        if abs(off) > MAX_DRIFT:
            return AHEAD if off > MAX_DRIFT else BEHIND
        return GAP if line.doubt == GAP else None
    return _after_restart(line, now, newest)


def _after_restart(line: ClockState, now: Reading, newest: datetime | None) -> str | None:
    gap = now.at - line.right.at
    if gap < -MAX_DRIFT:
        return BEHIND
    was_set_back = now.at < line.last.at - MAX_DRIFT
    if gap > FAR or (line.doubt == AHEAD and not was_set_back):
        return AHEAD
    nothing_noted = gap > MAX_GAP and (newest is None or now.at - newest > MAX_GAP)
    return GAP if nothing_noted or line.doubt == GAP else None


def _off(before: Reading, now: Reading) -> timedelta:
    """Say by how much the wall went further than the machine's own count."""
    return (now.at - before.at) - (now.uptime - before.uptime)


def record(
    session: Session, now: Reading, newest: datetime | None
) -> tuple[str | None, str | None]:
    """Write down a reading; gives the doubt there was, and the one there is. For one clock."""
    known = _line(session)
    line = next_state(known, now, newest)
    _write(session, line)
    return known.doubt if known else None, line.doubt


def problem(session: Session, now: Reading, newest: datetime | None = None) -> str | None:
    """Say whether the clock is doubted at this moment, without writing it down.

    Asked before anything leaves, because a jump may be younger than the last note. A moment that
    somebody chose is no jump. Without `newest` a gap is only one that was noted.
    """
    if now.is_chosen:
        return None
    line = _line(session)
    return next_state(line, now, newest or now.at).doubt if line else None


def believed(session: Session, now: Reading) -> datetime:
    """Say the moment as far as it can be known: a clock that was set ahead makes nothing old."""
    return _believed(None if now.is_chosen else _line(session), now)


def moment(now: Reading) -> datetime:
    """Say the same for a door in a hurry, from a line that is ten seconds old at most.

    What the clock says where the database cannot be asked.
    """
    return _believed(_of_late(now), now)


def moments(now: Reading) -> tuple[datetime, ...]:
    """Give the moments that may be right for whoever signs one: a clock set back refuses nobody.

    What the clock says, and while it is doubted what the machine's own count says.
    """
    line = _of_late(now)
    if (
        line is None
        or line.right.boot != now.boot
        or next_state(line, now, now.at).doubt not in STOPS_MAIL
    ):
        return (now.at,)
    return now.at, line.right.at + (now.uptime - line.right.uptime)


def _of_late(now: Reading) -> ClockState | None:
    if now.is_chosen:
        return None
    url = config.current().database_url
    known = _lately.get(url)
    if known is None or not timedelta(0) <= now.uptime - known[0] < LATELY:
        try:
            with db.reading() as session:
                known = (now.uptime, _line(session))
        except (SQLAlchemyError, OSError):
            return None
        _lately[url] = known
    return known[1]


def _believed(line: ClockState | None, now: Reading) -> datetime:
    if line is None or next_state(line, now, now.at).doubt != AHEAD:
        return now.at
    same = line.right.boot == now.boot
    return line.right.at + (now.uptime - line.right.uptime if same else timedelta(0))


def trust(session: Session, now: Reading) -> None:
    """Take the clock to be right as it is, because the operator says so."""
    _write(session, ClockState(now, now))


def restart(session: Session, now: Reading) -> None:
    """Begin anew on a machine that a backup was restored on: a large purge waits for a day."""
    _write(session, ClockState(now, now, GAP))


def _line(session: Session) -> ClockState | None:
    row = session.execute(select(clock_states).where(clock_states.c.name == "clock")).first()
    if row is None:
        return None
    return ClockState(
        Reading(row.at, row.boot, row.steady * MILLISECOND),
        Reading(row.last_at, row.last_boot, row.last_steady * MILLISECOND),
        row.doubt,
        row.even * MILLISECOND,
    )


def _write(session: Session, line: ClockState) -> None:
    values = {
        "at": line.right.at,
        "boot": line.right.boot,
        "steady": line.right.uptime // MILLISECOND,
        "last_at": line.last.at,
        "last_boot": line.last.boot,
        "last_steady": line.last.uptime // MILLISECOND,
        "doubt": line.doubt,
        "even": line.even // MILLISECOND,
    }
    statement = db.insert(clock_states).values(name="clock", **values)
    session.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))

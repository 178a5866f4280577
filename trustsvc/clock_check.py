"""Detect that the machine's clock was set; a wrong clock stops invitations and large purges.

The scheduler records every ten seconds the time of day and the machine's uptime (clock.Reading).
When the two differ by more than five minutes since the last trusted reading, the clock was set:

    ahead   set forward. No invitation or reminder leaves and none is planned until it is set
            back or an operator says that it is right. What a person waits for leaves.
    behind  set back, or behind the last record. The same; a day of consistent readings proves it
            right.
    gap     nothing was recorded for more than 26 hours, neither here nor in the newest rows: the
            service was off, or the clock is wrong. Only a large purge waits
            (privacy/retention/purge_guard.py); a day of consistent readings proves it right.

A reboot resets the uptime, so a gap looks like a jump then: more than 60 days count as
one. What does not ask this module, and why: docs/adr/0025-clock-distrust.md.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Table, Text, select
from sqlalchemy.orm import Session

from trustsvc.clock import Reading
from trustsvc.storage import db
from trustsvc.storage.columns import Moment, column, metadata

_KEEP = "service_state"
MAX_DRIFT = timedelta(minutes=5)
MAX_GAP = timedelta(hours=26)
MAX_OFF = timedelta(days=60)
PROOF = timedelta(hours=24)
AHEAD, BEHIND, GAP = "ahead", "behind", "gap"
STOPS_MAIL = (AHEAD, BEHIND)  # no invitation leaves while one of these is the problem
MILLISECOND = timedelta(milliseconds=1)

# One row: the last reading that was trusted, and the last one at all.
clock_states = Table(
    "clock_states",
    metadata,
    column("name", Text, purpose="which clock", retention=_KEEP, primary_key=True),
    column("trusted_at", Moment, purpose="last trusted time of day", retention=_KEEP),
    column("trusted_boot", Text, purpose="boot of the machine then", retention=_KEEP),
    column("trusted_uptime", BigInteger, purpose="uptime then, in ms", retention=_KEEP),
    column("last_at", Moment, purpose="last time of day", retention=_KEEP),
    column("last_boot", Text, purpose="boot of the machine then", retention=_KEEP),
    column("last_uptime", BigInteger, purpose="uptime then, in ms", retention=_KEEP),
    column("problem", Text, purpose="why it is distrusted, code", retention=_KEEP, nullable=True),
    column("consistent", BigInteger, purpose="consistent since, for ms", retention=_KEEP),
)


@dataclass(frozen=True, slots=True)
class ClockState:
    """The last trusted reading, the last one, and the problem since, if any."""

    trusted: Reading
    last: Reading
    problem: str | None = None
    consistent: timedelta = timedelta(0)


def next_state(state: ClockState | None, now: Reading, newest: datetime | None) -> ClockState:
    """Give the state after a reading; `newest` is the moment of the newest row known. Pure."""
    if state is None:
        return ClockState(now, now)
    before = state.last
    if before.boot == now.boot and abs(_jump(before, now)) <= MAX_DRIFT:
        consistent = state.consistent + max(now.uptime - before.uptime, timedelta(0))
    else:
        consistent = timedelta(0)
    distrust = _problem(state, now, newest)
    if distrust != state.problem:
        consistent = timedelta(0)
    if distrust in {BEHIND, GAP} and consistent >= PROOF:
        distrust = None
    if distrust in STOPS_MAIL:
        return replace(state, last=now, problem=distrust, consistent=consistent)
    return ClockState(now, now, distrust, consistent)


def _problem(state: ClockState, now: Reading, newest: datetime | None) -> str | None:
    if state.trusted.boot == now.boot and now.uptime >= state.trusted.uptime:
        jump = _jump(state.trusted, now)
        if abs(jump) > MAX_DRIFT:
            return AHEAD if jump > MAX_DRIFT else BEHIND
        return GAP if state.problem == GAP else None
    return _problem_after_reboot(state, now, newest)


def _problem_after_reboot(state: ClockState, now: Reading, newest: datetime | None) -> str | None:
    gap = now.at - state.trusted.at
    if gap < -MAX_DRIFT:
        return BEHIND
    was_set_back = now.at < state.last.at - MAX_DRIFT
    if gap > MAX_OFF or (state.problem == AHEAD and not was_set_back):
        return AHEAD
    nothing_recorded = gap > MAX_GAP and (newest is None or now.at - newest > MAX_GAP)
    return GAP if nothing_recorded or state.problem == GAP else None


def _jump(before: Reading, now: Reading) -> timedelta:
    """Measure by how much more the time of day advanced than the uptime."""
    return (now.at - before.at) - (now.uptime - before.uptime)


def record(
    session: Session, now: Reading, newest: datetime | None
) -> tuple[str | None, str | None]:
    """Store a reading; gives the problem before and the problem now. For the one scheduler."""
    before = _stored(session)
    after = next_state(before, now, newest)
    _store(session, after)
    return before.problem if before else None, after.problem


def problem(session: Session, now: Reading, newest: datetime | None = None) -> str | None:
    """Say why the clock is distrusted at this moment, without storing anything; None: it is not.

    Asked before anything leaves, because a jump may be younger than the last record. A moment that
    was chosen (`clock.at`) is no jump. Without `newest` a gap is only one that was recorded.
    """
    if now.is_chosen:
        return None
    state = _stored(session)
    return next_state(state, now, newest or now.at).problem if state else None


def shift(session: Session, now: Reading) -> timedelta | None:
    """Measure by how much the clock was set since it was trusted; None after a reboot."""
    state = None if now.is_chosen else _stored(session)
    if state is None or state.trusted.boot != now.boot or now.uptime < state.trusted.uptime:
        return None
    return _jump(state.trusted, now)


def purge_until(session: Session, now: Reading) -> datetime:
    """Give the moment up to which a purge may delete: a clock set ahead makes nothing old.

    The last trusted moment and the uptime since, where the clock is ahead; else the clock.
    """
    state = None if now.is_chosen else _stored(session)
    if state is None or next_state(state, now, now.at).problem != AHEAD:
        return now.at
    is_same_boot = state.trusted.boot == now.boot
    return state.trusted.at + (now.uptime - state.trusted.uptime if is_same_boot else timedelta(0))


def trust(session: Session, now: Reading) -> None:
    """Take the clock to be right as it is, because an operator says so."""
    _store(session, ClockState(now, now))


def restart(session: Session, now: Reading) -> None:
    """Begin again on a machine that a backup was restored on: a large purge waits for a day."""
    _store(session, ClockState(now, now, GAP))


def _stored(session: Session) -> ClockState | None:
    row = session.execute(select(clock_states).where(clock_states.c.name == "clock")).first()
    if row is None:
        return None
    return ClockState(
        Reading(row.trusted_at, row.trusted_boot, row.trusted_uptime * MILLISECOND),
        Reading(row.last_at, row.last_boot, row.last_uptime * MILLISECOND),
        row.problem,
        row.consistent * MILLISECOND,
    )


def _store(session: Session, state: ClockState) -> None:
    values = {
        "trusted_at": state.trusted.at,
        "trusted_boot": state.trusted.boot,
        "trusted_uptime": state.trusted.uptime // MILLISECOND,
        "last_at": state.last.at,
        "last_boot": state.last.boot,
        "last_uptime": state.last.uptime // MILLISECOND,
        "problem": state.problem,
        "consistent": state.consistent // MILLISECOND,
    }
    statement = db.insert(clock_states).values(name="clock", **values)
    session.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))

"""Send the letters that are due: name and address to the mail server, and nothing else."""

import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from jinja2 import TemplateError
from sqlalchemy import bindparam, or_, update
from sqlalchemy.orm import Session

from trustsvc import log
from trustsvc.invitations import due, hold, recover, redeem, when
from trustsvc.invitations.due import Due
from trustsvc.invitations.models import letters
from trustsvc.invitations.write import write
from trustsvc.mail import Fate, Outcome, Postbox
from trustsvc.orders import buyer, ledger

MOST_TRIES = 32  # with these waits about three days on average
FIRST_WAIT_S = 60
LONGEST_WAIT_S = 6 * 3600
LONGEST_ROUND = timedelta(minutes=2)  # a job ends before its worker's patience does
AWAY = {"no_connection", "no_tls", "no_login"}

logger = log.named("invitations")
_dice = secrets.SystemRandom()

OpenTransaction = Callable[[], AbstractContextManager[Session]]
Now = Callable[[], datetime]


class LeaseLost(Exception):
    """Somebody else has the letter, or it must not leave any more: do not say the dot."""


def send(open_transaction: OpenTransaction, postbox: Postbox, now: Now) -> int:
    """Send one batch; gives how many letters were leased, so that a job can go on while it is full.

    The database is let go of while the mail server speaks. Just before each final dot every reason
    not to send is looked at once more, and the letter is marked as handed over, in the same commit
    that settles the one before it. Two senders never have
    the same letter; one that dies leaves letters that are due again, and at most one unknown.
    """
    started = now()
    with open_transaction() as session:
        recover.recover(session, started)
        leased = due.lease(session, started)
    if not leased:
        return 0
    round_ = _Round(open_transaction, now)
    try:
        with hold.held(open_transaction, leased[0].lease, now):
            for one in leased:
                if now() - started > LONGEST_ROUND or not _is_daytime(one, now()):
                    break
                outcome = round_.post(one, postbox)
                if outcome and outcome.problem in AWAY:
                    logger.warning("the mail server is away", problem=outcome.problem)
                    return 0  # the others need not be tried one by one
    finally:
        round_.end(leased)
    return len(leased)


class _Round:
    """The letters of one lease: what was handed over, and what became of it."""

    def __init__(self, open_transaction: OpenTransaction, now: Now) -> None:
        self._open = open_transaction
        self._now = now
        self._outcomes: list[tuple[Due, Outcome]] = []

    def post(self, one: Due, postbox: Postbox) -> Outcome | None:
        try:
            letter = write(one, self._now())
        except (TemplateError, LookupError, ValueError, TypeError) as problem:
            # Not the whole exception: its text may hold what the letter is about.
            logger.error("letter not written", letter=one.id, problem=type(problem).__name__)  # noqa: TRY400
            outcome = Outcome(Fate.LATER, "not_written")
        else:
            try:
                outcome = postbox.post(letter, lambda: self._hand(one))
            except LeaseLost:
                return None
        self._outcomes.append((one, outcome))
        return outcome

    def _hand(self, one: Due) -> None:
        now = self._now()
        with self._open() as session:
            may_leave = due.look_again(session, one, now)
            settle(session, self._outcomes, now)
            done = session.execute(
                update(letters)
                .where(
                    letters.c.id == one.id,
                    letters.c.lease == one.lease,
                    letters.c.state == "leased",
                    letters.c.leased_until > now,
                )
                .values(state="handed", leased_until=now + hold.LEASE)
            )
        self._outcomes.clear()
        if not (may_leave and done.rowcount):  # type: ignore[attr-defined]
            raise LeaseLost

    def end(self, leased: list[Due]) -> None:
        """Settle the last letter, and give back what was not come to."""
        with self._open() as session:
            settle(session, self._outcomes, self._now())
            session.execute(
                update(letters)
                .where(letters.c.lease == leased[0].lease, letters.c.state == "leased")
                .values(state="due", lease=None, leased_until=None)
            )


def settle(session: Session, outcomes: list[tuple[Due, Outcome]], now: datetime) -> None:
    """Write down what became of letters; only for whoever still has the lease.

    A refused address is forgotten, with its invitation where that never arrived.
    """
    final = [_final(one, outcome) for one, outcome in outcomes]
    refused = [one for one, outcome in final if outcome.fate is Fate.REFUSED]
    never = [one.order_id for one in refused if one.kind == "invitation"]
    if refused:
        redeem.withdraw(session, never, "refused", now)
        buyer.forget(session, [one.order_id for one in refused])
    later = [_again(one, outcome, now) for one, outcome in final if outcome.fate is Fate.LATER]
    done = [_end(one, outcome, now) for one, outcome in final if outcome.fate is not Fate.LATER]
    _update(session, later, ("leased", "handed", "unknown"), state="due", due_at=bindparam("at"))
    _update(
        session,
        done,
        ("leased", "handed", "unknown", "dropped"),
        state=bindparam("new"),
        sent_at=bindparam("sent"),
    )
    ledger.write(session, [_line(one, outcome, now) for one, outcome in final])


def _update(
    session: Session, rows: list[dict[str, object]], states: tuple[str, ...], **values: object
) -> None:
    if rows:
        session.connection().execute(
            update(letters)
            .where(
                letters.c.id == bindparam("one"),
                letters.c.lease == bindparam("by"),
                # Not in_(): a list that is expanded cannot be used for many rows at once.
                or_(*(letters.c.state == state for state in states)),
            )
            .values(
                tries=letters.c.tries + 1, problem=bindparam("why"), leased_until=None, **values
            ),
            rows,
        )


def _final(one: Due, outcome: Outcome) -> tuple[Due, Outcome]:
    if outcome.fate is Fate.LATER and one.tries + 1 >= MOST_TRIES:
        return one, Outcome(Fate.REFUSED, outcome.problem or "gave_up")
    return one, outcome


def _again(one: Due, outcome: Outcome, now: datetime) -> dict[str, object]:
    at = now + backoff(one.tries)
    return {"one": one.id, "by": one.lease, "why": outcome.problem or None, "at": at}


def _end(one: Due, outcome: Outcome, now: datetime) -> dict[str, object]:
    return {
        "one": one.id,
        "by": one.lease,
        "why": outcome.problem or None,
        "new": outcome.fate.value,
        "sent": None if outcome.fate is Fate.REFUSED else now,
    }


def _line(one: Due, outcome: Outcome, now: datetime) -> ledger.Line:
    step, rule = f"send_{one.kind}", outcome.problem or "ok"
    return ledger.Line(one.order_id, step, rule, outcome.fate.value, now)


def backoff(tries: int) -> timedelta:
    """Wait longer each time, with full jitter: a mail server that returns is not run over."""
    most = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(tries, 20))
    return timedelta(seconds=_dice.uniform(0, most))


def _is_daytime(one: Due, now: datetime) -> bool:
    return when.daytime(now, one.zone) <= now

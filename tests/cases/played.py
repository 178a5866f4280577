"""Play cases: post their steps through the real app, let eight days pass, look into the maildir.

All cases share one installation, each with shops of its own. Each is played twice: with all its
moments in one second, as a script that fills in one moment posts them, and a minute apart.
"""

import mailbox
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email import policy
from email.parser import BytesParser
from typing import Any
from zoneinfo import ZoneInfo

from flask.testing import FlaskClient

from jobs import (
    answer_privacy_requests,
    check_orders,
    plan_reminders,
    purge_rows,
    send_messages,
)
from tests.cases.history import Case, Step
from tests.orders.webhook_client import SECRETS
from tests.signing import signed_request
from trustsvc import clock, config
from trustsvc.shops import enrol, settings
from trustsvc.storage import db

START = datetime(2026, 6, 10, 10, tzinfo=UTC)  # a Wednesday, 12:00 in Amsterdam
WAIT = timedelta(days=8)
ROUND = timedelta(hours=4)  # meets the daytime of every zone
HALF_DAY = timedelta(hours=12)
TIMINGS = ("at_once", "in_turn")
BETWEEN_STEPS = timedelta(minutes=1)
DOMAIN = "shop.example"


@dataclass(frozen=True)
class Letter:
    to: str
    at: str
    days: float  # since the last step
    text: str

    @property
    def asks(self) -> bool:
        """It asks for a review: not the confirmation of an erasure."""
        return "/r/" in self.text


@dataclass(frozen=True)
class Outcome:
    """What became of a case at one timing: the answers, and the letters of eight days."""

    answers: list[str]
    letters: list[Letter]


class _Run:
    """One case at one timing, at a shop of its own."""

    def __init__(self, case: Case, timing: str, number: int) -> None:
        self.case = case
        self.timing = timing
        self.number = number
        self.name = f"Shop {number}"
        self.answers: list[str] = []
        domain = case.shop.get("domain", DOMAIN)
        with db.transaction() as session:
            new = enrol.Enrolment(
                self.name, domain, case.platform, SECRETS[case.platform], may_ask=case.may_ask
            )
            shop, self.secret = enrol.enrol(session, new, START)
            change = settings.SettingsChange(**case.shop)
            settings.change_settings(session, shop.slug, change, START)
        self.url = f"/webhooks/{case.platform}/{shop.endpoint_id}"

    def post_at(self, index: int) -> datetime:
        return START + self.case.steps[index].after + BETWEEN_STEPS * index

    @property
    def over(self) -> datetime:
        return self.post_at(len(self.case.steps) - 1)

    def post(self, client: FlaskClient, step: Step, at: datetime) -> None:
        moment = START + step.after if self.timing == "at_once" else at
        body = of_timing(step.filled(self.number, moment), self.timing)
        headers = signed_request(
            self.case.platform, self.secret, body, step.topic, at=int(at.timestamp())
        )
        answer = client.post(self.url, data=body, headers=headers)
        answered = answer.get_json(silent=True) or {}
        words = [str(answer.status_code), answered.get("status"), answered.get("reason")]
        self.answers.append(" ".join(str(word) for word in words if word))


def of_timing(text: bytes, timing: str) -> bytes:
    """Give each timing addresses of its own, in a domain beside that of the case."""
    return text.replace(b"@cas", b"@second.cas") if timing == "in_turn" else text


def play(client: FlaskClient, cases: list[Case]) -> dict[str, dict[str, Outcome]]:
    """Play all cases in one installation; gives what became of each at each timing."""
    runs = []
    with clock.at(START):
        for case in cases:
            timings = TIMINGS[: len(case.steps)]  # one step has no timing
            runs += [_Run(case, timing, 1000 + len(runs) + i) for i, timing in enumerate(timings)]
    posts = sorted(
        ((run.post_at(index), index, run) for run in runs for index in range(len(run.case.steps))),
        key=lambda post: post[:2],
    )
    end = max(run.over for run in runs) + WAIT
    letters = _Letters()
    moment = START
    while moment <= end:
        while posts and posts[0][0] < moment + ROUND:
            at, index = posts[0][:2]
            together = [post for post in posts if post[:2] == (at, index)]
            posts = posts[len(together) :]
            with clock.at(at):
                for _, _, run in together:
                    run.post(client, run.case.steps[index], at)
                check_orders.check_orders()
        moment += ROUND
        with clock.at(moment):
            _run_jobs(all_of_them=not (moment - START) % HALF_DAY)
        letters.take(moment)
    outcomes: dict[str, dict[str, Outcome]] = defaultdict(dict)
    for run in runs:
        outcomes[run.case.name][run.timing] = Outcome(run.answers, letters.of(run))
    return dict(outcomes)


def _run_jobs(*, all_of_them: bool) -> None:
    check_orders.check_orders()
    send_messages.send_messages()
    if all_of_them:
        answer_privacy_requests.answer_privacy_requests()
        plan_reminders.plan_reminders()
        purge_rows.purge_rows()


class _Letters:
    """What lies in the maildir, with the round in which it came."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.by_shop: dict[str, list[tuple[datetime, str, str]]] = defaultdict(list)

    def take(self, moment: datetime) -> None:
        folder = config.current().data / "mail"
        if not folder.exists():
            return
        found = mailbox.Maildir(folder, create=False)
        for key in set(found.keys()) - self.seen:
            self.seen.add(key)
            mail = BytesParser(policy=policy.default).parsebytes(found.get_bytes(key))
            shop = mail["From"].addresses[0].display_name
            to = mail["To"].addresses[0].addr_spec
            text = mail.get_body(("plain",)).get_content()
            self.by_shop[shop].append((moment, to, text))

    def of(self, run: _Run) -> list[Letter]:
        return [
            Letter(to.replace("@second.", "@"), f"{at}", (at - run.over) / timedelta(days=1), text)
            for at, to, text in self.by_shop[run.name]
            if at <= run.over + WAIT + ROUND
        ]


def faults(case: Case, outcomes: dict[str, Outcome]) -> list[str]:
    """Give what is not as the case says it must be, in words."""
    return [
        f"{timing}: {fault} (answers: {', '.join(outcome.answers)})"
        for timing, outcome in outcomes.items()
        for fault in _faults(case.must, outcome)
    ]


def _faults(must: dict[str, Any], outcome: Outcome) -> Iterator[str]:
    got = {letter.to for letter in outcome.letters}
    text = "\n".join(letter.text for letter in outcome.letters)
    for unwanted in must.get("no_letter_to", []):
        if unwanted in got:
            yield f"a letter went to {unwanted}"
    asked = {letter.to for letter in outcome.letters if letter.asks}
    yield from (f"{one} was asked" for one in must.get("not_asked", []) if one in asked)
    if (wanted := must.get("letter_to")) and wanted not in got:
        yield f"no letter went to {wanted}"
    yield from _misspoken(must, text)
    if "letters" in must and len(outcome.letters) != must["letters"]:
        yield f"{len(outcome.letters)} letters went"
    for letter in outcome.letters:
        yield from _untimely(must, letter)


def _misspoken(must: dict[str, Any], text: str) -> Iterator[str]:
    if (wanted := must.get("greeting")) and wanted not in text:
        yield f"no letter says {wanted!r}"
    if unwanted := must.get("greeting_not"):
        if not text:
            yield "no letter went to anybody"
        if unwanted in text:
            yield f"a letter says {unwanted!r}"


def _untimely(must: dict[str, Any], letter: Letter) -> Iterator[str]:
    if not must.get("not_before_days", 0) <= letter.days <= must.get("not_after_days", 99):
        yield f"a letter went after {letter.days:.1f} days"
    for zone in must.get("daytime_in", []):
        there = datetime.fromisoformat(letter.at).astimezone(ZoneInfo(zone))
        if not 9 <= there.hour < 20:
            yield f"a letter went at {there:%H:%M} in {zone}"


def as_json(outcomes: dict[str, dict[str, Outcome]]) -> dict[str, dict[str, dict[str, object]]]:
    return {
        name: {timing: asdict(outcome) for timing, outcome in timings.items()}
        for name, timings in outcomes.items()
    }


def from_json(read: dict[str, dict[str, dict[str, list]]]) -> dict[str, dict[str, Outcome]]:
    return {
        name: {
            timing: Outcome(one["answers"], [Letter(**letter) for letter in one["letters"]])
            for timing, one in timings.items()
        }
        for name, timings in read.items()
    }

"""`make canary`: run a hundred marked people through the whole service, then search every byte.

Real processes, four platforms, sixty extra fields an order, each value a unique marker. Mail goes
to the default maildir on SQLite and to a mail server of our own on PostgreSQL. Searched: database
files, write-ahead log, Redis, logs, public files, temporary files, process environments, a backup,
outgoing HTTP and SMTP. Five people each register, object, see, correct, restrict, and so on
(actions.py). Then everybody asks for erasure by the link in the e-mail; all is searched again, and
once more four days later, when the confirmations in the maildir are gone. At the end a marker is
planted in every place and must be found there. DATABASE=sqlite|postgresql|both. Exits with 1 if a
marker is where it must not be, or a planted one is not found.
"""

import contextlib
import os
import sys
import tempfile
import time
from collections import defaultdict
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import redis
import requests
from sqlalchemy import func, select

from tests import servers
from tests.mail.mail_server import MailServer
from tests.signing import signed_request
from tools.canary import actions, controls, people
from tools.canary.places import Listener, search_places
from tools.canary.verdict import BEFORE, CONTROL, DAYS_LATER, ERASED, NAMES, table, verdict
from tools.drill.drill import daytime_zone
from tools.drill.service import Installation, Redis, environ_of
from trustsvc import clock, config, migrations
from trustsvc.crypto import keyring
from trustsvc.orders.request_models import privacy_requests
from trustsvc.reviews import lookup, moderate
from trustsvc.storage import db
from trustsvc.transactional_mail.models import transactional_messages

STEP_TIMEOUT_S = 120
TIMEOUT_S = 15


class Incomplete(Exception):
    """A step did not finish, so nothing is proven."""


@contextlib.contextmanager
def environment(database):
    """Set up a folder, a database, Redis and a mail server."""
    with contextlib.ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trustsvc-canary-")))
        (place / "tmp").mkdir()
        more, post = {"TMPDIR": str(place / "tmp")}, None
        if database == "postgresql":
            server = stack.enter_context(contextlib.contextmanager(servers.postgres)(place))
            more["TRUSTSVC_DATABASE_URL"], _ = servers.fresh_database(server)
            own = stack.enter_context(Redis(place))
            more["TRUSTSVC_REDIS_URL"] = f"unix://{own.socket}"
            post = stack.enter_context(MailServer())
            more["TRUSTSVC_MAIL_URL"] = f"{post.url}?starttls=never"
        stack.enter_context(_temporary_files_in(place / "tmp"))
        yield place, more, post


@contextlib.contextmanager
def _temporary_files_in(folder):
    """Make this process look for the service's socket in the service's folder."""
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before


def run(database, how_many=100):
    """Give the markers found: {stage: {place: {(kind, encoding): count}}}."""
    with environment(database) as (place, more, post), Listener() as listener:
        environ = environ_of(place, **more)
        config.use(config.load({k: v for k, v in environ.items() if k.startswith("TRUSTSVC_")}))
        keyring.make_all()
        migrations.upgrade()
        try:
            with Installation(environ, place) as installation:
                return _run_flow(installation, people.make_people(how_many), post, listener)
        finally:
            db.dispose_engines()
            config.use(None)


def _run_flow(installation, everybody, post, listener):
    _wait_for(installation.is_ready, "the service did not start")
    shops = _enrol(installation, listener)
    for person in everybody:
        _order(shops[person.platform], person)
    messages = _wait_for(
        lambda: _invited(installation, post, everybody), "not everybody got an e-mail"
    )
    for person in everybody:
        if person.reviews:
            actions.post(_link(messages[person], "r"), person.form)
    _approve()
    shown = [person for person in everybody if person.shows and person.reviews]
    _wait_for(
        lambda: _public(installation, shops).count("zqxqshow") >= 2 * len(shown),
        "not all reviews are published",
    )
    _wait_for(
        lambda: "zqxqshow" in _badge_files(installation, shops), "the badge files show nobody"
    )
    for person in everybody:
        actions.do(actions.Path(installation, shops[person.platform], person, messages[person]))
    _wait_for(_all_answered, "a request or an e-mail is unfinished")
    mail = _mail(installation, post)
    registering = [actions.follow(mail[person.email]) for person in everybody]
    if not any(registering):
        raise Incomplete("nobody registered")
    _wait_for(_all_answered, "a request or an e-mail is unfinished")
    backup = installation.place / "backup"
    search_all = _searching(installation, post, listener, backup)
    found = {BEFORE: search_all()}
    for person in everybody:
        actions.post(_link(messages[person], "me") + "/erase", {"everywhere": "1"})
    _wait_for(lambda: "zqx" not in _public(installation, shops), "erased people are still shown")
    _wait_for(
        lambda: "zqx" not in _badge_files(installation, shops),
        "erased people are still in badge files",
    )
    _wait_for(_all_answered, "a request or an e-mail is unfinished")
    for shop in shops.values():  # proof of the domain is expected to fail here
        with contextlib.suppress(AssertionError):
            installation.own("shop", "prove", shop["shop"])
    installation.own("purge")
    if post:  # delivered mail is the reader's own
        post.messages.clear()
        post.commands.clear()
    found[ERASED] = search_all()
    installation.own("tick", "--at", (clock.now() + timedelta(days=4)).isoformat())
    found[DAYS_LATER] = search_all()
    with controls.planted(installation, post, listener, backup) as places:
        seen = search_places(installation, post, listener, backup)
        found[CONTROL] = {place: seen.get(place, {}) for place in places}
    return found


def _searching(installation, post, listener, backup):
    def search_all():
        backup.unlink(missing_ok=True)
        installation.own("backup", str(backup))
        return search_places(installation, post, listener, backup)

    return search_all


def _all_answered():
    """Whether all requests are answered and all transactional mail has left."""
    waits = transactional_messages.c.address.is_not(None)
    with db.reading() as session:
        messages = session.scalar(
            select(func.count()).select_from(transactional_messages).where(waits)
        )
        return not messages and not session.scalar(
            select(func.count()).select_from(privacy_requests)
        )


def _enrol(installation, listener):
    shops = {}
    for number, platform in enumerate(people.PLATFORMS):
        domain = f"shop{number}.localhost:{listener.port}"
        shops[platform] = installation.enrol(f"Canary {number}", daytime_zone(), platform, domain)
    return shops


def _order(shop, person):
    body = people.order_body(person)
    topic = people.TOPICS.get(person.platform)
    headers = signed_request(person.platform, shop["secret"], body, topic)
    answer = requests.post(shop["webhook_url"], data=body, headers=headers, timeout=TIMEOUT_S)
    if answer.status_code != 202:
        raise Incomplete(f"an order of {person.platform} was answered {answer.status_code}")


def _mail(installation, post):
    """Give the text of each e-mail, by address."""
    folder = Path(installation.environ["TRUSTSVC_DATA"]) / "mail"
    raw = list(post.messages) if post else [path.read_bytes() for path in folder.glob("new/*")]
    found = defaultdict(list)
    for content in raw:
        message = message_from_bytes(content, policy=policy.default)
        text = message.get_body(("plain",)).get_content()
        found[str(message["To"].addresses[0].addr_spec)].append(text)
    return found


def _invited(installation, post, everybody):
    """Give each person's invitation as text; None until all are there."""
    found = _mail(installation, post)
    if not all(person.email in found for person in everybody):
        return None
    return {person: found[person.email][0] for person in everybody}


def _link(message, name):
    found = actions.link_in(message, name)
    if not found:
        raise Incomplete(f"the e-mail has no link /{name}/")
    return found


def _approve():
    with db.reading() as session:
        waiting = lookup.list_reviews(session, state="pending", limit=1000)
    for review in waiting:
        with db.transaction() as session:
            moderate.approve(session, review.id, "staff 0", clock.now())


def _public(installation, shops):
    urls = [f"{installation.url}/s/{shop['shop']}" for shop in shops.values()]
    return "".join(requests.get(url, timeout=TIMEOUT_S).text for url in urls)


def _badge_files(installation, shops):
    """Give the content of all badge files, as served."""
    kinds = ("html", "json", "svg")
    names = [f"{shop['shop']}.{kind}" for shop in shops.values() for kind in kinds]
    names += [
        f"{shop['shop']}/{form}"
        for shop in shops.values()
        for form in ("feed.atom", "reviews.json", "shields.json")
    ]
    urls = [f"{installation.url}/badge/v1/{name}" for name in names]
    return "".join(requests.get(url, timeout=TIMEOUT_S).text for url in urls)


def _wait_for(condition, problem):
    end = time.monotonic() + STEP_TIMEOUT_S
    while time.monotonic() < end:
        with contextlib.suppress(requests.RequestException, redis.RedisError):
            if found := condition():
                return found
        time.sleep(0.3)
    raise Incomplete(problem)


def main():
    databases = os.environ.get("DATABASE") or "both"
    broken = []
    for database in ["sqlite", "postgresql"] if databases == "both" else [databases]:
        began = time.monotonic()
        found = run(database)
        wrong = verdict(found)
        took = (time.monotonic() - began) / 60
        extra = f"{people.EXTRA_FIELDS} extra fields an order"
        print(f"\n{database}: 100 people, {extra}, {took:.1f} minutes")
        print(f"\n{table(found)}")
        for stage, place, kind, how in wrong:
            print(f"  MUST NOT BE: {NAMES[kind]} ({how}), {stage}, {place}")
        broken += wrong
    print(
        "\nA marker was found that must not be there."
        if broken
        else "\nNo marker where none may be."
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

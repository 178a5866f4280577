"""`make canary`: a hundred marked people through the whole service; then every byte is looked at.

Real processes, four platforms, sixty marked fields an order that nobody asked for. On SQLite the
letters go to the default maildir, on PostgreSQL to a mail server of our own. Looked into: the
database's files, its write-ahead log, Redis, logs, what is public, temporary files, the
environment of each process, a backup, what went out over HTTP and to the mail server. Five each
also register, object, see, correct, restrict, stop (deeds.py). Then every person asks to be erased
by the link in the letter, and all is looked at again, and once more after the 72 hours for which
the default maildir keeps the letters that confirm it. At the end a mark is planted in every place,
and must be found there. DATABASE=sqlite|postgresql|both. Ends with 1 where a mark was found that
must not be there, or not found where one was planted.
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
from tools.canary.places import Listener, looked_at
from tools.canary.verdict import BEFORE, CONTROL, ERASED, LATER, NAMES, table, verdict
from tools.drill.drill import daytime_zone
from tools.drill.service import House, Redis, environ_of
from trustsvc import clock, config, migrations
from trustsvc.crypto import keyring
from trustsvc.orders.models import privacy_requests
from trustsvc.reviews import lookup, moderate
from trustsvc.storage import db
from trustsvc.transactional_mail.models import UNSETTLED, correspondence

PATIENCE_S = 120
TIMEOUT_S = 15


class Broken(Exception):
    """A step did not come to its end: nothing was proven."""


@contextlib.contextmanager
def ground(database):
    """A folder, a database, a Redis, and a way out for letters."""
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
    """Let this process, too, look for the service's socket where the service makes it."""
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before


def run(database, how_many=100):
    """Give what was found: {stage: {place: {(kind, how written): times}}}."""
    with ground(database) as (place, more, post), Listener() as listener:
        environ = environ_of(place, **more)
        config.use(config.load({k: v for k, v in environ.items() if k.startswith("TRUSTSVC_")}))
        keyring.make_all()
        migrations.upgrade()
        try:
            with House(environ, place) as house:
                return _walk(house, people.everybody(how_many), post, listener)
        finally:
            db.dispose_engines()
            config.use(None)


def _walk(house, everybody, post, listener):
    _until(house.is_ready, "the service did not start")
    shops = _enrol(house, listener)
    for person in everybody:
        _order(shops[person.platform], person)
    letters = _until(lambda: _invited(house, post, everybody), "not everybody got a letter")
    for person in everybody:
        if person.reviews:
            actions.post(_link(letters[person], "r"), person.form)
    _approve()
    shown = [person for person in everybody if person.shows and person.reviews]
    _until(lambda: _public(house, shops).count("zqxshow") >= 2 * len(shown), "not all is published")
    _until(lambda: "zqxshow" in _forms(house, shops), "the badges' files show nobody")
    for person in everybody:
        actions.do(actions.Path(house, shops[person.platform], person, letters[person]))
    _until(_all_answered, "somebody waits for an answer")
    mail = _mail(house, post)
    registering = [actions.follow(mail[person.email]) for person in everybody]
    if not any(registering):
        raise Broken("nobody registered")
    _until(_all_answered, "somebody waits for an answer")
    backup = house.place / "backup"
    look = _looking(house, post, listener, backup)
    found = {BEFORE: look()}
    for person in everybody:
        actions.post(_link(letters[person], "me") + "/erase", {"everywhere": "1"})
    _until(lambda: "zqx" not in _public(house, shops), "erased people are still shown")
    _until(lambda: "zqx" not in _forms(house, shops), "erased people are still in badges' files")
    _until(_all_answered, "somebody waits for an answer")
    for shop in shops.values():  # the domains are not proven: that is not what is tried here
        with contextlib.suppress(AssertionError):
            house.own("shop", "prove", shop["shop"])
    house.own("purge")
    if post:  # what left for a mail server is its reader's
        post.letters.clear()
        post.heard.clear()
    found[ERASED] = look()
    house.own("tick", "--at", (clock.now() + timedelta(days=4)).isoformat())
    found[LATER] = look()
    with controls.planted(house, post, listener, backup) as places:
        seen = looked_at(house, post, listener, backup)
        found[CONTROL] = {place: seen.get(place, {}) for place in places}
    return found


def _looking(house, post, listener, backup):
    def look():
        backup.unlink(missing_ok=True)
        house.own("backup", str(backup))
        return looked_at(house, post, listener, backup)

    return look


def _all_answered():
    """Whether everything that was asked is done, and its letters have left."""
    waits = correspondence.c.state.in_(UNSETTLED)
    with db.reading() as session:
        letters = session.scalar(select(func.count()).select_from(correspondence).where(waits))
        return not letters and not session.scalar(
            select(func.count()).select_from(privacy_requests)
        )


def _enrol(house, listener):
    shops = {}
    for number, platform in enumerate(people.PLATFORMS):
        domain = f"shop{number}.localhost:{listener.port}"
        shops[platform] = house.enrol(f"Canary {number}", daytime_zone(), platform, domain)
    return shops


def _order(shop, person):
    body = people.order_of(person)
    topic = people.TOPICS.get(person.platform)
    headers = signed_request(person.platform, shop["secret"], body, topic)
    answer = requests.post(shop["webhook_url"], data=body, headers=headers, timeout=TIMEOUT_S)
    if answer.status_code != 202:
        raise Broken(f"an order of {person.platform} was answered {answer.status_code}")


def _mail(house, post):
    """Give the letters of each address as text."""
    folder = Path(house.environ["TRUSTSVC_DATA"]) / "mail"
    raw = list(post.letters) if post else [path.read_bytes() for path in folder.glob("new/*")]
    found = defaultdict(list)
    for content in raw:
        letter = message_from_bytes(content, policy=policy.default)
        text = letter.get_body(("plain",)).get_content()
        found[str(letter["To"].addresses[0].addr_spec)].append(text)
    return found


def _invited(house, post, everybody):
    """Give each person's letter as text; None until all are there."""
    found = _mail(house, post)
    if not all(person.email in found for person in everybody):
        return None
    return {person: found[person.email][0] for person in everybody}


def _link(letter, name):
    found = actions.link_in(letter, name)
    if not found:
        raise Broken(f"the letter has no link /{name}/")
    return found


def _approve():
    with db.reading() as session:
        waiting = lookup.listing(session, state="pending", limit=1000)
    for review in waiting:
        with db.transaction() as session:
            moderate.approve(session, review.id, "staff 0", clock.now())


def _public(house, shops):
    urls = [f"{house.url}/s/{shop['shop']}" for shop in shops.values()]
    return "".join(requests.get(url, timeout=TIMEOUT_S).text for url in urls)


def _forms(house, shops):
    """Give what a badge's files say, as the service hands them out."""
    kinds = ("html", "json", "svg")
    names = [f"{shop['shop']}.{kind}" for shop in shops.values() for kind in kinds]
    names += [
        f"{shop['shop']}/{form}"
        for shop in shops.values()
        for form in ("feed.atom", "reviews.json", "shields.json")
    ]
    urls = [f"{house.url}/badge/v1/{name}" for name in names]
    return "".join(requests.get(url, timeout=TIMEOUT_S).text for url in urls)


def _until(condition, problem):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with contextlib.suppress(requests.RequestException, redis.RedisError):
            if found := condition():
                return found
        time.sleep(0.3)
    raise Broken(problem)


def main():
    wished = os.environ.get("DATABASE") or "both"
    broken = []
    for database in ["sqlite", "postgresql"] if wished == "both" else [wished]:
        began = time.monotonic()
        found = run(database)
        wrong = verdict(found)
        took = (time.monotonic() - began) / 60
        print(f"\n{database}: 100 people, {people.MORE} marked fields an order, {took:.1f} minutes")
        print(f"\n{table(found)}")
        for stage, place, kind, how in wrong:
            print(f"  MUST NOT BE: {NAMES[kind]} ({how}), {stage}, {place}")
        broken += wrong
    print("\nA mark was found that must not be there." if broken else "\nNothing but what may be.")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

"""`make canary`: a hundred marked people through the whole service; then every byte is looked at.

Real processes, four platforms, sixty marked fields an order that nobody asked for. On SQLite the
letters go to the default maildir, on PostgreSQL to a mail server of our own. Looked into: the
database's files, its write-ahead log, Redis, logs, what is public, temporary files, the
environment of each process, a backup, what went out over HTTP and to the mail server. Then every
person asks to be erased by the link in the letter, and all is looked at again. DATABASE=sqlite|
postgresql|both. Ends with 1 where a mark was found that must not be there.
"""

import contextlib
import os
import re
import sys
import tempfile
import time
from collections import Counter
from email import message_from_bytes, policy
from pathlib import Path

import redis
import requests

from tests import servers
from tests.canary import people
from tests.canary.places import Listener, looked_at
from tests.faults.drill import daytime_zone
from tests.faults.house import House, Redis, environ_of
from tests.signing import signed_request
from tests.tools.mail_server import MailServer
from trustsvc import clock, config, db, keys, migrations
from trustsvc.reviews import find, moderate

PATIENCE_S = 120
BEFORE = "while it runs"
NAMES = {
    "zqxmail": "address",
    "zqxname": "name",
    "zqxmore": "extra field",
    "zqxshow": "published name or city",
    "zqxtext": "published words",
    "zqxpriv": "words for the shop alone",
}
IN_LETTERS = ("zqxmail", "zqxname")
PUBLISHED = ("zqxshow", "zqxtext")
# In clear, and only while it runs; whatever is not named here must not be found at all.
ALLOWED = {
    "letters in the maildir": IN_LETTERS,
    "letters sent": IN_LETTERS,
    "commands to the mail server": ("zqxmail",),
    "data folder": PUBLISHED,
    "public files": PUBLISHED,
    "database server": PUBLISHED,
    "backup": PUBLISHED,
}
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
        keys.make_all()
        migrations.upgrade()
        try:
            with House(environ, place) as house:
                return _walk(house, people.everybody(how_many), post, listener)
        finally:
            db.forget_engines()
            config.use(None)


def _walk(house, everybody, post, listener):
    _until(house.is_ready, "the service did not start")
    shops = _enrol(house, listener)
    for person in everybody:
        _order(shops[person.platform], person)
    letters = _until(lambda: _letters(house, post, everybody), "not everybody got a letter")
    for person in everybody:
        if person.reviews:
            _post(_link(letters[person], "r"), person.form)
    _approve()
    shown = [person for person in everybody if person.shows and person.reviews]
    _until(lambda: _public(house, shops).count("zqxshow") >= 2 * len(shown), "not all is published")
    _until(lambda: "zqxshow" in _forms(house, shops), "the badges' files show nobody")
    backup = house.place / "backup"
    house.own("backup", str(backup))
    found = {BEFORE: looked_at(house, post, listener, backup)}
    before, left = set(_maildir(house)), _letters_now(house, post)
    for person in everybody:
        _post(_link(letters[person], "me") + "/erase", {"everywhere": "1"})
    _until(lambda: "zqx" not in _public(house, shops), "erased people are still shown")
    _until(lambda: "zqx" not in _forms(house, shops), "erased people are still in badges' files")
    if not post:  # of the letters from before nothing may be left: what is there confirms
        left = 0
    _until(lambda: _letters_now(house, post) >= left + len(everybody), "not all were told of it")
    for shop in shops.values():  # the domains are not proven: that is not what is tried here
        with contextlib.suppress(AssertionError):
            house.own("shop", "prove", shop["shop"])
    backup.unlink()
    house.own("purge")
    house.own("backup", str(backup))
    # A letter that has left cannot be called back; the confirmations are read by now and thrown
    # away by their readers. The letters from before the erasure must be gone by themselves.
    if post:
        post.letters.clear()
        post.heard.clear()
    for path in set(_maildir(house)) - before:
        path.unlink()
    found["after erasure"] = looked_at(house, post, listener, backup)
    return found


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


def _letters(house, post, everybody):
    """Give each person's letter as text; None until all are there."""
    if post:
        raw = list(post.letters)
    else:
        folder = Path(house.environ["TRUSTSVC_DATA"]) / "mail"
        raw = [path.read_bytes() for path in folder.glob("new/*")]
    found = {}
    for content in raw:
        letter = message_from_bytes(content, policy=policy.default)
        found[str(letter["To"].addresses[0].addr_spec)] = letter.get_body(("plain",)).get_content()
    if not all(person.email in found for person in everybody):
        return None
    return {person: found[person.email] for person in everybody}


def _link(letter, path):
    found = re.search(rf"^(https?://\S+/{path}/[^\s?]+)\r?$", letter, re.MULTILINE)
    if not found:
        raise Broken(f"the letter has no link /{path}/")
    return found[1]


def _post(url, form):
    requests.get(url, timeout=TIMEOUT_S).raise_for_status()
    requests.post(url, data=form, timeout=TIMEOUT_S).raise_for_status()


def _approve():
    with db.reading() as session:
        waiting = find.listing(session, state="pending", limit=1000)
    for review in waiting:
        with db.transaction() as session:
            moderate.approve(session, review.id, "staff 0", clock.now())


def _maildir(house):
    return list((Path(house.environ["TRUSTSVC_DATA"]) / "mail").glob("new/*"))


def _letters_now(house, post):
    """Count the letters that left, whoever holds them now."""
    return len(post.letters) if post else len(_maildir(house))


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


def verdict(found):
    """Give the marks that must not be where they are: (stage, place, kind, how written)."""
    return [
        (stage, place, kind, how)
        for stage, places in found.items()
        for place, hits in places.items()
        for kind, how in _flat(hits)
        if stage != BEFORE or kind not in ALLOWED.get(place, ())
    ]


def table(found):
    """Say how many marks of each kind lay where, before and after the erasure."""
    places = list(dict.fromkeys(place for one in found.values() for place in one)) or ["nowhere"]
    lines = ["| looked into | while it runs | after erasure |", "|---|---|---|"]
    for place in places:
        cells = []
        for hits in (one.get(place, {}) for one in found.values()):
            times = Counter()
            for (kind, _), number in _flat(hits).items():
                times[NAMES[kind]] += number
            cells.append(", ".join(f"{name} {n}" for name, n in sorted(times.items())) or "0")
        lines.append(f"| {place} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _flat(hits):
    """Give the counts of a place, of all its files together where it is a folder."""
    if isinstance(hits, Counter):
        return hits
    total = Counter()
    for one in hits.values():
        total += one
    return total


def main():
    wished = os.environ.get("DATABASE") or "both"
    broken = []
    for database in ["sqlite", "postgresql"] if wished == "both" else [wished]:
        found = run(database)
        wrong = verdict(found)
        print(f"\n{database}: 100 people, {people.MORE} marked fields an order\n\n{table(found)}")
        for stage, place, kind, how in wrong:
            print(f"  MUST NOT BE THERE: {NAMES[kind]} ({how}), {stage}, {place}")
        broken += wrong
    print("\nA mark was found that must not be there." if broken else "\nNothing but what may be.")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

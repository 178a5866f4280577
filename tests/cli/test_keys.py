"""Tests trustsvc/cli/keys.py and trustsvc/cli/key_usage.py."""

import json
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from tests.invitations import sample_orders
from tests.invitations.sample_orders import NOON
from tests.waiting import PATIENCE_S
from trustsvc import cli, clock, config
from trustsvc.crypto import encrypted_column, keyring, pseudonyms, signed_links
from trustsvc.errors import Refused
from trustsvc.orders import accept
from trustsvc.orders.received import OrderReceived
from trustsvc.registry import check
from trustsvc.registry.opt_out import opt_out
from trustsvc.registry.registration import register
from trustsvc.staff import accounts
from trustsvc.storage import db
from trustsvc.storage.columns import EVERY_SHOP

JAN = "jan@mail.example"


def run(*words):
    return CliRunner().invoke(cli.main, ["keys", *words])


def rotate(kind):
    done = run("rotate", kind)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def ring(tmp_path):
    """A data folder with keys, and no database: none is needed."""
    config.use(config.load({"TRUSTSVC_DATA": str(tmp_path / "data")}))
    keyring.make_all()
    yield config.current()
    config.use(None)


@pytest.mark.parametrize("kind", keyring.KINDS)
def test_each_kind_gets_a_new_version_and_keeps_the_older_one(ring, kind):
    before = keyring.keys(kind)

    output = rotate(kind)

    after = keyring.keys(kind)
    assert after[:-1] == before
    assert after[-1].version == 2
    assert after[-1].secret != before[0].secret
    assert "version 2 is in use" in output
    path = ring.data / "keys" / kind
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.glob(f".{kind}.*")] == []


def test_listing_shows_kinds_versions_and_ages_and_never_a_key(ring):
    with clock.at(datetime.now(UTC) + timedelta(days=10)):
        rotate("link")
    with clock.at(datetime.now(UTC) + timedelta(days=30)):
        words, rows = run("list").stdout, json.loads(run("list", "--json").stdout)

    links = [(row["version"], row["days"]) for row in rows if row["kind"] == "link"]
    assert links == [(1, 30), (2, 20)]
    assert "link      version 2   20 days old" in words
    for path in (ring.data / "keys").iterdir():
        for line in path.read_text().splitlines():
            assert line.split()[1] not in words
            assert line.split()[1] not in json.dumps(rows)


@pytest.mark.parametrize("words", [("rotate",), ("rotate", "nothing"), ("rotate", "../link")])
def test_an_unknown_kind_is_refused(ring, words):
    assert run(*words).exit_code == 2


def test_no_number_is_used_twice_and_the_last_one_is_announced(ring):
    path = ring.data / "keys" / "link"
    number, secret, *_ = path.read_text().split()
    path.write_text(f"{number} {secret}\n255 {secret}")

    with pytest.raises(Refused, match="no number is left"):
        keyring.rotate("link")


@pytest.mark.slow
def test_rotations_at_once_are_each_a_version(ring):
    do = "from trustsvc.crypto import keyring; [keyring.rotate('vault') for _ in range(5)]"
    environ = {"TRUSTSVC_DATA": str(ring.data), "PATH": "/usr/bin:/bin"}
    started = [subprocess.Popen([sys.executable, "-c", do], env=environ) for _ in range(3)]

    assert [process.wait(PATIENCE_S) for process in started] == [0, 0, 0]
    assert [key.version for key in keyring.keys("vault")] == list(range(1, 17))


def test_whatever_was_made_before_stays_valid(installation, client):
    shop = sample_orders.shop(may_ask="registered")
    with db.transaction() as session:
        register(session, JAN, "1", "test", NOON)
        opt_out(session, "eva@mail.example", EVERY_SHOP, "stop", NOON)
        opt_out(session, "kim@mail.example", shop.id, "stop", NOON)
        me = accounts.add_member(session, "Sam", clock.now())
        link = accounts.make_link(session, me, clock.now())
    order_id = sample_orders.place(shop, identity="one")
    link_id = signed_links.new_id()
    tokens = {p: signed_links.token(p, link_id) for p in ("review", "stop", "me", "staff")}
    sealed = encrypted_column.encrypt("Jan")

    for kind in keyring.KINDS:
        rotate(kind)

    assert {p: signed_links.verify(p, token) for p, token in tokens.items()} == dict.fromkeys(
        tokens, link_id
    )
    assert encrypted_column.decrypt(sealed) == "Jan"
    with db.reading() as session:
        people = [JAN, "eva@mail.example", "kim@mail.example"]
        answers = check.statuses(
            session, [check.RegistryQuery(shop.id, person) for person in people]
        )
    assert [answer.registered for answer in answers] == [True, False, False]
    assert [answer.opted_out for answer in answers] == [False, True, True]
    assert sample_orders.place(shop, identity="one") == order_id  # the same order: no second row
    assert client.post("/desk/enter/" + link.rpartition("/")[2]).status_code == 303


@pytest.mark.slow
def test_while_keys_are_rotated_nothing_is_refused(installation):
    """Threads and another process use links, marks, the vault and the endpoint all the while."""
    shop = sample_orders.shop()
    link = signed_links.new_id()
    early = (signed_links.token("review", link), encrypted_column.encrypt("Jan"))
    with db.transaction() as session:
        opt_out(session, "early@mail.example", shop.id, "stop", NOON)
    ended = threading.Event()
    wrong, rounds = [], []

    def use():
        while not ended.is_set():
            try:
                assert signed_links.verify("review", early[0]) == link
                assert signed_links.verify("me", signed_links.token("me", link)) == link
                assert encrypted_column.decrypt(early[1]) == "Jan"
                assert encrypted_column.decrypt(encrypted_column.encrypt("Eva")) == "Eva"
                assert pseudonyms.shop_pseudonym(1, JAN) in pseudonyms.shop_pseudonyms(1, JAN)
                assert pseudonyms.registry_pseudonym(JAN) in pseudonyms.registry_pseudonyms(JAN)
                with db.reading() as session:
                    question = check.RegistryQuery(shop.id, "early@mail.example")
                    assert check.statuses(session, [question])[0].opted_out
                rounds.append(1)
            except Exception as problem:  # noqa: BLE001 - each one counts
                wrong.append(problem)

    other = subprocess.Popen(
        [sys.executable, "-c", _OTHER, early[0], link.hex()],
        env={"TRUSTSVC_DATA": str(installation.data), "PATH": "/usr/bin:/bin"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    threads = [threading.Thread(target=use) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        assert other.stdout.readline() == "ready\n"
        for number in range(12):
            for kind in keyring.KINDS:
                keyring.rotate(kind)
            order = OrderReceived(
                identity=f"{number % 3}", created_at=NOON, reference="1", email=JAN, name="Jan"
            )
            with sample_orders.quiet(), db.transaction() as session:
                accept.accept(session, [accept.incoming_order(shop, order, b"x")], NOON)
            other.stdin.write(signed_links.token("stop", link) + "\n")
            other.stdin.flush()
            assert other.stdout.readline() == "opened\n"
    finally:
        ended.set()
        for thread in threads:
            thread.join()
        other.stdin.close()
        other.wait(PATIENCE_S)

    assert wrong == []
    assert len(rounds) > 10
    assert len(keyring.keys("link")) == 13


_OTHER = """
import sys
from trustsvc.crypto import signed_links
early, link = sys.argv[1], bytes.fromhex(sys.argv[2])
assert signed_links.verify("review", early) == link
print("ready", flush=True)
for line in sys.stdin:
    assert signed_links.verify("stop", line.strip()) == link
    assert signed_links.verify("review", early) == link
    print("opened", flush=True)
"""


def test_an_opt_out_with_a_key_made_in_the_middle_of_the_question_is_found(
    installation, monkeypatch
):
    shop = sample_orders.shop()
    pseudonyms_of, interrupted = check._pseudonyms, []

    def rotated_in_between(maker, question):
        made = pseudonyms_of(maker, question)
        if not interrupted:
            interrupted.append(keyring.rotate("registry"))
            with db.transaction() as session:
                opt_out(session, JAN, EVERY_SHOP, "objection", NOON)
        return made

    monkeypatch.setattr(check, "_pseudonyms", rotated_in_between)
    with db.reading() as session:
        assert check.statuses(session, [check.RegistryQuery(shop.id, JAN)])[0].opted_out

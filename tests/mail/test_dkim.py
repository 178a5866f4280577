"""Tests:
trustsvc/cli/dkim.py
"""

import re
import stat
from datetime import UTC, datetime
from types import SimpleNamespace

import dkim as reference
import dns.resolver
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from tests.mail.mail_server import MailServer
from trustsvc import cli, config
from trustsvc.errors import Misconfigured, Refused
from trustsvc.mail import dkim_keys, message
from trustsvc.mail.message import Message, SendStatus
from trustsvc.mail.transport import open_transport

pytestmark = pytest.mark.slow

AT = datetime(2026, 11, 21, 10, tzinfo=UTC)
SENDER = "reviews@shop.example"


@pytest.fixture
def home(tmp_path):
    environ = {"TRUSTSVC_DATA": str(tmp_path / "data"), "TRUSTSVC_MAIL_FROM": SENDER}
    config.use(config.load(environ))
    yield tmp_path / "data" / "keys" / "dkim"
    config.use(None)


def key(selector="one", kind="rsa"):
    made = dkim_keys.make(selector, kind)
    dkim_keys.use(selector)
    return made


def email_message(**changes):
    values = {
        "to_address": "jan@mail.example",
        "to_name": "Jan de Vries",
        "from_name": "Blue Lamp",
        "subject": "How was it?",
        "text": "Hello\n",
        "html": "<p>Hello</p>",
        "message_id": "abc@shop.example",
        "at": AT,
        "headers": {
            "List-Unsubscribe": "<https://shop.example/u/abc>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    }
    return Message(**(values | changes))


def written(**changes):
    return message.to_bytes(email_message(**changes), SENDER).data


def answer(name, timeout=5):
    """Our DNS: the records of every key that was made, in use or not."""
    for one in (*dkim_keys.in_use(), *dkim_keys.ended()):
        if name == f"{one.selector}._domainkey.shop.example.".encode():
            return one.record.encode()
    return None


def holds(data, number=0):
    try:
        return reference.DKIM(data).verify(idx=number, dnsfunc=answer)
    except reference.ValidationError:
        return False


def test_without_a_key_nothing_is_signed(home):
    assert b"DKIM-Signature" not in written()
    assert not home.exists()


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"to_name": "Jürgen\r\nBcc: eve@mail.example", "from_name": "=?utf-8?q?a=0Ab?="},
        {"from_name": "Boże Narodzenie " * 9, "subject": "Jak było? " * 15},
        {"text": ".\n..\n.hidden\n\n\n\n", "html": "  two  spaces \t \n.\n"},
        {"text": "", "html": "\n\n\n"},
        {"text": "é" * 4000, "to_address": "jürgen@mail.example"},
        {"headers": {}},
    ],
)
def test_what_is_signed_is_verified_by_another_implementation(home, kind, changes):
    key(kind=kind)

    data = written(**changes)

    assert data.count(b"DKIM-Signature:") == 1
    assert holds(data)
    assert max(len(line) for line in data.split(b"\r\n\r\n")[0].split(b"\r\n")) < 200


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"Hello", b"Hallo"),
        (b"\r\nSubject: ", b"\r\nSubject: x"),
        (b"\r\nSubject: ", b"\r\nSubject: second\r\nSubject: "),
        (b"\r\nTo: ", b"\r\nFrom: eve@mail.example\r\nTo: "),
        (b"\r\nTo: ", b"\r\nReply-To: eve@mail.example\r\nTo: "),
        (b"List-Unsubscribe=One-Click", b"List-Unsubscribe=Two-Clicks"),
        (b"<https://shop.example/u/abc>", b"<https://evil.example/u/abc>"),
        (b"multipart/alternative", b"multipart/mixed"),
    ],
)
def test_whatever_is_changed_or_added_breaks_it(home, before, after):
    key()
    data = written()
    assert before in data

    assert holds(data)
    assert not holds(data.replace(before, after, 1))


def test_one_click_is_covered_as_rfc_8058_wants(home):
    key()

    names = re.search(rb"h=(.*?);", written(), re.DOTALL)[1]
    signed = [name.strip() for name in names.split(b":")]

    assert {b"list-unsubscribe", b"list-unsubscribe-post"} <= set(signed)
    assert [signed.count(name) for name in (b"from", b"subject", b"date")] == [2, 2, 1]


def test_two_selectors_sign_and_the_old_one_s_messages_still_verify(home):
    key("old")
    before = written()
    key("new", "ed25519")
    both = written()
    dkim_keys.end("old")
    after = written()

    assert holds(before)
    assert [holds(both, 0), holds(both, 1)] == [True, True]
    assert holds(after)
    assert b"s=old" not in after


def test_the_same_message_is_the_same_bytes_whenever_it_is_tried(home):
    key()

    assert written() == written()


def test_a_key_from_elsewhere_is_taken(home):
    home.mkdir(parents=True)
    pem = generate_private_key(65537, 1024).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    (home / "theirs.pem").write_bytes(pem)
    (home / "theirs.pem").chmod(0o600)

    assert holds(written())


def test_keys_are_for_their_owner_alone_and_a_selector_is_used_once(home):
    key()

    assert stat.S_IMODE((home / "one.pem").stat().st_mode) == 0o600
    for selector in ("one", "../one", "a.b", "", "-"):
        with pytest.raises(Refused):
            dkim_keys.make(selector, "rsa")


@pytest.mark.parametrize("how", ["open", "damaged", "no key"])
def test_a_key_that_cannot_be_used_lets_no_message_leave_unsigned(home, how):
    key()
    path = home / "one.pem"
    if how == "open":
        path.chmod(0o640)
    else:
        path.write_text("" if how == "no key" else path.read_text()[:200])
    path.touch()
    dkim_keys._cache.clear()

    with pytest.raises(Misconfigured):
        written()


def test_a_message_signed_arrives_as_it_was_signed(home):
    key()
    with MailServer() as server, open_transport(f"{server.url}?starttls=never") as mail_transport:
        outcome = mail_transport.send(email_message(text=".\n..dots\n.\n"), lambda: None)

    assert outcome.status is SendStatus.SENT
    data = server.messages[0]
    assert holds(data if isinstance(data, bytes) else data.encode())


def run(*words):
    return CliRunner().invoke(cli.main, ["keys", *words])


class Resolver:
    """What stands in for the DNS: the records it is given."""

    def __init__(self):
        self.records = {}

    def resolve(self, name, kind, lifetime):
        if name not in self.records:
            raise dns.resolver.NXDOMAIN
        text = self.records[name].encode()
        parts = [text[at : at + 255] for at in range(0, len(text), 255)]
        return [SimpleNamespace(strings=parts)]


def test_a_key_waits_for_its_record_then_signs_then_ends(home, monkeypatch):
    world = Resolver()
    monkeypatch.setattr(dns.resolver, "resolve", world.resolve)
    made = run("rotate", "dkim")
    selector = re.search(r"use (\S+)", made.output)[1]
    assert f"{selector}._domainkey.shop.example. IN TXT" in made.output
    assert run("rotate", "dkim").exit_code == 0  # twice on a day is two
    assert b"DKIM" not in written()

    assert "is missing" in run("dkim", "use", selector).output
    waits, other = sorted(dkim_keys.waiting(), key=lambda one: len(one.selector))
    name = f"{selector}._domainkey.shop.example."
    world.records[name] = other.record
    assert "of another key" in run("dkim", "use", selector).output
    world.records[name] = waits.record
    assert run("dkim", "use", selector).exit_code == 0
    assert holds(written())
    assert re.search(rf"{selector}\s+signs", run("dkim", "list").output)
    assert "no longer signed" in run("dkim", "end", selector).output
    assert b"DKIM" not in written()
    assert "PRIVATE" not in run("dkim", "list").output


def test_a_key_file_that_is_gone_at_the_second_look_stops_messages_and_unsigns_none(home):
    key("good")
    (home / "linked.pem").symlink_to(home / "not-mounted")

    with pytest.raises(Misconfigured, match="cannot be found"):
        written()

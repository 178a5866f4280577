"""Tests:
trustsvc/cli/doctor.py
trustsvc/doctor/finding.py
trustsvc/doctor/mail.py
"""

import json
import os
import resource
import socket
import threading
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from tests.invitations import sample_orders
from tests.invitations.sample_orders import NOON
from tests.waiting import PATIENCE_S
from trustsvc import cli, clock, config, migrations
from trustsvc.crypto import keyring
from trustsvc.doctor import finding, mail_server, sender_dns, stores
from trustsvc.doctor.check import run_all
from trustsvc.mail import dkim_keys
from trustsvc.mail.outbox import send_suspension
from trustsvc.privacy.retention import purge_log_files
from trustsvc.server_log import security_counters
from trustsvc.storage import db, event_log, suppression_journal
from trustsvc.work_queue import heartbeat, job_queue

pytestmark = pytest.mark.slow

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def healthy(installation):
    """An installation in which nothing is wrong."""
    installation.data.chmod(0o700)
    with db.transaction() as session:
        heartbeat.beat(session, "scheduler", clock.now())
    return installation


def run(*words):
    done = CliRunner().invoke(cli.main, ["doctor", *words])
    assert "Traceback" not in done.output
    return done


def found(what, now=None):
    findings = [one for one in run_all(now or clock.now()) if one.check == what]
    assert len(findings) == 1, what
    return findings[0]


def level(what, now=None):
    one = found(what, now)
    assert bool(one.remedy) == (one.level != "OK")
    return one.level


def other(installation, **settings):
    url = installation.database_url.replace("+psycopg", "")
    environ = {
        "DATA": str(installation.data),
        "DATABASE_URL": url,
        "REDIS_URL": installation.redis_url,
    }
    environ |= settings
    config.use(config.load({f"TRUSTSVC_{name}": value for name, value in environ.items()}))


def test_a_installation_that_is_well_fails_nowhere(healthy):
    done = run()

    assert done.exit_code == 0, done.output
    assert "FAIL" not in done.output
    rows = json.loads(run("--json").stdout)
    assert {row["check"]: row["level"] for row in rows} == {
        "settings": "OK",
        "data folder": "OK",
        "disk": rows[2]["level"],
        "keys": "OK",
        "database": "OK",
        "clock": "OK",
        "scheduler": "OK",
        "sending": "OK",
        "paused shops": "OK",
        "circuit breaker": "OK",
        "relay rate": "OK",
        "unknown deliveries": "OK",
        "reports": "OK",
        "complaints": "OK",
        "requests of people": "OK",
        "objections": "OK",
        "pending reviews": "OK",
        "seals": "OK",
        "scores": "OK",
        "replies": "OK",
        "deliveries": "OK",
        "dates of orders": "OK",
        "database write": "OK",
        "keys and database": "OK",
        "undecided orders": "OK",
        "due messages": "OK",
        "privacy requests": "OK",
        "redis": "OK",
        "mail": "OK",
        "sender": "OK",
        "base URL": "WARN",
        "proxy": "OK",
        "one-click": "WARN",
        "server log": "OK",
        "suppressions": "OK",
    } | ({} if db.is_sqlite() else {"write-ahead log": "WARN"})


@pytest.mark.parametrize("recycles", ["on", "off"])
def test_a_write_ahead_log_that_keeps_deleted_bytes_is_warned_of(healthy, recycles):
    with db.reading() as session:
        if not db.is_sqlite():
            session.execute(text(f"SET LOCAL wal_recycle = {recycles}"))
        warned = [one.level for one in stores._wal_recycle(session)]

    assert warned == (["WARN"] if recycles == "on" and not db.is_sqlite() else [])


def test_anything_that_fails_ends_with_one(healthy):
    (healthy.data / "keys" / "link").chmod(0o644)

    assert run().exit_code == 1
    assert run("--json").exit_code == 1


def test_every_invalid_setting_is_a_finding_with_its_name(monkeypatch):
    wrong = {"TRUSTSVC_LOG_DAYS": "91", "TRUSTSVC_PORT": "http", "TRUSTSVC_DEMO": "yes"}
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    config.use(None)

    done = run()

    config.use(None)
    assert done.exit_code == 1
    lines = done.output.splitlines()
    assert sum(line.startswith("FAIL  settings") for line in lines) == len(wrong)
    assert all(sum(name in line for line in lines) == 1 for name in wrong)


def test_a_installation_that_never_was_is_left_as_it_is(tmp_path):
    config.use(config.load({"TRUSTSVC_DATA": str(tmp_path / "none")}))

    done = run()

    config.use(None)
    assert done.exit_code == 1
    assert not (tmp_path / "none").exists()


def test_a_data_folder_that_everybody_may_open(healthy):
    healthy.data.chmod(0o755)

    assert level("data folder") == "WARN"


def test_keys_that_are_open_gone_or_damaged(healthy):
    (healthy.data / "keys" / "link").chmod(0o640)
    (healthy.data / "keys" / "vault").unlink()
    (healthy.data / "keys" / "lookup").write_text("nonsense")

    assert [level(f"key {kind}") for kind in ("link", "vault", "lookup")] == ["FAIL"] * 3
    assert not (healthy.data / "keys" / "vault").exists()


def test_an_open_key_folder(healthy):
    (healthy.data / "keys").chmod(0o755)

    assert level("key folder") == "FAIL"


def test_old_keys(healthy):
    assert level("keys", clock.now() + 800 * DAY) == "WARN"


def test_a_database_behind_and_one_that_is_away(healthy):
    migrations.downgrade("base")
    assert level("database") == "FAIL"

    other(healthy, DATABASE_URL="postgresql://trustsvc@/none?host=/nowhere")
    assert level("database") == "FAIL"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_database_that_is_no_database(healthy):
    db.dispose_engines()
    for rest in healthy.data.glob("trustsvc.db*"):
        rest.unlink()
    assert level("database") == "FAIL"

    (healthy.data / "trustsvc.db").write_text("something else, and long enough to look at " * 100)
    assert level("database") == "FAIL"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_pragmas_that_are_not_ours(healthy):
    with db.reading() as session:
        session.connection().exec_driver_sql("PRAGMA secure_delete = OFF")
        assert stores._wrong_pragmas(session) == ["secure_delete"]


def test_a_redis_that_is_away(healthy):
    other(healthy, REDIS_URL="redis://127.0.0.1:1")

    assert level("redis") == "FAIL"


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("maxmemory-policy", "allkeys-lru", "FAIL"),
        ("maxmemory-policy", "volatile-ttl", "FAIL"),
        ("appendonly", "no", "WARN"),
        ("maxmemory", "100mb", "OK"),
    ],
)
def test_how_redis_is_set_up(healthy, setting, value, expected):
    link = job_queue.connection()
    before = link.config_get(setting)[setting]
    link.config_set(setting, value)
    try:
        assert level("redis") == expected
    finally:
        link.config_set(setting, before)


def test_a_redis_that_only_repeats_another(healthy):
    link = job_queue.connection()
    link.replicaof("127.0.0.1", "1")
    try:
        assert "primary" in found("redis").remedy
    finally:
        link.replicaof("NO", "ONE")


def test_a_clock_that_went_back_and_a_scheduler_that_stands_or_never_ran(healthy):
    now = clock.now()
    assert level("scheduler", now + HOUR) == "FAIL"
    assert "behind" in found("clock", now - HOUR).detail

    with db.transaction() as session:
        event_log.record(session, "shop.proven", 1, 1, now + 10 * DAY)
    assert "239 h 59 min later" in found("clock").detail
    assert level("clock") == "WARN"

    with db.transaction() as session:
        session.execute(text("DELETE FROM heartbeats"))
    assert "never" in found("scheduler").detail
    assert level("clock") == "WARN"


def test_doctor_runs_the_readiness_checks_of_readyz(healthy):
    sample_orders.place(sample_orders.shop(), clock.now() - HOUR)
    (healthy.data / "keys" / "vault").unlink()
    keyring.make_all()
    link = job_queue.connection()
    link.config_set("maxmemory", "1")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        failed = {one.check for one in run_all(clock.now()) if one.level == "FAIL"}
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        link.config_set("maxmemory", "0")

    expected = {"disk", "keys and database", "undecided orders", "redis"}
    assert failed >= expected | ({"database write"} if db.is_sqlite() else set())


def test_sending_that_is_off_by_an_unfinished_restore_or_by_a_row(healthy):
    suppression_journal.create()
    send_suspension.unfinished().touch()
    assert "broke off" in found("sending").remedy
    send_suspension.unfinished().unlink()

    with db.transaction() as session:
        send_suspension.stop(session, send_suspension.RESTORE, "no_suppressions", NOON)
    assert "--sending-on" in found("sending").remedy
    assert level("sending") == "FAIL"


def test_bounces_that_are_not_taken_in(healthy):
    from trustsvc.mail.feedback.webhooks import endpoints

    other(healthy, MAIL_URL="smtp://127.0.0.1:1")
    assert level("reports") == "WARN"
    with db.transaction() as session:
        endpoints.add(session, "postmark", None, NOON)
    assert level("reports") == "OK"

    other(healthy, MAIL_URL="smtp://127.0.0.1:1", MAIL_RETURN="bounces@shop.example")
    assert level("reports") == "OK"


def test_suppressions_that_are_damaged_or_something_else(healthy):
    suppression_journal.create()
    with suppression_journal.path().open("a") as file:
        file.write("half a line")
    assert level("suppressions") == "WARN"

    suppression_journal.path().write_text("something else")
    assert level("suppressions") == "FAIL"


def test_a_log_that_is_kept_too_long_or_named_strangely(healthy):
    (healthy.data / "log").mkdir(exist_ok=True)
    strange = healthy.data / "log" / "strange"
    strange.touch()
    assert level("server log") == "WARN"

    strange.unlink()
    (healthy.data / "log" / "access-2020-01-01T00").touch()
    assert level("server log") == "FAIL"


def test_a_purge_that_is_not_signed_for(healthy):
    (healthy.data / purge_log_files.JOURNAL).touch()

    assert level("server log") == "WARN"


def test_security_entries_that_should_be_gone(healthy):
    security_counters.reset()
    security_counters.count(clock.now(), "bad_signature", "signature", "203.0.113.7")
    security_counters.write()

    assert [one for one in run_all(clock.now()) if one.check == "security database"] == []
    with clock.at(clock.now() + 90 * DAY):
        with db.transaction() as session:
            heartbeat.beat(session, "scheduler", clock.now())
        assert level("security database", clock.now()) == "FAIL"


def test_little_space_on_the_disk(healthy, monkeypatch):
    from trustsvc.doctor import files

    monkeypatch.setattr(files, "LOW_FREE", 2**60)
    assert level("disk") == "WARN"
    monkeypatch.setattr(files, "MIN_FREE", 2**60)
    assert level("disk") == "FAIL"


def test_a_maildir_behind_a_public_address_reaches_nobody(healthy):
    other(healthy, BASE_URL="https://reviews.shop.example", MAIL_FROM="reviews@shop.example")

    assert level("base URL") == "OK"
    assert level("mail") == "WARN"


def test_a_public_address_without_a_trusted_proxy_makes_all_visitors_one_network(healthy):
    other(healthy, BASE_URL="https://reviews.shop.example")
    assert level("proxy") == "WARN"
    assert "TRUSTSVC_TRUSTED_PROXIES" in found("proxy").remedy

    other(healthy, BASE_URL="https://reviews.shop.example", TRUSTED_PROXIES="127.0.0.1")
    assert level("proxy") == "OK"


def test_one_click_needs_https_and_a_signature_over_both_its_fields(healthy):
    assert ["https" in one.remedy for one in run_all(clock.now()) if one.check == "one-click"] == [
        True,
        False,
    ]

    other(healthy, BASE_URL="https://reviews.shop.example")
    assert level("one-click") == "WARN"
    assert "relay" in found("one-click").detail

    dkim_keys.make("one", "rsa")
    dkim_keys.use("one")
    assert level("one-click") == "OK"


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(healthy):
    healthy.data.chmod(0o500)

    assert level("data folder") == "FAIL"


@pytest.fixture
def server():
    """A mail server that gives the answers it was made with, once."""
    listening = socket.create_server(("127.0.0.1", 0))
    replies = {
        "hello": b"250-here\r\n250 AUTH PLAIN\r\n",
        "auth": b"235 yes\r\n",
        "first": b"220 x\r\n",
    }

    def serve():
        link, _ = listening.accept()
        with link, link.makefile("rb") as lines:
            link.sendall(replies["first"])
            for line in lines:
                word = line[:4].upper()
                link.sendall(
                    replies["hello"]
                    if word == b"EHLO"
                    else replies["auth"]
                    if word == b"AUTH"
                    else b"250 ok\r\n"
                )

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listening.getsockname()[1], replies
    with socket.socket() as end:  # lets go of a server that nobody came to
        end.connect_ex(listening.getsockname())
    listening.close()
    thread.join(PATIENCE_S)


def test_a_mail_server_that_answers_and_takes_the_password(healthy, server):
    port, _ = server
    other(healthy, MAIL_URL=f"smtp://kim:secret@127.0.0.1:{port}")

    assert found("mail").detail.endswith("accepts the password")


@pytest.mark.parametrize(
    ("part", "answer", "words"),
    [
        ("auth", b"535 no\r\n", "does not accept the password"),
        ("hello", b"250 here\r\n", "accepts no password here"),
        ("first", b"554 go away\r\n", "does not answer"),
    ],
)
def test_a_mail_server_that_does_not_want_us(healthy, server, part, answer, words):
    port, replies = server
    replies[part] = answer
    other(healthy, MAIL_URL=f"smtp://kim:secret@127.0.0.1:{port}")

    one = mail_server.mail_server()

    assert one.level == "FAIL"
    assert words in one.detail
    assert "secret" not in one.detail + one.remedy


def test_a_mail_server_that_is_not_there(healthy):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    other(healthy, MAIL_URL=f"smtp://127.0.0.1:{port}")

    assert level("mail") == "FAIL"


GOOD = {"shop.com": ["v=spf1 include:relay.com -all"], "_dmarc.shop.com": ["v=DMARC1; p=none"]}


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        (GOOD, ["OK", "OK", "OK"]),
        (GOOD | {"shop.com": ["unrelated"]}, ["WARN", "OK", "OK"]),
        (GOOD | {"shop.com": ["v=spf1 -all", "v=spf1 ~all"]}, ["WARN", "OK", "OK"]),
        (GOOD | {"shop.com": ["v=spf1 +all"]}, ["WARN", "OK", "OK"]),
        (GOOD | {"_dmarc.shop.com": []}, ["OK", "OK", "WARN"]),
        (GOOD | {"shop.com": None}, ["WARN"]),
    ],
)
def test_what_the_sender_s_domain_says(installation, records, expected):
    dkim_keys.make("one", "rsa")
    dkim_keys.use("one")
    other(installation, MAIL_FROM="reviews@shop.com")
    ours = {"one._domainkey.shop.com": [dkim_keys.in_use()[0].record]}

    assert [one.level for one in sender_dns.sender("shop.com", (ours | records).get)] == expected


@pytest.mark.parametrize(
    ("record", "kind", "domain", "level"),
    [
        ("ours", "rsa", "", "OK"),
        ("ours", "rsa", "mail.shop.com", "OK"),
        ("ours", "rsa", "other.com", "WARN"),
        ("ours", "ed25519", "", "WARN"),
        ("another", "rsa", "", "FAIL"),
        ("", "rsa", "", "FAIL"),
        ("", "", "", "WARN"),
    ],
)
def test_what_the_dns_says_of_our_dkim_key(installation, record, kind, domain, level):
    other(installation, MAIL_FROM="reviews@shop.com", DKIM_DOMAIN=domain)
    if kind:
        dkim_keys.make("one", kind)
        dkim_keys.use("one")
    published = dkim_keys.in_use()[0].record if record == "ours" else "v=DKIM1; p=AAAA"
    name = f"one._domainkey.{domain or 'shop.com'}"

    one = sender_dns.sender("shop.com", (GOOD | {name: [published] if record else []}).get)[1]

    assert (one.check, one.level) == ("DKIM", level)
    assert bool(one.remedy) == (level != "OK")


@pytest.mark.parametrize("domain", ["localhost", "127.0.0.1", "shop.test", "a.b.localhost"])
def test_a_domain_of_this_machine_is_not_asked_for(installation, domain):
    def ask(_):
        raise AssertionError("nobody may be asked")

    assert [one.level for one in sender_dns.sender(domain, ask)] == ["OK"]


def details(what):
    return [one.detail for one in run_all(clock.now()) if one.check == what]


def test_each_check_reports_every_finding_not_the_first(healthy):
    (healthy.data / "log").mkdir(exist_ok=True)
    for name in ("strange", "access-2020-01-01T00"):
        (healthy.data / "log" / name).touch()
    (healthy.data / purge_log_files.JOURNAL).touch()
    assert len(details("server log")) == 3

    assert len(details("one-click")) == 2


def test_a_check_that_raises_is_a_finding_by_its_type_and_hides_no_other(healthy):
    every = {one.check for one in run_all(clock.now())}
    with db.transaction() as session:
        session.execute(text("DROP TABLE webhook_counts"))

    levels = {one.check: one.level for one in run_all(clock.now())}

    assert levels["deliveries"] == "FAIL"
    assert levels["dates of orders"] == "OK"
    assert levels.keys() == every
    assert run().exit_code == 1


def test_the_text_of_an_unexpected_error_is_not_repeated():
    def breaks():
        raise ValueError("kim@mail.example")

    (broken, fine) = finding.run_checks({"one": breaks, "two": lambda: finding.ok("two", "well")})

    assert (broken.check, broken.level, fine.level) == ("one", "FAIL", "OK")
    assert "ValueError" in broken.detail
    assert "kim" not in broken.detail + broken.remedy


def test_old_keys_are_reported_beside_an_open_one(healthy):
    (healthy.data / "keys" / "link").chmod(0o640)
    later = clock.now() + 800 * DAY

    levels = {one.check: one.level for one in run_all(later)}

    assert (levels["key link"], levels["keys"]) == ("FAIL", "WARN")


def test_a_redis_that_evicts_and_is_not_on_disk_is_two_findings(healthy):
    link = job_queue.connection()
    wrong = {"maxmemory-policy": "allkeys-lru", "appendonly": "no"}
    before = {name: link.config_get(name)[name] for name in wrong}
    try:
        for name, value in wrong.items():
            link.config_set(name, value)
        assert len(details("redis")) == 2
    finally:
        for name, value in before.items():
            link.config_set(name, value)


def test_each_reason_that_suspends_sending_is_a_line(healthy):
    with db.transaction() as session:
        send_suspension.stop(session, send_suspension.RESTORE, "no_suppressions", NOON)
        send_suspension.stop(session, send_suspension.COMPLAINTS, "complaint_rate", NOON)

    assert len(details("sending")) == 2


def test_every_fault_of_our_dkim_is_a_finding(installation):
    other(installation, MAIL_FROM="reviews@shop.com", DKIM_DOMAIN="other.com")
    dkim_keys.make("one", "ed25519")
    dkim_keys.use("one")

    found = [one for one in sender_dns.sender("shop.com", GOOD.get) if one.check == "DKIM"]

    assert [one.level for one in found] == ["FAIL", "WARN", "WARN"]


def test_a_damaged_dkim_key_hides_neither_spf_nor_dmarc(installation):
    other(installation, MAIL_FROM="reviews@shop.com")
    dkim_keys.make("one", "rsa")
    dkim_keys.use("one")
    next((installation.data / "keys").rglob("one*")).write_text("damaged")

    found = sender_dns.sender("shop.com", {**GOOD, "_dmarc.shop.com": []}.get)

    assert [(one.check, one.level) for one in found] == [
        ("SPF", "OK"),
        ("DKIM", "FAIL"),
        ("DMARC", "WARN"),
    ]


def test_without_a_suspension_no_claim_is_made_that_e_mails_leave(healthy):
    assert found("sending").detail == "no suspension"

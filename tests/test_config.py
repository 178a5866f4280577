import pytest

from trustsvc import config, config_values, redis_url
from trustsvc.errors import Misconfigured

SECRET = "hunter2hunter2"


def test_defaults_are_safe():
    settings = config.load({})

    assert settings.bind == "127.0.0.1"
    assert settings.base_url == "http://127.0.0.1:8000"
    assert settings.database_url.startswith("sqlite:///")
    assert settings.mail_url.startswith("maildir:")
    assert settings.embedded_redis
    assert settings.log_days == 90
    assert not settings.demo


def test_the_base_url_follows_the_port():
    assert config.load({"TRUSTSVC_PORT": "9001"}).base_url == "http://127.0.0.1:9001"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("TRUSTSVC_PROT", "1", "TRUSTSVC_PROT is not a setting"),
        ("TRUSTSVC_PORT", "http", "TRUSTSVC_PORT must be a whole number"),
        ("TRUSTSVC_PORT", "70000", "TRUSTSVC_PORT must be a whole number"),
        ("TRUSTSVC_BASE_URL", "http://reviews.example", "must begin with https://"),
        ("TRUSTSVC_BASE_URL", "reviews.example", "must look like"),
        ("TRUSTSVC_BASE_URL", f"https://u:{SECRET}@reviews.example", "must not hold"),
        ("TRUSTSVC_LOG_DAYS", "91", "never lengthened"),
        ("TRUSTSVC_MARKETPLACE_RELAYS", "relay", "must be domains"),
        ("TRUSTSVC_MARKETPLACE_RELAYS", "a.example, jan@b.example", "must be domains"),
        ("TRUSTSVC_LOG_DAYS", "0", "from 1 to 90"),
        ("TRUSTSVC_REDIS_URL", "redis://redis.example", "without a password"),
        ("TRUSTSVC_REDIS_URL", "rediss://redis.example", "without a password"),
        ("TRUSTSVC_REDIS_URL", "redis://:@redis.example", "without a password"),
        ("TRUSTSVC_REDIS_URL", "redis://?host=redis.example", "before the question mark"),
        ("TRUSTSVC_REDIS_URL", "http://redis.example", "must begin with redis://"),
        ("TRUSTSVC_DATABASE_URL", f"mysql://u:{SECRET}@h/d", "must begin with sqlite"),
        ("TRUSTSVC_MAIL_URL", "sendmail:", "must begin with smtp://"),
        ("TRUSTSVC_MAIL_URL", f"smtp://u:{SECRET}@mx.example?starttls=never", "without TLS"),
        ("TRUSTSVC_MAIL_FROM", "a@b.example\r\nBcc: c@d.example", "one plain address"),
        ("TRUSTSVC_TRUSTED_PROXIES", "everybody", "must be addresses or networks"),
        ("TRUSTSVC_DEMO", "yes", "must be 0 or 1"),
        ("TRUSTSVC_DATA", "", "TRUSTSVC_DATA is empty"),
        ("TRUSTSVC_DATA", "~nosuchuser/x", "a user who is not there"),
        ("TRUSTSVC_DATA", "/tmp/a?mode=ro", "must not have ?"),
        ("TRUSTSVC_BASE_URL", "http://[::1", "is no address"),
        ("TRUSTSVC_BASE_URL", 'https://x"><script>', "must look like"),
        ("TRUSTSVC_DATABASE_URL", "postgresql+asyncpg://u@h/d", "must begin with"),
        ("TRUSTSVC_DATABASE_URL", "postgresql:u:pw", "must begin with"),
        ("TRUSTSVC_DATABASE_URL", "postgresql://h:abc/d", "is no address"),
        ("TRUSTSVC_DATABASE_URL", "sqlite://", "names no file"),
        ("TRUSTSVC_DATA", "/dev/null/x", "must be a folder"),
        ("TRUSTSVC_BASE_URL", "https://reviews.example/sub", "must not have a path"),
        ("TRUSTSVC_BASE_URL", "https://reviews.example:99999", "is no address"),
        ("TRUSTSVC_MAIL_URL", "smtp://mx.example:99999", "is no address"),
        ("TRUSTSVC_REDIS_URL", "redis://localhost:x", "is no address"),
        ("TRUSTSVC_CONTACT", "nonsense", "TRUSTSVC_CONTACT must be one plain address"),
        ("TRUSTSVC_BIND", "nohost.", "TRUSTSVC_BIND must be an address"),
        ("TRUSTSVC_MAIL_URL_FILE", "/nowhere/at/all", "cannot be read"),
    ],
)
def test_nonsense_is_refused_with_a_sentence_that_repeats_no_value(name, value, says):
    with pytest.raises(Misconfigured) as refused:
        config.load({name: value})

    assert says in refused.value.detail
    assert SECRET not in refused.value.detail


def test_every_wrong_setting_is_reported_once_and_no_value_is_repeated(tmp_path):
    wrong = {
        "PROT": "1",
        "PORT": "http",
        "BIND": "nohost.",
        "DATA": "/dev/null/x",
        "MAIL_URL": f"smtp://u:{SECRET}@mx.example?starttls=never",
        "REDIS_URL": "redis://redis.example",
        "CONTACT": SECRET,
        "DATABASE_URL_FILE": str(tmp_path / SECRET),
        "LOG_DAYS": "91",
        "RESEND": "yes",
    }

    with pytest.raises(Misconfigured) as refused:
        config.load({f"TRUSTSVC_{name}": value for name, value in wrong.items()})

    problems = refused.value.problems
    assert len(problems) == len(wrong)
    assert all(
        sum(
            f"TRUSTSVC_{name} " in f"{one} ".replace(":", " ").replace(".", " ") for one in problems
        )
        == 1
        for name in wrong
    )
    assert refused.value.detail.splitlines() == list(problems)
    assert SECRET not in refused.value.detail


def test_a_wrong_setting_hides_no_contradiction_between_others_and_makes_none():
    wrong = {"TRUSTSVC_PORT": "0", "TRUSTSVC_DEMO": "1", "TRUSTSVC_BIND": "0.0.0.0"}
    listed = {"TRUSTSVC_EU_ONLY": "mx.example.eu", "TRUSTSVC_MAIL_URL": "smtps://mx.example.us"}
    proxies = {"TRUSTSVC_TRUSTED_PROXIES": "192.0.2.7,192.0.2.8"}

    with pytest.raises(Misconfigured) as refused:
        config.load(wrong | listed | proxies)
    assert [one.partition(" ")[0] for one in refused.value.problems] == [
        "TRUSTSVC_PORT",
        "TRUSTSVC_DEMO",
        "TRUSTSVC_MAIL_URL",
        "TRUSTSVC_TRUSTED_PROXIES",
    ]

    with pytest.raises(Misconfigured) as refused:
        config.load({"TRUSTSVC_BASE_URL": "http://reviews.example", "TRUSTSVC_DEMO": "1"})
    assert len(refused.value.problems) == 1


def test_a_file_where_the_data_folder_is_by_default_hides_no_other_setting(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").touch()

    with pytest.raises(Misconfigured) as refused:
        config.load({"TRUSTSVC_PORT": "0"})

    assert len(refused.value.problems) == 2


@pytest.mark.parametrize(
    ("url", "is_open"),
    [
        ("redis://127.0.0.1:6379/0", True),
        ("redis://:hunter2hunter2@127.0.0.1", False),
        ("unix:///run/redis.sock", False),
        ("", False),
    ],
)
def test_a_loopback_redis_without_a_password_is_worth_a_warning(url, is_open):
    assert config.load({"TRUSTSVC_REDIS_URL": url}).redis_url == url
    assert is_open == redis_url.is_open(url)


def test_a_secret_can_come_from_a_file(tmp_path):
    file = tmp_path / "mail"
    file.write_text(f"smtps://u:{SECRET}@mx.example\n")

    settings = config.load({"TRUSTSVC_MAIL_URL_FILE": str(file)})

    assert settings.mail_url == f"smtps://u:{SECRET}@mx.example"


def test_a_setting_and_its_file_at_once_is_refused(tmp_path):
    with pytest.raises(Misconfigured):
        config.load({"TRUSTSVC_MAIL_URL": "maildir:/x", "TRUSTSVC_MAIL_URL_FILE": str(tmp_path)})


def test_the_demo_is_for_loopback_only():
    for other in ({"TRUSTSVC_BASE_URL": "https://reviews.example"}, {"TRUSTSVC_BIND": "0.0.0.0"}):
        with pytest.raises(Misconfigured):
            config.load({"TRUSTSVC_DEMO": "1"} | other)


def test_eu_only_refuses_a_mail_host_that_is_not_listed():
    listed = {"TRUSTSVC_EU_ONLY": "mx.example.eu", "TRUSTSVC_MAIL_URL": "smtps://mx.example.eu"}

    config.load(listed)
    with pytest.raises(Misconfigured):
        config.load(listed | {"TRUSTSVC_MAIL_URL": "smtps://mx.example.us"})


def test_relays_of_marketplaces_are_domains_however_they_are_written():
    listed = {"TRUSTSVC_MARKETPLACE_RELAYS": "Relay.example, @b.example,*.c.example,"}

    assert config.load(listed).marketplace_relays == ("relay.example", "b.example", "c.example")
    assert config.load({}).marketplace_relays == ()


def test_names_and_addresses_of_this_machine_are_known():
    here = ("localhost", "a.localhost", "127.0.0.9", "::1", "")
    away = ("localhost.example", "10.0.0.1", "::2")

    assert [*map(config_values.is_loopback, here)] == [True] * len(here)
    assert [*map(config_values.is_loopback, away)] == [False] * len(away)

import pytest

from trustsvc import config
from trustsvc.privacy.documents import processors, record_of_processing

SMTP = "smtps://user:password@smtp.example.com:465"


def settings(tmp_path, **more):
    return config.load(
        {"TRUSTSVC_DATA": str(tmp_path), **{f"TRUSTSVC_{k}": v for k, v in more.items()}}
    )


def test_on_one_machine_there_is_nobody_else(tmp_path):
    assert processors.list_processors(settings(tmp_path)) == []
    assert record_of_processing.unstated(settings(tmp_path)) == []


@pytest.mark.parametrize(
    ("more", "kind", "host", "place"),
    [
        ({"MAIL_URL": SMTP}, "mail", "smtp.example.com", "unstated"),
        ({"MAIL_URL": SMTP, "EU_ONLY": "smtp.example.com"}, "mail", "smtp.example.com", "stated"),
        ({"MAIL_URL": "smtp://localhost"}, "mail", "localhost", "here"),
        (
            {"DATABASE_URL": "postgresql://u@db.example.com/x"},
            "database",
            "db.example.com",
            "unstated",
        ),
        (
            {"DATABASE_URL": "postgresql://u@/x?host=db2.example.com"},
            "database",
            "db2.example.com",
            "unstated",
        ),
        (
            {"REDIS_URL": "rediss://:secret@redis.example.com"},
            "redis",
            "redis.example.com",
            "unstated",
        ),
        ({"TRUSTED_PROXIES": "192.0.2.7"}, "proxy", "192.0.2.7", "unstated"),
        ({"TRUSTED_PROXIES": "10.0.0.0/8"}, "proxy", "10.0.0.0/8", "unstated"),
    ],
)
def test_each_host_of_the_settings_is_a_processor(tmp_path, more, kind, host, place):
    found = processors.list_processors(settings(tmp_path, **more))

    assert [(kind, host, place)] == [(one.kind, one.host, one.place) for one in found]


@pytest.mark.parametrize(
    "more",
    [
        {"DATABASE_URL": "postgresql://u@/x?host=/run/postgresql"},
        {"DATABASE_URL": "postgresql://u@127.0.0.1/x"},
        {"REDIS_URL": "unix:///run/redis.sock"},
        {"REDIS_URL": "redis://127.0.0.1"},
        {"REDIS_URL": "redis+sentinel://127.0.0.1:1,localhost:2/main"},
        {"TRUSTED_PROXIES": "127.0.0.1,::1"},
        {"MAIL_URL": "maildir:/somewhere"},
    ],
)
def test_what_is_on_this_machine_is_nobody_else(tmp_path, more):
    assert processors.list_processors(settings(tmp_path, **more)) == []


def test_a_host_of_a_replica_holds_what_the_database_does(tmp_path):
    own = {"TRUSTSVC_DATA": str(tmp_path), "TRUSTSVC_DATABASE_URL": "postgresql://db.example/x"}

    def hosts(replica):
        settings = config.load(own | {"TRUSTSVC_DATABASE_REPLICA_URL": replica})
        return [(one.kind, one.host) for one in processors.list_processors(settings)]

    assert hosts("") == [("database", "db.example")]
    assert hosts("postgresql://db.example/y") == [("database", "db.example")]
    assert hosts("postgresql://two.example/x") == [
        ("database", "db.example"),
        ("database", "two.example"),
    ]


def test_a_database_host_holds_names_encrypted_and_published_lines_in_clear(tmp_path):
    (found,) = processors.list_processors(
        settings(tmp_path, DATABASE_URL="postgresql://u@db.example.com/x")
    )

    assert {"name", "address", "order", "place"} <= set(found.encrypted)
    assert not {"name", "address", "order", "place"} & set(found.clear)
    assert {"published", "pseudonym"} <= set(found.clear)


def test_redis_holds_nothing_about_people(tmp_path):
    (found,) = processors.list_processors(
        settings(tmp_path, REDIS_URL="rediss://:secret@redis.example.com")
    )

    assert (found.clear, found.encrypted) == ((), ())
    assert "secret" not in repr(found)


def test_a_maildir_of_the_operators_own_is_named(tmp_path):
    assert record_of_processing.own_maildir(settings(tmp_path, MAIL_URL="maildir:/somewhere"))
    assert not record_of_processing.own_maildir(settings(tmp_path))


@pytest.mark.parametrize(
    ("more", "code", "holds"),
    [
        ({"BASE_URL": "https://reviews.example.com"}, "https", True),
        ({"BASE_URL": "https://reviews.example.com"}, "loopback", False),
        ({}, "loopback", True),
        ({"MAIL_URL": SMTP}, "mail_tls", True),
        ({"MAIL_URL": "smtp://localhost?starttls=never"}, "mail_clear", True),
        ({}, "maildir", True),
    ],
)
def test_only_measures_that_are_in_force_are_named(tmp_path, more, code, holds):
    assert (code in record_of_processing.measures(settings(tmp_path, **more))) is holds

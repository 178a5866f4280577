"""Sentinels in TRUSTSVC_REDIS_URL: what is read, what is refused, and which client it makes."""

import pytest
import redis
from redis.sentinel import SentinelManagedSSLConnection

from trustsvc import config, redis_url
from trustsvc.errors import Misconfigured
from trustsvc.work_queue import redis_link

WHOLE = (
    "rediss+sentinel://user:a%40b@one.example:1,[2001:db8::1],three.example/main.1/5"
    "?sentinel_username=w&sentinel_password=c%2Cd&ssl_ca_certs=/etc/ca.pem"
)


def test_all_of_a_sentinel_url_is_read():
    assert config.load({"TRUSTSVC_REDIS_URL": WHOLE}).redis_url == WHOLE
    assert redis_url.parse_sentinel(WHOLE) == redis_url.SentinelUrl(
        sentinels=(("one.example", 1), ("2001:db8::1", 26379), ("three.example", 26379)),
        service="main.1",
        database=5,
        has_tls=True,
        login={"username": "user", "password": "a@b"},
        sentinel_login={"username": "w", "password": "c,d"},
        tls={"ssl_ca_certs": "/etc/ca.pem"},
    )
    assert redis_url.hosts(WHOLE) == ("one.example", "2001:db8::1", "three.example")
    assert not redis_url.is_open(WHOLE)


def test_little_is_enough_on_this_machine():
    url = "redis+sentinel://127.0.0.1/main"

    assert redis_url.checked(url) == url
    assert redis_url.parse_sentinel(url).sentinels == (("127.0.0.1", 26379),)
    assert redis_url.is_open(url)


def test_a_sentinel_url_that_is_none_is_refused_with_a_sentence_that_repeats_no_value():
    for url, says in {
        "redis+sentinel://:hunter2@one.example": "must name the Sentinels' service",
        "redis+sentinel://:hunter2@one.example/": "must name the Sentinels' service",
        "redis+sentinel://:hunter2@one.example/main/x": "must name the Sentinels' service",
        "redis+sentinel://:hunter2@one.example,/main": "between two commas",
        "redis+sentinel://:hunter2@one.example:x/main": "is no address",
        "redis+sentinel://:hunter2@one.example/main?db=1": "knows after its question mark",
        "redis+sentinel://127.0.0.1,one.example/x?sentinel_password=hunter2": "without a password",
    }.items():
        with pytest.raises(Misconfigured) as refused:
            redis_url.checked(url)
        assert says in refused.value.detail, url
        assert "hunter2" not in refused.value.detail
        assert "example" not in refused.value.detail


def test_tls_and_the_logins_reach_the_servers_they_are_for():
    pool = redis_link.quick(WHOLE).connection_pool
    watchman = pool.sentinel_manager.sentinels[1].connection_pool

    assert issubclass(pool.connection_class, SentinelManagedSSLConnection)
    assert issubclass(watchman.connection_class, redis.SSLConnection)
    assert pool.connection_kwargs["password"] == "a@b"
    assert pool.connection_kwargs["db"] == 5
    assert watchman.connection_kwargs["password"] == "c,d"
    assert {one.connection_kwargs["ssl_ca_certs"] for one in (pool, watchman)} == {"/etc/ca.pem"}


def test_where_no_sentinel_answers_the_error_is_short_and_names_no_server():
    url = "redis+sentinel://:hunter2@127.0.0.1:1,127.0.0.1:2/main?sentinel_password=hunter3"

    with pytest.raises(redis.ConnectionError) as away:
        redis_link.quick(url).ping()
    assert str(away.value) == "no Sentinel names a primary"
    assert redis_link.silent_sentinels(url) == (2, 2)

import threading

import pytest
import redis
from rq import Queue
from rq.serializers import JSONSerializer

from trustsvc import clock, config
from trustsvc.errors import Misconfigured
from trustsvc.mail import smtp_dialogue
from trustsvc.mail.outbox import sending_round
from trustsvc.shops import enrol
from trustsvc.storage import db
from trustsvc.work_queue import job_queue, redis_checks, worker


def link():
    return redis.Redis.from_url(config.current().redis_url)


def queue(name=job_queue.QUEUE):
    return Queue(name, connection=link(), serializer=JSONSerializer)


def everything_in_redis():
    read = {
        b"hash": "hgetall",
        b"list": "lrange",
        b"set": "smembers",
        b"string": "get",
        b"zset": "zrange",
        b"stream": "xrange",
    }
    found = []
    for key in link().scan_iter():
        kind = link().type(key)
        span = (0, -1) if kind in {b"list", b"zset"} else ()
        found += [key, getattr(link(), read[kind])(key, *span)]
    return repr(found).encode()


def test_a_job_enqueued_a_thousand_times_in_a_moment_is_one_job(installation):
    for _ in range(1000):
        assert job_queue.enqueue_now("check_orders")

    assert queue().count == 1


def test_each_job_has_a_time_limit_and_mail_jobs_outlast_the_reply_to_the_end_of_data(installation):
    job_queue.enqueue_now("send_messages")
    job_queue.enqueue_now("check_orders")

    jobs = [*queue().jobs, *queue(job_queue.MAIL_QUEUE).jobs]
    timeouts = {job.func_name.rpartition(".")[2]: job.timeout for job in jobs}
    assert timeouts == {"send_messages": 1200, "check_orders": 120}
    round_s = 2 * sending_round.MAX_ROUND.total_seconds()
    assert timeouts["send_messages"] > round_s + smtp_dialogue.END_OF_DATA_TIMEOUT_S


def test_nothing_but_a_name_goes_through_redis(installation):
    with db.transaction() as session:
        enrol.enrol(
            session, enrol.Enrolment("Anna's Secret Shop", "anna.example", "shopify"), clock.now()
        )
        job_queue.enqueue(session, "check_orders")

    stored = everything_in_redis()
    assert b"check_orders" in stored
    assert b"Anna's Secret" not in stored
    assert b"anna.example" not in stored


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-lru", "allkeys-random"])
def test_a_redis_that_evicts_is_refused_with_a_sentence(installation, policy):
    link().config_set("maxmemory-policy", policy)
    try:
        for start in (worker.make_worker, job_queue.check_redis):
            with pytest.raises(Misconfigured, match="maxmemory-policy to noeviction"):
                start()
    finally:
        link().config_set("maxmemory-policy", "noeviction")


def test_a_redis_that_hides_its_configuration_is_asked_another_way(installation):
    link().acl_setuser("guest", enabled=True, passwords=["+x"], keys="*", categories=["+@all"])
    link().execute_command("ACL", "SETUSER", "guest", "-config")
    guest = redis.Redis.from_url(config.current().redis_url, username="guest", password="x")
    link().config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(redis.exceptions.NoPermissionError):
            guest.config_get("maxmemory-policy")
        assert redis_checks.inspect(guest).evicts is True
        link().execute_command("ACL", "SETUSER", "guest", "-info")
        assert redis_checks.inspect(guest).evicts is None
    finally:
        link().config_set("maxmemory-policy", "noeviction")
        link().acl_deluser("guest")


def test_a_redis_that_is_away_is_not_refused(installation):
    config.use(
        config.load(
            {"TRUSTSVC_DATA": str(installation.data), "TRUSTSVC_REDIS_URL": "unix:///nowhere.sock"}
        )
    )

    job_queue.check_redis()


def test_a_redis_that_is_away_costs_a_request_nothing(installation, monkeypatch):
    away = config.load(
        {"TRUSTSVC_DATA": str(installation.data), "TRUSTSVC_REDIS_URL": "unix:///nowhere.sock"}
    )
    config.use(away)
    monkeypatch.setattr(job_queue, "_paused_until", 0.0)

    assert job_queue.enqueue_now("check_orders") is False
    assert job_queue.enqueue_now("check_orders") is False


def test_jobs_enqueued_by_another_thread_are_not_captured(installation):
    enqueued = []
    with job_queue.capture(enqueued.append):
        other = threading.Thread(target=job_queue.enqueue_now, args=("check_orders",))
        other.start()
        other.join()

    assert enqueued == []
    assert queue().count == 1

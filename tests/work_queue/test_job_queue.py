import json
import socket
import threading

import pytest
import redis
from rq import Callback, Queue
from rq.serializers import JSONSerializer

from trustsvc import clock, config, log
from trustsvc.errors import Misconfigured
from trustsvc.mail import smtp
from trustsvc.mail.outbox import send
from trustsvc.shops import enrol
from trustsvc.storage import db
from trustsvc.work_queue import job_queue, redis_checks


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


def test_a_thousand_bells_in_a_moment_are_one_job(house):
    for _ in range(1000):
        assert job_queue.enqueue_now("check_orders")

    assert queue().count == 1


def test_each_job_ends_in_its_own_time_and_letters_outlast_the_answer_to_the_last_dot(house):
    job_queue.enqueue_now("send_invitations")
    job_queue.enqueue_now("check_orders")

    jobs = [*queue().jobs, *queue(job_queue.MAIL_QUEUE).jobs]
    timeouts = {job.func_name.rpartition(".")[2]: job.timeout for job in jobs}
    assert timeouts == {"send_invitations": 1200, "check_orders": 120}
    round_s = 2 * send.LONGEST_ROUND.total_seconds()
    assert timeouts["send_invitations"] > round_s + smtp.END_OF_DATA_TIMEOUT_S


def test_a_bell_can_be_rung_again_once_its_job_began(house):
    job_queue.enqueue_now("check_orders")
    job_queue.make_worker().work(burst=True)

    job_queue.enqueue_now("check_orders")

    assert queue().count == 1


@pytest.mark.parametrize(
    ("job", "mine"), [("check_orders", job_queue.QUEUE), ("send_invitations", job_queue.MAIL_QUEUE)]
)
def test_a_bell_whose_job_was_lost_with_its_worker_can_be_rung_by_the_next_one(house, job, mine):
    job_queue.enqueue_now(job)
    link().lpop(f"rq:queue:{mine}")

    job_queue.make_worker(mine)

    job_queue.enqueue_now(job)
    assert queue(mine).count == 1


def test_nothing_but_a_name_goes_through_redis(house):
    with db.transaction() as session:
        enrol.enrol(
            session, enrol.Enrolment("Anna's Secret Shop", "anna.example", "shopify"), clock.now()
        )
        job_queue.enqueue(session, "check_orders")

    stored = everything_in_redis()
    assert b"check_orders" in stored
    assert b"Anna" not in stored
    assert b"anna.example" not in stored


def test_a_finished_job_leaves_nothing_in_redis(house):
    job_queue.enqueue_now("check_orders")

    job_queue.make_worker().work(burst=True)

    left = [key for key in link().scan_iter() if key.startswith((b"rq:job:", b"rq:results:"))]
    assert left == []


def test_a_job_that_is_not_ours_is_refused(house, tmp_path):
    planted = tmp_path / "planted"
    queue().enqueue_call("os.mkdir", args=[str(planted)])
    queue().enqueue_call("os.getcwd")
    queue().enqueue_call("jobs.check_orders.check_orders", args=["x"])
    make = Callback("os.mkdir")
    queue().enqueue_call("jobs.check_orders.check_orders", on_success=make, on_failure=make)
    Queue(job_queue.QUEUE, connection=link()).enqueue_call(
        "os.mkdir", args=[str(planted)]
    )  # pickled
    job_queue.enqueue_now("check_orders")

    job_queue.make_worker().work(burst=True)

    assert not planted.exists()
    assert queue().count == 0


def abandoned(house, **fields):
    """A job whose worker died, as somebody wrote it into Redis."""
    job = queue().enqueue_call("jobs.check_orders.check_orders")
    link().lrem(queue().key, 0, job.id)
    link().hset(job.key, mapping={"status": "started", **fields})
    link().zadd("rq:wip:trustsvc", {f"{job.id}:one": 1})


def test_no_callback_of_an_abandoned_job_is_called(house, monkeypatch):
    called = []
    monkeypatch.setattr(clock, "planted", lambda *given: called.append(given), raising=False)
    name = "trustsvc.clock.planted"
    abandoned(house, failure_callback_name=name, stopped_callback_name=name)

    job_queue.make_worker().work(burst=True)

    assert called == []


def test_no_webhook_of_an_abandoned_job_is_called(house):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.5)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        hook = {"url": url, "job_status": "failed", "timeout": 1}
        abandoned(house, webhooks=json.dumps([hook]))

        job_queue.make_worker().work(burst=True)

        with pytest.raises(TimeoutError):
            listener.accept()


def test_a_worker_of_several_queues_or_with_pickle_is_refused(house):
    many = ["trustsvc", "other"]
    for queues, serializer in ((many, JSONSerializer), (["trustsvc"], None), (["x"], None)):
        with pytest.raises(Misconfigured, match="trustsvc worker"):
            job_queue.Worker(queues, connection=link(), serializer=serializer)


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-lru", "allkeys-random"])
def test_a_redis_that_throws_away_is_refused_with_a_sentence(house, policy):
    link().config_set("maxmemory-policy", policy)
    try:
        for start in (job_queue.make_worker, job_queue.check_redis):
            with pytest.raises(Misconfigured, match="maxmemory-policy to noeviction"):
                start()
    finally:
        link().config_set("maxmemory-policy", "noeviction")


def test_a_redis_that_hides_its_configuration_is_asked_another_way(house):
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


def test_a_redis_that_is_away_is_not_refused(house):
    config.use(
        config.load(
            {"TRUSTSVC_DATA": str(house.data), "TRUSTSVC_REDIS_URL": "unix:///nowhere.sock"}
        )
    )

    job_queue.check_redis()


def test_a_redis_that_is_away_costs_a_door_nothing(house, monkeypatch):
    away = config.load(
        {"TRUSTSVC_DATA": str(house.data), "TRUSTSVC_REDIS_URL": "unix:///nowhere.sock"}
    )
    config.use(away)
    monkeypatch.setattr(job_queue, "_quiet_until", 0.0)

    assert job_queue.enqueue_now("check_orders") is False
    assert job_queue.enqueue_now("check_orders") is False


def test_bells_of_another_thread_are_not_heard_here(house):
    heard = []
    with job_queue.capture(heard.append):
        other = threading.Thread(target=job_queue.enqueue_now, args=("check_orders",))
        other.start()
        other.join()

    assert heard == []
    assert queue().count == 1


def test_what_went_wrong_in_a_job_is_told_without_its_text(house, monkeypatch, capfd):
    import jobs.check_orders

    def fail():
        raise ValueError("anna@example.com")

    log.configure()
    monkeypatch.setattr(jobs.check_orders, "check_orders", fail)
    job_queue.enqueue_now("check_orders")

    job_queue.make_worker().work(burst=True, logging_level="WARNING")

    printed = capfd.readouterr()
    assert "ValueError" in printed.err
    assert "anna" not in printed.err + printed.out
    assert b"anna" not in everything_in_redis()


def test_letters_have_a_queue_of_their_own_so_that_a_slow_mail_server_holds_up_nothing_else(house):
    for name in job_queue.JOB_NAMES:
        job_queue.enqueue_now(name)

    mailed = {job.description for job in queue(job_queue.MAIL_QUEUE).jobs}
    assert mailed == job_queue.MAIL_JOBS
    job_queue.make_worker(job_queue.MAIL_QUEUE).work(burst=True)
    assert queue(job_queue.MAIL_QUEUE).count == 0
    assert queue().count == len(job_queue.JOB_NAMES - job_queue.MAIL_JOBS)

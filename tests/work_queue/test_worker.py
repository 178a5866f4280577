import json
import signal
import socket

import pytest
import redis
from rq import Callback, Queue
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer
from rq.worker import WorkerStatus

from tests.work_queue.test_job_queue import everything_in_redis, link, queue
from trustsvc import clock, log
from trustsvc.errors import Misconfigured
from trustsvc.work_queue import job_queue, stop_request, worker


def test_a_job_can_be_enqueued_again_once_it_began(installation):
    job_queue.enqueue_now("check_orders")
    worker.make_worker().work(burst=True)

    job_queue.enqueue_now("check_orders")

    assert queue().count == 1


@pytest.mark.parametrize(
    ("job", "mine"),
    [
        ("check_orders", job_queue.QUEUE),
        ("send_messages", job_queue.MAIL_QUEUE),
        ("answer_privacy_requests", job_queue.PRIVACY_QUEUE),
    ],
)
def test_a_job_lost_with_its_worker_can_be_enqueued_once_the_next_worker_starts(
    installation, job, mine
):
    job_queue.enqueue_now(job)
    link().lpop(f"rq:queue:{mine}")

    worker.make_worker(mine)

    job_queue.enqueue_now(job)
    assert queue(mine).count == 1


def test_a_finished_job_leaves_nothing_in_redis(installation):
    job_queue.enqueue_now("check_orders")

    worker.make_worker().work(burst=True)

    left = [key for key in link().scan_iter() if key.startswith((b"rq:job:", b"rq:results:"))]
    assert left == []


def test_a_job_that_is_not_ours_is_refused(installation, tmp_path):
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

    worker.make_worker().work(burst=True)

    assert not planted.exists()
    assert queue().count == 0


def abandoned(installation, **fields):
    """A job whose worker died, as somebody wrote it into Redis."""
    job = queue().enqueue_call("jobs.check_orders.check_orders")
    link().lrem(queue().key, 0, job.id)
    link().hset(job.key, mapping={"status": "started", **fields})
    link().zadd("rq:wip:trustsvc", {f"{job.id}:one": 1})


def test_no_callback_of_an_abandoned_job_is_called(installation, monkeypatch):
    called = []
    monkeypatch.setattr(clock, "planted", lambda *given: called.append(given), raising=False)
    name = "trustsvc.clock.planted"
    abandoned(installation, failure_callback_name=name, stopped_callback_name=name)

    worker.make_worker().work(burst=True)

    assert called == []


def test_no_webhook_of_an_abandoned_job_is_called(installation):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.5)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        hook = {"url": url, "job_status": "failed", "timeout": 1}
        abandoned(installation, webhooks=json.dumps([hook]))

        worker.make_worker().work(burst=True)

        with pytest.raises(TimeoutError):
            listener.accept()


def test_a_worker_of_several_queues_or_with_pickle_is_refused(installation):
    many = ["trustsvc", "other"]
    for queues, serializer in ((many, JSONSerializer), (["trustsvc"], None), (["x"], None)):
        with pytest.raises(Misconfigured, match="trustsvc worker"):
            worker.Worker(queues, connection=link(), serializer=serializer)


def test_a_failed_job_is_logged_without_the_exceptions_text(installation, monkeypatch, capfd):
    import jobs.check_orders

    def fail():
        raise ValueError("anna@mail.example")

    log.configure()
    monkeypatch.setattr(jobs.check_orders, "check_orders", fail)
    job_queue.enqueue_now("check_orders")

    worker.make_worker().work(burst=True, logging_level="WARNING")

    printed = capfd.readouterr()
    assert "ValueError" in printed.err
    assert "anna@mail" not in printed.err + printed.out
    assert b"anna@mail" not in everything_in_redis()


def test_mail_and_privacy_requests_have_a_queue_of_their_own(installation):
    for name in job_queue.JOB_NAMES:
        job_queue.enqueue_now(name)

    found = {name: {job.description for job in queue(name).jobs} for name in job_queue.QUEUES}
    assert found[job_queue.MAIL_QUEUE] == {"send_messages"}
    assert found[job_queue.PRIVACY_QUEUE] == {"answer_privacy_requests"}
    assert sum(map(len, found.values())) == len(job_queue.JOB_NAMES)
    worker.make_worker(job_queue.MAIL_QUEUE).work(burst=True)
    left = {name: queue(name).count for name in job_queue.QUEUES}
    assert left == {name: len(jobs) for name, jobs in found.items()} | {job_queue.MAIL_QUEUE: 0}


def test_a_worker_that_waits_for_a_job_is_not_taken_for_cut_off(installation):
    made = worker.make_worker()

    waiting = made.connection.connection_pool.get_connection()

    assert waiting.socket_timeout > made.dequeue_timeout


def test_a_worker_listens_to_no_commands_in_redis(installation):
    listening = worker.make_worker()
    listening.bootstrap("WARNING")

    assert link().pubsub_channels() == []
    listening.teardown()


def test_a_stop_during_a_job_leaves_the_job_alone_while_redis_is_away(installation):
    busy = worker.make_worker(job_queue.MAIL_QUEUE)
    busy._state = WorkerStatus.BUSY
    busy.connection = redis.Redis(unix_socket_path="/nowhere.sock")

    with stop_request.listening():
        busy.request_stop(signal.SIGTERM, None)
        assert stop_request.is_made()
        busy.request_stop(signal.SIGTERM, None)

    assert busy._stop_requested


def test_an_idle_worker_stops_at_once(installation):
    idle = worker.make_worker()

    with stop_request.listening(), pytest.raises(StopRequested):
        idle.request_stop(signal.SIGTERM, None)


def test_a_job_that_no_time_limit_reaches_is_killed(installation, monkeypatch, capfd):
    import jobs.purge_rows

    def sit():
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])  # as code in C does
        stop_request.wait(1000)

    log.configure()
    monkeypatch.setattr(jobs.purge_rows, "purge_rows", sit)
    monkeypatch.setitem(worker.TIME_LIMIT_S, "purge_rows", 1)
    monkeypatch.setattr(worker.time_limit, "LAST_REPEAT_S", 0)
    monkeypatch.setattr(worker, "KILL_AFTER_S", 0)
    job_queue.enqueue_now("purge_rows")
    job_queue.enqueue_now("check_orders")

    worker.make_worker().work(burst=True)

    assert "work_queue.job_killed" in capfd.readouterr().err
    assert queue().count == 0

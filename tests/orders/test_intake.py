import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.orders.webhook_client import Shop, only_order, rows, sample
from tests.waiting import PATIENCE_S
from trustsvc import clock
from trustsvc.errors import Unavailable
from trustsvc.orders import accept, intake
from trustsvc.orders.platform_status import PlatformStatus
from trustsvc.orders.received import OrderReceived
from trustsvc.storage import columns, db

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]


def order(number, **fields):
    now = clock.now()
    named = {"reference": str(number), "email": f"b{number}@example.nl", "name": "B"}
    return OrderReceived(str(number), now, **named, **fields)


@pytest.fixture
def shop(client):
    return Shop(client, "standard")


def test_fifty_times_the_same_order_at_once_is_one_order(shop):
    body = sample("standard")

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: shop.post(body), range(50)))

    assert sorted(status for status, _ in answers) == [200] * 49 + [202]
    assert only_order().state == "received"


def test_many_orders_at_once_are_all_there(shop):
    def send(number):
        return shop.post(sample("standard", data__reference=f"R-{number}"))[0]

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(send, range(100))) == [202] * 100
    assert len(rows()) == 100


def test_the_same_order_twice_in_a_batch_is_one_order(shop):
    now = clock.now()
    batch = [
        accept.incoming_order(shop.shop, order(1), b"a"),
        accept.incoming_order(shop.shop, order(2, platform_status=PlatformStatus.REFUNDED), b"b"),
        accept.incoming_order(shop.shop, order(1, shipped_at=now), b"c"),
        accept.incoming_order(shop.shop, order(2), b"d"),
    ]

    with db.transaction() as session:
        answers = accept.accept(session, batch, now)

    assert [a.status for a in answers] == ["accepted", "ignored", "duplicate", "duplicate"]
    assert sorted((row.state, row.email, bool(row.shipped_at)) for row in rows()) == [
        ("received", "b1@example.nl", True),
        ("settled", None, False),
    ]


def test_one_bad_order_does_not_fail_its_neighbours(shop):
    now = clock.now()
    good = [accept.incoming_order(shop.shop, order(number), b"%d" % number) for number in range(3)]
    bad = replace(good[1], shop=replace(shop.shop, max_age_days="nonsense"))
    gate = threading.Barrier(4)

    def send(incoming):
        gate.wait()
        try:
            return intake.submit(incoming, now).status
        except Unavailable:
            return "unavailable"

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, [*good[:1], bad, *good[2:], good[0]]))

    assert answers.count("unavailable") == 1
    assert answers[1] == "unavailable"
    assert len(rows()) == 2


def test_the_desk_goes_on_after_a_failure(shop):
    now = clock.now()
    bad = accept.incoming_order(replace(shop.shop, max_age_days="nonsense"), order(1), b"1")
    with pytest.raises(Unavailable):
        intake.submit(bad, now)

    good = accept.incoming_order(shop.shop, order(2), b"2")
    assert intake.submit(good, now).status == "accepted"


def test_a_child_process_starts_over(shop):
    now = clock.now()
    intake.submit(accept.incoming_order(shop.shop, order(1), b"1"), now)
    db.dispose_engines()

    child = os.fork()
    if not child:
        try:
            answer = intake.submit(accept.incoming_order(shop.shop, order(2), b"2"), now)
            os._exit(0 if answer.status == "accepted" else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert len(rows()) == 2


def test_who_waits_too_long_is_asked_to_come_back(shop, monkeypatch):
    monkeypatch.setattr(intake, "TIMEOUT_S", 0.05)
    held = threading.Event()
    let_go = threading.Event()

    def hold():
        with db.transaction() as session:
            session.execute(columns.metadata.tables["shops"].update().values(language="nl"))
            if not db.is_sqlite():
                session.connection().exec_driver_sql("LOCK TABLE orders")
            held.set()
            let_go.wait(PATIENCE_S)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(PATIENCE_S)
    try:
        with pytest.raises(Unavailable):
            intake.submit(accept.incoming_order(shop.shop, order(1), b"1"), clock.now())
    finally:
        let_go.set()
        holder.join()
    monkeypatch.setattr(intake, "TIMEOUT_S", 8.0)
    again = intake.submit(accept.incoming_order(shop.shop, order(1), b"1"), clock.now())
    assert again.status in {"accepted", "duplicate"}
    assert len(rows()) == 1


def test_several_processes_at_once_keep_each_order_once(shop):
    now = clock.now()
    batch = [
        accept.incoming_order(
            shop.shop, order(number, webhook_delivery_id=f"msg_{number}"), b"body"
        )
        for number in range(30)
    ]
    start = threading.Barrier(6)

    def work(turn):
        mine = batch[turn * 5 :] + batch[: turn * 5]
        start.wait()
        with db.transaction() as session:
            return [answer.status for answer in accept.accept(session, mine, now)]

    with ThreadPoolExecutor(6) as pool:
        answers = [status for statuses in pool.map(work, range(6)) for status in statuses]

    assert sorted(answers) == ["accepted"] * 30 + ["duplicate"] * 150
    assert len(rows()) == 30


def test_several_processes_at_once_let_no_end_of_an_order_slip(shop):
    now = clock.now()
    whole = [accept.incoming_order(shop.shop, order(number), b"a") for number in range(20)]
    over = [
        accept.incoming_order(
            shop.shop, order(number, platform_status=PlatformStatus.CANCELLED), b"b"
        )
        for number in range(20)
    ]
    start = threading.Barrier(4)

    def work(batch):
        start.wait()
        with db.transaction() as session:
            accept.accept(session, batch, now)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, [whole, over[::-1], whole[::-1], over]))

    assert {row.platform_status for row in rows()} == {PlatformStatus.CANCELLED}


def test_two_pieces_of_news_at_once_are_both_taken_up(shop):
    now = clock.now()
    with db.transaction() as session:
        accept.accept(session, [accept.incoming_order(shop.shop, order(1), b"a")], now)
    written, done = threading.Event(), threading.Event()

    def shipped():
        written.wait(PATIENCE_S)
        with db.transaction() as session:
            news = order(1, shipped_at=now)
            accept.accept(session, [accept.incoming_order(shop.shop, news, b"b")], now)
        done.set()

    other = threading.Thread(target=shipped)
    other.start()
    with db.transaction() as session:
        news = order(1, platform_status=PlatformStatus.CANCELLED)
        accept.accept(session, [accept.incoming_order(shop.shop, news, b"c")], now)
        written.set()
        assert not done.wait(0.3)  # it waits for us to end
    other.join(PATIENCE_S)

    assert only_order().platform_status == PlatformStatus.CANCELLED

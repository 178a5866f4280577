"""The desk reads from the replica, and a member sees at once what the same member did."""

import pytest
from sqlalchemy import event

from tests import replicated
from tests.invitations import sample_orders
from tests.staff import signed_in_staff
from trustsvc.app import create_app
from trustsvc.staff import desk_reading
from trustsvc.storage import replica
from trustsvc.work_queue import job_queue

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]

PAGES = ("/desk/", "/desk/orders/{slug}", "/desk/requests", "/desk/sending", "/desk/shops")


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    with replicated.two_servers(tmp_path_factory.mktemp("desk")) as found:
        yield found


@pytest.fixture
def installed(tmp_path, both, redis_server, keys_template, monkeypatch):
    # So that a slow machine changes nothing: what is late stays good, a write stays noted.
    monkeypatch.setattr(replica, "MAX_LATE_S", 3600.0)
    monkeypatch.setattr(desk_reading, "WROTE_S", 3600)
    with replicated.installation(tmp_path, both, redis_server, keys_template) as settings:
        yield settings


@pytest.fixture
def shop(installed):
    return sample_orders.shop()


@pytest.fixture
def app(installed):
    return create_app()


def signed_in(app, name):
    client = app.test_client()
    signed_in_staff.sign_in(client, name)
    job_queue.connection().flushall()  # signing in is no write of the desk's
    return client


def orders_shown(client, shop):
    return client.get(f"/desk/orders/{shop.slug}").text.count("#order-")


def post(client, path):
    """Send a form of the desk."""
    token = signed_in_staff.form_token(client)
    return client.post(
        path, data={"form_token": token}, headers={"Origin": "http://127.0.0.1:8000"}
    )


def test_each_page_that_only_reads_is_read_from_the_replica(app, shop):
    sam = signed_in(app, "Sam")
    replicated.catch_up()
    asked = []
    event.listen(replica.engine(), "before_cursor_execute", lambda *args: asked.append(args[2]))

    for path in PAGES:
        asked.clear()
        assert sam.get(path.format(slug=shop.slug)).status_code == 200
        assert len(asked) > 2, path


def test_who_wrote_something_sees_it_and_others_a_moment_later(app, shop):
    sam, alex = signed_in(app, "Sam"), signed_in(app, "Alex")
    replicated.catch_up()
    assert orders_shown(sam, shop) == orders_shown(alex, shop) == 0
    replicated.replay(paused=True)
    sample_orders.place(shop)
    assert orders_shown(sam, shop) == orders_shown(alex, shop) == 0

    assert post(sam, f"/desk/sending/{shop.slug}").status_code == 303

    assert orders_shown(sam, shop) == 1
    assert orders_shown(alex, shop) == 0
    replicated.replay(paused=False)
    replicated.catch_up()
    assert orders_shown(alex, shop) == 1


def test_without_redis_the_desk_is_read_from_the_database(app, shop, monkeypatch):
    sam = signed_in(app, "Sam")
    replicated.catch_up()
    assert orders_shown(sam, shop) == 0
    replicated.replay(paused=True)
    sample_orders.place(shop)
    assert orders_shown(sam, shop) == 0

    monkeypatch.setattr(job_queue, "_paused_until", float("inf"))

    assert orders_shown(sam, shop) == 1


def test_who_wrote_while_redis_was_away_sees_it_when_redis_is_back(app, shop, monkeypatch):
    sam, alex = signed_in(app, "Sam"), signed_in(app, "Alex")
    replicated.catch_up()
    replicated.replay(paused=True)
    sample_orders.place(shop)
    with monkeypatch.context() as away:
        away.setattr(job_queue, "_paused_until", float("inf"))
        assert post(sam, f"/desk/sending/{shop.slug}").status_code == 303

    assert orders_shown(sam, shop) == 1
    assert orders_shown(alex, shop) == 0


def test_a_write_is_forgotten_after_its_seconds(installed, monkeypatch):
    monkeypatch.setattr(desk_reading, "WROTE_S", -1)
    monkeypatch.setattr(job_queue, "pause", lambda: None)  # Redis refuses such a time
    desk_reading.note_write(1)
    desk_reading.note_write(2)

    assert not desk_reading.has_just_written(1)
    assert (installed.database_url, 1) not in desk_reading._wrote


def test_without_a_replica_nothing_is_noted_in_redis(installation):
    desk_reading.note_write(1)

    assert not list(job_queue.connection().scan_iter("trustsvc:desk-wrote:*"))

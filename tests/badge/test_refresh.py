import json
import shutil
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import event

from tests.badge import badge_files
from tests.reviews.sample_reviews import shop
from trustsvc import clock
from trustsvc.badge import public_files, refresh
from trustsvc.reviews import withdraw
from trustsvc.storage import db
from trustsvc.work_queue import stop_request

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

_publish, _refresh = badge_files.published, badge_files.refreshed


def _numbers(made):
    face = json.loads((public_files.folder() / f"badge/v1/{made.slug}.json").read_bytes())
    return face["score"], face["count"], face["reviews"]


def test_a_new_shop_has_an_empty_badge_before_its_first_review(installation):
    made = shop()
    with db.reading() as session:
        assert refresh.refresh(session, [made.id], clock.now()) == 7

    assert _numbers(made) == ("", "No reviews yet", 0)


def test_a_publication_and_a_withdrawal_change_the_files(installation):
    made = shop()
    public_id = _publish(made, stars=5)
    _publish(made, stars=4)
    _refresh()
    assert _numbers(made) == ("4.5", "2 reviews", 2)

    with db.transaction() as session:
        withdraw.withdraw(session, public_id, clock.now())
    _refresh()
    assert _numbers(made) == ("4.0", "1 review", 1)


def test_files_that_say_the_same_are_left_alone(installation):
    made = shop()
    _publish(made)
    assert _refresh() > 0
    before = (public_files.folder() / f"badge/v1/{made.slug}.svg").stat().st_mtime_ns

    assert _refresh() == 0
    assert (public_files.folder() / f"badge/v1/{made.slug}.svg").stat().st_mtime_ns == before


def test_only_the_shops_that_are_named_are_written(installation):
    one, other = shop(), shop("Other")
    with db.reading() as session:
        refresh.refresh(session, [other.id], clock.now())

    assert not (public_files.folder() / f"badge/v1/{one.slug}.json").exists()
    assert {path.name.split(".")[0] for path in (public_files.folder() / "badge/v1").iterdir()} == {
        "other"
    }


def test_a_lost_file_comes_back(installation):
    made = shop()
    _refresh()
    (public_files.folder() / f"badge/v1/{made.slug}.json").unlink()

    assert _refresh() == 1


def test_what_is_left_of_a_shop_that_is_gone_is_removed(installation):
    made = shop()
    _publish(made)
    _refresh()
    left = public_files.folder() / "badge/v1"
    for name in ("gone.json", "gone.json.br", "gone/reviews.json", "gone/feed.atom.gz"):
        (left / name).parent.mkdir(exist_ok=True)
        (left / name).write_bytes(b"Ada L., Delft")

    _refresh()

    assert {path.name.partition(".")[0] for path in left.iterdir()} == {made.slug}
    assert "gone" not in {path.name for path in left.rglob("*")}


def test_a_file_that_cannot_be_written_keeps_no_other_shop_s_words_up(installation, client):
    broken, other = shop("A"), shop("B")
    public_id = _publish(other)
    _refresh()
    for name in ("a.json", "a.json.br", "a.json.gz"):
        (public_files.folder() / f"badge/v1/{name}").unlink()
    (public_files.folder() / "badge/v1/a.json").mkdir()
    with db.transaction() as session:
        withdraw.withdraw(session, public_id, clock.now())

    with pytest.raises(IsADirectoryError):
        _refresh()

    assert _numbers(other) == ("", "No reviews yet", 0)
    assert client.get(f"/badge/v1/{broken.slug}.json").json["reviews"] == 0


def test_a_bitmap_follows_the_image_and_is_not_drawn_again_for_nothing(installation):
    made = shop()
    _refresh()
    place = public_files.folder() / f"badge/v1/{made.slug}.png"
    empty, at = place.read_bytes(), place.stat().st_mtime_ns

    _refresh()
    assert place.stat().st_mtime_ns == at
    _publish(made)
    _refresh()
    assert place.read_bytes() != empty
    assert not place.with_name(f"{place.name}.br").exists()


def test_the_newest_are_those_of_each_shop_and_of_a_moment_the_latest_written(installation):
    one, other = shop(), shop("Other")
    at = clock.now().replace(microsecond=0)
    for number in range(23):
        moment = at - timedelta(days=max(0, 2 - number))  # 21 of one moment
        badge_files.published(one, at=moment, title=f"Number {number}.")
    badge_files.published(other, at=at - timedelta(days=9), title="Alone")
    _refresh()

    def titles(made):
        feed = ET.fromstring(
            (public_files.folder() / f"badge/v1/{made.slug}/feed.atom").read_bytes()
        )
        found = [one.text for one in feed.iter("{http://www.w3.org/2005/Atom}title")]
        return [title.rpartition("★ ")[2] for title in found[1:]]

    assert titles(one) == [f"Number {number}." for number in range(22, 2, -1)]
    assert titles(other) == ["Alone"]


def test_all_shops_take_as_many_questions_as_one(installation):
    asked = []
    shop()
    event.listen(db.engine(), "before_cursor_execute", lambda *a: asked.append(a[2]))
    _refresh()
    of_one = len(asked)
    for number in range(5):
        badge_files.published(shop(f"Shop {number}"))
    asked.clear()

    _refresh()

    assert len(asked) == of_one


def test_a_host_without_a_worker_shows_nothing_withdrawn_after_a_minute(installation):
    made, start = shop(), clock.now()
    with clock.at(start):
        public_id = _publish(made)
        assert refresh.refresh_if_late(start)
    assert _numbers(made)[2] == 1
    with db.transaction() as session:
        withdraw.withdraw(session, public_id, start)

    for seconds in range(refresh.CHECK_S, 61, refresh.CHECK_S):
        moment = start + timedelta(seconds=seconds)
        with clock.at(moment):
            refresh.refresh_if_late(moment)

    assert _numbers(made)[2] == 0


def test_where_a_worker_refreshes_nobody_else_does(installation):
    made, start = shop(), clock.now()
    _publish(made)
    for seconds in (0, 30, 60):  # the worker's jobs
        with clock.at(start + timedelta(seconds=seconds)):
            refresh.refresh_here(clock.now())
            assert not refresh.refresh_if_late(clock.now() + timedelta(seconds=40))
    assert refresh.refresh_if_late(start + timedelta(seconds=60 + 50))


def test_a_folder_that_cannot_be_written_does_not_make_all_processes_refresh(installation):
    made, start = shop(), clock.now()
    refresh.refresh_here(start)
    folder = public_files.folder() / "badge/v1" / made.slug
    shutil.rmtree(folder)
    folder.write_text("in the way")
    _publish(made)

    with pytest.raises(OSError), clock.at(start):
        refresh.refresh_here(start)

    assert not refresh.refresh_if_late(start + timedelta(seconds=30))


def test_only_one_process_of_a_host_refreshes_at_a_time(installation):
    _publish(shop())
    with public_files.only_one_refresher() as is_ours:
        assert is_ours
        assert refresh.refresh_here(clock.now()) == 0
    assert refresh.refresh_here(clock.now()) > 0


def test_a_refresh_ends_when_its_process_is_asked_to_stop(installation):
    _publish(shop())
    with stop_request.listening():
        stop_request.note()
        scripts_only = _refresh()
    assert _refresh() == 7
    assert scripts_only > 0

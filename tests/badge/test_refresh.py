import json

from tests.reviews.at_the_desk import review, shop
from trustsvc import clock, db
from trustsvc.badge import files, refresh
from trustsvc.reviews import moderate, publish, withdraw


def _publish(made, **more):
    public_id = review(made, **more)
    with db.transaction() as session:
        moderate.approve(session, public_id, "staff 1", clock.now())
        publish.publish(session, clock.now())
    return public_id


def _refresh():
    with db.reading() as session:
        return refresh.refresh_changed(session, clock.now())


def _numbers(made):
    face = json.loads((files.folder() / f"badge/v1/{made.slug}.json").read_bytes())
    return face["score"], face["count"], face["reviews"]


def test_a_new_shop_has_an_empty_badge_before_its_first_review(house):
    made = shop()
    with db.reading() as session:
        assert refresh.refresh(session, [made.id], clock.now()) == 7

    assert _numbers(made) == ("", "No reviews yet", 0)


def test_a_publication_and_a_withdrawal_change_the_files(house):
    made = shop()
    public_id = _publish(made, stars=5)
    _publish(made, stars=4)
    _refresh()
    assert _numbers(made) == ("4.5", "2 reviews", 2)

    with db.transaction() as session:
        withdraw.withdraw(session, public_id, clock.now())
    _refresh()
    assert _numbers(made) == ("4.0", "1 review", 1)


def test_files_that_say_the_same_are_left_alone(house):
    made = shop()
    _publish(made)
    assert _refresh() > 0
    before = (files.folder() / f"badge/v1/{made.slug}.svg").stat().st_mtime_ns

    assert _refresh() == 0
    assert (files.folder() / f"badge/v1/{made.slug}.svg").stat().st_mtime_ns == before


def test_only_the_shops_that_are_named_are_written(house):
    one, other = shop(), shop("Other")
    with db.reading() as session:
        refresh.refresh(session, [other.id], clock.now())

    assert not (files.folder() / f"badge/v1/{one.slug}.json").exists()
    assert {path.name.split(".")[0] for path in (files.folder() / "badge/v1").iterdir()} == {
        "other"
    }


def test_a_lost_file_comes_back(house):
    made = shop()
    _refresh()
    (files.folder() / f"badge/v1/{made.slug}.json").unlink()

    assert _refresh() == 1

"""Who is notified of a changed notice: those who were given the former one, each once."""

from datetime import timedelta

import pytest

from tests.reviews.sample_reviews import invitation, order, review, shop
from tests.staff.signed_in_staff import sign_in
from tests.transactional_mail.test_message_kind import sent_transactional
from trustsvc import clock
from trustsvc.crypto import pseudonyms
from trustsvc.doctor import privacy_requests
from trustsvc.errors import NotFound, Refused
from trustsvc.privacy.documents import announcement, notice_history
from trustsvc.registry.models import registered_buyers
from trustsvc.storage import db

HOUR = timedelta(hours=1)


@pytest.fixture
def now(installation):
    return clock.now()


def two_versions(at_shop, now):
    """The first was in force long ago, the second is from now on."""
    with db.transaction() as session:
        for number in (1, 2):
            since = now if number == 2 else now - 1000 * HOUR
            notice_history.record(session, [version(at_shop, number)], since)


def version(at_shop, number):
    return notice_history.NoticeChange(at_shop.id, number, b"", {"en": f"Version {number}"})


def announced(at_shop, now):
    with db.reading() as session:
        return announcement.audience(session, at_shop, now)


def addresses(found):
    return sorted(one.address for one in found.people)


def test_notified_are_buyers_with_an_invitation_and_authors_each_once(now):
    at_shop = shop()
    for _ in range(2):
        invitation(at_shop, order(at_shop, email="twice@mail.example"), sent_at=now - HOUR)
    invitation(at_shop, order(at_shop, email="Twice@Mail.example"), sent_at=now - HOUR)
    review(at_shop, at=now - HOUR)

    found = announced(at_shop, now)

    assert len(found.people) == 2
    assert addresses(found)[1] == "buyer@mail.example"
    assert (found.buyers, found.authors) == (1, 1)


@pytest.mark.parametrize("message_state", ["due", "leased", "handed", "dropped", "refused", None])
def test_who_got_no_invitation_was_never_shown_the_former_one(now, message_state):
    at_shop = shop()
    invitation(at_shop, order(at_shop), at=now - HOUR, message_state=message_state)

    assert announced(at_shop, now).people == []


def test_a_message_that_may_have_arrived_counts(now):
    at_shop = shop()
    invitation(at_shop, order(at_shop), message_state="unknown", sent_at=now - HOUR)

    assert addresses(announced(at_shop, now)) == ["buyer@mail.example"]


def test_an_invitation_that_left_afterwards_had_the_new_one_in_it(now):
    at_shop = shop()
    invitation(at_shop, order(at_shop), sent_at=now + HOUR)

    assert announced(at_shop, now).people == []


def test_erased_buyers_and_other_shops_are_not_notified(now):
    at_shop, other = shop(), shop("Other")
    invitation(at_shop, order(at_shop, email=None), sent_at=now - HOUR)
    invitation(other, order(other), sent_at=now - HOUR)

    assert announced(at_shop, now).people == []


def test_registered_people_are_counted_and_cannot_be_reached(now):
    with db.transaction() as session:
        session.execute(
            registered_buyers.insert().values(
                pseudonym=b"m", at=now, consent_version="1", source="page"
            )
        )

    assert announced(shop(), now).by_pseudonym_only == 1


def unannounced():
    with db.reading() as session:
        return [(one.slug, one.version, one.people) for one in announcement.unannounced(session)]


def test_a_changed_notice_that_was_not_announced_is_reported_by_doctor_and_desk(now, client):
    at_shop, other, same = shop(), shop("Other"), shop("Same")
    for _ in range(2):
        mark = pseudonyms.shop_pseudonym(at_shop.id, "twice@mail.example")
        ordered = order(at_shop, email="twice@mail.example", buyer_pseudonym=mark)
        invitation(at_shop, ordered, sent_at=now - HOUR)
    review(at_shop, at=now - HOUR)
    invitation(
        at_shop, order(at_shop, buyer_pseudonym=b"late"), sent_at=now + HOUR
    )  # the invitation carried it
    invitation(at_shop, order(at_shop, buyer_pseudonym=b"gone", email=None), sent_at=now - HOUR)
    invitation(same, order(same), sent_at=now - HOUR)
    two_versions(at_shop, now)
    two_versions(other, now)  # changed, and nobody is written to
    with db.transaction() as session:
        notice_history.record(session, [version(same, 1)], now)

    sign_in(client)
    page = client.get("/desk/requests", headers={"Accept-Language": "en"}).text
    with db.reading() as session:
        (finding,) = privacy_requests.unannounced(session)

    assert unannounced() == [("velo-fils", 2, 2)]
    assert (finding.level, "version 2 of velo-fils: 2 people" in finding.detail) == ("WARN", True)
    assert "velo-fils (version 2) is not announced yet" in page
    with db.transaction() as session:
        announcement.announce(session, at_shop, 2, now)
    with db.reading() as session:
        assert privacy_requests.unannounced(session) == []


def test_they_are_notified_once_and_never_again(now):
    at_shop = shop()
    invitation(at_shop, order(at_shop), sent_at=now - HOUR)
    two_versions(at_shop, now)

    with db.transaction() as session:
        assert announcement.announce(session, at_shop, 2, now) == 1
    with db.transaction() as session, pytest.raises(Refused):
        announcement.announce(session, at_shop, 2, now)

    (message,) = sent_transactional(now=now).messages
    assert (message.to_address, message.from_name) == ("buyer@mail.example", at_shop.name)
    assert "/privacy/velo-fils" in message.text


def test_when_messages_cannot_be_handed_over_nothing_is_noted(now):
    at_shop = shop()
    two_versions(at_shop, now)

    def fails():
        with db.transaction() as session:
            announcement.announce(session, at_shop, 2, now)
            raise OSError

    with pytest.raises(OSError):
        fails()
    with db.reading() as session:
        assert notice_history.get(session, at_shop.id, 2, "en").announced_at is None
    assert sent_transactional(now=now).messages == []


def test_the_first_version_changes_nothing_and_one_that_never_was_cannot_be_announced(now):
    at_shop = shop()
    two_versions(at_shop, now)

    with db.transaction() as session:
        with pytest.raises(Refused):
            announcement.announce(session, at_shop, 1, now)
        with pytest.raises(NotFound):
            announcement.announce(session, at_shop, 3, now)


def test_nobody_who_is_to_be_notified_shows_in_a_repr(now):
    at_shop = shop()
    invitation(at_shop, order(at_shop), sent_at=now - HOUR)

    assert "mail.example" not in repr(announced(at_shop, now))
    assert "mail.example" not in repr(announced(at_shop, now).people)

"""Privacy requests made after the backup hold in the restored installation."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.backup.backup_commands import elsewhere, run_command
from tests.invitations import sample_orders
from tests.invitations.sample_orders import NOON, quiet
from tests.privacy.rights import my_data_pages
from trustsvc import clock
from trustsvc.orders.models import orders
from trustsvc.privacy.models import my_data_links
from trustsvc.privacy.rights import people
from trustsvc.privacy.rights.confirmation import my_data_link
from trustsvc.privacy.rights.erasure import ErasureOptions, erase
from trustsvc.privacy.rights.restriction import is_restricted, lift, restrict
from trustsvc.registry import double_opt_in, registration, restriction
from trustsvc.registry.models import pending_registrations, restrictions
from trustsvc.registry.opt_out import opt_out
from trustsvc.reviews.models import reviews
from trustsvc.storage import db, suppression_journal
from trustsvc.transactional_mail.models import transactional_messages

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

LATER = NOON + timedelta(days=3)
SOON = NOON + timedelta(minutes=5)


@pytest.fixture(autouse=True)
def noon():
    with clock.at(NOON):
        yield


@pytest.fixture
def restored(installation, tmp_path, request):
    """Back up now; gives a function that restores it elsewhere with the journal as of then."""
    assert run_command("backup", tmp_path / "installation.backup").exit_code == 0

    def restore():
        place = elsewhere(installation, tmp_path, request)
        place.__enter__()
        request.addfinalizer(lambda: place.__exit__(None, None, None))
        done = run_command("restore", tmp_path / "installation.backup", "--nothing-sent-since")
        assert done.exit_code == 0
        assert "NO INVITATION" not in done.output

    return restore


def asked(deed, now=NOON, who=my_data_pages.person):
    with quiet(), db.transaction() as session:
        return deed(session, who(), now)


def is_frozen():
    with db.reading() as session:
        return is_restricted(session, people.by_address(session, my_data_pages.JAN))


@pytest.fixture
def shop(installation):
    return sample_orders.shop(delay=3, delay_unit="days")


@pytest.fixture
def invited(shop):
    return sample_orders.invited(shop)


@pytest.fixture
def reviewed(installation):
    return my_data_pages.reviewed(sample_orders.shop(name="Elsewhere"))


def test_a_restriction_is_in_force_again(invited, reviewed, restored):
    asked(restrict)
    restored()

    assert is_frozen()
    assert my_data_pages.published() == []
    assert sample_orders.sent_invitations(now=LATER).messages == []
    assert sample_orders.order_row(invited).email == my_data_pages.JAN
    asked(lift, SOON)
    assert len(my_data_pages.published()) == 1
    assert [
        message.to_address for message in sample_orders.sent_invitations(now=LATER).messages
    ] == [my_data_pages.JAN]


def test_an_order_that_comes_to_the_restored_installation_waits(shop, restored):
    asked(restrict)
    restored()

    assert (
        sample_orders.order_row(sample_orders.invited(sample_orders.shop(name="Other"))).state
        == "waiting"
    )


@pytest.fixture
def frozen(invited, reviewed):
    asked(restrict)
    waits = sample_orders.invited(sample_orders.shop(name="Later"), email="JAN@mail.example")
    assert sample_orders.order_row(waits).state == "waiting"
    return waits


def test_one_that_was_lifted_is_lifted_again(invited, reviewed, frozen, restored):
    asked(lift, SOON)
    restored()
    sample_orders.planned(SOON)

    assert not is_frozen()
    assert len(my_data_pages.published()) == 1
    assert sample_orders.order_row(frozen).state == "settled"
    assert len(sample_orders.sent_invitations(now=LATER).messages) == 2


def test_one_that_was_lifted_and_asked_for_again_is_in_force(frozen, restored):
    asked(lift, SOON)
    asked(restrict, SOON)
    restored()

    assert is_frozen()
    assert my_data_pages.published() == []


def test_one_lifted_by_a_clock_that_was_set_back_stays_in_force(invited, restored):
    asked(restrict)
    asked(lift, NOON - timedelta(hours=1))
    restored()

    assert is_frozen()


def test_a_lift_that_was_rolled_back_is_not_in_the_file(invited):
    asked(restrict)

    class Away(Exception):
        pass

    def broken(session, person, now):
        lift(session, person, now)
        raise Away

    with pytest.raises(Away):
        asked(broken)

    assert {line.kind for line in suppression_journal.read().lines} == {"restrict"}


def test_a_lift_that_cannot_be_written_down_is_lifted_all_the_same(installation, invited):
    asked(restrict)
    place = suppression_journal.path()
    place.rename(place.with_name("away"))
    place.mkdir()
    with db.reading() as session:
        marks = session.scalars(select(restrictions.c.pseudonym)).all()

    with quiet(), db.transaction() as session:
        assert restriction.lift(session, marks, SOON) == 2

    assert not is_frozen()


def test_a_review_left_without_its_author_is_without_again(reviewed, restored):
    asked(lambda session, who, now: erase(session, who, ErasureOptions(anonymous=True), now))
    restored()

    (line,) = my_data_pages.published()
    assert (line.name, line.city, line.text, line.verified) == ("", "", my_data_pages.TEXT, True)
    with db.reading() as session:
        row = session.execute(select(reviews)).one()
    assert (row.name, row.email, row.buyer_pseudonym, row.invitation_id) == ("", None, None, None)


@pytest.fixture
def waiting_for_a_word(installation):
    return my_data_pages.reviewed(sample_orders.shop(), published=False)


def test_a_review_the_backup_knows_as_unpublished_is_gone(waiting_for_a_word, restored):
    with quiet(), db.transaction() as session:
        session.execute(reviews.update().values(state="approved"))
    my_data_pages.published()
    asked(lambda session, who, now: erase(session, who, ErasureOptions(anonymous=True), now))
    restored()

    with db.reading() as session:
        row = session.execute(select(reviews)).one()
    assert (row.state, row.text, row.name) == ("withdrawn", "", "")


def test_a_review_that_others_had_erased_stays_without_its_author(waiting_for_a_word, restored):
    by_staff = ErasureOptions(by="command line")
    asked(lambda session, who, now: erase(session, who, by_staff, now))
    restored()

    with db.reading() as session:
        row = session.execute(select(reviews)).one()
    assert (row.state, row.text, row.name) == ("pending", my_data_pages.TEXT, "")


@pytest.fixture
def writing(invited):
    """Messages, a registration and a link that wait, of one who leaves and of one who stays."""
    with quiet(), db.transaction() as session:
        for address in (my_data_pages.JAN, "eva@mail.example"):
            double_opt_in.request_registration(
                session, double_opt_in.RegistrationRequest(address, 1, "nl", "page"), NOON
            )
            my_data_link(session, people.by_address(session, address), NOON, copy="{}")
        registration.register(session, my_data_pages.JAN, "1", "page", NOON)


@pytest.mark.parametrize("stopped_before", [True, False])
@pytest.mark.parametrize("everywhere", [True, False])
def test_an_erasure_reaches_what_waited_to_be_written(
    invited, writing, restored, everywhere, stopped_before
):
    def who():
        return my_data_pages.person() if everywhere else my_data_pages.person(invited)

    if stopped_before:
        with db.transaction() as session:
            opt_out(session, my_data_pages.JAN, 0 if everywhere else 1, "stop", NOON)
    asked(lambda session, who, now: erase(session, who, ErasureOptions(), now), SOON, who)
    restored()

    row = sample_orders.order_row(invited)
    assert (row.email, row.name, row.buyer_pseudonym) == (None, None, None)
    with db.reading() as session:
        for table in (transactional_messages, pending_registrations, my_data_links):
            assert session.scalars(select(table.c.address)).all() == ["eva@mail.example"]
        assert session.scalars(select(orders.c.email)).all() == [None]


def test_what_was_asked_for_after_the_erasure_stays(installation, invited, tmp_path, request):
    asked(lambda session, who, now: erase(session, who, ErasureOptions(), now))
    with quiet(), db.transaction() as session:
        double_opt_in.request_registration(
            session,
            double_opt_in.RegistrationRequest(my_data_pages.JAN, 1, "nl", "page"),
            SOON,
        )
    restore = request.getfixturevalue("restored")
    restore()

    with db.reading() as session:
        assert session.scalars(select(pending_registrations.c.address)).all() == [my_data_pages.JAN]

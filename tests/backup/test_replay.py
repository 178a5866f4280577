"""The journal is replayed before the first message of the restored installation."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.backup.backup_commands import elsewhere, run_command
from tests.invitations import sample_orders
from tests.invitations.sample_orders import NOON
from tests.reviews import sample_reviews
from trustsvc import clock, config
from trustsvc.crypto import keyring
from trustsvc.invitations import redeem, unsubscribe
from trustsvc.orders import accept
from trustsvc.orders.models import decisions, orders
from trustsvc.orders.platform_status import PlatformStatus
from trustsvc.orders.received import OrderReceived
from trustsvc.registry.opt_out import opt_out
from trustsvc.reviews import publish, withdraw
from trustsvc.reviews.models import publications, reviews
from trustsvc.storage import db, suppression_journal
from trustsvc.storage.columns import EVERY_SHOP

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

JAN, DAY = "jan@mail.example", timedelta(days=1)


@pytest.fixture
def backup(installation, tmp_path):
    def make():
        assert run_command("backup", tmp_path / "installation.backup").exit_code == 0
        return tmp_path / "installation.backup"

    return make


def over(shop, identity, platform_status):
    order = OrderReceived(identity=identity, created_at=NOON - DAY, platform_status=platform_status)
    with sample_orders.quiet(), db.transaction() as session:
        accept.accept(session, [accept.incoming_order(shop, order, b"over")], NOON)


@pytest.mark.parametrize("how", [PlatformStatus.CANCELLED, PlatformStatus.REFUNDED])
def test_an_order_that_was_over_after_the_backup_leads_to_no_message(
    installation, tmp_path, request, backup, how
):
    shop = sample_orders.shop(delay=3, delay_unit="days")
    with clock.at(NOON):
        gone = sample_orders.invited(shop, identity="gone")
        stays = sample_orders.invited(shop, identity="stays", email="eva@mail.example")
        copy = backup()
        over(shop, "gone", platform_status=how)

        with elsewhere(installation, tmp_path, request):
            done = run_command("restore", copy)

            assert "1 opt-outs and other requests" in done.output
            assert sample_orders.order_row(gone).email is None
            sample_orders.planned()
            post = sample_orders.sent(now=NOON + 3 * DAY)
            assert [message.to_address for message in post.messages] == ["eva@mail.example"]
            assert sample_orders.message_of(gone).state == "dropped"
            assert sample_orders.message_of(stays).state == "sent"


@pytest.mark.parametrize(
    ("news", "reason", "kept"),
    [
        ({"platform_status": PlatformStatus.REFUNDED}, "refunded", {"platform_status": "refunded"}),
        ({"dispute": PlatformStatus.CHARGEBACK}, "chargeback", {"dispute": "chargeback"}),
        ({"returns": PlatformStatus.RETURNED}, "returned", {"returns": "returned"}),
        ({"consent": False}, "said_no", {"consent": False, "platform_status": "open"}),
        ({"is_whole": True}, "erased", {"accepts_buyer": True, "platform_status": "open"}),
        ({"is_anonymised": True}, "erased", {"accepts_buyer": False, "platform_status": "open"}),
    ],
)
def test_what_barred_an_order_after_the_backup_is_replayed_for_its_true_reason(
    installation, tmp_path, request, backup, news, reason, kept
):
    shop = sample_orders.shop(delay=3, delay_unit="days")
    with clock.at(NOON):
        gone = sample_orders.invited(shop, identity="gone")
        copy = backup()
        order = OrderReceived(identity="gone", created_at=NOON - DAY, **news)
        with sample_orders.quiet(), db.transaction() as session:
            accept.accept(session, [accept.incoming_order(shop, order, b"news")], NOON)

        with elsewhere(installation, tmp_path, request):
            assert run_command("restore", copy).exit_code == 0
            sample_orders.planned()

            assert sample_orders.invitation_of(gone).reason == reason
            row = sample_orders.order_row(gone)
            assert {name: getattr(row, name) for name in kept} == kept
            assert row.email is None
            assert sample_orders.sent(now=NOON + 3 * DAY).messages == []


def test_an_order_that_came_and_was_cancelled_after_the_backup_stays_over_when_it_comes_again(
    installation, tmp_path, request, backup
):
    shop = sample_orders.shop()
    with clock.at(NOON):
        copy = backup()
        sample_orders.invited(shop, identity="new")
        over(shop, "new", platform_status=PlatformStatus.CANCELLED)
        later_shop = sample_orders.shop(name="Enrolled later")
        sample_orders.place(later_shop, identity="other")
        over(later_shop, "other", platform_status=PlatformStatus.CANCELLED)

        with elsewhere(installation, tmp_path, request):
            assert run_command("restore", copy, "--nothing-sent-since").exit_code == 0
            sample_orders.invited(shop, identity="new")

            assert sample_orders.sent().messages == []
            with db.reading() as session:
                (row,) = session.execute(select(orders)).all()
            assert (row.email, row.buyer_pseudonym) == (None, None)


def test_cancelled_orders_of_long_before_the_backup_are_not_brought_back(
    installation, tmp_path, request, backup
):
    shop = sample_orders.shop()
    with clock.at(NOON):
        over(shop, "old", platform_status=PlatformStatus.CANCELLED)
    with clock.at(NOON + 10 * DAY):
        with db.transaction() as session:
            session.execute(decisions.delete())
            session.execute(orders.delete())
        copy = backup()

        with elsewhere(installation, tmp_path, request):
            assert run_command("restore", copy).exit_code == 0
            with db.reading() as session:
                assert session.execute(select(orders)).all() == []


def test_a_review_withdrawn_after_the_backup_is_not_shown_again(
    installation, tmp_path, request, backup
):
    public = sample_reviews.review(sample_reviews.shop())
    with db.transaction() as session, sample_orders.quiet():
        session.execute(reviews.update().values(state="approved", consent=True))
    with db.transaction() as session, sample_orders.quiet():
        publish.publish_approved(session, NOON)
    copy = backup()
    with db.transaction() as session, sample_orders.quiet():
        assert withdraw.withdraw(session, public, clock.now())

    with elsewhere(installation, tmp_path, request):
        assert run_command("restore", copy).exit_code == 0
        with db.reading() as session:
            assert session.execute(select(publications)).all() == []
            row = session.execute(select(reviews)).one()
        assert (row.state, row.text, row.email) == ("withdrawn", "", None)


def test_who_stopped_everywhere_is_erased_at_every_shop(installation, tmp_path, request, backup):
    here, there = sample_orders.shop(), sample_orders.shop(name="Another")
    with clock.at(NOON):
        ids = [sample_orders.invited(here), sample_orders.invited(there)]
        copy = backup()
        with db.transaction() as session, sample_orders.quiet():
            invitation = redeem.find(session, sample_orders.invitation_of(ids[0]).link)
            unsubscribe.unsubscribe(session, invitation, NOON, everywhere=True)

        with elsewhere(installation, tmp_path, request):
            assert run_command("restore", copy).exit_code == 0
            assert [sample_orders.order_row(order_id).email for order_id in ids] == [None, None]


def test_damage_the_backup_knew_of_stops_nothing_and_newer_damage_does(
    installation, tmp_path, request, backup
):
    with db.transaction() as session:
        opt_out(session, JAN, EVERY_SHOP, "stop", NOON)
    with suppression_journal.path().open("ab") as file:
        file.write(b"opt_out 0 00")
    copy = backup()
    with db.transaction() as session:
        opt_out(session, "eva@mail.example", EVERY_SHOP, "stop", NOON)

    with elsewhere(installation, tmp_path, request):
        assert "NO INVITATION" not in run_command("restore", copy).output
    with suppression_journal.path().open("ab") as file:
        file.write(b"opt_out 0 11")
    with elsewhere(installation, tmp_path, request, name="again"):
        assert "NO INVITATION" in run_command("restore", copy).output


def test_an_opt_out_of_a_kind_that_is_not_known_here_stops_the_messages(
    installation, tmp_path, request, backup
):
    copy = backup()
    unknown = "beam_up 0 00 1 stop"
    with suppression_journal.path().open("ab") as file:
        file.write(f"{unknown} {suppression_journal._check(unknown.encode())}\n".encode())

    with elsewhere(installation, tmp_path, request):
        assert "NO INVITATION" in run_command("restore", copy).output
    assert config.current() == installation


def test_opt_outs_pseudonymous_with_a_key_that_is_not_here_stop_the_messages(
    installation, tmp_path, request, backup
):
    """With the keys of the backup's day, nobody is found by a newer key's pseudonym."""
    shop = sample_orders.shop(delay=3, delay_unit="days")
    with clock.at(NOON):
        sample_orders.invited(shop)
        copy = backup()
        old = (installation.data / "keys" / "lookup").read_text()
        keyring.rotate("lookup")
        with db.transaction() as session:
            opt_out(session, JAN, shop.id, "stop", NOON)

        with elsewhere(installation, tmp_path, request) as there:
            (there.data / "keys" / "lookup").write_text(old)
            done = run_command("restore", copy)

            assert "folder keys is older" in done.output
            assert sample_orders.sent(now=NOON + 3 * DAY).messages == []
        with elsewhere(installation, tmp_path, request, name="with-all"):
            assert "NO INVITATION" not in run_command("restore", copy).output
            assert sample_orders.sent(now=NOON + 3 * DAY).messages == []

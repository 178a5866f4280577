import pytest
from click.testing import CliRunner
from sqlalchemy import update

from tests.reviews.sample_reviews import order, shop
from trustsvc import cli
from trustsvc.orders import buyer
from trustsvc.privacy.models import receipts
from trustsvc.storage import db

pytestmark = pytest.mark.slow


def _run(*words):
    return CliRunner().invoke(cli.main, ["purge", *words])


def test_a_dry_run_counts_what_would_go_and_deletes_nothing(installation):
    never = order(shop())

    output = _run("--dry-run").stdout

    assert "1  buyer_contact: name, address" in output
    assert "dry run" in output
    with db.reading() as session:
        assert buyer.read(session, [never])


def test_a_purge_says_what_went_and_then_has_nothing_to_do(installation):
    order(shop())

    assert "1  buyer_contact" in _run().stdout
    assert "Nothing is due." in _run().stdout
    assert "Nothing is due." in _run("--dry-run").stdout


def test_the_receipts_are_listed_and_checked(installation):
    assert "chain of receipts is intact" in _run("--receipts").stdout
    order(shop())
    _run()

    output = _run("--receipts").stdout
    assert "1  buyer_contact, before" in output
    assert "chain of receipts is intact" in output

    with db.transaction() as session:
        session.execute(update(receipts).values(number=0))
    broken = _run("--receipts")
    assert broken.exit_code == 1
    assert "broken" in broken.output


def test_a_dry_run_says_what_goes_next_a_rule(installation):
    never = order(shop())
    (installation.data / "log").mkdir(exist_ok=True)

    output = _run("--dry-run").stdout

    assert "now               buyer_contact" in output
    assert "-                 publication: until the author withdraws it" in output
    assert "-                 review: nothing to delete" in output
    assert "up to you" not in output
    with db.reading() as session:
        assert buyer.read(session, [never])


@pytest.mark.parametrize(
    "installation", [{"TRUSTSVC_MAIL_URL": "maildir:/somewhere"}], indirect=True
)
def test_a_maildir_of_the_operators_own_is_named_as_theirs(installation):
    assert "up to you" in _run("--dry-run").stdout

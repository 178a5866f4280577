"""The notice has a row for each kind of data that a rule keeps about a buyer."""

import pytest

from tests.reviews.sample_reviews import shop
from trustsvc import i18n
from trustsvc.invitations.planning import frequency_cap
from trustsvc.privacy.documents import data_inventory, notice
from trustsvc.privacy.documents.activities import IN_FILES

# The row of the notice for what a rule keeps. A new personal column is in a row only once
# somebody has looked whether the words of that row (privacy.notice.<row>_data) tell of it.
STATED = {
    "invite": {("buyer_contact", holds) for holds in ("name", "address", "order", "detail")},
    "delivery": {
        *(("maildir", holds) for holds in ("name", "address", "pseudonym")),
        ("domain_throttle", "pseudonym"),
    },
    "check": {
        ("opt_out", "pseudonym"),
        ("restriction", "pseudonym"),
        ("suppression_journal", "pseudonym"),
    },
    "register": {
        ("pending_registration", "contact"),
        ("pending_registration", "pseudonym"),
        ("registration", "pseudonym"),
        ("registration", "detail"),
    },
    "frequency_cap": {("frequency_cap", "pseudonym")},
    "duplicates": {("webhook_delivery", "pseudonym")},
    "answers": {("transactional_mail", one) for one in ("contact", "pseudonym", "name", "address")},
    "review": {
        ("publication", "published"),
        ("reply", "published"),
        *(("review", one) for one in ("opinion", "name", "place")),
    },
    "author": {("review", one) for one in ("address", "order", "detail", "pseudonym")},
    "log": {("server_log", "traffic")},
    "security": {("security_events", "traffic")},
    "requests": set(),  # that something was asked: nobody is named
    "decisions": {("decision_log", "pseudonym"), ("decision_log", "detail")},
}
OF_NO_BUYER = ("staff", "secret")


def _kept():
    columns = {(one.info["retention"], one.info["category"]) for one in data_inventory.personal()}
    files = {(rule, holds) for rule, held in IN_FILES.items() for holds in held}
    return {pair for pair in columns | files if pair[1] not in OF_NO_BUYER}


def test_the_notice_has_a_row_for_each_rule_about_buyers():
    stated = [pair for row in STATED.values() for pair in row]

    assert _kept() - set(stated) == set()
    assert set(stated) - _kept() == set()  # no row without data
    assert len(stated) == len(set(stated))


def test_the_rows_are_those_of_the_notice(installation):
    assert [one.name for one in notice.purposes(shop(), 90)] == list(STATED)


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_a_row_that_tells_of_a_hash_says_so(language):
    hash_of = {"en": "one-way hash", "nl": "eenrichtingshash", "de": "Einweg-Hash"}
    word = hash_of.get(language, "empreinte").casefold()
    rows = {row for row, pairs in STATED.items() for _, holds in pairs if holds == "pseudonym"}
    words = i18n.catalogue(language)
    silent = {row for row in rows if word not in words[f"privacy.notice.{row}_data"].casefold()}

    assert silent == set()


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_the_notice_says_how_long_at_most_a_buyer_who_never_answers_is_recognised(
    installation, language
):
    row = next(one for one in notice.purposes(shop(), 90) if one.name == "frequency_cap")

    assert row.longest == frequency_cap.LONGEST.days > row.days
    assert "{longest}" in i18n.catalogue(language)["privacy.notice.frequency_cap_kept"]

"""The documents follow from column tags, retention rules and settings."""

from dataclasses import replace

import pytest

from tests.reviews.sample_reviews import shop
from trustsvc import clock, config, i18n
from trustsvc.privacy.documents import data_inventory, documents
from trustsvc.privacy.retention.rules import RULES
from trustsvc.storage import db

pytestmark = pytest.mark.slow

SMTP = "smtps://user:password@smtp.example.com:465"


def made(settings=None, now=None):
    with db.reading() as session:
        return documents.render_all(session, settings or config.current(), now or clock.now())


def test_there_is_a_record_an_annex_and_a_notice_a_shop_in_every_language(installation):
    shop()

    names = {f"{n}.{lang}.html" for n in ("record", "annex") for lang in i18n.LANGUAGES}
    assert names | {f"notice.velo-fils.{lang}.html" for lang in i18n.LANGUAGES} == set(made())


def test_the_same_input_gives_the_same_bytes(installation):
    shop()
    now = clock.now()

    assert made(now=now) == made(now=now)


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_every_stored_column_and_every_rule_is_in_the_record(installation, language):
    page = made()[f"record.{language}.html"]

    for column in data_inventory.columns():
        assert f"<td>{column}</td>" in page
        assert i18n.translate(f"documents.category.{column.info['category']}", language) in page
    for rule in RULES.values():
        assert str(i18n.translate_html("documents.text.kept", language)) in page
        assert documents.rule_texts(rule, language)[0] in page.replace("&#39;", "'")
    assert "{" not in page.partition("</style>")[2]


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_each_rule_is_translated(language):
    words = i18n.catalogue(language)

    for code in RULES:
        for part in ("what", "since"):
            assert words[f"documents.rule.{code}.{part}"]


def _column(name):
    return next(one for one in data_inventory.columns() if str(one) == name)


@pytest.mark.parametrize(
    ("tag", "value"),
    [("purpose", "to sell it"), ("retention", "publication"), ("category", "traffic")],
)
def test_another_tag_makes_another_record(installation, monkeypatch, tag, value):
    before = made()["record.en.html"]
    monkeypatch.setitem(_column("orders.name").info, tag, value)

    assert made()["record.en.html"] != before


def test_the_annex_names_what_a_column_holds(installation, monkeypatch):
    name = i18n.translate("documents.category.traffic", "en")
    before = made()["annex.en.html"]
    monkeypatch.setitem(_column("orders.name").info, "category", "traffic")

    assert name not in before
    assert name in made()["annex.en.html"]


@pytest.mark.parametrize("paper", ["record", "annex"])
def test_another_period_makes_other_documents(installation, monkeypatch, paper):
    monkeypatch.setitem(RULES, "buyer_contact", replace(RULES["buyer_contact"], days=77))

    assert "77 days" in made()[f"{paper}.en.html"]


def test_another_setting_makes_other_documents(installation):
    shop()
    before = made()
    changed = replace(
        installation, mail_url=SMTP, log_days=12, operator="Example BV", authority="The Authority"
    )
    after = made(changed)

    for paper in ("record.nl.html", "annex.nl.html"):
        assert before[paper] != after[paper]
        assert "Example BV" in after[paper]
        assert "The Authority" in after[paper]
        assert "smtp.example.com" in after[paper]
    assert "12 dagen" in after["record.nl.html"]
    assert "Example BV" in after["notice.velo-fils.nl.html"]


def test_hosts_outside_the_eu_list_are_named_as_transfers_to_be_looked_at(installation):
    page = made(replace(installation, mail_url=SMTP))["record.en.html"]
    listed = made(replace(installation, mail_url=SMTP, eu_only=("smtp.example.com",)))[
        "record.en.html"
    ]

    assert "Not known for: smtp.example.com" in page
    assert "Not known for" not in listed
    assert "EU, as the operator states" in listed


def test_no_document_holds_a_password_of_the_settings(installation):
    with_secrets = replace(
        installation,
        mail_url=SMTP,
        database_url=installation.database_url,
        redis_url="rediss://:hush-hush@redis.example.com",
    )

    for text in made(with_secrets).values():
        assert "user:password" not in text
        assert "hush-hush" not in text


def test_what_a_shop_is_called_cannot_break_the_page(installation):
    shop("<b>Bold</b> & Co")

    for text in made().values():
        assert "<b>Bold" not in text

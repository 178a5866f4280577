"""Each version of a notice, and since when it held, can be read for ever."""

import shutil
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from sqlalchemy import func, select, update

from jobs.record_notice_versions import record_notice_versions
from tests.reviews.sample_reviews import shop
from trustsvc import clock, config, i18n
from trustsvc.errors import NotFound
from trustsvc.privacy.documents import notice, notice_history
from trustsvc.privacy.models import notice_versions
from trustsvc.shops.models import shops
from trustsvc.storage import db

pytestmark = pytest.mark.slow

ENGLISH = {"Accept-Language": "en"}
DAY = timedelta(days=1)


def kept():
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(notice_versions))


def change(**values):
    with db.transaction() as session:
        session.execute(update(shops).values(**values))


def test_a_new_shop_has_a_first_version_in_every_language(installation):
    shop()
    record_notice_versions()

    assert kept() == len(i18n.LANGUAGES)


def test_the_same_words_are_no_new_version_however_often(installation):
    shop()
    for _ in range(3):
        record_notice_versions()
    with clock.at(clock.now() + 40 * DAY):
        record_notice_versions()

    assert kept() == len(i18n.LANGUAGES)


def test_an_unchanged_shop_is_not_written_again_to_compare(installation, monkeypatch):
    shop()
    shop("Acme")
    written = []
    text = notice.text
    monkeypatch.setattr(
        notice, "text", lambda at_shop, *rest: written.append(at_shop.slug) or text(at_shop, *rest)
    )
    record_notice_versions()
    first = set(written)
    written.clear()
    record_notice_versions()

    assert first == {"velo-fils", "acme"}
    assert written == []


def test_the_same_words_from_something_else_are_no_new_version(installation):
    made = shop()
    record_notice_versions()
    before = recorded_digest(made)
    change(reply_to="shop@shop.example")
    record_notice_versions()

    assert kept() == len(i18n.LANGUAGES)
    assert recorded_digest(made) != before
    with db.reading() as session:
        assert notice_history.changed_notices(session, installation) == []


def recorded_digest(made):
    table = notice_versions.c
    with db.reading() as session:
        digests = session.scalars(
            select(table.inputs_digest).where(table.shop_id == made.id, table.version == 1)
        ).all()
    assert len(digests) == len(i18n.LANGUAGES)
    (only,) = set(digests)
    return only


@pytest.mark.parametrize("path", ["privacy/notice_text.html", "words/en/privacy.toml"])
def test_another_word_in_a_template_or_catalogue_is_seen(installation, tmp_path, monkeypatch, path):
    made = shop()
    copied = tmp_path / "templates"
    shutil.copytree(i18n.folder(), copied)
    before = notice.inputs_digest(made, installation)
    words = (copied / path).read_text()
    (copied / path).write_text(words.replace('= "', '= "Zq ', 1) + "\n")
    monkeypatch.setattr(i18n, "folder", lambda: copied)
    notice._words_digest.cache_clear()
    rendered_from_memory = notice.inputs_digest(made, installation)
    i18n.catalogue.cache_clear()  # as a start does
    notice._words_digest.cache_clear()
    after = notice.inputs_digest(made, installation)
    i18n.catalogue.cache_clear()
    notice._words_digest.cache_clear()

    assert after != before
    if path.endswith(".toml"):
        assert rendered_from_memory == before


def test_two_at_once_write_one_version(installation):
    shop()
    with db.reading() as session:
        new = notice_history.changed_notices(session, installation)
    for _ in range(2):
        with db.transaction() as session:
            notice_history.record(session, new, clock.now())

    assert kept() == len(i18n.LANGUAGES)


@pytest.mark.parametrize(
    "changes", [{"cap_days": 200}, {"name": "Another"}, {"may_ask": "consent"}, {"wording": "Hm."}]
)
def test_another_shop_setting_is_a_new_version(installation, changes):
    shop()
    record_notice_versions()
    change(**changes)
    record_notice_versions()

    assert kept() == 2 * len(i18n.LANGUAGES)


@pytest.mark.parametrize(
    "changes", [{"operator": "Other BV"}, {"log_days": 30}, {"authority": "X"}]
)
def test_another_setting_of_the_operator_is_a_new_version(installation, changes):
    shop()
    record_notice_versions()
    config.use(replace(installation, **changes))
    record_notice_versions()

    assert kept() == 2 * len(i18n.LANGUAGES)


def test_a_version_is_known_by_its_hash(installation):
    shop()
    record_notice_versions()

    with db.reading() as session:
        rows = session.execute(select(notice_versions)).all()
    for row in rows:
        digest = hashes.Hash(hashes.SHA256())
        digest.update(row.text.encode())
        assert digest.finalize() == bytes(row.digest)


def test_the_page_shows_what_is_true_before_it_was_written_down(client):
    shop()
    record_notice_versions()
    change(cap_days=200)

    page = client.get("/privacy/velo-fils", headers=ENGLISH).text

    assert "Version 2 of" in page
    assert "200 days" in page
    assert kept() == len(i18n.LANGUAGES)  # looking changes nothing


def test_earlier_versions_stay_readable_word_by_word_with_their_dates(client):
    shop()
    start = clock.now()
    record_notice_versions()
    with clock.at(start + 40 * DAY):
        change(cap_days=200)
        record_notice_versions()
        now = client.get("/privacy/velo-fils", headers=ENGLISH).text
        old = client.get("/privacy/velo-fils/1", headers=ENGLISH).text

    first, second = i18n.format_date(start, "en"), i18n.format_date(start + 40 * DAY, "en")
    assert f"Version 2 of {second}" in now
    assert 'href="/privacy/velo-fils/1"' in now
    assert f"Version 1 of {first}" in now
    assert f"Version 1 of {first}" in old
    assert "200 days" in now
    assert "200 days" not in old
    assert "earlier version" in old


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_each_version_has_the_right_to_object_and_the_authority(client, language):
    shop()
    config.use(replace(config.current(), authority="The Authority"))
    record_notice_versions()

    page = client.get("/privacy/velo-fils/1", headers={"Accept-Language": language}).text

    assert str(i18n.translate_html("privacy.notice.object_title", language)) in page
    assert "The Authority" in page
    assert 'id="object"' in page


@pytest.mark.parametrize("path", ["2", "0", "99999999999999999999", "-1", "x"])
def test_a_version_that_never_was_is_not_there(client, path):
    shop()
    record_notice_versions()

    assert client.get(f"/privacy/velo-fils/{path}").status_code == 404


def test_one_shops_version_is_not_anothers(client):
    shop()
    record_notice_versions()
    shop("Acme")

    assert client.get("/privacy/acme/1").status_code == 404


def test_a_version_that_was_never_in_force_cannot_be_read(installation):
    made = shop()
    with db.reading() as session, pytest.raises(NotFound):
        notice_history.get(session, made.id, 1, "en")

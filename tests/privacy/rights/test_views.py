"""What the page of my data says: all that is known, who holds it, and what it cannot know."""

import dataclasses

import pytest

from tests.invitations import sample_orders
from tests.invitations.sample_orders import NOON, quiet
from tests.privacy.rights import my_data_pages
from trustsvc import clock, config, i18n
from trustsvc.crypto import signed_links
from trustsvc.privacy.documents import processors
from trustsvc.privacy.rights import people
from trustsvc.privacy.rights.confirmation import my_data_link
from trustsvc.registry import double_opt_in, registration
from trustsvc.storage import db


@pytest.fixture(autouse=True)
def noon():
    with clock.at(NOON):
        yield


def registered(address=my_data_pages.JAN):
    with quiet(), db.transaction() as session:
        registration.register(session, address, "v1", "page", NOON)
        return registration.leave_link_id(session, address)


def own_page(client, address=my_data_pages.JAN):
    """Open the link that /me would mail."""
    with quiet(), db.transaction() as session:
        person = people.with_language(people.by_address(session, address), "en")
        path = my_data_link(session, person, NOON).partition("8000")[2]
    return client.get(path).text


def elsewhere(installation):
    """Give settings by which each kind of processor is somewhere else."""
    return config.load(
        {
            "TRUSTSVC_DATA": str(installation.data),
            "TRUSTSVC_MAIL_URL": "smtps://u:p@smtp.example.com:465",
            "TRUSTSVC_DATABASE_URL": "postgresql://u@db.example.com/x",
            "TRUSTSVC_REDIS_URL": "rediss://:secret@redis.example.com",
            "TRUSTSVC_TRUSTED_PROXIES": "192.0.2.7",
        }
    )


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_each_processor_has_a_sentence_of_its_kind_and_its_categories(installation, language):
    def words(key, **fields):
        return str(i18n.translate_html(key, language, **fields))

    found = processors.list_processors(elsewhere(installation))
    page = (
        i18n.environment()
        .get_template("privacy/processors.html")
        .render(translate=i18n.translate_html, language=language, operator="Us", processors=found)
    )

    assert {one.kind for one in found} == {"mail", "database", "redis", "proxy"}
    lines = dict(zip([one.kind for one in found], page.split("<li>")[2:], strict=True))
    for one in found:
        line = lines[one.kind]
        assert words(f"rights.processor.{one.kind}", host=one.host) in line
        for name in (*one.clear, *one.encrypted):
            assert words(f"documents.category.{name}") in line
    assert words("documents.text.encrypted") in lines["database"]
    assert words("documents.text.clear") not in lines["redis"]


def test_the_page_has_them_by_the_live_settings(client, installation):
    order_id = sample_orders.invited(sample_orders.shop())
    changed = elsewhere(installation)
    config.use(
        dataclasses.replace(
            installation, mail_url=changed.mail_url, trusted_proxies=changed.trusted_proxies
        )
    )

    page = client.get(my_data_pages.path(order_id)).text

    assert "smtp.example.com bezorgt de e-mails." in page
    assert "192.0.2.7 staat vóór deze pagina" in page
    assert "192.0.2.7 bezorgt" not in page


def test_a_review_is_shown_with_its_words_and_stars(client):
    page = client.get(my_data_pages.path(my_data_pages.reviewed(sample_orders.shop()))).text

    for part in (
        "5 van 5 sterren",
        "Snel",
        my_data_pages.TEXT,
        "Jan J.",
        my_data_pages.CITY,
        my_data_pages.JAN,
    ):
        assert part in page


def test_a_link_whose_address_is_erased_does_not_say_what_it_cannot_know(client):
    order_id = sample_orders.invited(sample_orders.shop())
    registered()
    before = client.get(my_data_pages.path(order_id)).text
    my_data_pages.post(client, order_id, "object")

    page = client.get(my_data_pages.path(order_id)).text

    assert "Geregistreerd op" in before
    assert "Je bent niet bij deze dienst geregistreerd" not in page
    assert "kan deze link niet zeggen" in page
    assert '<a href="/me">' in page


def test_who_is_only_registered_sees_that_and_may_unregister(client):
    sample_orders.shop()
    way_out = registered()

    page = own_page(client)

    assert "Nothing leads to you" not in page
    assert "No order and no review of yours is kept here." in page
    assert f'href="{signed_links.url("leave", way_out)}"' in page


def test_a_registration_that_waits_is_shown(client):
    shop = sample_orders.shop()
    with quiet(), db.transaction() as session:
        double_opt_in.request_registration(
            session,
            double_opt_in.RegistrationRequest(my_data_pages.JAN, shop.id, "en", "page"),
            NOON,
        )

    page = own_page(client)

    assert "A registration was asked for on June 10, 2026 and is not confirmed yet." in page
    assert "Nothing leads to you" not in page


def test_of_whom_nothing_is_kept_the_page_says_so(client):
    sample_orders.shop()

    page = own_page(client, "stranger@mail.example")

    assert "Nothing leads to you any more" in page
    assert "You are not registered with this service." in page
    assert "/again" not in page


def test_a_link_whose_time_is_over_leads_on_to_a_fresh_one(client):
    sample_orders.invited(sample_orders.shop())
    with quiet(), db.transaction() as session:
        path = my_data_link(session, people.by_address(session, my_data_pages.JAN), NOON).partition(
            "8000"
        )[2]

    with clock.at(NOON.replace(year=2027)):
        late = client.get(path, headers={"Accept": "text/html", "Accept-Language": "en"})

    assert late.status_code == 410
    assert '<a href="/me">' in late.text

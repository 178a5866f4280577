import pytest
from sqlalchemy import select

from tests.reviews.at_the_desk import invitation, order, review, shop
from trustsvc import clock, db, signed_links, wording
from trustsvc.invitations.models import invitations
from trustsvc.privacy import my_data
from trustsvc.reviews import withdraw


def _me(link_id):
    return f"/me/{signed_links.token('me', link_id)}"


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_the_notice_is_whole_in_every_language(client, language):
    shop()
    answer = client.get("/privacy/velo-fils", headers={"Accept-Language": language})

    page = answer.text
    assert answer.status_code == 200
    assert f'<html lang="{language}">' in page
    for part in ("Vélo &amp; Fils", "shop.example.com", "90", "privacy@localhost", "2026"):
        assert part in page
    for key in ("object_title", "authority_title", "rights_title"):
        assert str(wording.say_marked(f"privacy.notice.{key}", language)) in page
    assert "{" not in page


@pytest.mark.parametrize("may_ask", ["registered", "consent", "customers"])
def test_the_notice_names_the_legal_ground_of_this_shop(client, may_ask):
    from trustsvc.shops import enrol

    new = enrol.Enrolment("Acme", "acme.example", "standard", may_ask=may_ask)
    with db.transaction() as session:
        enrol.enrol(session, new, clock.now())

    page = client.get("/privacy/acme", headers={"Accept-Language": "en"}).text

    assert str(wording.say_marked(f"privacy.notice.basis_{may_ask}", "en")) in page


def test_an_unknown_shop_has_no_notice(client):
    assert client.get("/privacy/nobody").status_code == 404


def test_asking_for_my_data_answers_the_same_to_everybody(client):
    made = shop()
    invitation(made, order(made))
    known = client.post("/me", data={"email": "buyer@example.com"})
    unknown = client.post("/me", data={"email": "stranger@example.com"})

    assert known.status_code == 200
    assert known.data == unknown.data == client.get("/me").data
    assert b"@example.com" not in known.data


def test_my_data_shows_what_is_kept_and_never_the_whole_address(client):
    made = shop()
    _, link_id = invitation(made, order(made, shipped_at=clock.now()))

    page = client.get(_me(link_id)).text

    assert "b…@e….com" in page
    assert "buyer@example.com" not in page
    assert "1001" not in page
    assert "verstuurd op" in page
    for part in ("/u/", "/r/", "/privacy/velo-fils"):
        assert part in page


def test_my_data_knows_the_review_and_forgets_a_withdrawn_one(client):
    public_id = review(shop())
    with db.reading() as session:
        link_id = session.scalar(select(invitations.c.link))
    assert "Geschreven op" in client.get(_me(link_id)).text
    assert "b…@e….com" in client.get(_me(link_id)).text

    with db.transaction() as session:
        withdraw.withdraw(session, public_id, clock.now())

    page = client.get(_me(link_id)).text
    assert "Geschreven op" not in page
    assert "Wordt niet meer bewaard" in page


def test_a_review_link_does_not_open_my_data(client):
    made = shop()
    _, link_id = invitation(made, order(made))

    assert client.get(f"/me/{signed_links.token('review', link_id)}").status_code == 404


def test_looking_at_my_data_is_private(client):
    made = shop()
    answer = client.get(_me(invitation(made, order(made))[1]))

    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("ada@example.com", "a…@e….com"),
        ("a@b.c", "a…@b….c"),
        ("a@localhost", "a…@l…"),
        ("", ""),
        ("nonsense", ""),
        ("@x", ""),
        ("x@", ""),
    ],
)
def test_an_address_is_shown_to_its_owner_only(address, shown):
    assert my_data.mask(address) == shown

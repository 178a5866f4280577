import pytest
from sqlalchemy import select

from tests.reviews.sample_reviews import invitation, order, review, shop
from trustsvc import clock
from trustsvc.crypto import signed_links
from trustsvc.invitations.models import invitations
from trustsvc.orders.platform_status import ParcelState
from trustsvc.reviews import withdraw
from trustsvc.storage import db


def _me(link_id):
    return f"/me/{signed_links.token('me', link_id)}"


def test_asking_for_my_data_answers_the_same_to_everybody(client):
    made = shop()
    invitation(made, order(made))
    known = client.post("/me", data={"email": "buyer@mail.example"})
    unknown = client.post("/me", data={"email": "stranger@mail.example"})

    assert known.status_code == 200
    assert known.data == unknown.data
    assert b"@mail.example" not in known.data


def test_my_data_shows_what_is_kept_the_whole_address_too(client):
    made = shop()
    day = clock.now()
    moments = dict.fromkeys(("paid_at", "shipped_at", "delivery_at"), day) | {
        "paid": True,
        "fulfilled": True,
        "delivery": ParcelState.DELIVERED,
    }
    _, link_id = invitation(made, order(made, consent=True, **moments))

    page = client.get(_me(link_id)).text

    assert "<dd>buyer@mail.example</dd>" in page
    for part in ("Ada Lovelace", "1001", "nl-NL", "verstuurd op", "<dd>Ja</dd>"):
        assert part in page
    for words in ("geplaatst op", "betaald op", "verzonden op", "bezorgd op", "aan ons gemeld op"):
        assert words in page
    assert "geannuleerd op" not in page
    for part in ("/u/", "/r/", "/privacy/velo-fils"):
        assert part in page


@pytest.mark.parametrize(
    ("consent", "words"), [(True, "Ja"), (False, "Nee"), (None, "Dat zegt de")]
)
def test_my_data_says_whether_the_order_carried_consent(client, consent, words):
    made = shop()
    _, link_id = invitation(made, order(made, consent=consent))

    assert f"<dd>{words}" in client.get(_me(link_id)).text


def test_my_data_after_the_review_shows_the_name_and_number_it_was_written_with(client):
    review(shop())
    with db.reading() as session:
        link_id = session.scalar(select(invitations.c.link))

    page = client.get(_me(link_id)).text

    assert "Ada L." in page
    assert "1001" in page
    assert "Ada Lovelace" not in page


def test_my_data_knows_the_review_and_erases_a_withdrawn_one(client):
    public_id = review(shop())
    with db.reading() as session:
        link_id = session.scalar(select(invitations.c.link))
    assert "Geschreven op" in client.get(_me(link_id)).text
    assert "buyer@mail.example" in client.get(_me(link_id)).text

    with db.transaction() as session:
        withdraw.withdraw(session, public_id, clock.now())

    page = client.get(_me(link_id)).text
    assert "Geschreven op" not in page
    assert "Wordt niet meer bewaard" in page
    assert "buyer@mail.example" not in page


def test_a_review_link_does_not_open_my_data(client):
    made = shop()
    _, link_id = invitation(made, order(made))

    assert client.get(f"/me/{signed_links.token('review', link_id)}").status_code == 404


def test_looking_at_my_data_is_private(client):
    made = shop()
    answer = client.get(_me(invitation(made, order(made))[1]))

    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"

import html

import pytest

from tests.reviews.sample_reviews import shop
from tests.staff.signed_in_staff import sign_in
from trustsvc.badge import embed_code


@pytest.fixture
def desk(client):
    sign_in(client)
    return client


@pytest.mark.parametrize("language", ["nl", "de", "en", "fr"])
def test_every_kind_is_there_to_copy_for_every_shop_and_in_every_language(desk, language):
    shops = [shop(), shop("Other")]

    answer = desk.get("/desk/badge", headers={"Accept-Language": language})

    assert f'lang="{language}"' in answer.text
    for one in shops:
        for written in embed_code.for_shop(one).values():
            assert html.unescape(answer.text).count(written) >= 1


def test_a_hostile_name_is_inert_at_the_desk(desk):
    shop("<script>alert(1)</script>")

    page = desk.get("/desk/badge").text

    assert "<script" not in page


def test_it_is_for_staff_alone(client):
    assert client.get("/desk/badge").status_code == 303


def test_without_a_shop_the_desk_says_so(desk):
    assert "No shop" in desk.get("/desk/badge", headers={"Accept-Language": "en"}).text

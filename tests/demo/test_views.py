import pytest

from tests.reviews.at_the_desk import shop
from trustsvc import config

demo = pytest.mark.parametrize("house", [{"TRUSTSVC_DEMO": "1"}], indirect=True)

LETTER = (
    "To: Ada <ada@example.com>\r\nSubject: <script>alert(1)</script>\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n\r\n"
    "Hello <b>Ada</b>\r\nhttp://127.0.0.1:8000/r/abc\r\nhttps://elsewhere.example/\r\n"
)


def _post(house):
    folder = house.data / "mail" / "new"
    folder.mkdir(parents=True)
    (folder / "1.a").write_text(LETTER)


@demo
def test_the_mailbox_lists_letters_and_makes_only_our_links_clickable(house, client):
    _post(house)

    listed = client.get("/demo/").text
    letter = client.get("/demo/mail/1.a").text

    assert 'href="/demo/mail/1.a"' in listed
    assert "<script" not in listed + letter
    assert '<a href="http://127.0.0.1:8000/r/abc">' in letter
    assert 'href="https://elsewhere' not in letter


@demo
@pytest.mark.parametrize("name", ["2.b", "..%2f..%2fkeys", "%00", "new"])
def test_a_letter_that_is_not_there_is_a_404(house, client, name):
    _post(house)

    assert client.get(f"/demo/mail/{name}").status_code == 404


@demo
def test_the_demo_shop_embeds_the_badge_under_a_strict_policy(house, client):
    made = shop()

    answer = client.get(f"/demo/shop/{made.slug}")

    assert f'<review-badge shop="{made.slug}">' in answer.text
    assert "trusted-types 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_without_the_setting_there_is_no_demo(client):
    assert not config.current().demo
    for path in ("/demo/", "/demo/mail/1.a", "/demo/shop/velo-fils"):
        assert client.get(path).status_code == 404

import pytest

from tests.reviews.sample_reviews import shop
from trustsvc import config

demo = pytest.mark.parametrize("installation", [{"TRUSTSVC_DEMO": "1"}], indirect=True)

LETTER = (
    "To: Ada <ada@mail.example>\r\nSubject: <script>alert(1)</script>\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n\r\n"
    "Hello <b>Ada</b>\r\nhttp://127.0.0.1:8000/r/abc\r\nhttps://elsewhere.example/\r\n"
)


def _post(installation):
    folder = installation.data / "mail" / "new"
    folder.mkdir(parents=True)
    (folder / "1.a").write_text(LETTER)


@demo
def test_the_mailbox_lists_emails_and_makes_only_our_links_clickable(installation, client):
    _post(installation)

    listed = client.get("/demo/").text
    text = client.get("/demo/mail/1.a").text

    assert 'href="/demo/mail/1.a"' in listed
    assert "<script" not in listed + text
    assert '<a href="http://127.0.0.1:8000/r/abc">' in text
    assert 'href="https://elsewhere' not in text


BOTH = (
    "To: Ada <ada@mail.example>\r\nSubject: Hello\r\n"
    'Content-Type: multipart/alternative; boundary="x"\r\n\r\n'
    "--x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello\r\n"
    "--x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    '<p style="color:red">Hello é</p>\r\n--x--\r\n'
)


@demo
def test_an_email_is_shown_as_mail_programs_do_with_its_own_styles_and_nothing_else(
    installation, client
):
    _post(installation)
    (installation.data / "mail" / "new" / "2.b").write_text(BOTH)

    answer = client.get("/demo/mail/2.b/html")

    assert '<p style="color:red">Hello é</p>' in answer.text
    assert answer.mimetype == "text/html"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'; style-src 'unsafe-inline';" in policy
    assert 'href="/demo/mail/2.b/html"' in client.get("/demo/mail/2.b").text
    assert "unsafe" not in client.get("/demo/mail/2.b").headers["Content-Security-Policy"]


@demo
@pytest.mark.parametrize("name", ["1.a", "3.c", "..%2f..%2fkeys", "%00", "new"])
def test_an_email_without_html_or_none_is_a_404_under_the_usual_policy(installation, client, name):
    _post(installation)

    answer = client.get(f"/demo/mail/{name}/html")

    assert answer.status_code == 404
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


@demo
def test_the_mailbox_says_how_to_get_to_the_desk(client):
    page = client.get("/demo/").text

    assert "trustsvc staff add" in page
    assert 'href="/desk/"' in page


@demo
@pytest.mark.parametrize("path", ["/demo/", "/me", "/desk/enter"])
def test_every_page_has_an_icon_of_its_own(installation, client, path):
    assert '<link rel="icon" type="image/svg+xml" href="/static/icon.svg">' in client.get(path).text

    icon = client.get("/static/icon.svg")
    assert (icon.status_code, icon.mimetype) == (200, "image/svg+xml")
    assert b"script" not in icon.data


@demo
@pytest.mark.parametrize("name", ["2.b", "..%2f..%2fkeys", "%00", "new"])
def test_an_email_that_is_not_there_is_a_404(installation, client, name):
    _post(installation)

    assert client.get(f"/demo/mail/{name}").status_code == 404


@demo
def test_the_demo_shop_embeds_the_badge_under_a_strict_policy(installation, client):
    made = shop()

    answer = client.get(f"/demo/shop/{made.slug}")

    assert f'<review-badge shop="{made.slug}">' in answer.text
    assert "trusted-types 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


@demo
def test_the_page_after_an_order_has_the_card_under_a_strict_policy(installation, client):
    made = shop()

    answer = client.get(f"/demo/thanks/{made.slug}")

    assert '<review-card shop="velo-fils" email="ada@mail.example" lang=' in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "trusted-types 'none'" in policy
    assert f"form-action 'self' {installation.base_url};" in policy
    assert "unsafe" not in policy


def test_without_the_setting_there_is_no_demo(client):
    assert not config.current().demo
    for path in (
        "/demo/",
        "/demo/mail/1.a",
        "/demo/mail/1.a/html",
        "/demo/shop/velo-fils",
        "/demo/thanks/x",
    ):
        assert client.get(path).status_code == 404

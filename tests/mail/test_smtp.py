import contextlib
import ipaddress
import socket
import ssl
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.mail.mail_server import GOOD, MailServer
from tests.mail.test_message import email_message
from trustsvc import config
from trustsvc.mail import smtp, smtp_connection, smtp_dialogue, smtp_session, transport
from trustsvc.mail.message import SendResult, SendStatus

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def settings(tmp_path):
    config.use(config.load({"TRUSTSVC_DATA": str(tmp_path)}))
    yield
    config.use(None)


class EndOfData:
    def __init__(self):
        self.count = 0

    def __call__(self):
        self.count += 1


def post(url, *email_messages, end_of_data=None):
    with transport.open_transport(url) as mail_transport:
        return [
            mail_transport.send(one, end_of_data or EndOfData())
            for one in email_messages or (email_message(),)
        ]


WAYS = [("PIPELINING", "8BITMIME"), ("8BITMIME",), ()]


@pytest.mark.parametrize("offers", WAYS)
def test_three_messages_go_over_one_connection(offers):
    end_of_data = EndOfData()
    with MailServer(offers=offers) as server:
        outcomes = post(
            server.url,
            *(email_message(subject=f"no {n}") for n in range(3)),
            end_of_data=end_of_data,
        )

    assert outcomes == [SendResult(SendStatus.SENT)] * 3
    assert (server.connections, end_of_data.count) == (1, 3)
    assert not server.did_not_wait
    subjects = [
        message_from_bytes(one, policy=policy.default)["Subject"] for one in server.messages
    ]
    assert subjects == ["no 0", "no 1", "no 2"]


@pytest.mark.parametrize("offers", WAYS)
@pytest.mark.parametrize(
    ("step", "answer", "status", "problem"),
    [
        ("MAIL", "451 later", SendStatus.DEFERRED, "smtp_451"),
        ("MAIL", "421 closing", SendStatus.DEFERRED, "smtp_421"),
        (
            "MAIL",
            "550 5.7.1 you again",
            SendStatus.DEFERRED,
            "smtp_550",
        ),  # we are refused, not the buyer
        ("RCPT", "421 closing", SendStatus.DEFERRED, "smtp_421"),
        ("RCPT", "450 greylisted", SendStatus.DEFERRED, "smtp_450"),
        ("RCPT", "452 4.2.2 full", SendStatus.DEFERRED, "smtp_452"),
        ("RCPT", "550 5.1.1 nobody", SendStatus.REFUSED, "smtp_550"),
        ("RCPT", "552 5.2.2 mailbox full", SendStatus.DEFERRED, "smtp_552"),
        ("RCPT", "nonsense", SendStatus.DEFERRED, "smtp_garbled"),
        ("DATA", "451 later", SendStatus.DEFERRED, "smtp_451"),
        ("DATA", "554 no", SendStatus.REFUSED, "smtp_554"),
        ("DOT", "421 closing", SendStatus.DEFERRED, "smtp_421"),
        ("DOT", "451 later", SendStatus.DEFERRED, "smtp_451"),
        ("DOT", "550 5.7.1 policy", SendStatus.DEFERRED, "policy"),  # of us, not of the mailbox
        ("RCPT", "550 5.7.515 not authenticated", SendStatus.DEFERRED, "policy"),
        ("RCPT", "550 5.7.26 no SPF, no DKIM", SendStatus.DEFERRED, "policy"),
        ("RCPT", "553 5.1.8 your domain is not there", SendStatus.DEFERRED, "policy"),
        ("RCPT", "550 5.7.17 the mailbox has a new owner", SendStatus.REFUSED, "smtp_550"),
        ("RCPT", "550 5.1.1 no 5.7.1 here", SendStatus.REFUSED, "smtp_550"),
        ("RCPT", "550 nobody here, says 5.7.1.2", SendStatus.REFUSED, "smtp_550"),
        ("DOT", "552 5.3.4 too big", SendStatus.REFUSED, "smtp_552"),
        ("DOT", "552 5.2.2 mailbox full", SendStatus.DEFERRED, "smtp_552"),
        ("DOT", "nonsense", SendStatus.UNKNOWN, "smtp_garbled"),
    ],
)
def test_each_answer_has_its_delivery_result_and_the_next_message_goes_on(
    step, answer, status, problem, offers
):
    end_of_data = EndOfData()
    good = GOOD[step]
    with MailServer(says={step: [answer, good]}, offers=offers) as server:
        outcomes = post(server.url, email_message(), email_message(), end_of_data=end_of_data)

    assert outcomes == [SendResult(status, problem), SendResult(SendStatus.SENT)]
    assert len(server.messages) == 1
    assert end_of_data.count == (2 if step == "DOT" else 1)


@pytest.mark.parametrize("offers", WAYS)
@pytest.mark.parametrize(
    ("step", "status", "problem", "ends_of_data"),
    [
        ("CONNECT", SendStatus.DEFERRED, "no_connection", 0),
        ("EHLO", SendStatus.DEFERRED, "no_connection", 0),
        ("MAIL", SendStatus.DEFERRED, "connection_lost", 0),
        ("RCPT", SendStatus.DEFERRED, "connection_lost", 0),
        ("DATA", SendStatus.DEFERRED, "connection_lost", 0),
        ("DOT", SendStatus.UNKNOWN, "no_answer", 1),
    ],
)
def test_a_line_that_breaks_is_later_before_the_end_of_data_and_unknown_after(
    step, status, problem, ends_of_data, offers
):
    end_of_data = EndOfData()
    with MailServer(hangs_up_at=[step, step], offers=offers) as server:
        assert post(server.url, end_of_data=end_of_data) == [SendResult(status, problem)]

    assert (server.messages, end_of_data.count) == ([], ends_of_data)


def test_a_line_that_breaks_in_the_middle_of_the_body_takes_nothing():
    with MailServer(hangs_up_at=["BODY"]) as server:
        outcome = post(server.url, email_message(text="x" * 3_000_000))[0]

    # What the kernel took before it noticed is as good as sent, then only unknown is true.
    assert outcome in {
        SendResult(SendStatus.DEFERRED, "connection_lost"),
        SendResult(SendStatus.UNKNOWN, "no_answer"),
    }
    assert server.messages == []


def test_a_connection_that_was_closed_meanwhile_is_opened_once_more():
    with MailServer(says={"MAIL": ["250 ok", "421 idle too long", "250 ok"]}) as server:
        outcomes = post(server.url, email_message(), email_message())

    assert outcomes == [SendResult(SendStatus.SENT)] * 2
    assert server.connections == 2


def test_a_421_to_the_end_of_data_is_not_tried_a_second_time_at_once():
    end_of_data = EndOfData()
    with MailServer(says={"DOT": ["250 ok", "421 closing", "250 ok"]}) as server:
        outcomes = post(server.url, email_message(), email_message(), end_of_data=end_of_data)

    assert outcomes == [
        SendResult(SendStatus.SENT),
        SendResult(SendStatus.DEFERRED, "smtp_421"),
    ]
    assert (end_of_data.count, len(server.messages)) == (2, 1)


def test_the_end_of_data_does_not_wait_for_the_other_side_to_acknowledge_the_body():
    with MailServer() as server, transport.open_transport(server.url) as mail_transport:
        mail_transport.send(email_message(), EndOfData())

        (link,) = mail_transport._idle
        assert link.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_where_nobody_listens_it_is_later():
    with MailServer() as server:
        url = server.url

    assert post(url) == [SendResult(SendStatus.DEFERRED, "no_connection")]


def test_what_before_end_of_data_raises_goes_on_and_the_message_does_not_leave():
    class LeaseLost(Exception):
        pass

    def lost():
        raise LeaseLost

    with MailServer() as server, transport.open_transport(server.url) as mail_transport:
        with pytest.raises(LeaseLost):
            mail_transport.send(email_message(subject="never"), lost)
        assert mail_transport.send(email_message(subject="next"), EndOfData()) == SendResult(
            SendStatus.SENT
        )

    assert len(server.messages) == 1
    assert b"Subject: next" in server.messages[0]
    assert server.connections == 2


def test_a_server_that_wants_data_for_nobody_gets_none():
    with MailServer(says={"RCPT": ["550 nobody", "250 ok"]}) as server:
        outcomes = post(server.url, email_message(), email_message())

    assert [outcome.status for outcome in outcomes] == [SendStatus.REFUSED, SendStatus.SENT]
    assert (len(server.messages), server.connections) == (1, 2)


def test_after_a_refusal_the_connection_is_reset_and_used_again():
    with MailServer(says={"RCPT": ["550 nobody", "250 ok"]}, offers=()) as server:
        post(server.url, email_message(), email_message())

    assert server.connections == 1
    assert "rset" in [line.lower() for line in server.commands]


def post_group(url, number):
    """Send a group over as many connections; all may leave."""
    mail_transport = smtp.SmtpTransport(url, "reviews@trust.example", number)
    with contextlib.closing(mail_transport):
        return mail_transport.send_group([email_message()] * number, lambda places: places)


@pytest.fixture
def short_patience(monkeypatch):
    monkeypatch.setattr(smtp_connection, "TIMEOUT_S", 0.3)
    monkeypatch.setattr(smtp_dialogue, "TIMEOUT_S", 0.3)
    monkeypatch.setattr(smtp_dialogue, "END_OF_DATA_TIMEOUT_S", 0.3)


@pytest.mark.parametrize(
    ("step", "result"),
    [
        ("RCPT", SendResult(SendStatus.DEFERRED, "connection_lost")),
        ("DOT", SendResult(SendStatus.UNKNOWN, "no_answer")),
    ],
)
def test_each_connection_has_a_deadline_of_its_own_and_what_came_in_time_counts(
    short_patience, step, result
):
    with MailServer(says={step: [None, None, "250 ok"]}) as server:
        results = post_group(server.url, 4)

    assert sorted(results, key=str) == sorted(
        [result] * 2 + [SendResult(SendStatus.SENT)] * 2, key=str
    )
    assert len(server.messages) == 2


@pytest.mark.parametrize(
    "says",
    [
        {"CONNECT": [None]},
        {"RCPT": [None]},
        {"DOT": [None]},
        {"CONNECT": ["\r\n".join(["220-hello"] * 5000)]},
    ],
)
def test_silence_and_endless_answers_end_at_our_own_patience(says, monkeypatch):
    monkeypatch.setattr(smtp_connection, "TIMEOUT_S", 0.3)
    monkeypatch.setattr(smtp_connection.PlainConnection, "reply_timeout_s", 0.3)
    monkeypatch.setattr(smtp_session, "TIMEOUT_S", 0.3)
    monkeypatch.setattr(smtp_dialogue, "TIMEOUT_S", 0.3)
    monkeypatch.setattr(smtp_dialogue, "END_OF_DATA_TIMEOUT_S", 0.3)
    with MailServer(says=says) as server:
        (outcome,) = post(server.url)

    assert outcome.status is (SendStatus.UNKNOWN if "DOT" in says else SendStatus.DEFERRED)


def test_lines_that_begin_with_a_dot_arrive_as_they_were():
    with MailServer() as server:
        post(server.url, email_message(text=".\n..\n.hidden\n", html="<p>\n.\n</p>\n"))

    (data,) = server.messages
    parts = list(message_from_bytes(data, policy=policy.default).iter_parts())
    assert parts[0].get_content().splitlines() == [".", "..", ".hidden"]


@pytest.mark.parametrize(
    ("offers", "outcome"),
    [
        (("PIPELINING",), SendResult(SendStatus.REFUSED, "smtputf8")),
        (("SMTPUTF8", "8BITMIME"), SendResult(SendStatus.SENT)),
    ],
)
def test_a_name_beyond_ascii_before_the_at_needs_a_server_that_knows_it(offers, outcome):
    with MailServer(offers=offers) as server:
        assert post(server.url, email_message(to_address="例@例え.テスト")) == [outcome]

    if outcome.status is SendStatus.SENT:
        assert "RCPT TO:<例@xn--r8jz45g.xn--zckzah>" in server.commands


def test_an_address_that_is_none_never_reaches_the_server():
    with MailServer() as server:
        assert post(server.url, email_message(to_address="a@b.c\r\nDATA")) == [
            SendResult(SendStatus.REFUSED, "address")
        ]

    assert server.connections == 0


# --- a real server, with TLS and passwords -------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    place = tmp_path_factory.mktemp("certificate")
    pem = serialization.Encoding.PEM
    (place / "cert.pem").write_bytes(made.public_bytes(pem))
    (place / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place / "cert.pem", place / "key.pem")
    return context


class Kept:
    def __init__(self):
        self.messages = []
        self.encrypted = []

    async def handle_DATA(  # noqa: N802 - aiosmtpd names it
        self, server, session, envelope
    ):
        self.messages.append(envelope.content)
        self.encrypted.append(session.ssl is not None)
        return "250 ok"


@pytest.fixture
def listener():
    started = []

    def listen(**options):
        kept = Kept()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        controller = Controller(kept, hostname="127.0.0.1", port=port, **options)
        # Its own connection to a TLS port uses the server's certificate as a client's, and fails.
        controller._trigger_server = lambda: socket.create_connection(("127.0.0.1", port)).close()
        controller.start()
        started.append(controller)
        return kept, port

    yield listen
    for controller in started:
        controller.stop()


def right(server, session, envelope, mechanism, data):
    known = (data.login, data.password) == (b"mailer", b"pass word")
    return AuthResult(success=known, handled=False)  # not handled: aiosmtpd answers for us


def test_starttls_is_used_where_it_is_offered(listener, certificate):
    kept, port = listener(tls_context=certificate)

    assert (
        post(f"smtp://127.0.0.1:{port}", email_message(), email_message())
        == [SendResult(SendStatus.SENT)] * 2
    )
    assert kept.encrypted == [True, True]


def test_starttls_may_be_left_out_on_loopback(listener, certificate):
    kept, port = listener(tls_context=certificate)

    assert post(f"smtp://127.0.0.1:{port}?starttls=never") == [SendResult(SendStatus.SENT)]
    assert kept.encrypted == [False]


def test_a_password_is_sent_after_tls_and_a_wrong_one_is_no_refusal_of_the_buyer(
    listener, certificate
):
    options = {"tls_context": certificate, "auth_required": True, "authenticator": right}
    kept, port = listener(**options)

    assert post(f"smtp://mailer:pass%20word@127.0.0.1:{port}") == [SendResult(SendStatus.SENT)]
    assert post(f"smtp://mailer:wrong@127.0.0.1:{port}") == [
        SendResult(SendStatus.DEFERRED, "no_login")
    ]
    assert post(f"smtp://127.0.0.1:{port}")[0].status is SendStatus.DEFERRED
    assert kept.encrypted == [True]


def test_each_connection_of_a_group_has_tls_and_a_password(listener, certificate):
    options = {"tls_context": certificate, "auth_required": True, "authenticator": right}
    kept, port = listener(**options)

    url = f"smtp://mailer:pass%20word@127.0.0.1:{port}"
    assert post_group(url, 3) == [SendResult(SendStatus.SENT)] * 3
    assert kept.encrypted == [True] * 3


def test_smtps_speaks_tls_from_the_first_byte(listener, certificate):
    kept, port = listener(ssl_context=certificate)

    assert post(f"smtps://127.0.0.1:{port}") == [SendResult(SendStatus.SENT)]
    assert len(kept.messages) == 1


def test_smtps_to_a_server_without_tls_is_later():
    with MailServer() as server:
        assert post(f"smtps://127.0.0.1:{server.port}")[0].status is SendStatus.DEFERRED


def test_a_password_never_leaves_for_another_host_without_tls(monkeypatch):
    monkeypatch.setattr(smtp_session, "is_loopback", lambda _: False)
    with MailServer() as server:
        url = f"smtp://mailer:secret@127.0.0.1:{server.port}?starttls=never"
        assert post(url) == [SendResult(SendStatus.DEFERRED, "no_tls")]

    assert not any("AUTH" in line for line in server.commands)


def test_a_certificate_nobody_vouches_for_is_refused_beyond_loopback(
    listener, certificate, monkeypatch
):
    monkeypatch.setattr(smtp_session, "is_loopback", lambda _: False)
    kept, port = listener(tls_context=certificate)

    assert post(f"smtp://127.0.0.1:{port}") == [SendResult(SendStatus.DEFERRED, "no_tls")]
    assert kept.messages == []


@pytest.mark.parametrize(
    ("ahead", "outcome"),
    [
        ("", SendResult(SendStatus.SENT)),
        ("\r\n250 sent by somebody in between", SendResult(SendStatus.DEFERRED, "no_tls")),
    ],
)
def test_bytes_sent_ahead_of_tls_end_the_session(certificate, ahead, outcome):
    says = {"STARTTLS": [f"220 go{ahead}"]}
    with MailServer(says=says, offers=("STARTTLS",), tls=certificate) as server:
        assert post(server.url) == [outcome]

    assert len(server.messages) == (outcome.status is SendStatus.SENT)


def test_a_mail_transport_does_not_show_its_password():
    assert "secret" not in repr(smtp.SmtpTransport("smtp://u:secret@localhost", "a@b.c"))

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from trustsvc import clock
from trustsvc.errors import Refused
from trustsvc.shops import directory, domain_proof, enrol, settings
from trustsvc.storage import db


@pytest.fixture
def domain():
    """A shop's own web server on loopback; what it shows can be changed."""
    shown = {"file": b""}

    class Shows(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == domain_proof.PROOF_PATH else 404)
            self.end_headers()
            self.wfile.write(shown["file"])

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Shows)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"lamp.localhost:{server.server_address[1]}", shown
    server.shutdown()
    server.server_close()


def enrolled(domain):
    with db.transaction() as session:
        new = enrol.Enrolment("Blue Lamp", domain, "standard")
        return enrol.enrol(session, new, clock.now())[0]


def test_a_domain_is_proven_by_its_line(installation, domain):
    place, shown = domain
    shop = enrolled(place)
    shown["file"] = f"# ours\n{domain_proof.proof_line(shop)}\n".encode()

    domain_proof.require_proof(shop)
    with db.transaction() as session:
        domain_proof.record_proof(session, shop, clock.now())

    with db.reading() as session:
        assert directory.by_id(session, shop.id).proven_at is not None


def test_without_the_line_the_operator_reads_what_to_put_where(installation, domain):
    place, shown = domain
    shop = enrolled(place)
    shown["file"] = b"\xff\x00 something else"

    with pytest.raises(Refused) as refused:
        domain_proof.require_proof(shop)

    assert domain_proof.proof_line(shop) in refused.value.detail
    assert domain_proof.proof_url(shop) in refused.value.detail


def test_another_shops_line_proves_nothing(installation, domain):
    place, shown = domain
    shop, other = enrolled(place), enrolled(place)
    shown["file"] = domain_proof.proof_line(other).encode()

    with pytest.raises(Refused):
        domain_proof.require_proof(shop)


def test_another_domain_has_to_be_proven_again(installation, domain):
    shop = enrolled(domain[0])
    with db.transaction() as session:
        domain_proof.record_proof(session, shop, clock.now())
        settings.change_settings(
            session, shop.slug, settings.SettingsChange(domain="other.example"), clock.now()
        )

    with db.reading() as session:
        assert directory.by_id(session, shop.id).proven_at is None

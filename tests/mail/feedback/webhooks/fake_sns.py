"""An Amazon of our own: a key and a certificate, and messages signed as SNS signs them."""

import base64
import json
from datetime import timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from trustsvc import clock
from trustsvc.mail.feedback.webhooks import certificates, sns

HOST = "https://sns.eu-west-1.amazonaws.com"
CERTIFICATE = f"{HOST}/SimpleNotificationService-{'0a1b2c3d' * 4}.pem"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces"


@cache
def key(bits=2048):
    return rsa.generate_private_key(65537, bits)


def certificate(name="sns.amazonaws.com", signed_with=None, days=(-1, 300), alternative=None):
    """Write a certificate as PEM; valid from and to in days from now."""
    mine = signed_with or key()
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = clock.now()
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(mine.public_key())
        .serial_number(7)
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
    )
    if alternative:
        names = x509.SubjectAlternativeName([x509.DNSName(alternative)])
        made = made.add_extension(names, critical=False)
    return made.sign(key(), hashes.SHA256()).public_bytes(Encoding.PEM)


def known(url=CERTIFICATE, pem=None):
    """Have this installation know Amazon's certificate, as if it had been fetched a while ago."""
    region = certificates.region_of(url)
    certificates.find(url, region, clock.now(), lambda _: pem or certificate())


def message(inner="", kind="Notification", version="2", by=None, **changes):
    """Write a signed message of SNS; changes come before the signing, `after` ones behind it."""
    after = changes.pop("after", {})
    fields = {
        "Type": kind,
        "MessageId": "5f1b7d5e-5b3c-5b7e-9b9e-0a1b2c3d4e5f",
        "TopicArn": TOPIC,
        "Message": inner if isinstance(inner, str) else json.dumps(inner),
        "Timestamp": clock.now().strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE,
    }
    if kind != "Notification":
        fields["Token"] = "2336412f37fb687f5d51e6e241d09c8058"
        fields["SubscribeURL"] = f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336"
    fields |= changes
    fields = {name: value for name, value in fields.items() if value is not ...}
    digest = hashes.SHA1() if version == "1" else hashes.SHA256()
    if kind in sns._SIGNED:
        signature = (by or key()).sign(sns.canonical(fields), padding.PKCS1v15(), digest)
        fields["Signature"] = base64.b64encode(signature).decode()
    return json.dumps({**fields, **after}).encode()


def event(what, code=None, **more):
    """Write what SES says inside it."""
    mail = {
        "timestamp": "2026-06-10T10:00:00.000Z",
        "source": f"bounces+{code}@shop.example" if code else "reviews@shop.example",
        "messageId": "00000138111222aa-33322211-cccc-cccc-cccc-ddddaaaa0680-000000",
        "destination": ["jan@mail.example"],
    }
    return {"notificationType": what, "mail": mail | more.pop("mail", {}), **more}


BOUNCE = {
    "bounceType": "Permanent",
    "bounceSubType": "General",
    "bouncedRecipients": [
        {
            "emailAddress": "jan@mail.example",
            "action": "failed",
            "status": "5.1.1",
            "diagnosticCode": "smtp; 550 5.1.1 user unknown",
        }
    ],
    "feedbackId": "00000138111222aa-33322211-cccc-cccc-cccc-ddddaaaa068a-000000",
}

"""`make dictionary`: attack a stolen database without its keys with a dictionary of everybody.

Five hundred people in every state a person can be in. The attacker has the database but not the key
folder, and tries every address: all true ones in several spellings, and OTHERS (a million) more.
For each: MD5, SHA-1, SHA-256, SHA-512, and HMAC-SHA256 under every key that can be guessed or
derived (HKDF) from what is public or in the dump. Each result is searched at every offset of every
value, plain, in hex or in base64, whole or truncated. Exits with 1 if one person is found; the same
people as plain SHA-256 must all be found, or the tool is broken.
"""

import base64
import hashlib
import itertools
import os
import re
import sys
import tempfile
import time
import unicodedata
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import text

from tests import all_tables
from tools.canary import crowd
from trustsvc import address, config, message_kinds, migrations
from trustsvc.crypto import keyring
from trustsvc.storage import columns, db

PEOPLE = 500
PREFIX = 8  # bytes: by chance, a million addresses meet one of a million values once in a million
UNKEYED = (hashlib.sha256, hashlib.sha1, hashlib.md5, hashlib.sha512)
HEX = re.compile(rb"[0-9a-fA-F]{16,}")
BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{11,}")
URL_SAFE = bytes.maketrans(b"-_", b"+/")
BLOCK = 64


def dump():
    """Give every value of every column of every table as bytes, as stored."""
    all_tables.load()
    with db.engine().connect() as connection:
        for table in columns.metadata.sorted_tables:
            names = ", ".join(f'"{column.name}"' for column in table.columns)
            for row in connection.execute(text(f'SELECT {names} FROM "{table.name}"')):
                yield from (_raw(value) for value in row if value is not None)


def _raw(value):
    if isinstance(value, bool | int):
        return str(int(value)).encode()
    return value.encode() if isinstance(value, str) else bytes(value)


class Dump:
    """The content of a dump at every offset of every value, hex and base64 decoded."""

    def __init__(self, values):
        pieces = {piece for value in values for piece in (value, *_unwrapped(value))}
        self.whole = b"\0\xff\0".join(pieces)
        self.at = {
            piece[start : start + PREFIX]
            for piece in pieces
            for start in range(len(piece) - PREFIX + 1)
        }


def _unwrapped(value):
    for run in HEX.findall(value):
        for start in (0, 1):
            yield bytes.fromhex(run[start : start + (len(run) - start) // 2 * 2].decode())
    for run in BASE64.findall(value):
        for start in range(4):
            part = run[start:].translate(URL_SAFE)
            part = part[: len(part) - (len(part) % 4 == 1)]
            yield base64.b64decode(part + b"=" * (-len(part) % 4))


def guesses():

    plain = [
        b"",  # zeros, up to 64 of them, are the same key to HMAC
        bytes(range(32)),
        b"\1" * 32,
        b"trustsvc",
        b"registry",
        b"lookup",
        b"secret",
        hashlib.sha256(b"trustsvc").digest(),
        *_published(),
    ]
    with db.reading() as session:
        known = session.execute(text("SELECT id, slug, endpoint_id FROM shops")).all()
    infos = [f"trustsvc shop {number}".encode() for number in (0, *(shop.id for shop in known))]
    infos += [b"trustsvc link review", b"trustsvc link me"]
    facts = [
        part.encode() for shop in known for part in (str(shop.id), shop.slug, shop.endpoint_id)
    ]
    derived = [
        HKDF(hashes.SHA256(), 32, salt=None, info=info).derive(one)
        for one, info in itertools.product([b"", bytes(32), b"trustsvc", *_published()], infos[:3])
    ]
    return list(dict.fromkeys([*plain, *facts, *infos, *derived]))


def _published():
    return [
        Ed25519PrivateKey.from_private_bytes(keyring.newest_key(kind).secret)
        .public_key()
        .public_bytes_raw()
        for kind in ("receipt", "badge")
    ]


def _as_gmail_folds(normal):
    local, _, domain = normal.rpartition("@")
    if domain not in {"gmail.com", "googlemail.com"}:
        return normal
    return f"{local.partition('+')[0].replace('.', '')}@gmail.com"


def spellings(email):
    """Give an address as given, as normalised, and in other spellings."""
    written = email.strip()
    normal = address.normalise(email)
    local, _, domain = normal.rpartition("@")
    forms = [email, written, normal, _as_gmail_folds(normal), written.lower(), written.upper()]
    forms += [f"{local}@{domain.encode().decode('idna')}", unicodedata.normalize("NFC", written)]
    return list(dict.fromkeys(forms))


def others(how_many):
    """Make up realistic addresses; none is of our people."""
    names = ("anna", "bram", "chloe", "dieter", "emma", "finn", "greta", "hugo")
    hosts = ("gmail.com", "outlook.example", "web.example", "orange.example", "mail.example")
    for number in range(how_many):
        yield f"{names[number % 8]}.{number}@{hosts[number % 5]}"


def attack(dumped, everybody, more=(), secrets=()):
    """Try everybody and more; gives the addresses found in the dump."""
    macs = [_prepared(secret) for secret in secrets]
    theirs = ((spelling, email) for email in everybody for spelling in spellings(email))
    found = set()
    for spelling, email in itertools.chain(theirs, ((one, one) for one in more)):
        raw = spelling.encode()
        if raw[:PREFIX] in dumped.at and raw in dumped.whole:
            found.add(email)
        if any(result[:PREFIX] in dumped.at for result in _tried(raw, macs)):
            found.add(email)
    return found


def _prepared(secret):
    """Begin HMAC-SHA256 (RFC 2104) with a key; continuing from here costs half."""
    if len(secret) > BLOCK:
        secret = hashlib.sha256(secret).digest()
    key = secret.ljust(BLOCK, b"\0")
    return (
        hashlib.sha256(bytes(byte ^ 0x36 for byte in key)),
        hashlib.sha256(bytes(byte ^ 0x5C for byte in key)),
    )


def _tried(spelling, macs):
    """Give what an address may have become; comparing prefixes finds truncated hashes too."""
    for make in UNKEYED:
        yield make(spelling).digest()
    for inner, outer in macs:
        inside, outside = inner.copy(), outer.copy()
        inside.update(spelling)
        outside.update(inside.digest())
        yield outside.digest()


def run(everybody, how_many, values=None):
    """Attack the database; gives who was found, and who was found among plain SHA-256."""
    secrets = guesses()
    found = attack(Dump(dump() if values is None else values), everybody, others(how_many), secrets)
    plain = [hashlib.sha256(address.normalise(email).encode()).digest() for email in everybody]
    return found, attack(Dump(plain), everybody)


def main():
    how_many = int(os.environ.get("OTHERS") or 1_000_000)
    with tempfile.TemporaryDirectory(prefix="trustsvc-dictionary-") as place:
        config.use(config.load({"TRUSTSVC_DATA": str(Path(place))}))
        message_kinds.register()
        keyring.make_all()
        migrations.upgrade()
        everybody = crowd.addresses(PEOPLE)
        crowd.bring_into_states(everybody)
        values = list(dump())
        began = time.process_time()
        found, plain = run(everybody, how_many, values)
        seconds = time.process_time() - began
        tried = len(UNKEYED) + len(guesses())
        db.dispose_engines()
    print(f"people in the dump                     {PEOPLE:>12,}")
    print(f"values in the dump                     {len(values):>12,}")
    print(f"addresses of nobody here, tried too    {how_many:>12,}")
    print(f"hashes and keys tried on each          {tried:>12,}")
    print(f"recovered from the dump                {len(found):>12,}")
    print(f"recovered from plain SHA-256           {len(plain):>12,}")
    print(f"seconds of one core                    {seconds:>12,.0f}")
    return 0 if not found and plain == set(everybody) else 1


if __name__ == "__main__":
    sys.exit(main())

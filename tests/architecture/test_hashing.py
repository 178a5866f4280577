"""All hashing and signing goes through `cryptography`, nothing is pickled, nothing secret is drawn
from `random`: in the code, and where it runs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = sorted([*(ROOT / "trustsvc").rglob("*.py"), *(ROOT / "jobs").rglob("*.py")])
FORBIDDEN = {
    *("hashlib", "hmac", "_hashlib", "_sha1", "_sha2", "_sha256", "_sha512", "_sha3", "_md5"),
    *("_blake2", "_hmac", "crypt"),
    *("pickle", "_pickle", "cPickle", "cloudpickle", "dill", "marshal", "shelve"),
    *("random", "_random"),
}
LOADERS = {"__import__", "import_module", "find_spec", "get", "getattr", "exec", "eval", "compile"}


def breaches(source):
    """Name each way in which a source gets at a forbidden module, or might at run time."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            module = node.module or ""
            ours = module.partition(".")[0] in {"trustsvc", "jobs", "cryptography"}
            names = [module, *([] if ours else [name.name for name in node.names])]
        elif isinstance(node, ast.Call) and _called(node) in LOADERS:
            texts = [ast.walk(argument) for argument in node.args]
            names = [n.value for tree in texts for n in tree if _is_text(n)]
            names = [part for name in names for part in name.replace("(", " ").split()]
        elif isinstance(node, ast.Subscript) and _is_text(node.slice):
            names = [node.slice.value]  # sys.modules["hashlib"]
        elif isinstance(node, ast.Attribute):
            names = [node.attr] if _is_plain(node.value) else []  # itsdangerous.signer.hashlib
        else:
            continue
        yield from (name for name in names if name.partition(".")[0] in FORBIDDEN)


def _called(node):
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_plain(node):
    """`primitives.hmac` of `cryptography` is what we use; another module's is the library's own."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id not in {"cryptography", "primitives", "self"}


def test_no_hashlib_hmac_pickle_or_random_in_our_code():
    found = {str(p.relative_to(ROOT)): list(breaches(p.read_text())) for p in CODE}

    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import hashlib",
        "import hashlib as h",
        "import os, hmac",
        "from hashlib import sha256",
        "from hmac import compare_digest",
        "import pickle",
        "from pickle import loads",
        "def f():\n    import random",
        "from itsdangerous.signer import hashlib",
        "from werkzeug.security import hmac",
        "__import__('hashlib')",
        "import importlib\nimportlib.import_module('hashlib')",
        "from importlib import import_module\nimport_module('hmac')",
        "import sys\nsys.modules['hashlib']",
        "import sys\nsys.modules.get('pickle')",
        "import itsdangerous\nitsdangerous.signer.hashlib.sha1()",
        "getattr(itsdangerous.signer, 'hashlib')",
        "exec('import hashlib')",
        "if False:\n    import marshal",
        "try:\n    import _sha1\nexcept ImportError:\n    pass",
    ],
)
def test_each_way_in_is_found(source):
    assert list(breaches(source)) != []


@pytest.mark.parametrize(
    "source",
    [
        "from cryptography.hazmat.primitives import hashes, hmac",
        "from cryptography.hazmat.primitives.hmac import HMAC",
        "import secrets\nsecrets.token_bytes(16)",
        "'we do not use hashlib'",
        "random_id = 1",
    ],
)
def test_what_we_may_do_is_not(source):
    assert list(breaches(source)) == []


RUN = """
import sys
import hashlib, hmac, random, pickle
import werkzeug.http, werkzeug.security  # they take what they need while they are loaded
import itsdangerous, requests, redis, rq

calls = []


def guarded(module, name):
    really = getattr(module, name)

    def guard(*args, **kwargs):
        frame = sys._getframe(1)
        while frame:
            place = frame.f_globals.get("__name__", "")
            if place == "importlib._bootstrap":
                break  # a library that is loaded may draw a number for itself
            if place.partition(".")[0] in {"trustsvc", "jobs"}:
                raise AssertionError(f"{module.__name__}.{name} below our own code")
            frame = frame.f_back
        calls.append(name)
        return really(*args, **kwargs)

    setattr(module, name, guard)


for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b", "blake2s", "new",
             "sha3_256", "sha3_512", "pbkdf2_hmac", "scrypt", "file_digest"):
    guarded(hashlib, name)
for name in ("new", "digest", "HMAC"):  # compare_digest is how `cryptography` itself compares
    guarded(hmac, name)
for name in ("random", "randint", "choice", "getrandbits", "randbytes", "choices"):
    guarded(random, name)
for name in ("dumps", "loads", "dump", "load"):
    guarded(pickle, name)
itsdangerous.signer.hashlib = hashlib
itsdangerous.signer.hmac = hmac

from datetime import datetime, timezone
from trustsvc import clock, config, migrations
from trustsvc.crypto import encrypted_column, keyring, pseudonyms, signed_links
from trustsvc.storage import db
config.use(config.load({"TRUSTSVC_DATA": sys.argv[1]}))
keyring.make_all()
migrations.upgrade()

for purpose in signed_links.PATHS:
    link_id = signed_links.new_id()
    assert signed_links.verify(purpose, signed_links.token(purpose, link_id)) == link_id
    try:
        signed_links.verify(purpose, signed_links.token(purpose, link_id)[:-2] + "AA")
    except Exception as problem:
        assert type(problem).__name__ == "NotFound", problem
assert encrypted_column.decrypt(encrypted_column.encrypt("x")) == "x"
pseudonyms.shop_pseudonyms(1, "a@b.example")
pseudonyms.text_pseudonym(1, "x")

from trustsvc.privacy import receipts
from trustsvc.privacy.receipts import Receipt
from trustsvc.staff import accounts, sign_in
from urllib.parse import urlsplit
now = clock.now()
with db.transaction() as session:
    receipts.write(session, Receipt(now, "event_log", 1, now))
    link = accounts.make_link(session, accounts.add_member(session, "Sam", now), now)
    secret = sign_in.sign_in(session, urlsplit(link).path.rpartition("/")[2], now)
with db.reading() as session:
    assert receipts.verify(session)

from trustsvc.orders.platforms import PLATFORMS
for name, platform in PLATFORMS.items():
    assert not platform.signed({"X-Signature": "0" * 32, "X-Wc-Webhook-Signature": "AAAA",
        "X-Shopify-Hmac-Sha256": "AAAA", "Webhook-Id": "m", "Webhook-Signature": "v1,AAAA",
        "Webhook-Timestamp": str(int(now.timestamp()))}, b"{}", "whsec_" + "A" * 32, now)

from trustsvc.server_log import security_counters
security_counters.count(now, "bad_signature", "signature", "203.0.113.7")
assert security_counters.write() == 1

try:
    itsdangerous.Signer("x").sign("y")  # what itsdangerous does by itself is not below our code
except AssertionError:
    raise SystemExit("the guard guards too much")
assert calls, "the guard guards nothing"
"""


@pytest.mark.slow
def test_signing_and_marking_never_reach_the_standard_librarys_hashes(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")

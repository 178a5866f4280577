"""What a backup says about itself; no key, no address, nothing of a person."""

from pathlib import Path

import msgspec
from cryptography.fernet import InvalidToken
from sqlalchemy import make_url

from trustsvc import config, fingerprints, keys, vault
from trustsvc.errors import Refused

FORMAT = 1
CANARY = "trustsvc backup"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`keys`: a check value for each version of each kind; `canary`: something sealed."""

    format: int
    trustsvc: str
    database: str
    migration: str
    at: str
    size: int
    keys: dict[str, dict[str, str]]
    canary: str
    suppressions_id: str
    suppressions_lines: int
    suppressions_damaged: int = 0


def database_kind() -> str:
    return make_url(config.current().database_url).get_backend_name()


def sqlite_path() -> Path:
    return Path(make_url(config.current().database_url).database or "")


def key_checks() -> dict[str, dict[str, str]]:
    """Give a check value a key, by which the key is recognised and nothing is learned of it."""
    return {
        kind: {str(key.version): _check(kind, key) for key in keys.living(kind)}
        for kind in keys.KINDS
    }


def check_keys(manifest: Manifest) -> None:
    """See that each key the backup was made with is here.

    Raises Refused with a sentence that names the missing one; makes no key.
    """
    here = key_checks()
    for kind, checks in manifest.keys.items():
        for version, check in checks.items():
            if here.get(kind, {}).get(version) != check:
                raise Refused(
                    f"The key `{kind}` version {version} of this backup is not in the folder keys: "
                    "put the copy of the folder keys from then into TRUSTSVC_DATA first."
                )
    try:
        opened = vault.unseal(manifest.canary.encode())
    except InvalidToken:
        opened = ""
    if opened != CANARY:
        raise Refused("The keys here do not open what is in this backup.")


def _check(kind: str, key: keys.Key) -> str:
    return fingerprints.digest(key.secret, f"trustsvc backup check of {kind}")[:8].hex()

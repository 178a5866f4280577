"""The scripts that shops embed: which file is served at which path below /embed/."""

import base64
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives import hashes

from trustsvc.badge import public_files

STATIC = Path(__file__).parent / "static"


@cache
def all_scripts() -> Mapping[str, bytes]:
    """Every script by its path below `/`.

    `static/released/<version>/badge.js` is served at `/embed/<version>/badge.js` for ever; the
    newest release's badge and list also as `v1.js` and `v1-list.js`.
    """
    paths = {f"embed/{path.name}": path for path in STATIC.glob("*.js")}
    released = sorted((STATIC / "released").glob("*/*.js"), key=lambda path: _number(path.parent))
    for path in released:
        paths[f"embed/{path.parent.name}/{path.name}"] = path
        if path.name in _NEWEST:
            paths[_NEWEST[path.name]] = path
    return {name: path.read_bytes() for name, path in paths.items()}


_NEWEST = {"badge.js": "embed/v1.js", "list.js": "embed/v1-list.js"}


def write_scripts() -> int:
    """Write the scripts to the public files; returns the number written; twice writes none."""
    return sum(public_files.write(name, body) for name, body in all_scripts().items())


def newest_release() -> str:
    """The release behind `/embed/v1.js`; a shop may pin it by its version."""
    return max((STATIC / "released").iterdir(), key=_number).name


def integrity(body: bytes) -> str:
    """A script's hash for `integrity` (Subresource Integrity, section 3.1)."""
    digest = hashes.Hash(hashes.SHA384())
    digest.update(body)
    return f"sha384-{base64.b64encode(digest.finalize()).decode()}"


def _number(release: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in release.name.split(".") if part.isdigit())

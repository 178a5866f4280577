"""Write a release of the scripts that shops embed: `make embed VERSION=1.0.1`.

A release is its source (trustsvc/badge/static/source), joined and minified. Shops pin it by its
hash, so one that was published is never written again: tests/badge/test_releases.py holds their
hashes.
"""

import json
import re
import sys
from pathlib import Path

import minify

from trustsvc.badge import scripts

SOURCE = scripts.STATIC / "source"
NAMES = ("badge.js", "list.js")


def built(name: str) -> bytes:
    """Join and minify a script as a release holds it; the same source gives the same bytes."""
    parts = [(SOURCE / part).read_text(encoding="utf-8") for part in ("element.js", name)]
    style = name.replace(".js", ".css")
    css = minify.string("text/css", (SOURCE / style).read_text(encoding="utf-8"))
    css = css.replace(", ", ",")  # it leaves what stands in custom properties as it is
    whole = "".join(parts).replace(json.dumps(style), json.dumps(css))
    return str(minify.string("text/javascript", f"(()=>{{{whole}}})()")).encode()


def main(version: str) -> int:
    """Write a release, and say what a shop's page and the test need to know of it."""
    if not re.fullmatch(r"1\.[0-9]+\.[0-9]+", version):
        print("Say which: make embed VERSION=1.0.1 (what /embed/v1.js says has 1 before the dot)")
        return 2
    folder = scripts.STATIC / "released" / version
    for name in NAMES:
        body = built(name)
        path = Path(folder / name)
        if path.exists() and path.read_bytes() != body:
            print(f"{version} is released, and {name} would change: give it a new number.")
            return 1
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        print(f"{version}/{name}  {len(body)} bytes  {scripts.integrity(body)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1] if len(sys.argv) > 1 else ""))

"""Open a link that took along what stood behind it: a full stop, a bracket, a slash, a `&gt;`.

Mail programs and people copy too much. What cannot be in a token is cut off the path before it is
routed, for every route that ends in a token; the token itself is still checked.
"""

import re
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from trustsvc.crypto import signed_links

_PATHS = "|".join(sorted(signed_links.PATHS.values()))
_SIGNED = r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"
# Pages below a link, such as /me/<token>/erase and copy.json, are no mistake.
_PAGE_BELOW = r"/[a-z]+(?:\.json)?\Z"
_LINK = re.compile(rf"(/(?:{_PATHS})/{_SIGNED})(?!{_PAGE_BELOW})[^A-Za-z0-9_-]", re.ASCII)
# A shop's notice; below it are its versions, by number.
_NOTICE = re.compile(r"(/privacy/[a-z0-9-]+)(?:&(?:gt|lt|quot|amp);|[^A-Za-z0-9_-])+\Z", re.ASCII)


def without_end(path: str) -> str:
    """Cut what follows the token off a path; any other path stays. Twice changes nothing more."""
    match = _LINK.match(path) or _NOTICE.match(path)
    return match[1] if match else path


class LinkEnd:
    """WSGI middleware that gives the app the path of the clean link: the same answer, no detour."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["PATH_INFO"] = without_end(environ.get("PATH_INFO", ""))
        return self.app(environ, start_response)

"""The headers that keep a page from being framed, sniffed, cached or leaked."""

from werkzeug.datastructures import Headers

CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def set_on(headers: Headers, *, is_public: bool, is_https: bool) -> None:
    """Set those that the view did not set itself."""
    headers.setdefault("Content-Security-Policy", CSP)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Permissions-Policy", "interest-cohort=()")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if is_public:
        headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
    else:
        headers.setdefault("Referrer-Policy", "no-referrer")
        headers.setdefault("Cache-Control", "no-store")
        headers.setdefault("X-Robots-Tag", "noindex")
    if is_https:
        headers.setdefault("Strict-Transport-Security", "max-age=63072000")

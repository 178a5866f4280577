"""Settings: frozen, typed, from TRUSTSVC_* or a file named by …_FILE; refuses nonsense."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from trustsvc.errors import Misconfigured

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MOST_LOG_DAYS = 90
DATABASES = ("sqlite", "postgresql")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an operator can decide; a test holds the README's table to it."""

    data: Path
    bind: str
    port: int
    base_url: str
    trusted_proxies: tuple[Network, ...]
    database_url: str
    redis_url: str
    mail_url: str
    mail_from: str
    operator: str
    contact: str
    authority: str
    log_days: int
    eu_only: tuple[str, ...]
    demo: bool

    @property
    def is_loopback(self) -> bool:
        return is_loopback(urlsplit(self.base_url).hostname or "")

    @property
    def embedded_redis(self) -> bool:
        return not self.redis_url


DEFAULTS = {
    "DATA": "./data",
    "BIND": "127.0.0.1",
    "PORT": "8000",
    "BASE_URL": "",
    "TRUSTED_PROXIES": "",
    "DATABASE_URL": "",
    "REDIS_URL": "",
    "MAIL_URL": "",
    "MAIL_FROM": "",
    "OPERATOR": "",
    "CONTACT": "",
    "AUTHORITY": "",
    "LOG_DAYS": str(MOST_LOG_DAYS),
    "EU_ONLY": "",
    "DEMO": "",
}
PREFIX = "TRUSTSVC_"


def load(environ: Mapping[str, str]) -> Settings:
    """Read the settings from an environment.

    Raises Misconfigured with a sentence that names the setting and says what to do; the value
    itself is never repeated, because it may be a secret.
    """
    raw = dict(DEFAULTS)
    for variable in sorted(environ):
        if variable.startswith(PREFIX):
            name, value = _one(variable, environ)
            raw[name] = value
    data = Path(raw["DATA"]).expanduser().resolve()
    port = _whole("PORT", raw["PORT"], 1, 65535)
    base_url = _base_url(raw["BASE_URL"] or f"http://127.0.0.1:{port}")
    host = urlsplit(base_url).hostname or ""
    settings = Settings(
        data=data,
        bind=raw["BIND"],
        port=port,
        base_url=base_url,
        trusted_proxies=_networks(raw["TRUSTED_PROXIES"]),
        database_url=_database_url(raw["DATABASE_URL"], data),
        redis_url=_redis_url(raw["REDIS_URL"]),
        mail_url=_mail_url(raw["MAIL_URL"], data),
        mail_from=_mail_from(raw["MAIL_FROM"] or f"reviews@{_mail_domain(host)}"),
        operator=raw["OPERATOR"] or host,
        contact=raw["CONTACT"] or f"privacy@{_mail_domain(host)}",
        authority=raw["AUTHORITY"],
        log_days=_log_days(raw["LOG_DAYS"]),
        eu_only=_words(raw["EU_ONLY"]),
        demo=_yes("DEMO", raw["DEMO"]),
    )
    if settings.demo and not settings.is_loopback:
        raise Misconfigured(
            "TRUSTSVC_DEMO shows the mailbox to everybody: only on a loopback base URL."
        )
    _check_eu(settings)
    return settings


@cache
def _from_environment() -> Settings:
    return load(os.environ)


_used: Settings | None = None


def current() -> Settings:
    """Give the settings of this process."""
    return _used or _from_environment()


def use(settings: Settings | None) -> None:
    """Let this process run with other settings (tests, the demo); None: the environment's."""
    global _used  # noqa: PLW0603 - the one set of settings of the process
    _used = settings
    if settings is None:
        _from_environment.cache_clear()


def is_loopback(host: str) -> bool:
    if host in {"localhost", ""} or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _one(variable: str, environ: Mapping[str, str]) -> tuple[str, str]:
    name = variable.removeprefix(PREFIX)
    if name in DEFAULTS:
        if f"{variable}_FILE" in environ:
            raise Misconfigured(f"Both {variable} and {variable}_FILE are set: keep one of them.")
        return name, environ[variable].strip()
    name = name.removesuffix("_FILE")
    if name not in DEFAULTS or not variable.endswith("_FILE"):
        raise Misconfigured(
            f"{variable} is not a setting: see the table of settings in the README."
        )
    try:
        return name, Path(environ[variable]).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise Misconfigured(f"The file named by {variable} cannot be read.") from None


def _whole(name: str, text: str, least: int, most: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise Misconfigured(f"TRUSTSVC_{name} must be a whole number from {least} to {most}.")
    return number


def _yes(name: str, text: str) -> bool:
    if text not in {"", "0", "1"}:
        raise Misconfigured(f"TRUSTSVC_{name} must be 0 or 1.")
    return text == "1"


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip().lower() for word in text.split(",") if word.strip())


def _log_days(text: str) -> int:
    try:
        return _whole("LOG_DAYS", text, 1, MOST_LOG_DAYS)
    except Misconfigured:
        raise Misconfigured(
            "TRUSTSVC_LOG_DAYS must be a whole number from 1 to 90: the server log is promised to "
            "be deleted after 90 days at the latest, so it can be shortened and never lengthened."
        ) from None


def _base_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise Misconfigured("TRUSTSVC_BASE_URL must look like https://reviews.example.com.")
    if parts.username or parts.password:
        raise Misconfigured("TRUSTSVC_BASE_URL must not hold a user name or a password.")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise Misconfigured(
            "TRUSTSVC_BASE_URL must begin with https:// unless it is a loopback address."
        )
    return text.rstrip("/")


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(word) for word in _words(text))
    except ValueError:
        raise Misconfigured(
            "TRUSTSVC_TRUSTED_PROXIES must be addresses or networks with commas between, "
            "such as 127.0.0.1,10.0.0.0/8."
        ) from None


def _database_url(text: str, data: Path) -> str:
    url = text or f"sqlite:///{data / 'trustsvc.db'}"
    scheme = url.partition(":")[0]
    if scheme.partition("+")[0] not in DATABASES:
        raise Misconfigured("TRUSTSVC_DATABASE_URL must begin with sqlite:/// or postgresql://.")
    return f"postgresql+psycopg{url.removeprefix(scheme)}" if scheme == "postgresql" else url


def _redis_url(text: str) -> str:
    if not text:
        return ""
    parts = urlsplit(text)
    if parts.scheme not in {"redis", "rediss", "unix"}:
        raise Misconfigured("TRUSTSVC_REDIS_URL must begin with redis://, rediss:// or unix://.")
    if parts.scheme != "unix" and not parts.password and not is_loopback(parts.hostname or ""):
        raise Misconfigured("TRUSTSVC_REDIS_URL names a server beyond loopback without a password.")
    return text


def _mail_url(text: str, data: Path) -> str:
    url = text or f"maildir:{data / 'mail'}"
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps", "maildir"}:
        raise Misconfigured("TRUSTSVC_MAIL_URL must begin with smtp://, smtps:// or maildir:.")
    if parts.scheme != "maildir" and not parts.hostname:
        raise Misconfigured("TRUSTSVC_MAIL_URL names no mail server.")
    in_clear = parts.scheme == "smtp" and "starttls=never" in parts.query
    if in_clear and parts.password and not is_loopback(parts.hostname or ""):
        raise Misconfigured("TRUSTSVC_MAIL_URL would send a password without TLS.")
    return url


def _mail_domain(host: str) -> str:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host or "localhost"
    return "localhost"


def _mail_from(text: str) -> str:
    local, at, domain = text.rpartition("@")
    plain = text.isascii() and text.isprintable() and not set(text) & set(' <>,;"()')
    if not (local and at and domain and plain):
        raise Misconfigured(
            "TRUSTSVC_MAIL_FROM must be one plain address, such as reviews@example.com."
        )
    return text


def _check_eu(settings: Settings) -> None:
    if not settings.eu_only:
        return
    mail_host = urlsplit(settings.mail_url).hostname
    proxies = [
        str(net).removesuffix("/32").removesuffix("/128") for net in settings.trusted_proxies
    ]
    for host, what in [(mail_host, "MAIL_URL"), *((proxy, "TRUSTED_PROXIES") for proxy in proxies)]:
        if host and host not in settings.eu_only and not is_loopback(host):
            raise Misconfigured(
                f"TRUSTSVC_{what} names a host that TRUSTSVC_EU_ONLY does not list."
            )

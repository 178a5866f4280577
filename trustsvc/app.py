"""The Flask application: blueprints, one access check, error pages, security headers."""

import contextlib
import errno
from typing import Any
from urllib.parse import urlsplit
from wsgiref.types import WSGIApplication

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    g,
    json,
    redirect,
    render_template,
    request,
)
from sqlalchemy.exc import (
    InterfaceError,
    InternalError,
    OperationalError,
    SQLAlchemyError,
    TimeoutError,  # noqa: A004 - no connection of the pool was free
)
from werkzeug.exceptions import HTTPException

from trustsvc import config, i18n, log, message_kinds
from trustsvc.badge.desk import badge_desk
from trustsvc.badge.page.views import badge_page
from trustsvc.badge.serve import PublicFiles, PublicResponse
from trustsvc.badge.views import badge_files
from trustsvc.crypto import signed_links
from trustsvc.demo.views import demo_pages
from trustsvc.doctor.desk import evidence_desk
from trustsvc.errors import Misconfigured, NotFound, TrustsvcError, Unavailable
from trustsvc.health import health_checks
from trustsvc.http import access, form_origin, request_limits, security_headers
from trustsvc.http.link_end import LinkEnd
from trustsvc.http.request_limits import BoundedRequest, RequestLimits
from trustsvc.invitations.desk import sending_desk
from trustsvc.invitations.views import unsubscribe_pages
from trustsvc.mail.feedback.webhooks.views import mail_provider_webhooks
from trustsvc.orders.views import order_documents, order_webhooks
from trustsvc.orders.webhook_health.desk import webhook_desk
from trustsvc.orders.webhook_server import WebhookServer
from trustsvc.privacy.documents.views import notice_pages
from trustsvc.privacy.rights.desk import privacy_desk
from trustsvc.privacy.rights.views import my_data_pages
from trustsvc.privacy.views import request_pages
from trustsvc.registry.views import registration_pages
from trustsvc.reviews.desk import review_desk
from trustsvc.reviews.views import review_pages
from trustsvc.server_log import attack_patterns, wrong_signatures
from trustsvc.server_log.writer import ServerLog
from trustsvc.staff import desk_reading, sessions
from trustsvc.staff.views import staff_pages

TEMPORARY_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.EIO}
TRY_AGAIN = Unavailable("Please try again in a minute.")
logger = log.get_logger("app")

BLUEPRINTS: tuple[Blueprint, ...] = (
    health_checks,
    order_webhooks,
    order_documents,
    webhook_desk,
    registration_pages,
    unsubscribe_pages,
    sending_desk,
    mail_provider_webhooks,
    review_pages,
    review_desk,
    badge_files,
    badge_desk,
    badge_page,
    notice_pages,
    request_pages,
    my_data_pages,
    privacy_desk,
    staff_pages,
    evidence_desk,
)


def create_app() -> Flask:
    """Build the app for the current settings; RuntimeError for a view without access."""
    settings = config.current()
    message_kinds.register()
    app = Flask(
        "trustsvc",
        template_folder=str(i18n.folder()),
        static_folder=str(i18n.folder() / "static"),
    )
    app.request_class = BoundedRequest
    app.config["MAX_CONTENT_LENGTH"] = request_limits.MAX_FORM_BYTES
    app.config["MAX_FORM_MEMORY_SIZE"] = request_limits.MAX_FORM_BYTES
    app.config["MAX_FORM_PARTS"] = request_limits.MAX_FIELDS
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    if settings.demo:
        app.register_blueprint(demo_pages)
    app.jinja_env.globals.update(
        translate=i18n.translate_html,
        day=i18n.format_date,
        decimal=i18n.format_decimal,
        base_url=settings.base_url,
        link=signed_links.url,
    )
    app.before_request(lambda: request_limits.check(request.environ))
    app.before_request(lambda: access.require_keys(request.blueprint))
    app.before_request(_check_origin)
    app.before_request(_check_access)
    app.after_request(_set_headers)
    app.after_request(_report_to_server_log)
    app.register_error_handler(TrustsvcError, _own_error)
    app.register_error_handler(HTTPException, _http_error)
    for error in (OperationalError, InterfaceError, InternalError, TimeoutError):
        app.register_error_handler(error, _database_unavailable)
    app.register_error_handler(OSError, _machine_unavailable)
    app.register_error_handler(Exception, _any_error)
    _require_declared_access(app)
    app.wsgi_app = with_middleware(app.wsgi_app)  # type: ignore[method-assign]
    return app


def with_middleware(app: WSGIApplication) -> RequestLimits:
    """Put around the app what sees each request before Flask does."""
    return RequestLimits(ServerLog(PublicFiles(WebhookServer(LinkEnd(app)))))


def _require_declared_access(app: Flask) -> None:
    for endpoint, view in app.view_functions.items():
        if endpoint != "static" and access.requirement(view) is None:
            raise RuntimeError(f"the view {endpoint} does not declare who may pass")


def _requirement() -> access.Requirement:
    if request.endpoint in {None, "static"}:
        return "public"
    return access.requirement(current_app.view_functions[str(request.endpoint)]) or "staff"


def _check_origin() -> None:
    if request.method in form_origin.READS or request.endpoint is None:
        return
    g.suspicion = "forged_form"
    view = current_app.view_functions[request.endpoint]
    form = lambda: request.form  # noqa: E731 - read where it must be
    base_url = config.current().base_url
    form_origin.check(_requirement(), view, dict(request.headers), form, base_url)
    g.suspicion = ""


def _check_access() -> Any:
    if "\0" in request.path and _requirement() != "signature":
        raise NotFound  # no path of ours has NUL, and PostgreSQL refuses it in any text
    if _requirement() != "staff":
        return None
    g.staff = sessions.find_session(request.cookies.get(sessions.cookie_name(), ""))
    if g.staff is None:
        if sessions.cookie_name() in request.cookies:
            g.suspicion = "refused_sign_in"
        return redirect("/desk/enter", 303)
    if request.method not in {"GET", "HEAD"}:
        g.suspicion = "forged_form"
        sessions.check_form(g.staff, request.form.get("form_token", ""))
        desk_reading.note_write(g.staff.staff_id)
        g.suspicion = ""
    return None


def _set_headers(response: Response) -> Response:
    if not isinstance(response, PublicResponse):
        security_headers.set_on(
            response.headers,
            is_public=response.status_code < 400 and _requirement() == "public",
            is_https=urlsplit(config.current().base_url).scheme == "https",
        )
    return response


def _report_to_server_log(response: Response) -> Response:
    """Pass on what looks like an attack: the server log's thread counts it afterwards."""
    requirement = _requirement()
    request.environ["trustsvc.access"] = requirement
    kind = g.get("suspicion") or attack_patterns.classify(requirement, response.status_code)
    request.environ["trustsvc.attack_kind"] = kind
    return response


def _own_error(error: TrustsvcError) -> Response:
    if isinstance(error, Misconfigured):  # keys and settings are no business of a visitor
        logger.error("app.misconfigured", **log.error_location(error))
        error = TRY_AGAIN
    error = wrong_signatures.limited(error, _requirement())
    return _respond(error.status, error.title, error.detail)


def _http_error(error: HTTPException) -> Response:
    if 300 <= (status := error.code or 500) < 400:
        return Response(status=status, headers=dict(error.get_headers()))
    title = {
        404: "There is nothing here",
        405: "This address does not work that way",
        413: "The body is too large",
    }.get(status, error.name)
    response = _respond(status, title, title)
    if status == 405:
        response.headers["Allow"] = dict(error.get_headers()).get("Allow", "")
    return response


def _database_unavailable(error: SQLAlchemyError) -> Response:
    logger.error("app.database_unavailable", **log.error_location(error))
    return _own_error(TRY_AGAIN)


def _machine_unavailable(error: OSError) -> Response:
    """Answer 503 for a full or read-only disk, or no file handle left; the rest is a defect."""
    if error.errno not in TEMPORARY_ERRNOS:
        return _any_error(error)
    logger.error("app.machine_unavailable", **log.error_location(error), kind=error.errno)
    return _own_error(TRY_AGAIN)


def _any_error(error: Exception) -> Response:
    logger.error("app.unexpected_error", **log.error_location(error))
    return _respond(500, "Something went wrong", "Something went wrong on our side.")


def _respond(status: int, title: str, detail: str) -> Response:
    """Answer an error: problem+json (RFC 9457) or a page; never repeats the request."""
    accepts_html = "text/html" in request.headers.get("Accept", "")
    response = _problem(status, title, detail)
    if accepts_html and _requirement() != "signature":
        with contextlib.suppress(OSError):  # the page is a file, and there may be no handle left
            language = i18n.negotiate_language(request.headers.get("Accept-Language"))
            page = render_template("error.html", status=status, language=language)
            response = Response(page, status, mimetype="text/html")
    if status in {429, 503}:
        response.headers["Retry-After"] = "30" if status == 503 else "600"
    response.headers["Cache-Control"] = "no-store"
    return response


def _problem(status: int, title: str, detail: str) -> Response:
    body = json.dumps({"type": "about:blank", "title": title, "status": status, "detail": detail})
    return Response(body, status, mimetype="application/problem+json")

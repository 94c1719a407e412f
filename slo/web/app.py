"""The Flask app: its parts, its headers, its errors."""

from __future__ import annotations

import gzip
import hashlib
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, Response, render_template, request, url_for
from werkzeug.exceptions import (
    Forbidden,
    HTTPException,
    InternalServerError,
    MethodNotAllowed,
    NotFound,
)

import slo
from slo.config.settings import Settings
from slo.domain.access import OPEN
from slo.loaded import Loaded
from slo.metrics import Metrics
from slo.sources import Sources
from slo.store.engine import StoreError
from slo.web import format as fmt
from slo.web import health, refresh
from slo.web.api.blueprints import API
from slo.web.away import told
from slo.web.banner import banners
from slo.web.csrf import csrf_field, ensure_csrf
from slo.web.glance import end_glance
from slo.web.hosts import ensure_host
from slo.web.identity import current_identity, identify, identify_as
from slo.web.legible import ensure_legible
from slo.web.links import service_url, slo_url
from slo.web.moment import moment, moments
from slo.web.origin import ensure_same_origin
from slo.web.pages.blueprints import PAGES
from slo.web.pages.overview.page import show_overview
from slo.web.pages.status.page import renew_status
from slo.web.permission import LOGIN, LoggedOutError, ensure_permitted
from slo.web.problem import ProblemError, problem_response
from slo.web.proxies import Proxied
from slo.web.site import EXTENSION, Site, current_site
from slo.web.turns import begin_turn, end_turn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask.typing import ResponseReturnValue
    from markupsafe import Markup
    from prometheus_client import CollectorRegistry
    from sqlalchemy import Engine

_STATIC = Path(__file__).parent / "static"
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'; object-src 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_TEXTS = ("text/", "application/json", "application/openmetrics-text", "image/svg+xml")
_LISTS = {"incidents": "All incidents", "postmortems": "All postmortems"}
"""Lists of what has pages by its number, by the first word of their address."""
_TOLD = frozenset({"Allow", "Retry-After", "WWW-Authenticate"})
MOST_BYTES = 4 * 1024 * 1024
"""Of any request; a form holds a postmortem in letters of three bytes, each written as nine."""
_WORTH_GZIP = 1024
_GZIP_LEVEL = 4
_YEAR = 31_536_000


def create_app(
    engine: Engine,
    *,
    interval: int = 60,
    loaded: Loaded | None = None,
    registry: CollectorRegistry | None = None,
    sources: Sources | None = None,
    clock: Callable[[], float] = time.time,
) -> Flask:
    """The site over the store `engine`.

    `loaded` holds what slo.yaml declares; without it there are no SLOs, and `interval` is the
    cycle's, in seconds. `registry` is what /metrics shows, by default
    the standings alone.
    """
    app = Flask("slo.web", static_folder=str(_STATIC), template_folder=str(_template_folder()))
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        static=_static_url,
        slo_url=slo_url,
        service_url=service_url,
        csrf=csrf_field,
        banners=banners,
        identity=current_identity,
        dash=fmt.DASH,
    )
    app.jinja_env.filters.update(
        count=fmt.count,
        percent0=fmt.whole_percent,
        percent2=fmt.fine_percent,
        many=fmt.many,
        moment=_moment,
        moments=_moments,
    )
    shown = Metrics(engine).registry if registry is None else registry
    declared = Loaded(Settings((), (), interval=interval)) if loaded is None else loaded
    app.config.update(MAX_CONTENT_LENGTH=MOST_BYTES, MAX_FORM_MEMORY_SIZE=MOST_BYTES)
    app.wsgi_app = Proxied(app.wsgi_app, declared)  # type: ignore[assignment] # Flask's own way.
    app.extensions[EXTENSION] = Site(
        engine,
        shown,
        clock,
        loaded=declared,
        sources=sources or Sources(clock),
        started_at=clock(),
    )
    for blueprint in (*PAGES, *API, health.blueprint):
        app.register_blueprint(blueprint)
    app.before_request(_check)
    app.register_error_handler(ProblemError, problem_response)
    app.register_error_handler(HTTPException, _show_http_error)
    app.register_error_handler(StoreError, _show_store_error)
    app.after_request(_finish)
    app.teardown_request(end_glance)
    app.teardown_request(end_turn)
    return app


def warm(app: Flask) -> None:
    """Draw overview and status page once, so that the next visits find what they show kept."""
    with app.test_request_context("/"):
        identify_as(OPEN)
        show_overview()
        renew_status()


def _check() -> ResponseReturnValue | None:
    """The checks in their order; the first that answers, or refuses, ends the request."""
    ensure_same_origin()
    identify()
    ensure_host()
    answer = ensure_permitted()
    if answer is None:
        ensure_csrf()
        ensure_legible()
        begin_turn()
    return answer


def _template_folder() -> Path:
    """Where the templates are: inside the package as installed, beside it in a checkout."""
    package = Path(slo.__file__).parent
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


@cache
def _digest(name: str) -> str:
    return hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:12]


def _static_url(name: str) -> str:
    """A static file's URL, which changes with its content, so browsers may keep it for long."""
    return url_for("static", filename=name, v=_digest(name))


def _moment(at: float) -> Markup:
    """A time as a page tells it."""
    return moment(at, current_site().clock())


def _moments(text: str) -> Markup:
    """A sentence with its times as a page tells them."""
    return moments(text, current_site().clock())


def _show_http_error(error: HTTPException) -> Response | HTTPException:
    status = error.code or 500
    if 300 <= status < 400:  # noqa: PLR2004 -- a redirect is its own answer.
        return error
    title, text = _words(error)
    kept = _kept_headers(error)
    if request.path.startswith("/api/"):
        return problem_response(ProblemError(status, text, headers=kept))
    return _page(title, text, status, kept, _way(error))


def _words(error: HTTPException) -> tuple[str, str]:
    """The heading of an error, and what there is to say about it."""
    text = error.description or error.name
    match error:
        case NotFound():
            told = text if text != NotFound.description else "There is nothing at this address."
            return "No such page", told
        case LoggedOutError():
            return "You are not logged in any more", text
        case Forbidden():
            return "This is not allowed", text
        case MethodNotAllowed():
            return "Nothing to see here", f"{request.method} is not allowed at this address."
        case InternalServerError():
            return error.name, "Something went wrong on the server; its log says what."
        case _:
            return error.name, text


def _way(error: HTTPException) -> tuple[str, str]:
    """Where to go from an error: the address and its word."""
    if isinstance(error, LoggedOutError):
        return LOGIN, "Log in"
    place = request.path.split("/")[1]
    if isinstance(error, NotFound) and place in _LISTS:
        return f"/{place}", _LISTS[place]
    return "/", "All SLOs"


def _kept_headers(error: HTTPException) -> dict[str, str]:
    """What else the error tells: which methods there are, when to come again."""
    return {name: value for name, value in error.get_headers() if name in _TOLD}


def _show_store_error(error: StoreError) -> Response:
    text = f"The store does not answer: {told(error)}"
    if request.path.startswith("/api/"):
        return problem_response(ProblemError(503, text))
    return _page("The store does not answer", text, 503)


def _page(
    title: str,
    text: str,
    status: int,
    headers: Mapping[str, str] | None = None,
    way: tuple[str, str] = ("/", "All SLOs"),
) -> Response:
    page = render_template("error.html", title=title, text=text, near=[], way=way, cycle=None)
    return Response(page, status, headers, content_type="text/html; charset=utf-8")


def _finish(response: Response) -> Response:
    there = {name.lower() for name in response.headers.keys()}  # noqa: SIM118 -- it yields pairs.
    for name, value in _HEADERS.items():
        if name.lower() not in there:
            response.headers.add(name, value)
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = f"max-age={_YEAR}"
    if request.endpoint == "static":
        kept = f"public, max-age={_YEAR}, immutable" if "v" in request.args else "no-cache"
        response.headers["Cache-Control"] = kept
    elif current_identity().kind == "user" and response.mimetype == "text/html":
        response.headers["Cache-Control"] = "no-store"
    else:
        alone = current_identity().kind in {"user", "token"}
        response.headers.setdefault("Cache-Control", "private, no-cache" if alone else "no-cache")
    return _compressed(refresh.conditional(response))


def _compressed(response: Response) -> Response:
    """The response, gzipped where that pays and the client reads it."""
    if not (response.mimetype or "").startswith((*_TEXTS, "application/javascript")):
        return response
    response.vary.add("Accept-Encoding")
    plain = response.status_code in {204, 206, 304} or "Content-Encoding" in response.headers
    if plain or not request.accept_encodings["gzip"]:
        return response
    response.direct_passthrough = False
    body = response.get_data()
    if len(body) < _WORTH_GZIP:
        return response
    response.set_data(gzip.compress(body, _GZIP_LEVEL, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
    etag, _ = response.get_etag()
    if etag is not None:  # The bytes differ from the plain ones, the meaning does not.
        response.set_etag(etag, weak=True)
    return response

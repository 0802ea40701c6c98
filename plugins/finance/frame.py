"""What every page of the plugin shares: the login first, hard headers, troubles told in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.base import RequestResponseEndpoint

from .pages import Pages
from .ports import Access, NothingYet, SourceUnavailable

STATIC = Path(__file__).parent / "static"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
ANONYMOUS = 401


def frame(
    title: str,
    router: APIRouter,
    *,
    pages: Pages,
    access: Access,
    login: Callable[..., Any],
    words: dict[int, str],
) -> FastAPI:
    """Build an application whose every route but the static files asks who is there.

    Args:
        title: What the application is called.
        router: Its routes; they find the user as ``request.state.reader``.
        pages: Lays out its messages.
        access: Knows the login page.
        login: FastAPI dependency that returns the user, or raises 401 for an anonymous.
        words: What a refusal of some status means here.
    """

    def remember(request: Request, user: Any = Depends(login)) -> None:  # noqa: B008
        request.state.reader = user

    def unavailable(request: Request, error: Exception) -> Response:
        return pages.trouble(request, 503, f"{title} cannot be read now", str(error))

    def nothing_yet(request: Request, error: Exception) -> Response:
        """Show browsers an empty page; programs are told that there is nothing to load."""
        status = 200 if pages.wants_html(request) else 404
        return pages.trouble(request, status, "Nothing here yet", str(error))

    def refused(request: Request, error: Exception) -> Response:
        """Send browsers to the login and explain refusals; programs get the bare status."""
        assert isinstance(error, StarletteHTTPException)
        if error.status_code == ANONYMOUS and pages.wants_html(request):
            return RedirectResponse(access.login_url(str(request.url)), status_code=303)
        told = words.get(error.status_code, str(error.detail))
        return pages.trouble(request, error.status_code, "This page cannot be shown", told)

    def unreadable(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        fields = ", ".join(sorted({str(fault["loc"][-1]) for fault in error.errors()}))
        told = f"These fields are missing or are not what they should be: {fields}."
        return pages.trouble(request, 400, "This cannot be done", told)

    app = FastAPI(
        title=title,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(remember)],
    )
    app.state.access = access
    app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_exception_handler(NothingYet, nothing_yet)
    app.add_exception_handler(SourceUnavailable, unavailable)
    app.add_exception_handler(StarletteHTTPException, refused)
    app.add_exception_handler(RequestValidationError, unreadable)
    app.middleware("http")(harden)
    return app


async def harden(request: Request, call_next: RequestResponseEndpoint) -> Response:
    """Add the headers that keep a page to itself and out of caches."""
    response = await call_next(request)
    response.headers.update(HEADERS)
    if not request.url.path.endswith(".css"):
        response.headers["Cache-Control"] = "no-store"
    return response


def download(text: str, media_type: str, name: str) -> Response:
    """Return a text as a file to be saved.

    Args:
        text: Content.
        media_type: Its type.
        name: Name of the file.
    """
    return Response(
        text,
        media_type=f"{media_type}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )

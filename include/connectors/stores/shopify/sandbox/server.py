"""The HTTP face of the sandbox: token grant, GraphQL endpoint, bulk results, control interface."""

from __future__ import annotations

import asyncio
import gzip
import re
import uuid
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from include.connectors.stores.shopify.sandbox.auth import UNAUTHORIZED, Tokens
from include.connectors.stores.shopify.sandbox.call import Call
from include.connectors.stores.shopify.sandbox.control import control_routes
from include.connectors.stores.shopify.sandbox.execution import Answer
from include.connectors.stores.shopify.sandbox.settings import (
    API_VERSION,
    SUPPORTED_VERSIONS,
    SandboxSettings,
)
from include.connectors.stores.shopify.sandbox.store import StoreState
from include.connectors.stores.shopify.sandbox.world import Sandbox

_OPERATION = re.compile(r"\b(?:query|mutation)\s+(\w+)")
_VERSION = re.compile(r"^\d{4}-\d{2}$")
_GZIP_FROM = 1024
_JSON = "application/json; charset=utf-8"
_ERROR_PAGES = {
    "http_502": (502, "Bad Gateway"),
    "http_503": (503, "Service Unavailable"),
    "http_504": (504, "Gateway Timeout"),
}


class CutBody(Response):
    """An answer whose connection is closed in the middle of the body."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the headers and half of the body, then give up."""
        headers = [*self.raw_headers]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        # The declared length is not reached: the server drops the connection.
        raise ConnectionResetError("the sandbox cut the connection")


def create_app(store: StoreState, settings: SandboxSettings | None = None) -> Starlette:
    """Build the ASGI application of one shop.

    Args:
        store: The shop's records, for example from `seed.build_store`.
        settings: The switches (default: as strict as the service).

    Returns:
        The application, to be mounted at the root of a port; its `state.sandbox` is the Sandbox.
    """
    chosen = settings or SandboxSettings()
    store.lag = lambda: chosen.index_lag_seconds
    sandbox = Sandbox(store, chosen, Tokens(chosen, store.clock))

    async def graphql(request: Request) -> Response:
        return await _graphql(sandbox, request)

    async def token(request: Request) -> Response:
        return await _token(sandbox, request)

    async def result(request: Request) -> Response:
        text = sandbox.bulk.result(request.path_params["name"])
        if text is None:
            return _json({"errors": "Not Found"}, 404)
        return _packed(request, Response(text, media_type="application/jsonl"))

    async def missing(_request: Request) -> Response:
        return _json({"errors": "Not Found"}, 404)

    app = Starlette(
        routes=[
            Route("/admin/oauth/access_token", token, methods=["POST"]),
            Route("/admin/api/{version}/graphql.json", graphql, methods=["POST"]),
            Route("/bulk-operation-outputs/{name}", result, methods=["GET"]),
            Mount("/__sandbox__", routes=control_routes(sandbox)),
            Route("/{rest:path}", missing),
        ]
    )
    app.state.sandbox = sandbox
    return app


async def _token(sandbox: Sandbox, request: Request) -> Response:
    kind = request.headers.get("content-type", "")
    if "json" in kind:
        try:
            form = {str(k): str(v) for k, v in orjson.loads(await request.body()).items()}
        except (orjson.JSONDecodeError, AttributeError):
            return _json({"error": "invalid_request"}, 400)
    else:
        form = {key: str(value) for key, value in (await request.form()).items()}
    for name, (status, words) in _ERROR_PAGES.items():
        if sandbox.faults.take(name, "token"):
            return HTMLResponse(f"<h1>{words}</h1>", status)
    status, answer = sandbox.tokens.grant(form)
    sandbox.log.append({"operation": "token", "status": status})
    if isinstance(answer, str):
        return HTMLResponse(answer, status, headers=_headers())
    return _json(answer, status)


async def _graphql(sandbox: Sandbox, request: Request) -> Response:
    asked = request.path_params["version"]
    served = sandbox.settings.serve_version or _served(asked)
    if served is None:
        return _json({"errors": "Not Found"}, 404)
    if not _accepts_json(request.headers.get("accept", "*/*")):
        return Response(status_code=406, headers=_headers())
    try:
        query, variables, operation = _posted(
            await request.body(), request.headers.get("content-type", "")
        )
    except ValueError as error:
        return _json({"errors": {"query": str(error)}}, 400)
    found = _OPERATION.search(query)
    name = operation or (found[1] if found else "")
    revoked = sandbox.faults.take("token_revoked", name)
    if revoked:
        sandbox.tokens.expire()
    if revoked or not sandbox.tokens.accepts(request.headers.get("x-shopify-access-token", "")):
        sandbox.log.append({"operation": name, "status": 401})
        return _json(UNAUTHORIZED, 401)
    early = await _early_fault(sandbox, name)
    if early is not None:
        sandbox.log.append({"operation": name, "status": early.status_code})
        return early
    call = Call(
        shop=sandbox.store,
        settings=sandbox.settings,
        granted=sandbox.tokens.scopes(),
        fault=lambda kind: sandbox.faults.take(kind, name),
        bulk_operations=sandbox.bulk,
        base_url=str(request.base_url).rstrip("/"),
    )
    answer = sandbox.executor.run(query, variables, operation, call)
    sandbox.log.append(_logged(name, answer))
    if sandbox.faults.take("wrong_version", name):
        served = "2026-07" if served != "2026-07" else "2026-04"
    return await _answered(sandbox, request, name, answer, served)


def _accepts_json(accept: str) -> bool:
    kinds = {part.split(";")[0].strip() for part in accept.split(",")}
    return not kinds.isdisjoint({"*/*", "application/*", "application/json"})


def _posted(body: bytes, kind: str) -> tuple[str, dict[str, Any], str | None]:
    """Read a request's body; raise ValueError if it is no GraphQL request."""
    if kind.startswith("application/graphql"):
        return body.decode(), {}, None
    posted = orjson.loads(body)
    if not isinstance(posted, dict) or not isinstance(posted.get("query"), str):
        raise ValueError("Required parameter missing or invalid")  # noqa: TRY004 - a bad value
    variables = posted.get("variables") or {}
    if not isinstance(variables, dict):
        raise ValueError("Variables must be an object")  # noqa: TRY004 - a bad value
    return posted["query"], variables, posted.get("operationName")


def _served(asked: str) -> str | None:
    if asked == "unstable" or asked in SUPPORTED_VERSIONS:
        return asked
    if not _VERSION.match(asked) or asked > API_VERSION:
        return None
    # A retired version falls forward, silently, to the oldest one that is still supported.
    return SUPPORTED_VERSIONS[0]


def _logged(name: str, answer: Answer) -> dict[str, Any]:
    body = answer.body
    return {
        "operation": name,
        "status": 200,
        "requested": answer.requested,
        "actual": answer.actual,
        "throttled": answer.throttled,
        "errors": len(body.get("errors", ())),
    }


async def _early_fault(sandbox: Sandbox, name: str) -> Response | None:
    take = sandbox.faults.take
    if take("timeout_before", name):
        await asyncio.sleep(sandbox.settings.hang_seconds)
        return Response(status_code=504)
    if take("http_429", name):
        return _json({"errors": "Too Many Requests"}, 429, {"Retry-After": "1.0"})
    if take("http_500", name):
        return _json({"errors": "Internal Server Error"}, 500)
    for kind, (status, words) in _ERROR_PAGES.items():
        if take(kind, name):
            return HTMLResponse(f"<html><h1>{words}</h1></html>", status, headers=_headers())
    if take("internal_error", name):
        text = (
            "Internal error. Looks like something went wrong on our end.\n"
            f"Request ID: {uuid.uuid4()} (include this in support requests)."
        )
        return _json(
            {"errors": [{"message": text, "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}, 200
        )
    return None


async def _answered(
    sandbox: Sandbox, request: Request, name: str, answer: Answer, served: str
) -> Response:
    take = sandbox.faults.take
    if take("timeout_after", name):
        await asyncio.sleep(sandbox.settings.hang_seconds)
        return Response(status_code=504)
    body = answer.body
    if take("partial_data", name) and isinstance(body.get("data"), dict):
        first = next(iter(body["data"]), None)
        body = {
            **body,
            "data": {key: None if key == first else row for key, row in body["data"].items()},
            "errors": [
                {
                    "message": "Internal error. Looks like something went wrong on our end.",
                    "path": [first],
                    "extensions": {"code": "INTERNAL_SERVER_ERROR"},
                }
            ],
        }
    status = sandbox.settings.throttle_status if answer.throttled else 200
    headers = {"X-Shopify-API-Version": served}
    if answer.throttled and status != 200:  # noqa: PLR2004 - OK
        headers["Retry-After"] = "1.0"
    response = _json(body, status, headers)
    if take("cut_body", name):
        return CutBody(response.body, headers=dict(response.headers))
    if take("invalid_json", name):
        return Response(b'{"data": {', headers=_headers(), media_type="application/json")
    return _packed(request, response)


def _headers() -> dict[str, str]:
    return {"X-Request-Id": str(uuid.uuid4())}


def _json(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(
        orjson.dumps(body), status, headers={**_headers(), **(headers or {})}, media_type=_JSON
    )


def _packed(request: Request, response: Response) -> Response:
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return response
    if len(response.body) < _GZIP_FROM:
        return response
    response.body = gzip.compress(bytes(response.body), 1)
    response.headers["Content-Encoding"] = "gzip"
    response.headers["Content-Length"] = str(len(response.body))
    response.headers["Vary"] = "Accept-Encoding"
    return response

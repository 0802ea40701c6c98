"""Access tokens: the client-credentials grant, its 24 hour tokens, and legacy static ones."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from html import escape

from include.connectors.stores.shopify.sandbox.settings import SandboxSettings
from include.connectors.stores.shopify.sandbox.timeline import Clock

UNAUTHORIZED = {
    "errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"
}


class Tokens:
    """The tokens of one app in one shop.

    Args:
        settings: Credentials, static tokens and scopes.
        clock: The sandbox's time.
    """

    def __init__(self, settings: SandboxSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._issued: dict[str, datetime] = {}
        self.granted = 0

    def grant(self, form: dict[str, str]) -> tuple[int, dict[str, object] | str]:
        """Answer a token request.

        Args:
            form: The posted fields.

        Returns:
            HTTP status, and the JSON answer or the text of the error page.
        """
        settings = self._settings
        if form.get("client_id") != settings.client_id:
            number = escape(form.get("client_id", ""))
            return 400, _page(
                "application_cannot_be_found",
                f"Could not find Shopify API application with api_key {number}",
            )
        if form.get("grant_type") != "client_credentials":
            return 400, _page("invalid_request", "Unsupported grant type")
        if not hmac.compare_digest(form.get("client_secret", ""), settings.client_secret):
            return 400, _page("invalid_client", "The client secret is not valid")
        self.granted += 1
        token = f"shpat_{self.granted:032x}"
        self._issued[token] = self._clock.now() + timedelta(seconds=settings.token_seconds + 1)
        return 200, {
            "access_token": token,
            "scope": ",".join(settings.scopes),
            "expires_in": settings.token_seconds,
        }

    def accepts(self, token: str) -> bool:
        """Tell whether a token is known and alive."""
        if token in self._settings.static_tokens:
            return True
        until = self._issued.get(token)
        return until is not None and self._clock.now() < until

    def expire(self) -> None:
        """Expire every token issued so far."""
        self._issued.clear()

    def scopes(self) -> frozenset[str]:
        """Return the scopes of a token; writing implies reading."""
        found = set(self._settings.scopes)
        found |= {scope.replace("write_", "read_", 1) for scope in found}
        return frozenset(found)


def _page(code: str, text: str) -> str:
    words = f"Oauth error {code}: {text}"
    return f"<!DOCTYPE html><html><head><title>{words}</title></head><body>{words}</body></html>"

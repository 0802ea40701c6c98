"""Keeps secrets and personal data out of messages: URLs lose their query, tokens their value."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_TOKEN = re.compile(
    r"""(?ix)
    \b(?:shp(?:at|ca|pa|ss|ua)_[0-9a-z]+)          # Shopify tokens and secrets
    | (?<=bearer\s)[^\s"',]+
    | (?<=basic\s)[^\s"',]+
    | (?:(?<=access_token["']:["'])|(?<=client_secret["']:["']))[^\s"',]+
    | (?:(?<=access_token=)|(?<=client_secret=))[^\s"'&,]+
    """
)
_LONGEST = 300


def safe_url(url: str) -> str:
    """Return scheme, host and path of a URL: no user, password, query (signatures) or fragment.

    Args:
        url: Any absolute URL.
    """
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


def safe_text(text: str) -> str:
    """Return a vendor's words fit for a log: on one line, shortened, tokens masked.

    Args:
        text: An error message of a remote system; never a document.
    """
    flat = " ".join(_TOKEN.sub("***", text).split())
    return flat if len(flat) <= _LONGEST else f"{flat[:_LONGEST]}..."

"""What each channel's file decides: every setting, what is chosen, and what that means."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from .pages import Pages
from .ports import Access, ChannelSource

router = APIRouter(prefix="/channels")
pages = Pages()


def _readable(request: Request) -> list[str]:
    source: ChannelSource = request.app.state.channels
    access: Access = request.app.state.access
    return [name for name in source.names() if access.may_read(request.state.reader, name)]


@router.get("/")
def list_channels(request: Request) -> Response:
    """Show the channels that the person may read."""
    source: ChannelSource = request.app.state.channels
    return pages.channels(request, [source.channel(name) for name in _readable(request)])


@router.get("/{name}")
def show_channel(request: Request, name: str) -> Response:
    """Show every setting of one channel."""
    if name not in _readable(request):
        raise HTTPException(404)
    return pages.channel(request, request.app.state.channels.channel(name))

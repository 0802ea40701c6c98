"""Picks TCP ports of 127.0.0.1 for the local stack, each for one stack alone.

A stack listens on its ports a while after it chose them. Until its runner ends, a lock on a file
in the system's temporary folder keeps every other stack from choosing the same.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import tempfile
from pathlib import Path

HOST = "127.0.0.1"
_ATTEMPTS = 50


def is_free(port: int) -> bool:
    """Tell whether nothing listens on a port.

    Args:
        port: a TCP port of 127.0.0.1.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


class Ports:
    """The ports of one stack, held until ``release`` or the end of the process.

    Args:
        folder: where the lock files are; the system's temporary folder unless given.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(tempfile.gettempdir())
        self._held: dict[Path, int] = {}

    def take(self, port: int) -> bool:
        """Take a port.

        Args:
            port: a TCP port of 127.0.0.1.

        Returns:
            Whether nothing listens on it and no other stack has taken it.
        """
        path = self._folder / f"counterfoil-port-{port}.lock"
        lock = _opened(path)
        if lock is None:
            return False
        if not (_locked(lock, path) and is_free(port)):
            os.close(lock)
            return False
        self._held[path] = lock
        return True

    def take_any(self) -> int:
        """Take a free port and return it.

        Raises:
            OSError: No port could be locked.
        """
        for _ in range(_ATTEMPTS):
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
                probe.bind((HOST, 0))
                port = int(probe.getsockname()[1])
            if self.take(port):
                return port
        raise OSError(f"no port could be locked in {self._folder}")

    def prefer(self, port: int) -> int:
        """Take a port if that is possible, else another one.

        Args:
            port: the port that a person would expect.
        """
        return port if self.take(port) else self.take_any()

    def release(self) -> None:
        """Let go of all ports."""
        while self._held:
            path, lock = self._held.popitem()
            with contextlib.suppress(OSError):
                path.unlink()
            os.close(lock)


def _opened(path: Path) -> int | None:
    """Open a lock file, which may be another user's; ``None`` if it is no file."""
    # In a sticky folder another user's file opens only where it is not to be created.
    for flags in (os.O_RDONLY, os.O_RDONLY | os.O_CREAT):
        with contextlib.suppress(OSError):
            return os.open(path, flags | os.O_NOFOLLOW, 0o644)
    return None


def _locked(lock: int, path: Path) -> bool:
    """Lock an open file; it has to be the one of that name still, and not one just let go of."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(lock), path.stat())
    except OSError:
        return False

"""Picks TCP ports of 127.0.0.1 for the local stack."""

from __future__ import annotations

import socket

HOST = "127.0.0.1"


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


def free_ports(count: int) -> list[int]:
    """Pick ports that are free now, all different.

    Args:
        count: how many.
    """
    probes = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((HOST, 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def prefer(port: int) -> int:
    """Take a port if it is free, else another one.

    Args:
        port: the port that a person would expect.
    """
    return port if is_free(port) else free_ports(1)[0]

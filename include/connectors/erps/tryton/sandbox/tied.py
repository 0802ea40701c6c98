"""Runs a Python script that ends when whoever started it does: ``tied.py SCRIPT ARGUMENTS...``.

The starter holds the other end of standard input; it closes however the starter ends.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading


def _end_with_standard_input() -> None:
    while os.read(0, 1024):
        pass
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")

"""Property tests take the time they take: a busy machine is no reason to fail one.

Continuous integration tries the same examples every time; everybody else tries new ones.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "steady",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=60,
    derandomize="CI" in os.environ,
    print_blob=True,
)
settings.load_profile("steady")

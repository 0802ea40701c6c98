"""Great Expectations is imported without what our rules do not use, and that still works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import sys
finders = list(sys.meta_path)
from tests.integration.test_quality_rules import clean_rows, run

rows = clean_rows()
rows[0]["negative_prices"] = 1
assert len(run(rows).findings) == 1
assert sys.meta_path == finders
unused = {"scipy.stats._distn_infrastructure", "altair.vegalite"}
assert not unused & set(sys.modules), unused & set(sys.modules)

import altair, scipy.stats
assert scipy.stats.norm.cdf(0.0) == 0.5
assert altair.Chart is not None
assert unused <= set(sys.modules)
"""


def test_what_no_rule_uses_loads_when_it_is_first_used() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr[-2000:]

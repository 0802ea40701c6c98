"""Turns the figures into a table for people and into targets met or missed."""

from __future__ import annotations

from bench.measure import Figures

BUSY = 0.7
NO_OP, ORDERS = "bench__no_op", "orders__shopify_gp"


def targets(results: Figures) -> list[Figures]:
    """Hold the figures against the targets.

    Args:
        results: What was measured.

    Returns:
        One row a target: its name, the wanted and the measured value, and whether it is met.
    """
    rows = []

    def add(name: str, wanted: float, measured: float, *, at_most: bool = False) -> None:
        met = measured <= wanted if at_most else measured >= wanted
        rows.append({"target": name, "wanted": wanted, "measured": round(measured, 3), "met": met})

    sizes = results.get("throughput", [])
    for row in sizes:
        own, size = row["counterfoil"], f"{row['orders']:,} orders"
        add(f"orders/s, {size}", 2_000, own["orders_per_second"]["median"])
        add(f"share of the floor, {size}", 0.75, row["of_the_floor"])
        add(f"peak MB, {size}", 300, own["peak_mb"]["median"], at_most=True)
        add(f"GX's share of the wall, {size}", 0.15, own["gx_share"]["median"], at_most=True)
    if len(sizes) > 1:
        first, last = sizes[0], sizes[-1]
        more_mb = (
            last["counterfoil"]["peak_mb"]["median"] - first["counterfoil"]["peak_mb"]["median"]
        )
        more_kb = 1_000 * more_mb / (last["orders"] - first["orders"])
        # A document is 9 kB: a pipeline that kept a window's would take at least that.
        add("kB of the peak that an order more takes", 1.0, more_kb, at_most=True)
    if "posting" in results:
        add("documents/s posted", 200, results["posting"]["documents_per_second"]["median"])
    if "empty" in results:
        found = results["empty"]
        ratio = found[ORDERS]["seconds"]["median"] / found[NO_OP]["seconds"]["median"]
        add("empty window to no-op tasks", 1.2, ratio, at_most=True)
    if "parse" in results:
        together = results["parse"]["together"]["median"]
        add("seconds to parse all DAG files", 1.0, together, at_most=True)
    return rows


def render(latest: Figures) -> str:
    """Write the table.

    Args:
        latest: What goes into ``latest.json``.
    """
    facts = latest["machine"]
    lines = [
        f"{facts['cores']} cores ({facts['processor']}), Python {facts['python']}, PostgreSQL "
        f"{facts['postgresql']}; median of {latest['runs']} (smallest to largest)",
    ]
    if facts["load_before"] > BUSY:
        lines.append(
            f"NOT QUIET: the load was {facts['load_before']} before the start; what else runs "
            "takes its share of every rate below"
        )
    lines.append("")
    for row in latest["results"].get("throughput", []):
        lines += _throughput(row)
    if "posting" in latest["results"]:
        row = latest["results"]["posting"]
        lines += [
            f"posting: {_spread(row['documents_per_second'])} documents/s, {row['documents']:,} "
            f"documents in {row['calls']:,} calls of 5 ms, {row['threads']} threads",
            "",
        ]
    if "empty" in latest["results"]:
        for dag_id, found in latest["results"]["empty"].items():
            tasks = ", ".join(f"{name} {took:.2f}" for name, took in found["tasks"].items())
            lines.append(f"{dag_id:<20} {_spread(found['seconds'], 2)} s   ({tasks})")
        lines.append("")
    if "parse" in latest["results"]:
        found = latest["results"]["parse"]
        files = ", ".join(f"{name} {took['median']:.2f}" for name, took in found["files"].items())
        lines += [
            f"parsing all DAG files: {_spread(found['together'], 2)} s, "
            f"{found['cpu']['median']:.2f} s of processor   ({files})",
            "",
        ]
    for row in latest["targets"]:
        verdict = "met   " if row["met"] else "missed"
        lines.append(
            f"{verdict}  {row['target']:<50} {row['measured']:>10,.2f}  wanted {row['wanted']:,}"
        )
    return "\n".join(lines)


def _throughput(row: Figures) -> list[str]:
    lines = [f"{row['orders']:,} orders, {row['payload_mb']} MB"]
    for name in ("floor", "counterfoil", "dlt"):
        if name not in row:
            lines.append("  dlt          not installed (make bench DLT=1)")
            continue
        figures = row[name]
        lines.append(
            f"  {name:<12} {_spread(figures['orders_per_second']):>24} orders/s   "
            f"{figures['seconds']['median']:7.2f} s   peak {figures['peak_mb']['median']:5.0f} MB"
            f"   {_cpu(figures)}"
        )
    own = row["counterfoil"]
    phases = ", ".join(
        f"{phase} {own[phase]['median']:.2f} s ({own[f'{phase}_peak_mb']['median']:.0f} MB)"
        for phase in ("pull", "validate", "load")
    )
    lines += [
        f"               {phases}",
        f"               Great Expectations {own['gx_share']['median']:.1%} of the wall time; "
        f"{own['gx_share_with_import']['median']:.1%} where its import "
        f"({own['gx_import']['median']:.1f} s) is not shared",
        f"               {row['of_the_floor']:.2f} of the floor",
        "",
    ]
    return lines


def _cpu(figures: Figures) -> str:
    """Spell the processor time of an order, which a busy machine changes less than the rate."""
    if "cpu_ms" not in figures:
        return ""
    own, database = figures["cpu_ms"]["median"], figures["database_cpu_ms"]["median"]
    return f"{own:.3f} + {database:.3f} ms of processor an order (own + database)"


def _spread(figures: Figures, places: int = 0) -> str:
    return (
        f"{figures['median']:,.{places}f} "
        f"({figures['min']:,.{places}f} to {figures['max']:,.{places}f})"
    )

"""The tables of races: what they cost beside the cheapest of their arms, and by which rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import geometric_mean

from recorded_rows import Row
from run_tables import Content, table

ARMS = ("direct", "gated", "combined")


def race_costs(content: Content) -> str:
    """A line for each pair; costs are in times of the cheapest arm's with the same seed."""
    heads = (f"`{arm}` alone" for arm in ARMS)
    return table(
        ("task × model", "seconds", "evaluations", "`auto`", *heads, "best of three others"),
        _pairs(content[0]),
    )


def race_rules(content: Content) -> str:
    """A line for each rule that races were tried by: the mean, the worst pair, and how many cost more than twice."""
    (rows,) = content[0]
    names = list(rows[0]["races"])
    lines = []
    for name in names:
        means = [geometric_mean(row["races"][name]) for row in rows]
        most = max(max(row["races"][name]) for row in rows)
        lines.append(
            [
                name,
                f"{geometric_mean(means):.2f}",
                f"{max(means):.2f}",
                f"{sum(mean > 2 for mean in means)} of {len(means)}",
                f"{most:.1f}",
            ]
        )
    heads = ("rule", "geometric mean", "worst pair", "pairs above 2", "worst single race")
    return table(heads, iter(lines))


def racing_overhead(content: Content) -> str:
    """A line for each pair: what races took besides training their arms."""
    names = dict.fromkeys(row["pair"] for row in content[0])
    rows = {name: [row for row in content[0] if row["pair"] == name] for name in names}
    lines = (
        [
            f"`{name}`",
            f"{max(row['arms'] for row in group)}",
            f"{min(row['evaluations'] for row in group)}",
            ", ".join(f"{row['seconds']:.1f}" for row in group),
            ", ".join(f"{row['overhead']:.1%}" for row in group),
        ]
        for name, group in rows.items()
    )
    return table(
        ("experiment", "arms trained", "evaluations", "seconds", "besides training"), lines
    )


def _pairs(rows: Sequence[Row]) -> Iterator[Sequence[str]]:
    for row in rows:
        alone = row["alone"]
        yield [
            f"`{row['pair']}`",
            f"{geometric_mean(row['seconds']):.0f}",
            f"{min(row['evaluations'])}",
            f"**{geometric_mean(row['races']['auto']):.2f}**",
            *(_words(alone.get(arm)) for arm in ARMS),
            _best_of(row),
        ]
    means = [geometric_mean(row["races"]["auto"]) for row in rows]
    yield ["geometric mean", "", "", f"**{geometric_mean(means):.2f}**", "", "", "", ""]


def _alone(costs: Sequence[float | None]) -> list[float]:
    return [cost for cost in costs if cost is not None]


def _words(costs: Sequence[float | None] | None) -> str:
    """The geometric mean of those that got there, and how many did not."""
    if costs is None:
        return "refused"
    found = _alone(costs)
    if not found:
        return "never"
    short = f" ({len(found)} of {len(costs)})" if len(found) < len(costs) else ""
    return f"{geometric_mean(found):.2f}{short}"


def _best_of(row: Row) -> str:
    """The best of the further strategies: the one that got there most often, at the least cost."""
    further = {arm: costs for arm, costs in row["alone"].items() if arm not in ARMS}
    if not further:
        return "–"

    def standing(arm: str) -> tuple[int, float]:
        found = _alone(further[arm])
        return -len(found), geometric_mean(found) if found else 0.0

    best = min(further, key=standing)
    return f"`{best}` {_words(further[best])}"


def handing_over(content: Content) -> str:
    """A line for each pair: what a strategy costs from fresh weights, and with what another has trained before."""
    names = dict.fromkeys(row["pair"] for row in content[0])
    kinds = ("direct", "gated", "direct, then gated", "gated, then direct")
    lines = []
    for name in names:
        group = [row for row in content[0] if row["pair"] == name]
        lines.append(
            [
                f"`{name}`",
                ", ".join(f"{row['at first']:.0f}" for row in group),
                *(", ".join(_compute(row, kind) for row in group) for kind in kinds),
            ]
        )
    heads = ("`direct`", "`gated`", "`direct`, then `gated`", "`gated`, then `direct`")
    return table(("task × model", "the first part", *heads), iter(lines))


def _compute(row: Row, kind: str) -> str:
    """To the target, the first part included where there is one."""
    if row[kind] is None:
        return "never"
    return f"{row[kind] + (row['at first'] if 'then' in kind else 0):.0f}"

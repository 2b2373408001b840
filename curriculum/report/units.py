"""Numbers, costs and names as cells of tables, in few characters."""

import math

UNIT_LABELS = {
    "compute": "compute (FLOP equivalents)",
    "tokens": "tokens trained on",
    "seconds": "time (s)",
    "steps": "optimizer steps",
}
"""An axis's label for a unit."""

PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
SPANS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))


def csv_cell(name: str) -> str:
    """A name that no spreadsheet takes for a formula.

    >>> [csv_cell(name) for name in ("gated", "=1+1", "-x")]
    ['gated', "'=1+1", "'-x"]
    """
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name


def short(value: float, unit: str) -> str:
    """To two digits; `never` where infinite.

    >>> [short(3.14e9, "compute"), short(4_210_000, "tokens"), short(12.3, "seconds")]
    ['3.1e9', '4.2 M', '12 s']
    >>> [short(59.7, "seconds"), short(999_999, "steps"), short(math.inf, "compute")]
    ['1 min', '1 M', 'never']
    """
    if not math.isfinite(value):
        return "never"
    if unit == "compute":
        mantissa, _, exponent = f"{value:.1e}".partition("e")
        return f"{mantissa}e{int(exponent)}" if value else "0"
    rounded = float(f"{value:.2g}")
    if unit == "seconds":
        return _scaled(rounded, SPANS) or f"{rounded:g} s"
    return _scaled(rounded, PREFIXES) or f"{round(value):,}"


def times(ratio: float) -> str:
    """A ratio to two digits.

    >>> [times(ratio) for ratio in (0.043, 1.0, 3.17, 12.4, 1_234, math.inf)]
    ['0.043', '1.0', '3.2', '12', '1,200', '∞']
    """
    if not math.isfinite(ratio):
        return "∞"
    rounded = float(f"{ratio:.2g}")
    return (
        f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:.2g}" if ratio < 1 else f"{rounded:.1f}"
    )


def _scaled(value: float, sizes: tuple[tuple[float, str], ...]) -> str:
    """In the largest size that fits once or more; empty for none."""
    found = next(((value / size, name) for size, name in sizes if value >= size), None)
    return "" if found is None else f"{float(f'{found[0]:.2g}'):g} {found[1]}"

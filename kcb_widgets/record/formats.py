"""Numbers and sizes as text, in messages: written as ``js/src/ui/format.js`` writes them beside."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal

import numpy as np

METRIC_DIGITS = 4
UNITS = ("B", "KB", "MB", "GB", "TB")


def format_bytes(size: float) -> str:
    """A size by thousands: ``508 B``, ``71 KB``, ``2.4 MB``."""
    value, units = max(0.0, float(size)), list(UNITS)
    while value >= 999.5 and len(units) > 1:
        value /= 1000
        units.pop(0)
    if units[0] == "B":
        return f"{math.floor(value + 0.5)} B"
    return f"{_rounded(value, 2 if value < 99.5 else 3):f} {units[0]}"


def format_seconds(seconds: float) -> str:
    """A time that somebody waits: ``5.2 s``, ``37 s``, ``2 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 119.5 else f"{seconds / 60:.0f} min"


def format_metric(value: float) -> str:
    """A metric's value, with four digits."""
    return _text(value, METRIC_DIGITS)


def format_setting(value: float) -> str:
    """A setting's value: the shortest number that gives the same float32, as most settings are held in one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    with np.errstate(over="ignore", under="ignore"):
        near = np.float32(value)
    if not math.isfinite(value) or not np.isfinite(near) or (near == 0) != (value == 0):
        return _plain(Decimal(repr(float(value)))) if math.isfinite(value) else _text(value, 1)
    return _plain(Decimal(str(near)))


def _text(value: float, digits: int) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "\u2212∞"
    return _plain(_rounded(value, digits)) if value else "0"


def _rounded(value: float, digits: int) -> Decimal:
    """So many significant digits; halves go up, as in JavaScript's ``toPrecision``."""
    exact = Decimal(value)
    near = exact.quantize(Decimal(1).scaleb(exact.adjusted() - digits + 1), ROUND_HALF_UP)
    return near.quantize(Decimal(1).scaleb(near.adjusted() - digits + 1))  # 0.9995 has become 1.00


def _plain(number: Decimal) -> str:
    """Without zeros at the end; with an exponent where it is small or large: ``1.6e-5``."""
    sign, digits, exponent = number.normalize().as_tuple()
    if not number:
        return "0"
    assert isinstance(exponent, int)
    first = len(digits) - 1 + exponent
    if -4 < first < 7:
        return f"{number.normalize():f}"
    text = "".join(map(str, digits))
    mantissa = text[0] + (f".{text[1:]}" if text[1:] else "")
    return f"{'-' if sign else ''}{mantissa}e{first}"

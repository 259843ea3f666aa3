"""What rules are made of: numbers, and functions that reckon with them. None is what is not known."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

How = Literal["now", "best", "mean", "last"]

ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
COMPARISONS: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: lambda a, b: a < b or a > b,  # of NaN this is false, as every other comparison
}


class Term(NamedTuple):
    """A number that a rule asks the run for.

    Attributes:
        name: The metric, the control, ``epoch`` or ``step``.
        how: Its value now, its best, the mean of its last values, or an earlier one.
        n: How many values the mean is of, or how long ago.
    """

    name: str
    how: How = "now"
    n: int = 0

    def __str__(self) -> str:
        name = self.name if self.name.isidentifier() else f'm("{self.name}")'
        if self.how == "now":
            return name
        return f"{self.how}({name}, {self.n})" if self.n else f"{self.how}({name})"


Numbers = Mapping[Term, float | None]
Number = Callable[[Numbers], float | None]
Truth = Callable[[Numbers], bool | None]


def constant(value: float) -> Number:
    """The same number always."""
    return lambda _: value


def reckoned(function: Callable[[float, float], float], left: Number, right: Number) -> Number:
    """What two numbers make; not known where one is not, or where it cannot be reckoned."""

    def reckon(numbers: Numbers) -> float | None:
        a, b = left(numbers), right(numbers)
        if a is None or b is None:
            return None
        try:
            return function(a, b)
        except (ZeroDivisionError, OverflowError):
            return None

    return reckon


def compared(parts: list[Number], compare: list[Callable[[float, float], bool]]) -> Truth:
    """Whether each comparison of a chain holds."""
    if len(parts) == 2:
        (one, two), (compares,) = parts, compare

        def holds_of_two(numbers: Numbers) -> bool | None:
            left, right = one(numbers), two(numbers)
            return None if left is None or right is None else compares(left, right)

        return holds_of_two
    rest = list(zip(compare, parts[1:], strict=True))

    def holds(numbers: Numbers) -> bool | None:
        known, left = True, parts[0](numbers)
        for function, part in rest:
            right = part(numbers)
            if left is None or right is None:
                known = False
            elif not function(left, right):
                return False
            left = right
        return True if known else None

    return holds


def all_of(parts: list[Truth]) -> Truth:
    """Whether all hold: no, where one does not, whatever the others."""

    def holds(numbers: Numbers) -> bool | None:
        known = True
        for part in parts:
            found = part(numbers)
            if found is False:
                return False
            known = known and found is not None
        return True if known else None

    return holds


def any_of(parts: list[Truth]) -> Truth:
    """Whether any holds: yes, where one does, whatever the others."""

    def holds(numbers: Numbers) -> bool | None:
        known = True
        for part in parts:
            found = part(numbers)
            if found:
                return True
            known = known and found is not None
        return False if known else None

    return holds


def negated(part: Truth) -> Truth:
    """Whether it does not hold."""

    def holds(numbers: Numbers) -> bool | None:
        found = part(numbers)
        return None if found is None else not found

    return holds

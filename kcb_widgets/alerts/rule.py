"""Rule: a condition as text, such as ``val_loss > 1.2 * best(val_loss)``. It is read, and never run as code."""

from __future__ import annotations

import ast
import math
import operator
import warnings
from typing import NoReturn

from ..record.directions import direction_of
from ..record.formats import format_metric
from .reckoning import (
    ARITHMETIC,
    COMPARISONS,
    Number,
    Numbers,
    Term,
    Truth,
    all_of,
    any_of,
    compared,
    constant,
    negated,
    reckoned,
)

MAX_LENGTH = 500  # characters of a rule
MAX_DEPTH = 40  # of what stands in each other
MAX_COUNT = 1000  # epochs, or batches, that a mean goes over
MAX_POWER = 10
MAX_TOLD = 6  # numbers that a message gives
COUNTERS = ("epoch", "step")
FUNCTIONS = ("best", "mean", "last", "m")


class Rule:
    """A condition that was read from text.

    What is not known makes what depends on it not known; so ``a > 1 or b > 1`` holds where ``a`` is 2, whatever ``b``.

    Args:
        text: The condition: comparisons of numbers, metrics and controls, with ``+ - * / **``, ``and``, ``or``,
            ``not``, ``best(metric)``, ``mean(metric, n)``, ``last(metric, n)``, and ``m("any name")``.

    Attributes:
        text: As it was given.
        terms: The numbers that it asks for, each once.

    Raises:
        TypeError: It is no text.
        ValueError: It cannot be read; the message shows where.
    """

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            msg = f"a rule must be a string. Received: a {type(text).__name__}"
            raise TypeError(msg)
        reader = _Reader(text.strip())
        self.text = reader.text
        self._holds = reader.read()
        self.terms = tuple(reader.terms)

    def __reduce__(self) -> tuple[type[Rule], tuple[str]]:
        return Rule, (self.text,)

    def __repr__(self) -> str:
        return f"Rule({self.text!r})"

    def holds(self, numbers: Numbers) -> bool | None:
        """Whether it holds; None where that cannot be known.

        Args:
            numbers: The value of each of ``terms``; None for one that is not there.
        """
        return self._holds(numbers)

    def describe(self, numbers: Numbers) -> str:
        """The numbers that it was decided by: ``val_loss = 1.43, best(val_loss) = 1.1``."""
        told = [(term, numbers.get(term)) for term in self.terms]
        known = [f"{term} = {format_metric(value)}" for term, value in told if value is not None]
        return ", ".join(known[:MAX_TOLD])


class _Reader:
    """Turns one text into functions, by a list of what is allowed; all else is refused."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.terms: dict[Term, None] = {}
        self._deep = 0

    def read(self) -> Truth:
        if not self.text or len(self.text) > MAX_LENGTH:
            msg = f"a rule must have from 1 to {MAX_LENGTH} characters. Received: {len(self.text)}"
            raise ValueError(msg)
        if not self.text.isprintable():
            at = next(i for i, character in enumerate(self.text) if not character.isprintable())
            msg = f"a rule is one line of printable characters, and character {at + 1} is none"
            raise ValueError(msg)
        try:
            with warnings.catch_warnings():  # Python warns of what is refused below
                warnings.simplefilter("ignore")
                tree = ast.parse(self.text, mode="eval")
        except SyntaxError as error:
            self._stop(f"this is no rule ({error.msg})", max((error.offset or 1) - 1, 0))
        except (ValueError, RecursionError, MemoryError) as error:
            self._stop(f"this is no rule ({type(error).__name__})", 0)
        return self._truth(tree.body)

    def _stop(self, why: str, at: int) -> NoReturn:
        at = min(at, len(self.text))
        msg = f"{why}, at character {at + 1}:\n    {self.text}\n    {' ' * at}^"
        raise ValueError(msg)

    def _refuse(self, node: ast.expr, why: str) -> NoReturn:
        before = self.text.encode()[: node.col_offset]
        self._stop(why, len(before.decode(errors="replace")))

    def _go_deeper(self, node: ast.expr) -> None:
        self._deep += 1
        if self._deep > MAX_DEPTH:
            self._refuse(node, f"a rule may be {MAX_DEPTH} levels deep")

    def _truth(self, node: ast.expr) -> Truth:
        self._go_deeper(node)
        if isinstance(node, ast.BoolOp):
            parts = [self._truth(each) for each in node.values]
            made = all_of(parts) if isinstance(node.op, ast.And) else any_of(parts)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            made = negated(self._truth(node.operand))
        elif isinstance(node, ast.Compare):
            made = self._comparison(node)
        else:
            self._refuse(node, "a rule must be a comparison, or several with and, or, not")
        self._deep -= 1
        return made

    def _comparison(self, node: ast.Compare) -> Truth:
        compare = [COMPARISONS.get(type(op)) for op in node.ops]
        known = [each for each in compare if each is not None]
        if len(known) < len(compare):
            self._refuse(node, "only < <= > >= == != compare numbers")
        return compared([self._number(each) for each in (node.left, *node.comparators)], known)

    def _number(self, node: ast.expr) -> Number:
        self._go_deeper(node)
        made: Number
        if isinstance(node, ast.Constant):
            made = constant(self._plain_number(node))
        elif isinstance(node, ast.BinOp):
            made = self._arithmetic(node)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            made = reckoned(
                operator.mul, constant(-1.0 if isinstance(node.op, ast.USub) else 1.0), self._number(node.operand)
            )
        elif isinstance(node, (ast.Name, ast.Call)):
            made = self._term(node)
        else:
            what = "a condition cannot be reckoned with" if isinstance(node, (ast.Compare, ast.BoolOp)) else ""
            self._refuse(node, what or "only numbers, names, + - * / ** and best, mean, last, m are allowed here")
        self._deep -= 1
        return made

    def _plain_number(self, node: ast.Constant) -> float:
        value = node.value
        if isinstance(value, str):
            self._refuse(node, f'a text is no number; a metric of that name is m("{value}")')
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self._refuse(node, "this is no number")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self._refuse(node, "this number is too large")
        return number

    def _arithmetic(self, node: ast.BinOp) -> Number:
        if isinstance(node.op, ast.Pow):
            power = node.right
            if not isinstance(power, ast.Constant) or type(power.value) is not int or power.value > MAX_POWER:
                self._refuse(power, f"a power must be a whole number from 0 to {MAX_POWER}")
            return reckoned(operator.pow, self._number(node.left), constant(float(power.value)))
        function = ARITHMETIC.get(type(node.op))
        if function is None:
            self._refuse(node, "only + - * / ** reckon")
        return reckoned(function, self._number(node.left), self._number(node.right))

    def _term(self, node: ast.Name | ast.Call) -> Number:
        if isinstance(node, ast.Name) or self._function(node) == "m":
            return self._ask(Term(self._name(node)))
        how = self._function(node)
        wanted = 1 if how == "best" else 2
        if len(node.args) != wanted:
            self._refuse(node, f"{how} takes a metric{'' if wanted == 1 else ' and a number'}")
        name = self._name(node.args[0])
        if name in COUNTERS:
            self._refuse(node.args[0], f"{how} takes a metric, and {name} is none")
        if how == "best":
            if direction_of(name) is None:
                self._refuse(node.args[0], f"the name {name} does not tell which way is better")
            return self._ask(Term(name, "best"))
        return self._ask(Term(name, "mean" if how == "mean" else "last", self._count(node.args[1])))

    def _function(self, node: ast.Call) -> str:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in FUNCTIONS:
            self._refuse(node, f"only {', '.join(FUNCTIONS)} can be called")
        if node.keywords:
            self._refuse(node, f"{name} takes no names of arguments")
        return name

    def _name(self, node: ast.expr) -> str:
        if isinstance(node, ast.Name):
            if node.id in FUNCTIONS:
                self._refuse(node, f'{node.id} is a function; a metric of that name is m("{node.id}")')
            return node.id
        if isinstance(node, ast.Call) and self._function(node) == "m" and len(node.args) == 1:
            node = node.args[0]
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.strip():
            if not node.value.isprintable():
                self._refuse(node, "a name has printable characters alone")
            return node.value
        self._refuse(node, 'a metric is needed here: its name, or m("its name")')

    def _count(self, node: ast.expr) -> int:
        value = node.value if isinstance(node, ast.Constant) else None
        if type(value) is not int or not 1 <= value <= MAX_COUNT:
            self._refuse(node, f"a whole number from 1 to {MAX_COUNT} is needed here")
        return value

    def _ask(self, term: Term) -> Number:
        self.terms[term] = None
        return lambda numbers: numbers.get(term)

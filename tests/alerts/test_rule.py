"""Rules: what can be said, what it means, and that nothing else is read."""

from __future__ import annotations

import math
import pickle
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kcb_widgets.alerts.reckoning import Term
from kcb_widgets.alerts.rule import MAX_LENGTH, Rule


def holds(text, **values):
    """Whether a rule holds where names have these values; ``best_loss`` stands for ``best(loss)``."""
    rule = Rule(text)
    told = {}
    for term in rule.terms:
        key = term.name if term.how == "now" else f"{term.how}_{term.name}" + (f"_{term.n}" if term.n else "")
        told[term] = values.get(key)
    return rule.holds(told)


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("val_loss > 1.2 * best(val_loss)", {"val_loss": 1.3, "best_val_loss": 1.0}, True),
        ("val_loss > 1.2 * best(val_loss)", {"val_loss": 1.1, "best_val_loss": 1.0}, False),
        ("loss < mean(loss, 3)", {"loss": 1.0, "mean_loss_3": 2.0}, True),
        ("abs_loss - last(abs_loss, 2) >= 0", {"abs_loss": 1.0, "last_abs_loss_2": 2.0}, False),
        ("0 < loss < 1", {"loss": 0.5}, True),
        ("0 < loss < 1", {"loss": 1.5}, False),
        ("loss > 1 and epoch >= 3", {"loss": 2, "epoch": 3}, True),
        ("loss > 1 or epoch >= 3", {"loss": 0, "epoch": 2}, False),
        ("not loss > 1", {"loss": 0}, True),
        ("-loss + 2 * 3 - 4 / 2 == 3", {"loss": 1}, True),
        ("loss ** 2 > 8", {"loss": -3}, True),
        ('m("my metric") != 1', {"my metric": 2}, True),
        ('best(m("my-head_loss")) < 1', {"best_my-head_loss": 0.5}, True),
        ("learning_rate <= 1e-6", {"learning_rate": 1e-6}, True),
    ],
)
def test_what_a_rule_means(text, values, expected):
    assert holds(text, **values) is expected


def test_what_is_not_there_makes_nothing_hold():
    assert holds("loss > 1") is None
    assert holds("not loss > 1") is None
    assert holds("1 < loss < 2", loss=None) is None
    assert holds("loss + gone > 1", loss=5) is None
    assert holds("loss > 1 and gone > 1", loss=5) is None
    assert holds("loss > 1 and gone > 1", loss=0) is False
    assert holds("loss > 1 or gone > 1", loss=5) is True  # whatever the other is
    assert holds("loss > 1 or gone > 1", loss=0) is None


@pytest.mark.parametrize("compare", ["<", "<=", ">", ">=", "==", "!="])
def test_no_comparison_with_nan_holds(compare):
    assert holds(f"loss {compare} 1", loss=math.nan) is False
    assert holds(f"1 {compare} loss", loss=math.nan) is False


def test_what_cannot_be_reckoned_is_not_known():
    assert holds("1 / loss > 0", loss=0.0) is None
    assert holds("loss ** 10 > 0", loss=1e300) is None


def test_infinity_compares_as_a_number():
    assert holds("loss > 10", loss=math.inf) is True


def test_each_number_is_asked_for_once():
    rule = Rule("loss > 1 and loss > 2 * best(loss) and best(loss) > 0")
    assert rule.terms == (Term("loss"), Term("loss", "best"))


def test_the_numbers_are_told():
    rule = Rule('loss > 1.5 * mean(loss, 3) and m("a b") > gone')
    numbers = dict(zip(rule.terms, [3.14159, 1.0, 2.0, None], strict=True))
    assert rule.describe(numbers) == 'loss = 3.142, mean(loss, 3) = 1, m("a b") = 2'


def test_a_rule_can_be_pickled():
    rule = pickle.loads(pickle.dumps(Rule("loss > best(loss)")))
    assert rule.text == "loss > best(loss)"
    assert rule.holds({Term("loss"): 2.0, Term("loss", "best"): 1.0}) is True


REFUSED = {
    "loss.real > 1": "only numbers, names",
    "().__class__ > 1": "only numbers, names",
    "open('x') > 1": "can be called",
    "best(loss)(1) > 1": "can be called",
    "(lambda: 1)() > 1": "can be called",
    "[x for x in y] > 1": "only numbers, names",
    "lambda: 1": "must be a comparison",
    "f'{loss}' > 1": "only numbers, names",
    "loss[0] > 1": "only numbers, names",
    "9**9**9 > 1": "a power must be",
    "loss ** 11 > 1": "a power must be",
    "loss ** -1 > 1": "a power must be",
    "loss ** True > 1": "a power must be",
    "loss // 2 > 1": "reckon",
    "loss << 2 > 1": "reckon",
    "loss @ loss > 1": "reckon",
    "~loss > 1": "only numbers, names",
    "loss": "must be a comparison",
    "loss + 1": "must be a comparison",
    "True": "must be a comparison",
    "loss > True": "this is no number",
    "loss > None": "this is no number",
    "loss > 1j": "this is no number",
    "loss > 1e999": "too large",
    f"loss > {'9' * 400}": "too large",
    "loss > 'a'": 'm("a")',
    "loss in (1, 2)": "compare numbers",
    "loss is 1": "compare numbers",
    "loss > (1 > 2)": "cannot be reckoned with",
    "1 if loss > 1 else 2": "must be a comparison",
    "(x := 1) > 0": "only numbers, names",
    "loss > 1; loss > 2": "this is no rule",
    "import os": "this is no rule",
    "loss >": "this is no rule",
    "": "characters",
    " ": "characters",
    "loss\x00 > 1": "printable",
    "loss >\n1": "printable",
    "\ud800 > 1": "printable",
    "best() > 1": "takes a metric",
    "best(loss, 2) > 1": "takes a metric",
    "best(metric=loss) > 1": "no names of arguments",
    "best(*loss) > 1": "a metric is needed",
    "best(novelty) > 1": "does not tell which way is better",
    "best(epoch) > 1": "epoch is none",
    "best(1) > 1": "a metric is needed",
    "best > 1": "is a function",
    "mean(loss) > 1": "takes a metric and a number",
    "mean(loss, 0) > 1": "whole number",
    "mean(loss, -1) > 1": "whole number",
    "mean(loss, 1001) > 1": "whole number",
    "mean(loss, 2.0) > 1": "whole number",
    "mean(loss, True) > 1": "whole number",
    "mean(loss, epoch) > 1": "whole number",
    "last(loss, 0) > 1": "whole number",
    "m(loss) > 1": "a metric is needed",
    "m('') > 1": "a metric is needed",
    "m(m('a')) > 1": "a metric is needed",
    "m(b'a') > 1": "a metric is needed",
    "m('a', 'b') > 1": "a metric is needed",
    "m(' ') > 1": "a metric is needed",
    "m('a\\nb') > 1": "printable",
    "(" * 300 + "loss" + ")" * 300 + " > 1": "characters",
    "-" * 200 + "loss > 1": "levels deep",
    "not " * 100 + "loss > 1": "levels deep",
    "loss > " + "+".join(["1"] * 200): "levels deep",
    "(" * 220 + "loss" + ")" * 220 + " > 1": "this is no rule",
}


@pytest.mark.parametrize("text", list(REFUSED))
def test_all_else_is_refused(text):
    with pytest.raises(ValueError, match=re.escape(REFUSED[text])):
        Rule(text)


def test_the_message_shows_where():
    with pytest.raises(ValueError, match="can be called") as refused:
        Rule("é_loss > 1 and open('secrets') > 2")
    first, rule, caret = str(refused.value).split("\n")
    assert first.endswith("at character 16:")
    assert rule[caret.index("^") :] == "open('secrets') > 2"


def test_a_rule_that_is_too_long_is_refused_before_it_is_read():
    with pytest.raises(ValueError, match="from 1 to 500 characters"):
        Rule("loss > 1 or " * MAX_LENGTH + "loss > 1")


@pytest.mark.parametrize("value", [None, 1, b"loss > 1", ["loss > 1"]])
def test_a_rule_is_a_text(value):
    with pytest.raises(TypeError):
        Rule(value)


PIECES = st.sampled_from(
    [
        *(
            "loss",
            "val_loss",
            "best",
            "mean",
            "last",
            "m",
            "epoch",
            "1",
            "2.5",
            "'a b'",
            '"',
            "9**9",
            "1e5",
            "0x1f",
            "None",
        ),
        *(
            "(",
            ")",
            ",",
            "[",
            "]",
            "{",
            "}",
            ".",
            ":",
            "=",
            ":=",
            "lambda",
            "for",
            "in",
            "if",
            "else",
            "f'{",
            "}'",
            "`",
        ),
        *(
            "<",
            ">",
            "<=",
            "==",
            "!=",
            "+",
            "-",
            "*",
            "/",
            "**",
            "//",
            "%",
            "@",
            "and",
            "or",
            "not",
            "await",
            "yield",
            " ",
        ),
    ]
)


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(
        st.text(max_size=60), st.lists(PIECES, max_size=25).map(" ".join), st.lists(PIECES, max_size=25).map("".join)
    )
)
@example("1_if")
@example("'\\d' > 1")
def test_any_text_is_a_rule_or_a_value_error(text):
    try:
        rule = Rule(text)
    except ValueError:
        return
    for value in (None, 0.0, -1.5, 1e308, math.nan, math.inf):
        assert rule.holds(dict.fromkeys(rule.terms, value)) in (True, False, None)


NUMBERS = st.recursive(
    st.one_of(
        st.floats(0, 1e6).map(repr),
        st.sampled_from(["loss", "val_loss", "epoch", "best(loss)", "mean(loss, 4)", "last(val_loss, 2)", 'm("a b")']),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map("({0[0]} {0[1]} {0[2]})".format), inner.map("-{}".format)
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(
    NUMBERS,
    st.sampled_from(["<", "<=", ">", ">=", "=="]),
    NUMBERS,
    st.dictionaries(st.sampled_from(["loss", "val_loss", "epoch", "b", "n", "k", "c"]), st.floats(-1e6, 1e6)),
)
def test_a_rule_means_what_python_means(left, compare, right, values):
    """Against Python itself, on rules that are known to be harmless."""
    text = f"{left} {compare} {right}"
    if len(text) > MAX_LENGTH:
        return
    given_values = {name: values.get(name, 1.0) for name in ("loss", "val_loss", "epoch", "b", "n", "k", "c")}
    terms = {
        Term("loss"): given_values["loss"],
        Term("val_loss"): given_values["val_loss"],
        Term("epoch"): given_values["epoch"],
        Term("loss", "best"): given_values["b"],
        Term("loss", "mean", 4): given_values["n"],
        Term("val_loss", "last", 2): given_values["k"],
        Term("a b"): given_values["c"],
    }
    functions = {
        "best": lambda _: given_values["b"],
        "mean": lambda *_: given_values["n"],
        "last": lambda *_: given_values["k"],
        "m": lambda _: given_values["c"],
    }
    try:
        expected = eval(text, {"__builtins__": {}}, {**given_values, **functions})
    except (ZeroDivisionError, OverflowError):
        expected = None
    assert Rule(text).holds(terms) is expected

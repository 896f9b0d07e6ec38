import inspect

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnt_lab.workbook import checks
from dnt_lab.workbook.compare import difference


@pytest.fixture(autouse=True)
def friendly(monkeypatch):
    monkeypatch.delenv("DNT_LAB_STRICT", raising=False)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    checks.forget()


@pytest.fixture
def line(capsys):
    """Return what a check printed, which is one line."""

    def say(answer, exercise="1.2", **expected):
        checks.expect(exercise, answer, **expected)
        out, err = capsys.readouterr()
        assert err == "" and out.count("\n") == 1
        return out.rstrip("\n")

    return say


def square(x):
    return x * x


def body_to_come(x): ...


def result_to_come(x):
    print(x)
    return ...


def half_written(x):
    total = ... + x
    return total


def refuses(x):
    raise NotImplementedError


def indexes(x):
    return x[..., 0]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (3, {"equals": 3}),
        (np.int64(3), {"equals": 3, "kind": int}),
        (3, {"kind": float}),
        (3.0103, {"close_to": 3.01, "rtol": 1e-3}),
        (" Uplink ", {"equals": "uplink"}),
        ([1, 2.0], {"close_to": np.array([1, 2])}),
        (pd.Series([1.0, 2.0]), {"close_to": [1, 2]}),
        ({"a": 1, "b": (1, 2)}, {"equals": {"a": 1, "b": (1, 2)}}),
        ([2, 1], {"equals": {1, 2}}),
        (np.array(["a", "b"]), {"equals": ["a", "b"]}),
        (pd.DataFrame({"a": [1.0]}), {"close_to": pd.DataFrame({"a": [1.0]})}),
        (np.zeros((5, 2)), {"shape": ("N", 2)}),
        (np.zeros((3, 3)), {"shape": ("N", "N")}),
        (np.zeros(4), {"shape": (None,)}),
        ("down", {"one_of": ["up", "down"]}),
        (0.5, {"between": (0, 1)}),
        (np.array([0, 1.0]), {"between": (0, 1)}),
        (True, {"equals": True, "kind": bool}),
        (square, {"cases": [(3, 9), ((np.array([1, 2]),), np.array([1, 4]))]}),
        (indexes, {"cases": [((np.array([[1, 2], [3, 4]]),), np.array([1, 3]))]}),
        (lambda x: 3, {"holds": {"it is three": lambda f: f(0) == 3}}),
        (float("nan"), {"equals": float("nan")}),
        (None, {"equals": None}),
    ],
)
def test_right_answers_are_ok(line, answer, expected):
    assert line(answer, **expected) == "1.2 ok"


@pytest.mark.parametrize(
    "answer",
    [
        ..., [1, ...], (..., 2), {"a": ...}, [[...]], np.array([1, ...], dtype=object),
        body_to_come, result_to_come, half_written, refuses, lambda x: ...,
    ],
)  # fmt: skip
def test_not_attempted_yet(line, answer):
    assert line(answer, cases=[(1, 1)]) == "1.2 not attempted yet"
    assert line(answer, holds={"it is one": lambda f: f(1) == 1}) == "1.2 not attempted yet"


def test_a_stub_without_source_is_not_attempted(line):
    space = {}
    exec("def empty(x):\n    ...\n\ndef dots(x):\n    return ...\n", space)
    assert line(space["empty"], cases=[(1, 1)]) == "1.2 not attempted yet"
    assert line(space["dots"], cases=[(1, 1)]) == "1.2 not attempted yet"


@pytest.mark.parametrize(
    ("answer", "expected", "sentence"),
    [
        (np.zeros(3), {"shape": ("N", 2)}, "expected shape (N, 2), got (3,)"),
        (np.zeros((3, 2)), {"shape": ("N", "N")}, "expected shape (N, N), got (3, 2)"),
        ([[1], [1, 2]], {"shape": (2, 2)}, "expected shape (2, 2), got rows of different lengths"),
        (4, {"equals": 3}, "4 is too large"),
        (2.5, {"close_to": 3}, "2.5 is too small"),
        (float("nan"), {"close_to": 3}, "got NaN"),
        (1j, {"close_to": 3}, "1j is not right"),
        ("3", {"close_to": 3}, "expected a number, got a text: '3'"),
        (True, {"equals": 1}, "expected a number, got True or False: True"),
        (1, {"equals": True}, "expected True or False, got 1"),
        (False, {"equals": True}, "False is not right"),
        (None, {"equals": 3}, "expected a number, got None"),
        ("up", {"equals": "down"}, "'up' is not right"),
        (3, {"equals": "down"}, "expected a word in quotes, got a whole number: 3"),
        ("side", {"one_of": ["up", "down"]}, "'side' is not right"),
        (1.5, {"between": (0, 1)}, "expected a number between 0 and 1, got 1.5"),
        ("x", {"between": (0, 1)}, "expected a number, got a text: 'x'"),
        (["x"], {"between": (0, 1)}, "the answer cannot be compared with what was expected (ValueError"),
        ([0.5, -2], {"between": (0, 1)}, "expected every number between 0 and 1, got -2"),
        ([1, 2, 4], {"close_to": [1, 2, 3]}, "1 of 3 values differ; the first at index 2: 4 is too large"),
        ([[1, 0]], {"close_to": [[1, 2]]}, "the first at index (0, 1): 0 is too small"),
        (["a", "c"], {"equals": ["a", "b"]}, "1 of 2 values differ; the first at index 1: 'c' is not right"),
        ([1, 2], {"close_to": [1, 2, 3]}, "expected shape (3,), got (2,)"),
        (1, {"close_to": [1, 2]}, "expected a list, got a whole number: 1"),
        ({"a": 1}, {"equals": {"a": 1, "b": 2}}, "'b' is missing"),
        ({"a": 1, "c": 2}, {"equals": {"a": 1}}, "'c' does not belong"),
        ({"a": 2}, {"equals": {"a": 1}}, "at 'a', 2 is too large"),
        ([1], {"equals": {"a": 1}}, "expected a dict, got a list: [1]"),
        ({1, 2}, {"equals": {1, 3}}, "1 missing and 1 that should not be there"),
        ("ab", {"equals": {"a", "b"}}, "expected a set such as {1, 2}, got a text: 'ab'"),
        (2.5, {"kind": int}, "expected a whole number, got a number: 2.5"),
        ("2", {"kind": (int, float)}, "expected a whole number or a number, got a text: '2'"),
        (3, {"cases": [(3, 9)]}, "expected a function, got 3"),
        (square, {"cases": [(3, 10)]}, "square(3) should be 10, got 9"),
        (square, {"cases": [("a", 9)]}, "square('a') stopped with TypeError: can't multiply sequence"),
        (print, {"cases": [(3, 9)]}, "print(3) returned nothing: does the function end with return?"),
        (square, {"cases": [((np.arange(9.0),), np.arange(9.0))]}, "for square(an array of shape (9,)), 7 of 9 values"),
        ([0, 3], {"holds": {"all are served": lambda p: min(p) > 0}}, "it must be true that all are served"),
        ([], {"holds": {"all are served": lambda p: min(p) > 0}}, "could not see whether all are served"),
    ],
)  # fmt: skip
def test_wrong_answers_are_told_what_was_expected(line, answer, expected, sentence):
    said = line(answer, **expected, hint="look again")
    assert said.startswith("1.2 try again: ") and said.endswith(" Hint: look again")
    assert sentence in said


def test_known_mistakes_speak_only_for_wrong_answers(line):
    mistakes = {-3: "you took the loss for a gain", lambda a: a > 100: "is that in dB?", 3.001: "never said"}
    assert line(-3, close_to=3, mistakes=mistakes) == "1.2 try again: you took the loss for a gain."
    assert line(1000, close_to=3, mistakes=mistakes) == "1.2 try again: is that in dB?"
    assert line("no", close_to=3, mistakes=mistakes).startswith("1.2 try again: expected a number")
    assert line(3.001, close_to=3, mistakes=mistakes) == "1.2 ok"


def test_what_a_students_function_prints_warns_or_changes_stays_inside(line):
    def noisy(values):
        print("hello")
        np.log(np.array([0.0]))
        values.append(1)
        return len(values)

    given_list = [1]
    assert line(noisy, cases=[((given_list,), 2)]) == "1.2 ok"
    assert given_list == [1]


def test_strict_mode_raises_after_the_line(monkeypatch, capsys):
    for name, value in (("DNT_LAB_STRICT", "1"), ("NBGRADER_EXECUTION", "autograde")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            checks.expect("1.1", 3, equals=3)
            with pytest.raises(checks.CheckFailed, match=r"1\.1 not attempted yet"):
                checks.expect("1.1", ..., equals=3)
            with pytest.raises(checks.CheckFailed, match="too large"):
                checks.expect("1.1", 4, equals=3)
    assert capsys.readouterr().out.count("1.1 try again") == 2


def test_summary_counts(capsys):
    checks.expect("1.1", 3, equals=3)
    checks.expect("1.2", ..., equals=3)
    checks.summary()
    assert capsys.readouterr().out.endswith("1 of 2 exercises ok\n1.2 not attempted yet\n")


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"exercise": "two", "equals": 1}, ValueError, "exercise is 'two', but it must be notebook.exercise"),
        ({"exercise": 1.2, "equals": 1}, ValueError, "exercise is 1.2"),
        ({}, ValueError, "check 1.2 expects nothing"),
        ({"hint": "x"}, ValueError, "check 1.2 expects nothing"),
        ({"holds": [lambda a: True]}, TypeError, "holds of check 1.2 is a list, but it must be a dict"),
        ({"holds": {"so": True}}, TypeError, "holds['so'] of check 1.2 must be a function"),
        ({"equals": 1, "mistakes": "x"}, TypeError, "mistakes of check 1.2 is a str, but it must be a dict"),
        ({"between": (2, 1)}, ValueError, "between of check 1.2 is (2, 1), but the low end must come first"),
        ({"cases": [3]}, TypeError, "cases of check 1.2 must be pairs (arguments, expected)"),
    ],
)
def test_checks_written_wrongly_are_refused(arguments, error, sentence):
    with pytest.raises(error) as caught:
        checks.expect(arguments.pop("exercise", "1.2"), 1, **arguments)
    assert sentence in str(caught.value)


numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)
values = st.recursive(
    numbers | st.integers(-9, 9) | st.text(max_size=5) | st.booleans(),
    lambda inner: st.lists(numbers, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(values)
def test_everything_agrees_with_itself(value):
    assert difference(value, value, 1e-9, 1e-12) is None


@given(values, values)
def test_any_answer_gets_one_line_and_no_traceback(answer, expected):
    problem = difference(answer, expected, 1e-9, 1e-12)
    assert problem is None or (problem and "\n" not in problem)


@given(numbers, numbers)
def test_the_direction_is_right(got, expected):
    problem = difference(got, expected, 0.0, 0.0)
    assert problem is None if got == expected else problem.endswith("large" if got > expected else "small")


def test_every_expectation_is_documented():
    for name in inspect.signature(checks.expect).parameters:
        assert f"{name} :" in inspect.getdoc(checks.expect) or name in ("rtol", "atol")

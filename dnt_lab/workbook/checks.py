"""Instant checks of exercises: one line that says whether an answer is right, and if not, what was expected.

>>> from dnt_lab.workbook import checks
>>> checks.expect("1.2", 2.9, close_to=3.01, hint="half the power is 10 log10(1/2)")
1.2 try again: 2.9 is too small. Hint: half the power is 10 log10(1/2)
>>> checks.expect("1.2", ...)
Traceback (most recent call last):
ValueError: check 1.2 expects nothing: give it at least one of equals, close_to, shape, ...

A check never shows a traceback to a student. In strict mode (environment variable ``DNT_LAB_STRICT=1``, and while
nbgrader validates or grades) every line but "ok" is also raised as `CheckFailed`, so that a grader sees it.
"""

import contextlib
import copy
import inspect
import io
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dnt_lab.workbook.names import exercise_key
from dnt_lab.workbook.placeholders import holds_placeholder, watched_function

OK = "ok"
NOT_ATTEMPTED = "not attempted yet"
TRY_AGAIN = "try again"

_ABSENT = object()
_results: dict[str, str] = {}


class CheckFailed(AssertionError):
    """An exercise is not solved; raised in strict mode only."""


def expect(
    exercise: str,
    answer: Any,
    *,
    kind: type | tuple[type, ...] | None = None,
    shape: tuple[int | str | None, ...] | None = None,
    equals: Any = _ABSENT,
    close_to: Any = _ABSENT,
    rtol: float = 1e-3,
    atol: float = 1e-9,
    one_of: Sequence | None = None,
    between: tuple[float, float] | None = None,
    cases: Sequence[tuple[Any, Any]] | None = None,
    holds: Mapping[str, Callable[[Any], bool]] | None = None,
    mistakes: Mapping[Any, str] | None = None,
    hint: str | None = None,
) -> None:
    """Print one line: the exercise is ok, not attempted yet, or to be tried again and why.

    Parameters
    ----------
    exercise : str
        Notebook and exercise, ``"1.2"``.
    answer : object
        The student's answer; ``...`` in it (or a function that holds or returns ``...``) means not attempted.
    kind : type or tuple of types, optional
        The answer's type; numpy's numbers count as Python's, a whole number as a float.
    shape : tuple, optional
        The answer's array shape; a word or None stands for any length.
    equals : object, optional
        The exact answer: a number, word, list, set, dict, array or table.
    close_to : number, array or dict of them, optional
        The answer within ``atol + rtol * |close_to|``.
    one_of : sequence, optional
        All accepted answers.
    between : (low, high), optional
        Accepted range, ends included, of a number or of each number of an array.
    cases : sequence of (args, expected), optional
        For an answer that is a function: called with ``*args`` (or with the one argument) it returns `expected`.
    holds : dict of str to predicate, optional
        For an answer that may be many things: sentences that must be true of it.
    mistakes : dict, optional
        What a known wrong answer says about the student's thinking: ``{value or predicate: sentence}``.
        Looked up only when an expectation above has failed.
    hint : str, optional
        Said with every "try again".

    Raises
    ------
    ValueError, TypeError
        If the check itself is written wrongly (never because of the answer).
    CheckFailed
        In strict mode, unless the answer is right.
    """
    expectations = {
        "kind": kind, "shape": shape, "equals": None if equals is _ABSENT else (equals,),
        "close_to": None if close_to is _ABSENT else (close_to, rtol, atol), "one_of": one_of, "between": between,
        "cases": cases, "holds": holds,
    }  # fmt: skip
    expectations = {name: value for name, value in expectations.items() if value is not None}
    _refuse_bad_check(exercise, expectations, mistakes)
    status, problem = _judge(answer, expectations, mistakes or {}, rtol, atol)
    line = f"{exercise} {status}"
    if status == TRY_AGAIN:
        line += f": {problem}" + ("" if problem[-1] in ".?!" else ".") + (f" Hint: {hint}" if hint else "")
    _results[exercise] = status
    print(line)
    if status != OK and strict():
        raise CheckFailed(line)


def summary() -> None:
    """Print how many of the exercises checked so far are ok, and which are not."""
    done = sum(status == OK for status in _results.values())
    print(f"{done} of {len(_results)} exercises ok")
    for exercise, status in sorted(_results.items()):
        if status != OK:
            print(f"{exercise} {status}")


def forget() -> None:
    """Forget the results so far; `workbook.start` does so."""
    _results.clear()


def strict() -> bool:
    """Return whether a check raises unless the answer is right."""
    return os.environ.get("DNT_LAB_STRICT", "0") not in ("", "0") or "NBGRADER_EXECUTION" in os.environ


def _refuse_bad_check(exercise: str, expectations: dict[str, Any], mistakes: Any) -> None:
    exercise_key(exercise)
    if not expectations:
        raise ValueError(f"check {exercise} expects nothing: give it at least one of equals, close_to, shape, ...")
    for name, value in (("holds", expectations.get("holds")), ("mistakes", mistakes)):
        if value is not None and not isinstance(value, Mapping):
            raise TypeError(f"{name} of check {exercise} is a {type(value).__name__}, but it must be a dict")
    for sentence, predicate in expectations.get("holds", {}).items():
        if not callable(predicate):
            raise TypeError(f"holds[{sentence!r}] of check {exercise} must be a function that returns True or False")
    low, high = expectations.get("between", (0, 0))
    if not low <= high:
        raise ValueError(f"between of check {exercise} is ({low}, {high}), but the low end must come first")
    if any(not isinstance(case, tuple) or len(case) != 2 for case in expectations.get("cases", ())):
        raise TypeError(f"cases of check {exercise} must be pairs (arguments, expected)")


def _judge(answer: Any, expectations: dict, mistakes: Mapping, rtol: float, atol: float) -> tuple[str, str | None]:
    if holds_placeholder(answer):
        return NOT_ATTEMPTED, None
    with _quietly():
        try:
            problem = _first_problem(answer, expectations)
        except NotImplementedError:
            return NOT_ATTEMPTED, None
        except Exception as error:  # an answer so unlike the expected one that comparing them fails
            problem = f"the answer cannot be compared with what was expected ({_name(error)})"
        if problem is None:
            return OK, None
        return TRY_AGAIN, _known_mistake(answer, mistakes, rtol, atol) or problem


def _first_problem(answer: Any, expectations: dict[str, Any]) -> str | None:
    for name, wanted in expectations.items():
        if problem := _PROBLEMS[name](answer, wanted):
            return problem
    return None


def _kind_problem(answer: Any, kinds: Any) -> str | None:
    from dnt_lab.workbook.compare import kind_difference

    return kind_difference(answer, kinds if isinstance(kinds, tuple) else (kinds,))


def _shape_problem(answer: Any, shape: tuple) -> str | None:
    from dnt_lab.workbook.compare import shape_difference

    return shape_difference(answer, shape)


def _value_problem(answer: Any, wanted: tuple) -> str | None:
    from dnt_lab.workbook.compare import difference

    expected, rtol, atol = (*wanted, 1e-9, 1e-12)[:3] if len(wanted) == 1 else wanted
    return difference(answer, expected, rtol, atol)


def _one_of_problem(answer: Any, accepted: Sequence) -> str | None:
    from dnt_lab.workbook.compare import difference, show

    if any(difference(answer, value, 1e-9, 1e-12) is None for value in accepted):
        return None
    return f"{show(answer)} is not right"


def _between_problem(answer: Any, ends: tuple[float, float]) -> str | None:
    import numpy as np

    from dnt_lab.workbook.compare import kind_difference, show

    low, high = ends
    if np.ndim(answer) == 0 and (problem := kind_difference(np.asarray(answer).item(), (float,))):
        return problem
    numbers = np.asarray(answer, dtype=float)
    if np.all((numbers >= low) & (numbers <= high)):
        return None
    wrong = numbers[~((numbers >= low) & (numbers <= high))].flat[0]
    return f"expected {'a number' if numbers.ndim == 0 else 'every number'} between {low} and {high}, got {show(wrong)}"


def _cases_problem(answer: Any, cases: Sequence[tuple[Any, Any]]) -> str | None:
    from dnt_lab.workbook.compare import difference, show

    if not callable(answer):
        return f"expected a function, got {show(answer)}"
    name = getattr(answer, "__name__", "your function")
    for arguments, expected in cases:
        arguments = arguments if isinstance(arguments, tuple) else (arguments,)
        call = f"{name}({', '.join(show(a) for a in arguments)})"
        try:
            got = watched_function(answer)(*copy.deepcopy(arguments))
        except NotImplementedError:
            raise
        except Exception as error:
            return f"{call} stopped with {_name(error)}"
        if got is None and expected is not None:
            return f"{call} returned nothing: does the function end with return?"
        if problem := difference(got, expected, 1e-6, 1e-9):
            simple = len(show(expected)) <= 40 and not hasattr(expected, "shape")
            return f"{call} should be {show(expected)}, got {show(got)}" if simple else f"for {call}, {problem}"
    return None


def _holds_problem(answer: Any, sentences: Mapping[str, Callable[[Any], bool]]) -> str | None:
    subject = watched_function(answer) if inspect.isfunction(answer) else answer
    for sentence, predicate in sentences.items():
        try:
            true = bool(predicate(subject))
        except NotImplementedError:
            raise
        except Exception as error:
            return f"could not see whether {sentence.rstrip('.')}: {_name(error)}"
        if not true:
            return f"it must be true that {sentence}"
    return None


_PROBLEMS = {
    "kind": _kind_problem, "shape": _shape_problem, "equals": _value_problem, "close_to": _value_problem,
    "one_of": _one_of_problem, "between": _between_problem, "cases": _cases_problem, "holds": _holds_problem,
}  # fmt: skip


def _known_mistake(answer: Any, mistakes: Mapping[Any, str], rtol: float, atol: float) -> str | None:
    from dnt_lab.workbook.compare import difference

    for mistake, sentence in mistakes.items():
        try:
            made = mistake(answer) if callable(mistake) else difference(answer, mistake, rtol, atol) is None
        except Exception:  # the predicate was written for another wrong answer than this one
            made = False
        if made:
            return sentence
    return None


def _name(error: Exception) -> str:
    first_line = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__


@contextlib.contextmanager
def _quietly():
    # One line per check: what a student's function prints or warns belongs to the student's own cell.
    sink = io.StringIO()
    with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield

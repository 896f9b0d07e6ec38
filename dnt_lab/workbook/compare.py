"""How an answer differs from what was expected, said in one sentence in the student's terms.

`difference` returns None where both agree. It never reveals the expected value of a single number or word,
only the direction: the student should still have something to find.
"""

import reprlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from numbers import Complex, Integral, Number, Real
from typing import Any

import numpy as np

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 60
_short.maxlist = _short.maxtuple = _short.maxdict = 6


def difference(got: Any, expected: Any, rtol: float, atol: float) -> str | None:
    """Say how `got` differs from `expected`, or None if it does not.

    Numbers agree within ``atol + rtol * |expected|``; words agree whatever their case and outer blanks.
    """
    if isinstance(expected, bool | np.bool_):
        return _bool_difference(got, bool(expected))
    if isinstance(expected, Number | np.number):
        return _number_difference(got, expected, rtol, atol)
    if isinstance(expected, str):
        return _word_difference(got, expected)
    if isinstance(expected, Mapping) or hasattr(expected, "columns"):
        return _mapping_difference(got, expected, rtol, atol)
    if isinstance(expected, AbstractSet):
        return _set_difference(got, expected)
    if isinstance(expected, np.ndarray) or hasattr(expected, "to_numpy") or isinstance(expected, Sequence):
        return _array_difference(got, expected, rtol, atol)
    return None if got == expected else f"{show(got)} is not right"


def shape_difference(got: Any, shape: tuple[int | str | None, ...]) -> str | None:
    """Say how the shape of `got` differs from `shape`, where a word such as ``"N"`` stands for any length."""
    wanted = "(" + ", ".join("any" if n is None else str(n) for n in shape) + ("," if len(shape) == 1 else "") + ")"
    try:
        actual = np.shape(got)
    except ValueError:
        return f"expected shape {wanted}, got rows of different lengths"
    named: dict[str, int] = {}
    fits = len(actual) == len(shape) and all(
        want is None or have == (named.setdefault(want, have) if isinstance(want, str) else want)
        for have, want in zip(actual, shape, strict=True)
    )
    return None if fits else f"expected shape {wanted}, got {actual}"


def kind_difference(got: Any, kinds: tuple[type, ...]) -> str | None:
    """Say that `got` is of none of the types `kinds`; a float may be whole, and numpy's numbers count as Python's."""
    if any(_is_kind(got, kind) for kind in kinds):
        return None
    return f"expected {' or '.join(_kind_name(kind) for kind in kinds)}, got {_kind_name(type(got))}: {show(got)}"


def show(value: Any) -> str:
    """Return a short text of a value, on one line."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}" if value.size > 6 else show(value.tolist())
    if isinstance(value, list | tuple) and value and all(isinstance(x, float) for x in value):
        inner = ", ".join(show(x) for x in value[:6]) + (", ..." if len(value) > 6 else "")
        return f"[{inner}]" if isinstance(value, list) else f"({inner})"
    return " ".join(_short.repr(value).split())


def _bool_difference(got: Any, expected: bool) -> str | None:
    if not isinstance(got, bool | np.bool_):
        return f"expected True or False, got {show(got)}"
    return None if bool(got) == expected else f"{bool(got)} is not right"


def _number_difference(got: Any, expected: Complex, rtol: float, atol: float) -> str | None:
    if isinstance(got, np.ndarray) and got.ndim == 0:
        got = got[()]
    if isinstance(got, bool | np.bool_) or not isinstance(got, Number | np.number):
        return f"expected a number, got {_kind_name(type(got))}: {show(got)}"
    if got != got and expected == expected:
        return "got NaN (not a number)"
    if np.isclose(got, expected, rtol=rtol, atol=atol, equal_nan=True):
        return None
    if isinstance(got, Real) and isinstance(expected, Real):
        return f"{show(got)} is too {'large' if got > expected else 'small'}"
    return f"{show(got)} is not right"


def _word_difference(got: Any, expected: str) -> str | None:
    if not isinstance(got, str):
        return f"expected a word in quotes, got {_kind_name(type(got))}: {show(got)}"
    return None if got.strip().casefold() == expected.strip().casefold() else f"{show(got)} is not right"


def _mapping_difference(got: Any, expected: Any, rtol: float, atol: float) -> str | None:
    if not (isinstance(got, Mapping) or hasattr(got, "columns")):
        return f"expected {_kind_name(type(expected))}, got {_kind_name(type(got))}: {show(got)}"
    missing = [key for key in expected if key not in got]
    extra = [key for key in got if key not in expected]
    if missing or extra:
        return " and ".join(
            [f"{show(key)} is missing" for key in missing[:1]] + [f"{show(key)} does not belong" for key in extra[:1]]
        )
    for key in expected:
        if problem := difference(got[key], expected[key], rtol, atol):
            return f"at {show(key)}, {problem}"
    return None


def _set_difference(got: Any, expected: AbstractSet) -> str | None:
    if isinstance(got, str) or not isinstance(got, AbstractSet | Sequence | np.ndarray):
        return f"expected a set such as {{1, 2}}, got {_kind_name(type(got))}: {show(got)}"
    got = set(got.tolist() if isinstance(got, np.ndarray) else got)
    if got == expected:
        return None
    counts = [(len(expected - got), "missing"), (len(got - expected), "that should not be there")]
    return " and ".join(f"{n} {what}" for n, what in counts if n)


def _array_difference(got: Any, expected: Any, rtol: float, atol: float) -> str | None:
    wanted = np.asarray(expected)
    if isinstance(got, str | Mapping) or (np.ndim(wanted) and not hasattr(got, "__len__")):
        return f"expected {_kind_name(type(expected))}, got {_kind_name(type(got))}: {show(got)}"
    if problem := shape_difference(got, wanted.shape):
        return problem
    have = np.asarray(got)
    if np.issubdtype(wanted.dtype, np.number) and np.issubdtype(have.dtype, np.number):
        wrong = ~np.isclose(have, wanted, rtol=rtol, atol=atol, equal_nan=True)
    else:
        wrong = np.array(
            [difference(a, b, rtol, atol) is not None for a, b in zip(have.flat, wanted.flat, strict=True)], dtype=bool
        ).reshape(wanted.shape)
    if not wrong.any():
        return None
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    where = first[0] if len(first) == 1 else first
    problem = difference(have[first], wanted[first], rtol, atol)
    return f"{int(wrong.sum())} of {wrong.size} values differ; the first at index {where}: {problem}"


def _is_kind(got: Any, kind: type) -> bool:
    if kind is not bool and isinstance(got, bool | np.bool_):
        return False
    wider = {float: Real, int: Integral, complex: Complex, bool: (bool, np.bool_)}
    return isinstance(got, wider.get(kind, kind))


def _kind_name(kind: type) -> str:
    names = {
        float: "a number", int: "a whole number", np.float64: "a number", np.int64: "a whole number",
        bool: "True or False", str: "a text", dict: "a dict", list: "a list", tuple: "a tuple", set: "a set",
        np.ndarray: "an array", type(None): "None",
    }  # fmt: skip
    return names.get(kind, f"a {kind.__name__}")

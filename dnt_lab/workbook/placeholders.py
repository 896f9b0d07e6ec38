"""Tell an exercise not attempted from a wrong answer: ``...`` in it, or a function that is still a stub."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from functools import wraps
from types import EllipsisType
from typing import Any


class NotAttempted(NotImplementedError):
    """A student's function is still the stub."""


def holds_placeholder(answer: Any) -> bool:
    """Return whether an answer is ``...``, holds it somewhere, or is a function that is still a stub."""
    if isinstance(answer, EllipsisType):
        return True
    if isinstance(answer, Mapping):
        return any(holds_placeholder(value) for value in answer.values())
    if isinstance(answer, list | tuple | set | frozenset):
        return any(holds_placeholder(value) for value in answer)
    if getattr(getattr(answer, "dtype", None), "kind", "") == "O" and hasattr(answer, "ravel"):
        return any(holds_placeholder(value) for value in answer.ravel())
    return inspect.isfunction(answer) and _is_stub(answer)


def watched_function(function: Callable) -> Callable:
    """Return a function that raises `NotAttempted` where `function` returns something with a placeholder."""

    @wraps(function)
    def watched(*args, **kwargs):
        result = function(*args, **kwargs)
        if holds_placeholder(result):
            raise NotAttempted
        return result

    return watched


def _is_stub(function: Callable) -> bool:
    """Return whether a function still holds ``...`` (other than as an index, where numpy uses it) or does nothing."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):  # no source, or a lambda in the middle of a line
        empty = (lambda: None).__code__
        code = function.__code__
        return code.co_code == empty.co_code and code.co_consts in ((None,), (function.__doc__, None))
    indices = {id(n) for sub in ast.walk(tree) if isinstance(sub, ast.Subscript) for n in ast.walk(sub.slice)}
    return any(
        isinstance(node, ast.Constant) and node.value is Ellipsis and id(node) not in indices for node in ast.walk(tree)
    )

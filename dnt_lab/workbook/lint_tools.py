"""What lint rules look at: code cells, their syntax trees and tokens, outputs and their texts."""

import ast
import io
import tokenize
from collections.abc import Iterator
from functools import cache

from nbformat import NotebookNode

# What a rule yields: the index of the cell (None: the notebook as a whole) and a sentence.
Breaches = Iterator[tuple[int | None, str]]


def code_cells(nb: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    """Yield the code cells of a notebook with their indices."""
    return ((index, cell) for index, cell in enumerate(nb.cells) if cell.cell_type == "code")


def outputs(nb: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    """Yield the outputs with the index of their cell."""
    return ((index, output) for index, cell in code_cells(nb) for output in cell.outputs)


def texts(nb: NotebookNode) -> Iterator[tuple[int, str]]:
    """Yield the text of every output that shows text, with the index of its cell."""
    for index, output in outputs(nb):
        yield index, output.get("text", "")
        for mime, content in output.get("data", {}).items():
            if mime in ("text/plain", "text/html", "text/markdown"):
                yield index, content


@cache
def tree_of(source: str) -> ast.Module | None:
    """Return the syntax tree of a cell, None if it is not Python."""
    try:
        return ast.parse(source)
    except SyntaxError:
        return None


def nodes(nb: NotebookNode, *kinds: type) -> Iterator[tuple[int, ast.AST]]:
    """Yield the syntax nodes of some kinds, with the index of their cell."""
    for index, cell in code_cells(nb):
        tree = tree_of(cell.source)
        yield from ((index, node) for node in ast.walk(tree) if isinstance(node, kinds)) if tree else ()


def tokens(source: str) -> list[tokenize.TokenInfo]:
    """Return the tokens of a cell, none if it is not Python."""
    try:
        return list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):  # a magic; its own rule says so
        return []


def name_of(node: ast.AST) -> str | None:
    """Return the last part of the name a node stands for."""
    if isinstance(node, ast.alias):
        return node.name.rpartition(".")[2]
    return getattr(node, "attr", None) or getattr(node, "id", None)


def imported_modules(nb: NotebookNode) -> Iterator[tuple[int, str]]:
    """Yield the modules imported, with the index of the cell."""
    for index, node in nodes(nb, ast.Import, ast.ImportFrom):
        if isinstance(node, ast.Import):
            yield from ((index, alias.name) for alias in node.names)
        elif node.module:
            yield index, node.module

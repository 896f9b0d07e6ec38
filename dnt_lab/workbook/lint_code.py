"""Lint rules on the code of cells: what hangs, is not offline, or runs on one machine only.

A rule takes a notebook and its path and yields ``(cell index or None, sentence)`` for every breach.
"""

import ast
import re
import tokenize
from collections.abc import Callable
from functools import cache
from pathlib import Path

from nbformat import NotebookNode

from dnt_lab.workbook.lint_tools import Breaches, code_cells, imported_modules, name_of, nodes, tokens, tree_of

STALLING = {"Output", "interact", "interactive", "interactive_output", "interact_manual"}
DISPLAY_HANDLES = {"clear_output", "update_display", "DisplayHandle"}
NETWORK = {"requests", "urllib", "urllib3", "httpx", "aiohttp", "socket", "http", "ftplib", "pooch"}
READERS = {
    "open", "Path", "PurePath", "read_csv", "read_json", "read_parquet", "read_excel", "read_hdf", "read_pickle",
    "to_csv", "to_json", "to_parquet", "to_pickle", "savefig", "loadtxt", "genfromtxt", "savetxt", "savez", "imread",
}  # fmt: skip
PATH_LIKE = re.compile(r"^(\.{1,2}/|~/|/[\w.-]+/|[A-Za-z]:[\\/]\S)")
FILE_NAME = re.compile(r"\.\w{1,8}$|/")
MAGIC = re.compile(r"^\s*(!|%%?[a-z]|[\w, ]+=\s*[!%][a-z])", re.MULTILINE)


def stalling_widgets(nb: NotebookNode, path: Path) -> Breaches:
    """Headless clients can hang on Output widgets, for ever where no timeout is set (nbclient #312)."""
    for index, node in nodes(nb, ast.Name, ast.Attribute, ast.alias):
        name = name_of(node)
        if name in STALLING and (name != "Output" or _is_widget_output(node)):
            yield index, f"{name} can hang a headless run; use a slider whose .observe updates an HTML or Image widget"


def display_handles(nb: NotebookNode, path: Path) -> Breaches:
    """Nbval implements neither display handles nor clear_output."""
    for index, node in nodes(nb, ast.Name, ast.Attribute, ast.alias):
        if (name := name_of(node)) in DISPLAY_HANDLES:
            yield index, f"{name} is not understood by nbval; update the state of a widget instead"
    for index, node in nodes(nb, ast.keyword):
        if node.arg == "display_id":
            yield index, "display_id makes a display handle, which nbval does not understand; update a widget instead"


def semicolons(nb: NotebookNode, path: Path) -> Breaches:
    """Nbval runs with store_history off, so a semicolon does not hide the output there (nbval #194)."""
    for index, cell in code_cells(nb):
        if any(token.type == tokenize.OP and token.string == ";" for token in tokens(cell.source)):
            yield index, "a semicolon does not hide output in nbval; end the cell with plt.show() or another statement"


def deprecated(nb: NotebookNode, path: Path) -> Breaches:
    """Imports that newer IPython no longer has."""
    for index, node in nodes(nb, ast.Name, ast.Attribute, ast.alias):
        if name_of(node) == "set_matplotlib_formats":
            yield index, "set_matplotlib_formats is deprecated; the figure style of dnt_lab.viz sets the format"


def file_paths(nb: NotebookNode, path: Path) -> Breaches:
    """Papermill runs in the caller's folder, nbval and JupyterLab in the notebook's."""
    for index, node in nodes(nb, ast.Constant):
        if isinstance(node.value, str) and PATH_LIKE.match(node.value):
            yield index, f"{node.value!r} is a file path, which is wrong in another folder; use dnt_lab.datasets"
    for index, node in nodes(nb, ast.Call):
        first = node.args[0] if node.args else None
        text = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""
        if name_of(node.func) in READERS and FILE_NAME.search(text) and not PATH_LIKE.match(text):
            yield index, f"{text!r} is a file path, which is wrong in another folder; use dnt_lab.datasets"


def magics(nb: NotebookNode, path: Path) -> Breaches:
    """Shell lines, installs and other people's magics do not run everywhere."""
    for index, cell in code_cells(nb):
        if tree_of(cell.source) is None:
            match = MAGIC.search(cell.source)
            wrong = f"{match[0].strip()!r} begins a magic or a shell command" if match else "the cell does not parse"
            yield index, f"{wrong}; write plain Python"


def network(nb: NotebookNode, path: Path) -> Breaches:
    """Notebooks run offline."""
    for index, module in imported_modules(nb):
        if module.split(".")[0] in NETWORK:
            yield index, f"{module} reaches for the network; notebooks run offline, data comes from dnt_lab.datasets"


def tqdm_kind(nb: NotebookNode, path: Path) -> Breaches:
    """Of tqdm only the automatic kind passes nbval."""
    for index, module in imported_modules(nb):
        if module.split(".")[0] == "tqdm" and module != "tqdm.auto":
            yield index, f"{module} writes to stderr or leaves widgets; import tqdm from tqdm.auto, with a fixed total"


def public_names(nb: NotebookNode, path: Path) -> Breaches:
    """Notebooks import what the packages of dnt_lab offer, and nothing behind it."""
    for index, node in nodes(nb, ast.ImportFrom, ast.Import):
        if isinstance(node, ast.Import):
            deep = [alias.name for alias in node.names if alias.name.startswith("dnt_lab.")]
        elif (node.module or "").count(".") >= 2 and node.module.startswith("dnt_lab."):
            deep = [node.module]
        else:
            deep = _unlisted(node)
        for name in deep:
            yield index, f"{name} is not a public name of dnt_lab; import what a package lists in __all__"


def slow_sliders(nb: NotebookNode, path: Path) -> Breaches:
    """A slider that fires at every pixel lags, and one without a description says nothing to a screen reader."""
    for index, node in nodes(nb, ast.Call):
        if not str(name_of(node.func)).endswith("Slider"):
            continue
        keywords = {k.arg: k.value for k in node.keywords}
        late = keywords.get("continuous_update")
        if not (isinstance(late, ast.Constant) and late.value is False):
            yield index, "a slider needs continuous_update=False, so that it acts once per move"
        if "description" not in keywords:
            yield index, "a slider needs a description with its unit"


CODE_RULES: dict[str, Callable[[NotebookNode, Path], Breaches]] = {
    "stalling-widget": stalling_widgets,
    "display-handle": display_handles,
    "semicolon": semicolons,
    "deprecated": deprecated,
    "file-path": file_paths,
    "magic": magics,
    "network": network,
    "tqdm": tqdm_kind,
    "public-name": public_names,
    "slider": slow_sliders,
}


def _is_widget_output(node: ast.AST) -> bool:
    return isinstance(node, ast.alias | ast.Name) or name_of(node.value) in ("widgets", "ipywidgets", "W", "w")


def _unlisted(node: ast.ImportFrom) -> list[str]:
    module = node.module or ""
    if not (module == "dnt_lab" or module.startswith("dnt_lab.")):
        return []
    init = Path(__file__).parents[2].joinpath(*module.split("."), "__init__.py")
    packages = {found.parent.name for found in init.parent.glob("[!_]*/__init__.py") if _all_of(found)}
    public = packages | (_all_of(init) if init.exists() else set())
    return [f"{module}.{alias.name}" for alias in node.names if alias.name not in public]


@cache
def _all_of(init: Path) -> set[str]:
    for node in ast.parse(init.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()

"""Lint rules on what may stand in a cell: its code, its outputs, its metadata.

A rule takes a notebook and its path and yields ``(cell index or None, sentence)`` for every breach.
"""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from nbformat import NotebookNode

Breaches = Iterator[tuple[int | None, str]]

MAX_LINES = 30
MAX_BYTES = 300_000
STALLING = {"Output", "interact", "interactive", "interactive_output", "interact_manual"}
DISPLAY_HANDLES = {"clear_output", "update_display", "DisplayHandle"}
NETWORK = {"requests", "urllib", "urllib3", "httpx", "aiohttp", "socket", "http", "ftplib", "pooch"}
READERS = {
    "open", "Path", "PurePath", "read_csv", "read_json", "read_parquet", "read_excel", "read_hdf", "read_pickle",
    "to_csv", "to_json", "to_parquet", "to_pickle", "savefig", "loadtxt", "genfromtxt", "savetxt", "savez", "imread",
}  # fmt: skip
PATH_LIKE = re.compile(r"^(\.{1,2}/|~/|/[\w.-]+/|[A-Za-z]:[\\/]\S)")
FILE_NAME = re.compile(r"\.\w{1,8}$|/")
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
MAGIC = re.compile(r"^\s*(!|%%?[a-z]|[\w, ]+=\s*[!%][a-z])", re.MULTILINE)


def stalling_widgets(nb: NotebookNode, path: Path) -> Breaches:
    """Headless clients can hang on Output widgets, for ever where no timeout is set (nbclient #312)."""
    for index, node in _nodes(nb, ast.Name, ast.Attribute, ast.alias):
        name = _name(node)
        if name in STALLING and (name != "Output" or _is_widget_output(node)):
            yield index, f"{name} can hang a headless run; use a slider whose .observe updates an HTML or Image widget"


def display_handles(nb: NotebookNode, path: Path) -> Breaches:
    """Nbval implements neither display handles nor clear_output."""
    for index, node in _nodes(nb, ast.Name, ast.Attribute, ast.alias):
        if (name := _name(node)) in DISPLAY_HANDLES:
            yield index, f"{name} is not understood by nbval; update the state of a widget instead"
    for index, node in _nodes(nb, ast.keyword):
        if node.arg == "display_id":
            yield index, "display_id makes a display handle, which nbval does not understand; update a widget instead"


def semicolons(nb: NotebookNode, path: Path) -> Breaches:
    """Nbval runs with store_history off, so a semicolon does not hide the output there (nbval #194)."""
    for index, cell in _code(nb):
        if any(token.type == tokenize.OP and token.string == ";" for token in _tokens(cell.source)):
            yield index, "a semicolon does not hide output in nbval; end the cell with plt.show() or another statement"


def svg_figures(nb: NotebookNode, path: Path) -> Breaches:
    """image/svg+xml is compared text by text, image/png is not."""
    for index, output in _outputs(nb):
        if "image/svg+xml" in output.get("data", {}):
            yield index, "an SVG output is compared text by text and differs between machines; show a PNG"


def deprecated(nb: NotebookNode, path: Path) -> Breaches:
    """Imports that newer IPython no longer has."""
    for index, node in _nodes(nb, ast.Name, ast.Attribute, ast.alias):
        if _name(node) == "set_matplotlib_formats":
            yield index, "set_matplotlib_formats is deprecated; the figure style of dnt_lab.viz sets the format"


def raises_exception(nb: NotebookNode, path: Path) -> Breaches:
    """Nbval honours the tag, papermill fails at the end."""
    for index, cell in enumerate(nb.cells):
        if "raises-exception" in cell.metadata.get("tags", ()):
            yield index, "the tag raises-exception fails in papermill; show the error with try, except and print"


def addresses(nb: NotebookNode, path: Path) -> Breaches:
    """A memory address differs each run."""
    for index, text in _texts(nb):
        if match := ADDRESS.search(text):
            yield index, f"the output holds the address {match[0]}; give the class a __repr__ without one"


def execution_counts(nb: NotebookNode, path: Path) -> Breaches:
    """Stored notebooks are fully executed, from top to bottom."""
    counts = [cell.execution_count for _, cell in _code(nb) if cell.source.strip()]
    if counts != list(range(1, len(counts) + 1)):
        yield None, f"execution counts are {counts}, but must run from 1 to {len(counts)}; run dnt-lab refresh"


def error_outputs(nb: NotebookNode, path: Path) -> Breaches:
    """A stored notebook shows neither warnings nor errors."""
    for index, output in _outputs(nb):
        if output.get("name") == "stderr":
            yield index, f"the output holds stderr: {output.text.strip().splitlines()[-1]}; mend its cause"
        if output.output_type == "error":
            yield index, f"the cell failed with {output.ename}; mend it, or show the error with try, except and print"


def file_paths(nb: NotebookNode, path: Path) -> Breaches:
    """Papermill runs in the caller's folder, nbval and JupyterLab in the notebook's."""
    for index, node in _nodes(nb, ast.Constant):
        if isinstance(node.value, str) and PATH_LIKE.match(node.value):
            yield index, f"{node.value!r} is a file path, which is wrong in another folder; use dnt_lab.datasets"
    for index, node in _nodes(nb, ast.Call):
        first = node.args[0] if node.args else None
        if _name(node.func) in READERS and isinstance(first, ast.Constant) and isinstance(first.value, str):
            if FILE_NAME.search(first.value) and not PATH_LIKE.match(first.value):
                yield index, f"{first.value!r} is a file path, which is wrong in another folder; use dnt_lab.datasets"


def magics(nb: NotebookNode, path: Path) -> Breaches:
    """Shell lines, installs and other people's magics do not run everywhere."""
    for index, cell in _code(nb):
        if match := MAGIC.search(cell.source):
            yield index, f"{match[0].strip()!r} begins a magic or a shell command; write plain Python"
        elif _tree(cell.source) is None:
            yield index, "the cell is not valid Python"


def network(nb: NotebookNode, path: Path) -> Breaches:
    """Notebooks run offline."""
    for index, module in _imported_modules(nb):
        if module.split(".")[0] in NETWORK:
            yield index, f"{module} reaches for the network; notebooks run offline, data comes from dnt_lab.datasets"


def tqdm_kind(nb: NotebookNode, path: Path) -> Breaches:
    """Of tqdm only the automatic kind passes nbval."""
    for index, module in _imported_modules(nb):
        if module.split(".")[0] == "tqdm" and module != "tqdm.auto":
            yield index, f"{module} writes to stderr or leaves widgets; import tqdm from tqdm.auto, with a fixed total"


def public_names(nb: NotebookNode, path: Path) -> Breaches:
    """Notebooks import what the packages of dnt_lab offer, and nothing behind it."""
    for index, node in _nodes(nb, ast.ImportFrom, ast.Import):
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
    for index, node in _nodes(nb, ast.Call):
        if not str(_name(node.func)).endswith("Slider"):
            continue
        keywords = {k.arg: k.value for k in node.keywords}
        late = keywords.get("continuous_update")
        if not (isinstance(late, ast.Constant) and late.value is False):
            yield index, "a slider needs continuous_update=False, so that it acts once per move"
        if "description" not in keywords:
            yield index, "a slider needs a description with its unit"


def metadata_noise(nb: NotebookNode, path: Path) -> Breaches:
    """Metadata that changes from run to run fills diffs."""
    from dnt_lab.workbook.refresh import CELL_NOISE, NOTEBOOK_NOISE

    for name in NOTEBOOK_NOISE:
        if name in nb.metadata:
            yield None, f"the notebook's metadata holds {name}; run dnt-lab refresh"
    if "version" in nb.metadata.get("language_info", {}):
        yield None, "the notebook's metadata holds the version of Python; run dnt-lab refresh"
    if nb.metadata.get("kernelspec", {}).get("name") != "python3":
        yield None, "the kernel must be python3, which every Jupyter has; run dnt-lab refresh"
    for index, cell in enumerate(nb.cells):
        for name in CELL_NOISE:
            if name in cell.metadata:
                yield index, f"the cell's metadata holds {name}; run dnt-lab refresh"


def sizes(nb: NotebookNode, path: Path) -> Breaches:
    """A cell fits a screen; a notebook opens fast."""
    if (size := path.stat().st_size) >= MAX_BYTES:
        yield None, f"the file has {size // 1000} kB, but must stay below {MAX_BYTES // 1000} kB; show smaller figures"
    for index, cell in _code(nb):
        if (lines := len(cell.source.splitlines())) > MAX_LINES:
            yield index, f"the cell has {lines} lines, but at most {MAX_LINES} fit a screen; split it"


CELL_RULES: dict[str, Callable[[NotebookNode, Path], Breaches]] = {
    "stalling-widget": stalling_widgets, "display-handle": display_handles, "semicolon": semicolons, "svg": svg_figures,
    "deprecated": deprecated, "raises-exception": raises_exception, "address": addresses,
    "execution-count": execution_counts, "error-output": error_outputs, "file-path": file_paths, "magic": magics,
    "network": network, "tqdm": tqdm_kind, "public-name": public_names, "slider": slow_sliders,
    "metadata": metadata_noise, "size": sizes,
}  # fmt: skip


def _code(nb: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    return ((index, cell) for index, cell in enumerate(nb.cells) if cell.cell_type == "code")


def _outputs(nb: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    return ((index, output) for index, cell in _code(nb) for output in cell.outputs)


def _texts(nb: NotebookNode) -> Iterator[tuple[int, str]]:
    for index, output in _outputs(nb):
        yield index, output.get("text", "")
        for mime, content in output.get("data", {}).items():
            if mime in ("text/plain", "text/html", "text/markdown"):
                yield index, content


@cache
def _tree(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except SyntaxError:
        return None


def _nodes(nb: NotebookNode, *kinds: type) -> Iterator[tuple[int, ast.AST]]:
    for index, cell in _code(nb):
        tree = _tree(cell.source)
        yield from ((index, node) for node in ast.walk(tree) if isinstance(node, kinds)) if tree else ()


def _tokens(source: str) -> list[tokenize.TokenInfo]:
    try:
        return list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):  # a magic; its own rule says so
        return []


def _name(node: ast.AST) -> str | None:
    if isinstance(node, ast.alias):
        return node.name.rpartition(".")[2]
    return getattr(node, "attr", None) or getattr(node, "id", None)


def _is_widget_output(node: ast.AST) -> bool:
    return isinstance(node, ast.alias | ast.Name) or _name(node.value) in ("widgets", "ipywidgets", "W", "w")


def _imported_modules(nb: NotebookNode) -> Iterator[tuple[int, str]]:
    for index, node in _nodes(nb, ast.Import, ast.ImportFrom):
        if isinstance(node, ast.Import):
            yield from ((index, alias.name) for alias in node.names)
        elif node.module:
            yield index, node.module


def _unlisted(node: ast.ImportFrom) -> list[str]:
    module = node.module or ""
    if not (module == "dnt_lab" or module.startswith("dnt_lab.")):
        return []
    init = Path(__file__).parents[2].joinpath(*module.split("."), "__init__.py")
    public = _all_of(init) if init.exists() else set()
    return [f"{module}.{alias.name}" for alias in node.names if alias.name not in public]


@cache
def _all_of(init: Path) -> set[str]:
    for node in ast.parse(init.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()

"""One broken notebook per rule: the rule finds it, and nothing else does; a good notebook has no finding."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from dnt_lab.workbook import notebooks
from dnt_lab.workbook.lint import RULES, ignored_outputs, lint

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def code(source, *outputs):
    """Return a change that puts a code cell before the claims and numbers all cells again."""

    def change(nb, path):
        nb.cells.insert(-4, new_code_cell(source, outputs=list(outputs)))
        count = 0
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.execution_count = count = count + 1

    return change


def prose(source):
    return lambda nb, path: nb.cells.insert(-4, new_markdown_cell(source))


def replaced(old, new):
    """Return a change that replaces text in every cell."""

    def change(nb, path):
        assert any(old in cell.source for cell in nb.cells)
        for cell in nb.cells:
            cell.source = cell.source.replace(old, new)

    return change


def tagged(nb, tag):
    return next(cell for cell in nb.cells if tag in cell.metadata.get("tags", ()))


def figure(alt="A dot."):
    metadata = {"image/png": {"alt": alt}} if alt else {}
    return new_output("display_data", data={"image/png": PNG}, metadata=metadata)


def text(value):
    return new_output("display_data", data={"text/plain": value})


def then(*changes):
    def change(nb, path):
        for one_change in changes:
            one_change(nb, path)

    return change


def solution(name, source):
    return lambda nb, path: (path.parent / "solutions" / name).write_text(source)


def without(name):
    return lambda nb, path: (path.parent / "solutions" / name).unlink()


def tag_cell(tag):
    return lambda nb, path: nb.cells[3].metadata.update(tags=[tag])


BROKEN = [
    ("stalling-widget", code("import ipywidgets as widgets\nout = widgets.Output()"), "Output can hang a headless run"),
    ("stalling-widget", code("from ipywidgets import interact"), "interact can hang"),
    ("stalling-widget", code("import ipywidgets as w\nw.interactive_output(print, {})"), "interactive_output can hang"),
    ("display-handle", code("from IPython.display import clear_output"), "clear_output is not understood by nbval"),
    ("display-handle", code("display(1, display_id=True)"), "display_id makes a display handle"),
    ("semicolon", code("x = 1;"), "a semicolon does not hide output in nbval"),
    ("svg", code("1", new_output("display_data", data={"image/svg+xml": "<svg/>"})), "an SVG output is compared"),
    ("deprecated", code("from IPython.display import set_matplotlib_formats"), "set_matplotlib_formats is deprecated"),
    ("raises-exception", tag_cell("raises-exception"), "the tag raises-exception fails in papermill"),
    ("address", code("1", text("<Twin at 0x7f3a5c0d12e0>")), "the output holds the address 0x7f3a5c0d12e0"),
    (
        "execution-count",
        lambda nb, path: tagged(nb, "parameters").update(execution_count=9),
        "counts are [9, 2",
    ),
    (
        "error-output",
        code("1", new_output("stream", name="stderr", text="a\nUserWarning: b\n")),
        "UserWarning: b",
    ),
    ("error-output", code("1", new_output("error", ename="KeyError", evalue="")), "the cell failed with KeyError"),
    ("file-path", code("where = '../data/x'"), "'../data/x' is a file path"),
    ("file-path", code("where = '/home/me/x'"), "'/home/me/x' is a file path"),
    ("file-path", code("open('cells.csv')"), "'cells.csv' is a file path"),
    ("magic", code("%pip install numpy"), "'%p' begins a magic or a shell command"),
    ("magic", code("!ls"), "'!' begins a magic or a shell command"),
    ("magic", code("def f(:"), "the cell does not parse; write plain Python"),
    ("network", code("import urllib.request"), "urllib.request reaches for the network"),
    ("tqdm", code("from tqdm.notebook import tqdm"), "tqdm.notebook writes to stderr or leaves widgets"),
    (
        "public-name",
        code("from dnt_lab.workbook.cells import reveal_cell"),
        "workbook.cells is not a public name",
    ),
    ("public-name", code("import dnt_lab.workbook.cells"), "workbook.cells is not a public name"),
    ("public-name", code("from dnt_lab.workbook import cells"), "workbook.cells is not a public name"),
    ("public-name", code("from dnt_lab import radio"), "dnt_lab.radio is not a public name"),
    ("slider", code("import ipywidgets as w\nw.IntSlider(description='km')"), "a slider needs continuous_update=False"),
    (
        "slider",
        code("import ipywidgets as w\nw.IntSlider(continuous_update=False)"),
        "needs a description",
    ),
    ("metadata", lambda nb, path: nb.metadata.update(widgets={}), "the notebook's metadata holds widgets"),
    ("metadata", lambda nb, path: nb.cells[0].metadata.update(papermill={}), "the cell's metadata holds papermill"),
    ("metadata", lambda nb, path: nb.metadata.language_info.update(version="3.11"), "the version of Python"),
    ("metadata", lambda nb, path: nb.metadata.kernelspec.update(name="mine"), "the kernel must be python3"),
    ("size", code("\n".join(["x = 1"] * 31)), "the cell has 31 lines, but at most 30"),
    ("size", code("1", text("x" * 300_000)), "but must stay below 300 kB"),
    ("title", prose("# Again"), "one H1 heading, in the first cell, but they are in cells [0, 16]"),
    ("title", prose("## A\n\n#### B"), "a heading of level 4 follows one of level 2"),
    ("title", replaced("mybinder.org", "example.org"), "the first cell has no launch badge"),
    ("part", replaced("Objectives", "Aims"), "objectives missing"),
    ("part", replaced("5 min", "soon"), "time missing: write how many minutes"),
    ("part", replaced("prerequisites: none", "easy"), "prerequisites missing"),
    ("part", replaced("## References", "## Sources"), "references missing"),
    ("parameters", lambda nb, path: tagged(nb, "parameters").metadata.update(tags=[]), "but there are 0"),
    ("parameters", replaced("seed = 1", "seed = 1\nprint(seed)"), "may hold assignments only"),
    ("parameters", replaced('profile = "fast"', 'profile = "full"'), 'must assign profile = "fast" and a seed'),
    (
        "parameters",
        replaced('start("01", profile, seed)', 'start("01")'),
        'must call workbook.start("01", ',
    ),
    ("claims", lambda nb, path: nb.cells[-3].update(outputs=[]), "no claims table is stored"),
    ("navigation", lambda nb, path: nb.cells.pop(), "the last cell must be the navigation"),
    ("alt-text", then(prose("See the dot."), code("1", figure(alt=None))), "a figure has no alt text"),
    ("alt-text", prose("![](00_start.ipynb)"), "a markdown image has no alt text"),
    ("alt-text", prose("<img src='x.png'>"), "an HTML image has no alt"),
    ("figure-sentence", then(code("1"), code("1", figure()), code("1")), "a figure stands alone"),
    ("link", prose("[there](99_gone.ipynb)"), "the link to 99_gone.ipynb leads nowhere"),
    ("link", replaced("notebooks/01_twins.ipynb", "notebooks/07_x.ipynb"), "the link to 07_x.ipynb leads nowhere"),
    ("abbreviation", prose("The SINR falls."), "SINR is not spelled out"),
    ("exercise-count", lambda nb, path: tagged(nb, "exercise").metadata.pop("nbgrader"), "there are 2 exercises"),
    ("exercise-check", lambda nb, path: tagged(nb, "check").metadata.pop("nbgrader"), "exercise 1.1 has no check cell"),
    ("exercise-check", replaced(', hint="log10"', ""), "exercise 1.2 has no hint"),
    (
        "exercise-check",
        lambda nb, path: tagged(nb, "check").update(outputs=[]),
        "must say 'not attempted",
    ),
    ("exercise-check", replaced('reveal("1.1")', "reveal()"), 'no cell offers workbook.reveal("1.1")'),
    (
        "nbgrader",
        lambda nb, path: tagged(nb, "check").metadata.nbgrader.pop("task"),
        "nbgrader metadata lacks task",
    ),
    (
        "nbgrader",
        then(code("1"), lambda nb, path: nb.cells[-5].metadata.update(nbgrader=tagged(nb, "check").metadata.nbgrader)),
        "the grade id check-01-1 is used twice",
    ),
    ("exercise-files", without("01_1.py"), "exercise 1.1 has no solution file solutions/01_1.py"),
    ("exercise-files", without("wrong/01_1_a.py"), "exercise 1.1 has no wrong answer solutions/wrong/01_1_a.py"),
    ("exercise-files", solution("wrong/01_1_a.py", "x = 1"), "01_1_a.py must begin with '# refused:"),
    ("exercise-files", solution("01_2.py", "def power(x):\n    return x"), "lacks the line: def power_db(ratio):"),
    ("exercise-independence", code("print(power_db)"), "power_db is a student's answer"),
]


def test_a_good_notebook_has_no_finding(workbook_folder):
    assert lint(notebooks.all_notebooks(workbook_folder)) == []


@pytest.mark.parametrize(("rule", "change", "sentence"), BROKEN)
def test_each_rule_finds_its_breach_and_only_that(one, rule, change, sentence):
    nb = notebooks.read(one)
    change(nb, one)
    notebooks.write(nb, one)
    findings = lint([one])
    assert {finding.rule for finding in findings} == {rule}
    assert any(sentence in str(finding) for finding in findings), findings
    assert str(findings[0]).startswith("01_twins.ipynb") and str(findings[0]).endswith(f"[{rule}]")


def test_every_rule_has_a_broken_notebook():
    assert set(RULES) == {rule for rule, _, _ in BROKEN} | {"file-name"}


def test_file_names_are_numbered(one):
    renamed = one.with_name("twins.ipynb")
    one.rename(renamed)
    assert "file-name" in {finding.rule for finding in lint([renamed])}


@pytest.mark.parametrize(
    "change",
    [
        code("text = 'a; b'  # one; two"),
        code("from tqdm.auto import tqdm"),
        code("from dnt_lab.mapping import vertical"),
        code("unit = 'km/h'\nname = 'a.b'"),
        code("import ipywidgets as w\nw.IntSlider(description='km', continuous_update=False)"),
        prose("A physical network object (PNO) moves. PNOs move. `SINR`\n\n```\nBS\n```"),
        prose("[a](https://x.org/y) [b](#c) [d](00_start.ipynb#e)"),
        then(prose("See the dot."), code("1", figure())),
        code("power_db = 3\nprint(power_db)"),
        code("double = lambda count: 2 * count\nprint(double(1))"),
    ],
)
def test_what_is_allowed_is_not_found(one, change):
    nb = notebooks.read(one)
    change(nb, one)
    notebooks.write(nb, one)
    assert lint([one]) == []


def test_exemptions_from_comparison_are_counted(one):
    nb = notebooks.read(one)
    nb.cells[3].metadata["tags"] = ["nbval-ignore-output"]
    notebooks.write(nb, one)
    assert ignored_outputs([one]) == ["01_twins.ipynb cell 3"]

import pytest
from nbformat.v4 import new_code_cell, new_output

from dnt_lab.workbook import compare_outputs, notebooks
from dnt_lab.workbook.lint import lint
from dnt_lab.workbook.refresh import navigate, navigation, refresh, strip


def test_refreshed_notebooks_are_stable_and_compare_equal(workbook_folder):
    paths = notebooks.all_notebooks(workbook_folder)
    nb = notebooks.read(paths[1])
    nb.metadata["widgets"] = {"state": {}}
    nb.cells[0].metadata["papermill"] = {"status": "completed"}
    nb.cells.pop()
    notebooks.write(nb, paths[1])
    assert refresh(paths[1]) is True
    once = paths[1].read_bytes()
    assert lint(paths) == []
    assert refresh(paths[1]) is False
    assert paths[1].read_bytes() == once


def test_navigation_leads_to_neighbours_and_is_written_once(workbook_folder):
    paths = notebooks.all_notebooks(workbook_folder)
    assert navigation(paths[0], paths) == "---\n[Next: Notebook 1](01_twins.ipynb)"
    last = "---\n[Previous: Notebook 0](00_start.ipynb) | [Contents](00_start.ipynb)"
    assert navigation(paths[1], paths) == last
    assert navigation(paths[1], paths[1:]) == "---\n[Contents](01_twins.ipynb)"
    nb = notebooks.read(paths[0])
    count = len(nb.cells)
    assert len(navigate(navigate(nb, paths[0], paths), paths[0], paths).cells) == count


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("1 / 0", "01_twins.ipynb was not refreshed: ZeroDivisionError: division by zero"),
        ("import sys\nprint('oh', file=sys.stderr)", "01_twins.ipynb was not refreshed: cell 3 wrote to stderr: oh"),
    ],
)
def test_a_notebook_that_fails_or_warns_is_left_as_it_was(one, source, sentence):
    nb = notebooks.read(one)
    nb.cells[3].source = source
    if "stderr" in source:
        nb.cells = [*nb.cells[:4], nb.cells[-1]]
    notebooks.write(nb, one)
    before = one.read_bytes()
    with pytest.raises(RuntimeError, match=sentence):
        refresh(one)
    assert one.read_bytes() == before


def test_a_cell_that_never_ends_is_reported(one):
    nb = notebooks.read(one)
    nb.cells[3].source = "while True:\n    pass"
    notebooks.write(nb, one)
    with pytest.raises(RuntimeError, match="was not refreshed: a cell took too long"):
        refresh(one, timeout_s=2)


def test_stored_outputs_that_differ_are_found_and_the_noise_is_not_heard(one, reduced):
    reduced(one, "print('took 3.1 s')")
    nb = notebooks.read(one)
    nb.cells.append(new_code_cell("print(3)", outputs=[new_output("stream", text="4\n")], execution_count=3))
    nb.cells[2].update(execution_count=2, outputs=[new_output("stream", text="took 9.2 s\n")])
    notebooks.write(nb, one)
    lines = []
    assert compare_outputs.nbval([one], lines.append) == 1
    text = "\n".join(lines)
    assert "1 failed, 2 passed" in text and "FAILED notebooks/01_twins.ipynb::Cell 2" in text
    assert "without encryption" not in text


def test_strip_removes_only_noise(blank):
    nb = blank("01_twins.ipynb")
    nb.metadata["language_info"] = {"name": "python", "version": "3.11"}
    nb.cells[2].metadata["execution"] = {"iopub.status.busy": "now"}
    tags = [cell.metadata.get("tags") for cell in nb.cells]
    strip(nb)
    assert nb.metadata.language_info == {"name": "python"} and "execution" not in nb.cells[2].metadata
    assert [cell.metadata.get("tags") for cell in nb.cells] == tags

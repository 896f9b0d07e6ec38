import nbformat
import pytest
from nbformat.v4 import new_output

from dnt_lab import workbook
from dnt_lab.workbook import cells, notebooks, solve
from dnt_lab.workbook.exercises import drift, find_exercises, refusal_words
from dnt_lab.workbook.names import exercise_key, exercise_name


def test_names_agree():
    assert exercise_key("1.2") == exercise_key("01.2") == "01_2" and exercise_key("13.10") == "13_10"
    assert exercise_name("01_2") == exercise_name("check-01-2") == "1.2"


def test_cells_are_valid_for_nbgrader_and_nbformat(blank):
    nb = blank("01_twins.ipynb")
    nbformat.validate(nb)
    from nbgrader.nbgraderformat import MetadataValidator

    MetadataValidator().validate_nb(nb)
    stub, check = cells.exercise_cell("1.2", "x = ..."), cells.check_cell("1.2", 'checks.expect("1.2", x, equals=1)', 3)
    assert stub.metadata.nbgrader.grade_id == "ex-01-2" and stub.metadata.tags == ["exercise"]
    assert check.metadata.nbgrader.points == 3 and check.metadata.nbgrader.locked
    assert cells.hint_cell("1.2", "Think.").source.startswith("<details><summary>Hint for 1.2</summary>")
    assert 'workbook.reveal("1.2")' in cells.reveal_cell("01.2").source


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: cells.exercise_cell("1-2", "x = ..."), "exercise is '1-2', but it must be notebook.exercise"),
        (lambda: cells.check_cell("1.2", 'checks.expect("1.2", x, equals=1)', 0), "points of exercise 1.2 is 0"),
        (lambda: cells.check_cell("1.2", 'checks.expect("1.2", x, equals=1)', 1.5), "points of exercise 1.2 is 1.5"),
        (lambda: cells.check_cell("1.2", 'checks.expect("1.3", x, equals=1)'), "check cell of exercise 1.2 must call"),
        (lambda: workbook.reveal(1.2), "exercise is 1.2, but"),
    ],
)
def test_bad_cells_are_refused(call, sentence):
    with pytest.raises(ValueError) as caught:
        call()
    assert sentence in str(caught.value)


def test_reveal_prints_the_solution_or_says_why_not(workbook_folder, monkeypatch, tmp_path, capsys):
    workbook.reveal("01.1")
    assert capsys.readouterr().out == "count = 3\n"
    workbook.reveal("1.9")
    assert capsys.readouterr().out == "There is no solution of 1.9; notebook 01 has solutions of 1.1, 1.2, 1.3.\n"
    workbook.reveal("7.1")
    assert "notebook 07 has solutions of no exercise" in capsys.readouterr().out
    monkeypatch.setattr(notebooks, "__file__", str(tmp_path / "elsewhere" / "a" / "b" / "c.py"))
    monkeypatch.chdir(tmp_path.parent)
    workbook.reveal("1.1")
    assert "The solutions are beside the notebooks, but there are no notebooks in" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("stub", "solution", "lost"),
    [
        ("x = ...", "x = 3", []),
        ("def f(a):\n    # add\n    ...\n    return b", "def f(a):\n    b = a\n    b += 1\n    return b", []),
        ("def f(a, c):\n    ...", "def f(a):\n    return a", ["def f(a, c):"]),
        ("x = ...\nprint(x)", "x = 3", ["print(x)"]),
        ("x = 1", "x = 3", ["x = 1"]),
    ],
)
def test_drift_between_stub_and_solution_is_seen(stub, solution, lost):
    assert drift(stub, solution) == lost


def test_wrong_answers_must_say_how_they_are_refused(tmp_path):
    path = tmp_path / "01_1_a.py"
    path.write_text("# refused: too large; dB \nx = 3\n")
    assert refusal_words(path) == ["too large", "dB"]
    path.write_text("x = 3\n")
    with pytest.raises(ValueError, match=r"01_1_a\.py must begin with '# refused:"):
        refusal_words(path)


def test_copies_hold_the_solutions_or_each_wrong_answer_once(one):
    nb, folder = notebooks.read(one), one.parent
    solved = solve.solved_copy(nb, folder)
    assert "count = 3" in [cell.source for cell in solved.cells]
    assert not any(cell.get("outputs") for cell in solved.cells) and any(cell.get("outputs") for cell in nb.cells)
    (folder / "solutions" / "wrong" / "01_2_b.py").write_text("# refused: x\npower_db = 1\n")
    ids = [cell.id for cell in solve.wrong_copy(nb, folder).cells]
    tried = [name for name in ids if name.endswith(("-answer", "-check"))]
    files = ["01_1_a", "01_2_a", "01_2_b", "01_3_a"]
    assert tried == [f"{file}-{part}" for file in files for part in ("answer", "check")]
    (folder / "solutions" / "01_3.py").unlink()
    with pytest.raises(FileNotFoundError, match=r"exercise 1\.3 has no solution: 01_3\.py is missing"):
        solve.solved_copy(nb, folder)


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ("1.1 try again: 4 is too large. Hint: count the masts", None),
        ("1.1 ok", "01_1_a.py must be refused, but the check said: 1.1 ok"),
        ("", "01_1_a.py must be refused, but the check said: nothing"),
        (
            "1.1 try again: 4 is too large.",
            "the refusal of 01_1_a.py does not say 'masts': 1.1 try again: 4 is too large.",
        ),
    ],
)
def test_a_wrong_answer_that_passes_is_reported(one, said, complaint):
    nb = notebooks.read(one)
    path = find_exercises(nb, one.parent)[0].wrong[0]
    copy = solve.wrong_copy(nb, one.parent)
    check = next(cell for cell in copy.cells if cell.id == "01_1_a-check")
    assert solve.accepted_wrongly(copy, path, "1.1") is None  # not run yet, so nothing can be said
    check.execution_count, check.outputs = 1, [new_output("stream", text=said)] if said else []
    assert solve.accepted_wrongly(copy, path, "1.1") == complaint

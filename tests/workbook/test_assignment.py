"""The round trip through nbgrader itself: generate, validate, autograde."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from dnt_lab.workbook import notebooks
from dnt_lab.workbook.assignment import write_course
from dnt_lab.workbook.solve import solved_copy

FULL = 6.0  # three checks of two points


@pytest.fixture
def course(one, tmp_path, monkeypatch):
    """Return a course written from one notebook, with nbgrader's api running in it."""
    pytest.importorskip("nbgrader", reason="nbgrader is for instructors")
    from nbgrader.apps import NbGrader, NbGraderAPI
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import Config, PyFileConfigLoader

    nb = notebooks.read(one)  # without the claims, for which `start` would load the figures' style in each run
    nb.cells = [cell for cell in nb.cells if "workbook.claims" not in cell.source]
    nb.cells[3].source = "from dnt_lab.workbook import checks"
    notebooks.write(nb, one)
    destination = tmp_path / "course"
    write_course([one], destination)
    monkeypatch.chdir(destination)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")  # for alembic
    config = Config(PyFileConfigLoader("nbgrader_config.py", str(destination)).load_config())
    config.CourseDirectory.root = str(destination)
    config.Exchange.root = str(tmp_path / "exchange")
    NbGrader.clear_instance()
    yield NbGraderAPI(CourseDirectory(config=config), config=config), destination
    NbGrader.clear_instance()


def submit(destination, student, nb):
    folder = destination / "submitted" / student / "01"
    folder.mkdir(parents=True)
    notebooks.write(nb, folder / "01_twins.ipynb")


def validate(path):
    from nbgrader.validator import Validator

    return Validator().validate(str(path))


@pytest.mark.filterwarnings("ignore")  # of nbgrader and sqlalchemy, about their own future
def test_generate_validate_autograde(one, course):
    api, destination = course
    source = destination / "source" / "01" / "01_twins.ipynb"
    assert validate(source) == {}, "the woven solutions pass every check"

    generated = api.generate_assignment("01")
    assert generated["success"], generated["log"]
    released = notebooks.read(destination / "release" / "01" / "01_twins.ipynb")
    text = "\n".join(cell.source for cell in released.cells)
    assert "log10(ratio)" not in text and "SOLUTION" not in text and "reveal(" not in text
    stubs = [c.source.strip() for c in notebooks.read(one).cells if "exercise" in c.metadata.get("tags", ())]
    assert [c.source.strip() for c in released.cells if "exercise" in c.metadata.get("tags", ())] == stubs

    assert len(validate(destination / "release" / "01" / "01_twins.ipynb")["failed"]) == 3

    submit(destination, "ada", solved_copy(released, one.parent))
    submit(destination, "bob", released)
    for student, score in (("ada", FULL), ("bob", 0.0)):
        graded = api.autograde("01", student)
        assert graded["success"], graded["log"]
        submission = api.get_submission("01", student)
        assert (submission["score"], submission["max_score"]) == (score, FULL), student


def test_a_course_appears_whole_or_not_at_all(workbook_folder, tmp_path):
    paths = notebooks.all_notebooks(workbook_folder)
    (workbook_folder / "solutions" / "01_3.py").unlink()
    with pytest.raises(FileNotFoundError, match=r"exercise 1\.3 has no solution: 01_3\.py is missing"):
        write_course(paths, tmp_path / "course")
    assert not (tmp_path / "course").exists() and not list(tmp_path.glob(".course-*"))
    (tmp_path / "course").mkdir()
    written = write_course(paths[:1], tmp_path / "course")
    assert written == [tmp_path / "course" / "source" / "00" / "00_start.ipynb"]
    with pytest.raises(FileExistsError, match="course is not empty; give a new folder"):
        write_course(paths[:1], tmp_path / "course")
    shutil.rmtree(tmp_path / "course")
    (tmp_path / "course").write_text("a file")
    with pytest.raises(FileExistsError, match="course is not empty"):
        write_course(paths[:1], tmp_path / "course")

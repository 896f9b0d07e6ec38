import pytest

from dnt_lab.workbook import notebooks


def test_selection_by_number_and_name(workbook_folder):
    assert notebooks.notebooks_folder().resolve() == workbook_folder.resolve()
    names = [path.name for path in notebooks.select(workbook_folder)]
    assert names == ["00_start.ipynb", "01_twins.ipynb"]
    for word in ("1", "01", "01_twins", "notebooks/01_twins.ipynb"):
        assert [path.name for path in notebooks.select(workbook_folder, [word])] == ["01_twins.ipynb"]
    with pytest.raises(LookupError, match="there is no notebook 07; there are 00, 01"):
        notebooks.select(workbook_folder, ["00", "07"])


def test_the_folder_is_found_from_inside_and_missed_clearly(workbook_folder, monkeypatch, tmp_path):
    monkeypatch.chdir(workbook_folder)
    assert notebooks.notebooks_folder().resolve() == workbook_folder.resolve()
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    monkeypatch.setattr(notebooks, "__file__", str(empty / "a" / "b" / "c.py"))
    with pytest.raises(FileNotFoundError, match=r"no notebooks in .*; go to the folder of the dnt_lab checkout"):
        notebooks.notebooks_folder()


def test_writing_replaces_whole_files_or_nothing(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    notebooks.write_text("old", path)

    def broken(*_):
        raise OSError("disk full")

    monkeypatch.setattr(notebooks.os, "replace", broken)
    with pytest.raises(OSError, match="disk full"):
        notebooks.write_text("new", path)
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_foreign_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"gone\.ipynb does not exist"):
        notebooks.read(tmp_path / "gone.ipynb")
    (tmp_path / "text.ipynb").write_text("no json")
    with pytest.raises(ValueError, match=r"text\.ipynb is not a notebook"):
        notebooks.read(tmp_path / "text.ipynb")

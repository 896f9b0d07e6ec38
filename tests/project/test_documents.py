"""The documents say what is true: commands exist, links lead somewhere, launch links open the notebooks there are."""

import re
import tomllib
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("data/*.md")]


def launch_link(notebook: str) -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    owner_and_name = project["urls"]["Repository"].removeprefix("https://github.com/")
    return f"https://mybinder.org/v2/gh/{owner_and_name}/HEAD?urlpath=lab/tree/notebooks/{notebook}"


def test_the_readme_names_only_commands_that_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"^make ([a-z-]+)|`make ([a-z-]+)`| make ([a-z-]+)$", README, re.MULTILINE))
    named = {word for words in named for word in words if word}
    assert {"lab", "test", "run"} <= named <= targets


def test_links_between_documents_lead_somewhere():
    broken = [
        f"{path.relative_to(ROOT)} -> {target}"
        for path in DOCUMENTS
        for target in re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8"))
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert not broken


def test_every_notebook_has_its_row_and_launch_link_in_the_readme():
    rows = dict(re.findall(r"^\| (\d\d) \| (.*) \|$", README, re.MULTILINE))
    assert list(rows) == [f"{n:02d}" for n in range(16)]
    for path in NOTEBOOKS:
        wanted = [f"[{title(path)}](notebooks/{path.name})", f"[launch]({launch_link(path.name)})"]
        missing = [link for link in wanted if link not in rows[path.name[:2]]]
        assert not missing, f"row {path.name[:2]} of README.md lacks {missing}"


def test_every_launch_link_opens_a_notebook_that_exists():
    texts = {"README.md": README, **{path.name: first_cell(path) for path in NOTEBOOKS}}
    allowed = {launch_link(path.name) for path in NOTEBOOKS}
    links = [
        (name, url) for name, text in texts.items() for url in re.findall(r"https://mybinder.org/v2/[^)\s]+", text)
    ]
    assert links
    wrong = [f"{name}: {url}" for name, url in links if url not in allowed]
    assert not wrong


def test_ci_runs_the_test_command_of_the_readme():
    script = ROOT / ".ci/run"
    assert "make test" in script.read_text()
    assert script.stat().st_mode & 0o111


def test_the_glossary_is_in_order_and_says_each_thing_once():
    shorts = re.findall(r"^\| ([^|]+?) \|", (ROOT / "docs/glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    entries = [short for short in shorts if short != "short" and not short.startswith("---")]
    assert len(set(entries)) == len(entries)
    assert entries == sorted(entries, key=str.lower)


def test_the_glossary_covers_what_the_lint_asks_notebooks_to_spell_out():
    from dnt_lab.workbook.lint_structure import ABBREVIATIONS

    glossary = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    missing = [short for short in ABBREVIATIONS if not re.search(rf"^\| [^|]*\b{short}\b", glossary, re.MULTILINE)]
    assert not missing


def first_cell(path: Path) -> str:
    return nbformat.read(path, as_version=4).cells[0].source


def title(path: Path) -> str:
    heading = re.search(r"^# (.+)$", first_cell(path), re.MULTILINE)[1]
    return re.sub(r"^\d+\W+", "", heading).strip()

"""A student's visit: JupyterLab in headless Chromium, Run All Cells, move a slider by keyboard, see the picture change.

The visit also measures what Binder would kill for (resident memory of server and kernel together), and fails on an
error in the browser's console and on any request that leaves this machine.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

import nbformat
import psutil
import pytest

ROOT = Path(__file__).parents[2]
BUDGET_MB = 900 * 1.048576  # 900 MiB: a Binder session has 1-2 GB and is killed without a message
CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
CHROMIUM_FLAGS += ["--disable-sync", "--no-first-run"]
PICTURES = "img.widget-image, .widget-html-content img"
SLIDER_HANDLE = ".widget-slider .noUi-handle"

FAILURES = "[data-mime-type='application/vnd.jupyter.error'], [data-mime-type='application/vnd.jupyter.stderr']"
# The one picture from elsewhere: the launch badge, which is nothing to someone offline. The test serves it itself.
BADGE, EMPTY_SVG = "https://mybinder.org/badge_logo.svg", '<svg xmlns="http://www.w3.org/2000/svg"/>'
LAB_SETTINGS = {
    "@jupyterlab/notebook-extension:tracker": {
        "windowingMode": "none"
    },  # all cells in the page, not only those in sight
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}

SMALL_NOTEBOOK = """
from dnt_lab import viz
from matplotlib.figure import Figure

def bar(height):
    fig = Figure(figsize=(4, 3))
    ax = fig.add_subplot(title=f"The bar is {height:g} m high", ylabel="height [m]", ylim=(0, 10))
    ax.bar(["bar"], [height])
    return fig

viz.frames(bar, [1, 2, 4, 8], label="height", unit="m", alt=lambda h: f"Bar chart of one bar that is {h:g} m high.")
"""


@dataclass
class Visit:
    """What was seen during one visit."""

    notebook: str
    slider_before: str = ""
    slider_after: str = ""
    picture_before: str = ""
    picture_after: str = ""
    memory_mb: float = 0.0
    seconds: float = 0.0
    console_errors: list[str] = field(default_factory=list)
    foreign_requests: list[str] = field(default_factory=list)
    failed_cells: list[str] = field(default_factory=list)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def jupyterlab(folder: Path, home: Path):
    """Serve `folder` on a free port of the loopback; yield the process and its address, and stop all it started."""
    port = free_port()
    places = {name: str(home / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    environment = {**os.environ, **places, "HOME": str(home), "JUPYTER_RUNTIME_DIR": str(home / "runtime")}
    settings = home / "jupyter_config_dir" / "labconfig" / "default_setting_overrides.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(LAB_SETTINGS))
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token="]
    command += [f"--ServerApp.root_dir={folder}", "--ServerApp.allow_root=True"]
    with (home / "server.log").open("w") as log:
        server = psutil.Popen(
            command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(f"{address}/api/status", server), 60, "JupyterLab to answer")
        yield server, address
    finally:
        family = [*server.children(recursive=True), server] if server.is_running() else []
        for process in family:
            process.terminate()
        for process in psutil.wait_procs(family, timeout=10)[1]:
            process.kill()


def answers(url: str, server: psutil.Popen) -> bool:
    assert server.poll() is None, "JupyterLab ended by itself; see server.log"
    try:
        with urlopen(url, timeout=2) as reply:
            return reply.status == 200
    except OSError:
        return False


def wait_or_none(condition, timeout_s: float):
    """Return the first true value of `condition()`, or None if there is none in time."""
    end = time.monotonic() + timeout_s
    while not (value := condition()):
        if time.monotonic() > end:
            return None
        time.sleep(0.1)
    return value


def wait_until(condition, timeout_s: float, what: str):
    """Return the first true value of `condition()`."""
    value = wait_or_none(condition, timeout_s)
    if value is None:
        raise TimeoutError(f"waited {timeout_s:g} s for {what}")
    return value


def open_notebook(page, address: str, name: str, visit: Visit) -> None:
    """Open a notebook and run all its cells, noting what goes wrong in the browser."""
    page.on("console", lambda message: message.type == "error" and visit.console_errors.append(message.text))
    page.on("pageerror", lambda error: visit.console_errors.append(str(error)))
    page.on("request", lambda request: leaves_machine(request.url) and visit.foreign_requests.append(request.url))
    page.route(BADGE, lambda route: route.fulfill(content_type="image/svg+xml", body=EMPTY_SVG))
    page.goto(f"{address}/lab/tree/{name}", timeout=60_000)
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
    # Before its kernel is connected a notebook says "idle" too, and a run would ask which kernel to take.
    wait_until(lambda: kernel_is_ready(address), 90, "the notebook's kernel")
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]", timeout=60_000)
    page.click(".lm-MenuBar-itemLabel:text-is('Run')")
    page.click(".lm-Menu-itemLabel:text-is('Run All Cells')")


def kernel_is_ready(address: str) -> bool:
    try:
        with urlopen(f"{address}/api/kernels", timeout=10) as reply:
            return any(kernel["connections"] and kernel["execution_state"] == "idle" for kernel in json.load(reply))
    except HTTPError:  # the server says 500 while a kernel starts
        return False


def leaves_machine(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1" and url != BADGE


def prompts(page) -> list[str]:
    """Return the prompts of the code cells: `[ ]:` not run, `[*]:` waiting or running, `[3]:` run."""
    return page.locator(".jp-Notebook .jp-CodeCell .jp-InputPrompt").all_inner_texts()


def run_has_ended(page) -> bool:
    """Tell whether every code cell has run, or one has failed and ended the run."""
    numbered = all(re.fullmatch(r"\[\d+\]:", prompt) for prompt in prompts(page))
    return numbered or page.locator(FAILURES).count() > 0


def move_slider(page, visit: Visit, presses: int = 3) -> None:
    """Move the first slider by keyboard and note value and picture before and after."""
    output = page.locator(".jp-OutputArea-child", has=page.locator(SLIDER_HANDLE)).first
    handle, picture = output.locator(SLIDER_HANDLE).first, output.locator(PICTURES).first
    visit.slider_before = handle.get_attribute("aria-valuetext")
    visit.picture_before = wait_until(lambda: pixels(picture), 30, "the picture to load")
    handle.focus()
    for _ in range(presses):
        page.keyboard.press("ArrowRight")
    wait_until(lambda: handle.get_attribute("aria-valuetext") != visit.slider_before, 10, "the slider to move")
    visit.slider_after = handle.get_attribute("aria-valuetext")
    new = wait_or_none(lambda: pixels(picture) not in ("", visit.picture_before), 30)
    visit.picture_after = pixels(picture) if new else visit.picture_before


def pixels(picture) -> str:
    """Return what the browser has decoded of an image, as a data URL; empty while it loads."""
    script = """image => {
        if (!image.complete || !image.naturalWidth) return '';
        const canvas = document.createElement('canvas');
        canvas.width = image.naturalWidth;
        canvas.height = image.naturalHeight;
        canvas.getContext('2d').drawImage(image, 0, 0);
        return canvas.toDataURL();
    }"""
    return picture.evaluate(script)


def memory_mb(process: psutil.Process) -> float:
    family = [process, *process.children(recursive=True)]
    return sum(member.memory_info().rss for member in family if member.is_running()) / 1e6


def visit_notebook(notebook: Path, home: Path) -> Visit:
    from playwright.sync_api import sync_playwright

    folder = home / "notebooks"
    folder.mkdir(parents=True)
    blank = nbformat.read(notebook, as_version=4)
    for cell in blank.cells:  # so that what is seen later was made during the visit
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(blank, folder / notebook.name)
    visit, start = Visit(notebook.name), time.monotonic()
    with jupyterlab(folder, home) as (server, address), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 2400})
        open_notebook(page, address, notebook.name, visit)
        wait_until(lambda: run_has_ended(page), 240, f"all cells of {notebook.name}")
        visit.failed_cells = page.locator(FAILURES).all_inner_texts()
        assert not visit.failed_cells
        for part in (SLIDER_HANDLE, PICTURES):
            shown = wait_or_none(lambda part=part: page.locator(part).count(), 30)
            assert shown, f"{notebook.name} shows no {part}; the browser's console says {visit.console_errors}"
        move_slider(page, visit)
        visit.memory_mb = memory_mb(server)
        browser.close()
    visit.seconds = time.monotonic() - start
    return visit


def notebooks() -> list[str]:
    """Name one notebook with a slider: 01 once it is there."""
    found = sorted((ROOT / "notebooks").glob("01*.ipynb"))
    return ["small", *(path.name for path in found)]


def find_chromium() -> str | None:
    """Return a Chromium of this system that really starts (some distributions ship a stub of that name)."""
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"):
        path = shutil.which(name)
        if path and subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0:
            return path
    return None


CHROMIUM = find_chromium()
if CHROMIUM is None:
    pytest.skip("no Chromium found on this machine; install one to run the browser test", allow_module_level=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", notebooks())
def test_a_student_moves_a_slider_and_sees_the_picture_change(name, tmp_path, record_property):
    path = ROOT / "notebooks" / name
    if name == "small":
        cells = [nbformat.v4.new_markdown_cell("# Small"), nbformat.v4.new_code_cell(SMALL_NOTEBOOK.strip())]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        path = tmp_path / "small.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
    visit = visit_notebook(path, tmp_path / "home")
    record_property("memory_mb", round(visit.memory_mb))
    print(f"\n{visit.notebook}: {visit.seconds:.1f} s, JupyterLab and kernel {visit.memory_mb:.0f} MB")
    assert visit.slider_after != visit.slider_before
    assert visit.picture_after != visit.picture_before
    assert visit.console_errors == []
    assert visit.foreign_requests == []
    assert visit.memory_mb <= BUDGET_MB

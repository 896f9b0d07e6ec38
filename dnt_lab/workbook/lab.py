"""Open JupyterLab on the first notebook."""

import os
import subprocess
import sys
from pathlib import Path

from dnt_lab.workbook.notebooks import all_notebooks
from dnt_lab.workbook.session import ONE_THREAD


def lab_command(folder: Path, browser: bool = True, port: int | None = None) -> list[str]:
    """Return the command that serves the folder above the notebooks and opens the first of them."""
    first = all_notebooks(folder)[0]
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.parent}"]
    command += [f"--LabApp.default_url=/lab/tree/{folder.name}/{first.name}", "--LabApp.news_url=None"]
    if port is not None:  # a port that was asked for and is taken is an error, not another port
        command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    return command if browser else [*command, "--no-browser"]


def serve(folder: Path, browser: bool = True, port: int | None = None) -> int:
    """Run JupyterLab until it is stopped and return its exit code."""
    server = subprocess.Popen(lab_command(folder, browser, port), env={**os.environ, **ONE_THREAD})
    while True:
        try:
            return server.wait()
        except KeyboardInterrupt:
            # Ctrl-C reaches the server too: it asks back, stops its kernels and ends; wait for that.
            continue

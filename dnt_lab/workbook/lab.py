"""Open JupyterLab on the first notebook."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from dnt_lab.workbook.notebooks import all_notebooks
from dnt_lab.workbook.session import ONE_THREAD


def lab_command(folder: Path, browser: bool = True, port: int | None = None, more: Sequence[str] = ()) -> list[str]:
    """Return the command that serves the folder above the notebooks and opens the first; `more` is JupyterLab's."""
    first = all_notebooks(folder)[0]
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.parent}"]
    command += [f"--LabApp.default_url=/lab/tree/{folder.name}/{first.name}", "--LabApp.news_url=None"]
    if getattr(os, "geteuid", lambda: 1)() == 0:  # containers run as root, and the server listens on this machine only
        command.append("--allow-root")
    if port is not None:  # a port that was asked for and is taken is an error, not another port
        command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    return [*command, *([] if browser else ["--no-browser"]), *more]


def serve(folder: Path, browser: bool = True, port: int | None = None, more: Sequence[str] = ()) -> int:
    """Run JupyterLab until it is stopped and return its exit code."""
    server = subprocess.Popen(lab_command(folder, browser, port, more), env={**os.environ, **ONE_THREAD})
    before = signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    try:
        while True:
            try:
                return server.wait()
            except KeyboardInterrupt:
                # Ctrl-C reaches the server too: it asks back, stops its kernels and ends; wait for that.
                continue
    finally:
        signal.signal(signal.SIGTERM, before)

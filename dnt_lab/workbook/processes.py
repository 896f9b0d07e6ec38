"""Child processes: their environment, their memory, their output, and that none of them is left behind."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import psutil

from dnt_lab.workbook.session import ONE_THREAD

# ipykernel 7.4 says this once per kernel on the runner's stderr; the kernels are local and short-lived.
NOISE = "Kernel is running over TCP without encryption"
SAMPLE_S = 0.1
MIB = 2**20


@contextmanager
def kernel_environment(strict: bool = False) -> Iterator[None]:
    """Set what kernels inherit: one thread, and checks that raise (`strict`) or only speak."""
    wanted = {**ONE_THREAD, "DNT_LAB_STRICT": "1" if strict else "0", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def no_orphans() -> Iterator[None]:
    """End every process that was started inside the block and still runs when it is left, however it is left."""
    before = set(psutil.Process().children(recursive=True))
    try:
        yield
    finally:
        end(set(psutil.Process().children(recursive=True)) - before)


def end(processes: set[psutil.Process], patience_s: float = 3.0) -> None:
    """Terminate processes, and kill those that do not end within `patience_s` seconds."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in psutil.wait_procs(processes, timeout=patience_s)[1]:
        with suppress(psutil.NoSuchProcess):
            process.kill()


class PeakMemory:
    """Peak resident memory of the processes started inside a ``with`` block, sampled ten times a second.

    Attributes
    ----------
    mib : float
        Largest sum of their resident sets so far, MiB.
    """

    def __init__(self):
        self.mib = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> "PeakMemory":
        self._before = set(psutil.Process().children(recursive=True))
        self._thread.start()
        return self

    def __exit__(self, *exception) -> None:
        self._done.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._done.wait(SAMPLE_S):
            total = 0
            for process in set(psutil.Process().children(recursive=True)) - self._before:
                with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                    total += process.memory_info().rss
            self.mib = max(self.mib, total / MIB)


def stream(command: Sequence[str], echo: Callable[[str], None], cwd: os.PathLike | None = None) -> int:
    """Run a command, hand its output line by line to `echo` without the kernel's noise, return its exit code."""
    with no_orphans():
        child = subprocess.Popen(
            command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        try:
            for line in child.stdout:
                if NOISE not in line:
                    echo(line.rstrip("\n"))
            return child.wait()
        except KeyboardInterrupt:
            child.send_signal(signal.SIGINT if sys.platform != "win32" else signal.CTRL_C_EVENT)
            with suppress(subprocess.TimeoutExpired):
                child.wait(timeout=5)
            raise
        finally:
            child.stdout.close()


@contextmanager
def terminate_as_interrupt() -> Iterator[None]:
    """Treat SIGTERM (a cancelled CI job) like Ctrl-C, so that it cleans up too."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

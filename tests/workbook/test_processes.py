import os
import signal
import sys
import threading
import time

import psutil
import pytest

from dnt_lab.workbook.processes import NOISE, PeakMemory, kernel_environment, stream, terminate_as_interrupt


def test_the_kernels_environment_is_set_and_restored(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("DNT_LAB_STRICT", raising=False)
    with pytest.raises(KeyError), kernel_environment(strict=True):
        assert (os.environ["OMP_NUM_THREADS"], os.environ["DNT_LAB_STRICT"]) == ("1", "1")
        raise KeyError
    assert os.environ["OMP_NUM_THREADS"] == "7" and "DNT_LAB_STRICT" not in os.environ


def test_output_is_streamed_without_the_kernels_noise():
    lines = []
    code = f"import sys; print('one'); print({NOISE!r}, file=sys.stderr); print('two'); sys.exit(4)"
    assert stream([sys.executable, "-u", "-c", code], lines.append) == 4
    assert lines == ["one", "two"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_interrupting_a_stream_ends_the_child():
    seen = []

    def stop(line):
        seen.append(int(line))
        raise KeyboardInterrupt

    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with pytest.raises(KeyboardInterrupt):
        stream([sys.executable, "-c", code], stop)
    assert not psutil.pid_exists(seen[0])


def test_peak_memory_is_that_of_the_children():
    code = "held = bytearray(150_000_000); import time; time.sleep(0.6)"
    with PeakMemory() as memory:
        psutil.Popen([sys.executable, "-c", code]).wait()
    assert 140 < memory.mib < 400


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_sigterm_becomes_an_interrupt_and_is_given_back():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), terminate_as_interrupt():
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)
    assert signal.getsignal(signal.SIGTERM) is before
    done = []
    thread = threading.Thread(target=lambda: done.append(terminate_as_interrupt().__enter__()))
    thread.start()
    thread.join()
    assert done == [None]

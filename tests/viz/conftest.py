import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from dnt_lab import viz

mpl.use("agg")


@pytest.fixture(autouse=True)
def house_style():
    with mpl.rc_context():
        viz.use_style()
        yield
        plt.close("all")


@pytest.fixture
def ax():
    return plt.subplots()[1]


@pytest.fixture
def make_figure():
    def make(end=3.0, **changes):
        fig, ax = plt.subplots()
        ax.plot([0, end], [0, 1], label="gain")
        ax.set(**{"title": "The gain grows", "xlabel": "time (s)", "ylabel": "gain (dB)"} | changes)
        return fig

    return make

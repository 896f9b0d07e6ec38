"""The folder ns-3 reads: letter by letter, through a reader that does what ns-3's does, and back."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnt_lab.raytracing.export_ns3 import read_ns3, track_steps, write_ns3
from dnt_lab.raytracing.paths import Paths
from dnt_lab.raytracing.scenarios import ScenarioSpace


def some_paths(seed, n_tx=1, n_rx=1, n_paths=4, freq_hz=60e9):
    """Paths with random values in sorted order, as a tracer would give them."""
    rng = np.random.default_rng(seed)
    tx, rx = rng.integers(0, n_tx, n_paths), rng.integers(0, n_rx, n_paths)
    delay_s = rng.uniform(1e-9, 2e-6, n_paths)
    rows = np.lexsort((delay_s, rx, tx))
    gain = 10 ** (-rng.uniform(3, 7, n_paths)) * np.exp(1j * rng.uniform(-np.pi, np.pi, n_paths))
    transfer = np.zeros((n_paths, 2, 2), complex)
    transfer[:, 0, 0] = gain
    angles = [np.stack([rng.uniform(0, 180, n_paths), rng.uniform(-180, 180, n_paths)], axis=1) for _ in "da"]
    return Paths(
        freq_hz, rng.uniform(-50, 50, (n_tx, 3)), rng.uniform(-50, 50, (n_rx, 3)), tx[rows], rx[rows],
        np.ones(n_paths, int), delay_s[rows], transfer, *angles, rng.uniform(-9, 9, (n_paths, 1, 3)),
        np.zeros((n_paths, 1), int), np.zeros((n_paths, 1), int), np.zeros(n_paths, bool), ("wall",), ("concrete",),
    )  # fmt: skip


@pytest.fixture
def two_steps():
    """One link: a line of sight and a bounce, then nothing; the receiver moves."""
    transfer = np.zeros((2, 2, 2), complex)
    transfer[:, 0, 0] = [1e-3, -1e-4j]
    there = Paths(
        60e9, np.array([[0.0, 0.0, 3.0]]), np.array([[5.0, 0.1, 1.5]]), np.array([0, 0]), np.array([0, 0]),
        np.array([0, 1]), np.array([1.6699e-8, 2.00000449e-8]), transfer, np.array([[106.25, 1.1459], [130.0, -90.0]]),
        np.array([[73.75, -178.8541], [50.0, 180.0]]), np.full((2, 1, 3), np.nan), np.full((2, 1), -1),
        np.full((2, 1), -1), np.zeros(2, bool),
    )  # fmt: skip
    return [there, replace(there[[]], rx_m=np.array([[5.0, 0.30000000000000004, 1.5]]))]


def test_the_files_are_these_letter_by_letter(two_steps, tmp_path):
    assert write_ns3(two_steps, tmp_path / "s", duration_s=0.25) == tmp_path / "s"
    found = {str(p.relative_to(tmp_path / "s")): p.read_bytes().decode() for p in (tmp_path / "s").rglob("*.*")}
    assert found == {
        "Input/paraCfgCurrent.txt": (
            "ParameterName\tParameterValue\n"
            "numberOfNodes\t2\n"
            "numberOfTimeDivisions\t2\n"
            "totalTimeDuration\t0.25\n"
            "totalNumberOfReflections\t1\n"
            "switchQDGenerator\t0\n"
            "carrierFrequency\t60000000000\n"
            "qdFilesFloatPrecision\t6\n"
        ),
        "Input/NodePosition0.dat": "0,0,3\n0,0,3\n",
        "Input/NodePosition1.dat": "5,0.1,1.5\n5,0.30000000000000004,1.5\n",
        "Output/Ns3/NodesPosition/NodesPosition.csv": "0,0,3\n5,0.1,1.5\n",
        "Output/Ns3/QdFiles/Tx0Rx1.txt": (
            "2\n"
            "1.6699e-08,2e-08\n"
            "-60,-80\n"
            "0,4.71239\n"
            "106.25,130\n"
            "1.1459,270\n"
            "73.75,50\n"
            "181.146,180\n"
            "0\n"
        ),
        "Output/Ns3/QdFiles/Tx1Rx0.txt": (
            "2\n"
            "1.6699e-08,2e-08\n"
            "-60,-80\n"
            "0,4.71239\n"
            "73.75,50\n"
            "181.146,180\n"
            "106.25,130\n"
            "1.1459,270\n"
            "0\n"
        ),
    }  # fmt: skip


def test_more_digits_are_written_on_demand(two_steps, tmp_path):
    write_ns3(two_steps, tmp_path / "s", digits=9)
    assert (tmp_path / "s/Output/Ns3/QdFiles/Tx0Rx1.txt").read_text().splitlines()[1] == "1.6699e-08,2.00000449e-08"
    assert "qdFilesFloatPrecision\t9\n" in (tmp_path / "s/Input/paraCfgCurrent.txt").read_text()


def as_ns3_reads(folder, node_positions):
    """Rays by pair of the caller's nodes: what signetlabdei/qd-channel does, written anew from its description."""
    numbers = {}
    for number, line in enumerate((folder / "Output/Ns3/NodesPosition/NodesPosition.csv").read_text().splitlines()):
        place = tuple(float(part) for part in line.split(","))
        (numbers[number],) = [k for k, position in enumerate(node_positions) if tuple(position) == place]
    rays = {}
    for path in sorted((folder / "Output/Ns3/QdFiles").iterdir()):
        tx, rx = (int(part) for part in path.stem[2:].split("Rx"))
        lines = iter(path.read_text().splitlines())
        steps = []
        for count in lines:
            columns = [[float(v) for v in next(lines).split(",")] for _ in range(7 if int(count) else 0)]
            assert all(len(column) == int(count) for column in columns)
            steps.append(columns)
        rays[numbers[tx], numbers[rx]] = steps
    return rays


@given(seed=st.integers(0, 2**32), n_tx=st.integers(1, 2), n_rx=st.integers(1, 3), n_paths=st.integers(0, 9))
@settings(max_examples=25)
def test_a_reader_that_matches_nodes_by_exact_position_finds_every_ray(tmp_path_factory, seed, n_tx, n_rx, n_paths):
    paths = some_paths(seed, n_tx, n_rx, n_paths)
    folder = write_ns3(paths, tmp_path_factory.mktemp("q") / "s", digits=17)
    nodes = np.vstack([paths.tx_m, paths.rx_m])
    shuffled = np.random.default_rng(seed).permutation(len(nodes))
    rays = as_ns3_reads(folder, nodes[shuffled])
    at = np.argsort(shuffled)  # where the caller has put our node
    assert len(rays) == 2 * n_tx * n_rx
    for t, r in np.ndindex(n_tx, n_rx):
        link = paths.link(r, t)
        (there,), (back,) = rays[at[t], at[n_tx + r]], rays[at[n_tx + r], at[t]]
        if len(link) == 0:
            assert there == back == []
            continue
        expected = [
            link.delay_s, link.gain_db, link.phase_rad % (2 * np.pi), link.aod_deg[:, 0], link.aod_deg[:, 1] % 360,
            link.aoa_deg[:, 0], link.aoa_deg[:, 1] % 360,
        ]  # fmt: skip
        assert np.array_equal(there, expected)
        assert np.array_equal(back, [expected[k] for k in (0, 1, 2, 5, 6, 3, 4)])


def assert_equal_to_digits(read, written, digits):
    assert read.freq_hz == written.freq_hz
    for name in ("tx_m", "rx_m", "tx", "rx"):
        assert np.array_equal(getattr(read, name), getattr(written, name)), name
    share = 0.5 * 10.0 ** (1 - digits) * (1 + 1e-9) + 1e-14
    np.testing.assert_allclose(read.delay_s, written.delay_s, rtol=share)
    np.testing.assert_allclose(read.gain_db, written.gain_db, rtol=share)
    np.testing.assert_allclose(read.aod_deg[:, 0], written.aod_deg[:, 0], rtol=share)
    np.testing.assert_allclose(read.aoa_deg[:, 0], written.aoa_deg[:, 0], rtol=share)
    turns = [
        (read.phase_rad - written.phase_rad) / (2 * np.pi),
        (read.aod_deg[:, 1] - written.aod_deg[:, 1]) / 360,
        (read.aoa_deg[:, 1] - written.aoa_deg[:, 1]) / 360,
    ]
    assert np.abs(np.subtract(turns, np.round(turns))).max(initial=0) <= share
    assert ((read.aod_deg[:, 1] > -180) & (read.aod_deg[:, 1] <= 180)).all()


@given(
    seed=st.integers(0, 2**32),
    n_tx=st.integers(1, 2),
    n_rx=st.integers(1, 3),
    counts=st.lists(st.integers(0, 6), min_size=1, max_size=4),
    digits=st.sampled_from([6, 9, 17]),
)
@settings(max_examples=40)
def test_what_is_read_is_what_was_written_to_the_formats_digits(tmp_path_factory, seed, n_tx, n_rx, counts, digits):
    steps = [some_paths(seed + k, n_tx, n_rx, count) for k, count in enumerate(counts)]
    folder = write_ns3(steps, tmp_path_factory.mktemp("q") / "s", duration_s=0.1, digits=digits)
    read, duration_s = read_ns3(folder)
    assert (duration_s, len(read)) == (0.1, len(steps))
    for one, other in zip(read, steps, strict=True):
        assert_equal_to_digits(one, other, digits)


def test_the_readers_order_tells_the_line_of_sight_from_the_rest(two_steps, tmp_path):
    """Angles of the fixture belong to its positions: 1.5 m down on 5.001 m, 0.1 m to the left on 5 m."""
    write_ns3(two_steps, tmp_path / "s")
    off_deg = np.rad2deg([np.arctan2(1.5, np.hypot(5, 0.1)) + np.pi / 2, np.arctan2(0.1, 5)])
    assert two_steps[0].aod_deg[0] == pytest.approx(off_deg, abs=0.5)
    exact = replace(two_steps[0], aod_deg=np.array([off_deg, [130.0, -90.0]]))
    exact = replace(exact, aoa_deg=np.array([[180 - off_deg[0], off_deg[1] - 180], [50.0, 180.0]]))
    write_ns3(exact, tmp_path / "exact")
    assert read_ns3(tmp_path / "exact")[0][0].order.tolist() == [0, 1]
    bounced = replace(exact, aoa_deg=exact.aoa_deg + np.array([0.05, 0.0]))
    write_ns3(bounced, tmp_path / "bounced")
    assert read_ns3(tmp_path / "bounced")[0][0].order.tolist() == [1, 1]


def test_the_line_of_sight_of_traced_paths_is_found_again(tmp_path):
    spaces = ScenarioSpace.in_room(n_users=5), ScenarioSpace.in_street(n_aps=2)
    for number, scenario in enumerate(one for space in spaces for one in space.draw(3, 3)):
        traced = scenario.trace(2)
        (read,), _ = read_ns3(write_ns3(traced, tmp_path / str(number)))
        assert np.array_equal(read.order == 0, traced.order == 0)
        assert_equal_to_digits(read, traced, 6)


def test_a_folder_as_nist_writes_it_is_read(tmp_path):
    """Three nodes, all pairs, rays not sorted, no last newline, no NodePosition files, an exponent in the carrier."""
    for place in ("Input", "Output/Ns3/NodesPosition", "Output/Ns3/QdFiles"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "Input/paraCfgCurrent.txt").write_text(
        "ParameterName\tParameterValue\nenvironmentFileName\tBox.xml\nnumberOfTimeDivisions\t1\nreferencePoint\t[3,3,2]\n"
        "totalTimeDuration\t15.665\ncarrierFrequency\t60e9\nminAbsolutePathGainThreshold\t-Inf\nempty"
    )
    (tmp_path / "Output/Ns3/NodesPosition/NodesPosition.csv").write_text("5,0.1,1.5\n5,0.1,2.9\n1,1,1\n")
    rays = "2\n9e-09,4.6699e-09\n-81.7572,-70.9274\n3.14159,0\n0,0\n270,0\n0,180\n0,0"
    for pair in ("Tx0Rx1", "Tx0Rx2", "Tx1Rx2"):
        (tmp_path / f"Output/Ns3/QdFiles/{pair}.txt").write_text(rays if pair == "Tx0Rx1" else "0\n")
    (tmp_path / "Output/Ns3/QdFiles/Tx1Rx0.txt").write_text("not read")
    (tmp_path / "Output/Ns3/QdFiles/qdOutput.json").write_text("{}")
    (paths,), duration_s = read_ns3(tmp_path)
    assert (paths.freq_hz, duration_s) == (60e9, 15.665)
    assert paths.tx_m.tolist() == [[5, 0.1, 1.5], [5, 0.1, 2.9]]
    assert paths.rx_m.tolist() == [[5, 0.1, 2.9], [1, 1, 1]]
    assert paths.delay_s.tolist() == [4.6699e-9, 9e-9]
    assert paths.gain_db == pytest.approx([-70.9274, -81.7572])
    assert paths.aod_deg.tolist() == [[0, 0], [0, -90]]
    assert paths.order.tolist() == [0, 1]
    assert repr(paths) == "Paths(2 at 60 GHz: 1 of order 0, 1 of order 1; 1 of 4 links have one)"


def test_rays_that_bring_nothing_are_left_out(two_steps, tmp_path):
    dark = replace(two_steps[0], transfer=two_steps[0].transfer * np.array([1, 0])[:, None, None])
    write_ns3(dark, tmp_path / "s")
    assert (tmp_path / "s/Output/Ns3/QdFiles/Tx0Rx1.txt").read_text().startswith("1\n1.6699e-08\n-60\n")


def test_a_track_becomes_steps_of_one_user(tmp_path):
    track = some_paths(3, n_tx=2, n_rx=5, n_paths=30)
    steps = track_steps(track)
    assert [len(step.rx_m) for step in steps] == [1] * 5
    for k, step in enumerate(steps):
        assert np.array_equal(step.delay_s, track.delay_s[track.rx == k])
        assert np.array_equal(step.rx_m[0], track.rx_m[k])
        assert set(step.rx.tolist()) <= {0}
    write_ns3(steps, tmp_path / "s")
    read, _ = read_ns3(tmp_path / "s")
    assert np.array_equal(np.concatenate([step.rx_m for step in read]), track.rx_m)


def test_wrong_calls_are_refused(two_steps, tmp_path):
    first = two_steps[0]
    with pytest.raises(ValueError, match="no time step to write"):
        write_ns3([], tmp_path / "s")
    with pytest.raises(ValueError, match=r"step 1 is at 2\.8e\+10 Hz, but step 0 is at 6e\+10 Hz"):
        write_ns3([first, replace(first, freq_hz=28e9)], tmp_path / "s")
    with pytest.raises(ValueError, match="step 1 has other numbers of transmitters or receivers"):
        write_ns3([first, replace(first, rx_m=np.ones((2, 3)))], tmp_path / "s")
    with pytest.raises(ValueError, match="two nodes start in the same place"):
        write_ns3(replace(first, rx_m=first.tx_m), tmp_path / "s")
    for duration_s in (0.0, 1e-9, np.inf):
        with pytest.raises(ValueError, match=r"duration_s is .*, but each of 2 steps must last 1 ns or longer"):
            write_ns3(two_steps, tmp_path / "s", duration_s=duration_s)
    with pytest.raises(ValueError, match=r"digits is 5, but must be 6 to 17\."):
        write_ns3(first, tmp_path / "s", digits=5)
    assert not (tmp_path / "s").exists()
    write_ns3(first, tmp_path / "s")
    with pytest.raises(ValueError, match=r"s holds rays already, .* give a new folder"):
        write_ns3(first, tmp_path / "s")


@pytest.mark.parametrize(
    ("file", "change", "sentence"),
    [
        ("Input/paraCfgCurrent.txt", None, "paraCfgCurrent.txt is missing, but a Q-D scenario has it in Input"),
        ("Input/paraCfgCurrent.txt", ("carrierFrequency", "cf"), "lacks a setting .* 'carrierFrequency'"),
        ("Input/paraCfgCurrent.txt", ("60000000000", "fast"), "holds no number for it: .*fast"),
        ("Input/NodePosition1.dat", ("5,0.1,1.5\n", ""), r"NodePosition1.dat holds 1 positions, but .* 2 steps"),
        (
            "Output/Ns3/NodesPosition/NodesPosition.csv",
            ("0.1", "left"),
            "csv holds a line that is not x,y,z",
        ),
        ("Output/Ns3/NodesPosition/NodesPosition.csv", ("5,0.1,1.5\n", ""), "holds 1 links .* join the 1 nodes"),
        ("Output/Ns3/QdFiles/Tx0Rx1.txt", None, "holds 0 links .* join the 2 nodes"),
        ("Output/Ns3/QdFiles/Tx0Rx1.txt", ("\n0\n", "\n"), "Tx0Rx1.txt is cut off or damaged in step 1 of 0 to 1"),
        ("Output/Ns3/QdFiles/Tx0Rx1.txt", ("-60,-80", "-60"), "Tx0Rx1.txt is cut off or damaged in step 0"),
        ("Output/Ns3/QdFiles/Tx0Rx1.txt", ("\n0\n", "\n0\n0\n"), "Tx0Rx1.txt goes on after its 2 steps"),
    ],
)
def test_damaged_folders_are_refused(two_steps, tmp_path, file, change, sentence):
    path = write_ns3(two_steps, tmp_path / "s") / file
    if change is None:
        path.unlink()
    else:
        text = path.read_text()
        assert change[0] in text
        path.write_text(text.replace(*change))
    with pytest.raises(ValueError, match=sentence):
        read_ns3(tmp_path / "s")

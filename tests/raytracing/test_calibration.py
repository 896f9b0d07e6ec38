"""Calibration: truth recovered, standard errors that hold, what is not identifiable said, and real 60 GHz walks."""

from dataclasses import replace

import numpy as np
import pytest

from dnt_lab.raytracing.calibration import Parameter, calibrate
from dnt_lab.raytracing.measurements import read_power_measurements
from dnt_lab.raytracing.tunable import EXPONENT, LOSS_PER_M, OFFSET, LogDistance

from .path_tables import DATA

FREQ_HZ = 60.48e9
TRUTH = {"offset_db": 31.0, "exponent": 2.4}


def walk(n=40, noise_db=1.0, outliers=0.0, seed=0, parameters=(OFFSET, EXPONENT)):
    """A model over n distances and measurements of the truth, some of them far too low."""
    rng = np.random.default_rng(seed)
    model = LogDistance(rng.uniform(5, 60, n), FREQ_HZ, parameters)
    measured_db = model.predict_db(TRUTH) + noise_db * rng.normal(size=n)
    measured_db[rng.permutation(n)[: int(outliers * n)]] -= rng.uniform(10, 40)
    return model, measured_db


@pytest.mark.parametrize("outliers", [0.0, 0.1, 0.2])
def test_parameters_and_noise_are_recovered(outliers):
    model, measured_db = walk(n=60, outliers=outliers)
    found = calibrate(model, measured_db)
    assert np.all(np.abs(found.value - [31.0, 2.4]) < 3 * found.std_error)
    assert np.all(found.std_error < [1.5, 0.12])
    assert found.noise_db == pytest.approx(1.0, abs=0.3)
    assert found.outlier.sum() == pytest.approx(60 * outliers, abs=1)
    assert found.identifiable.all()
    assert found.notes == ()
    truth_db = model.predict_db(TRUTH)
    assert np.sqrt(np.mean((found.predicted_db - truth_db) ** 2)) < 0.5


def test_standard_errors_cover_the_truth_as_often_as_they_say():
    z = []
    for seed in range(60):
        found = calibrate(*walk(n=30, outliers=0.1, seed=seed))
        z.append((found.value - [31.0, 2.4]) / found.std_error)
    assert np.mean(np.abs(z) < 1.96) == pytest.approx(0.95, abs=0.06)
    assert np.std(z) == pytest.approx(1.0, abs=0.25)


def test_standard_error_of_an_offset_by_hand():
    model, measured_db = walk(n=100, noise_db=2.0, parameters=(OFFSET, replace(EXPONENT, start=2.4, prior_std=1e-6)))
    assert calibrate(model, measured_db).std_error[0] == pytest.approx(2.0 / np.sqrt(100), rel=0.25)


def test_positions_without_a_measurement_are_predicted_too():
    model, measured_db = walk(noise_db=0.1)
    rows = np.arange(0, 40, 4)
    sparse_db = np.full(40, np.nan)
    sparse_db[rows] = measured_db[rows]
    by_nan, by_rows = calibrate(model, sparse_db), calibrate(model, measured_db, rows)
    by_mask = calibrate(model, measured_db, np.isin(np.arange(40), rows))
    assert by_nan.rows.tolist() == by_rows.rows.tolist() == by_mask.rows.tolist() == rows.tolist()
    np.testing.assert_array_equal(by_nan.predicted_db, by_rows.predicted_db)
    assert by_nan.predicted_db.shape == (40,)
    assert np.abs(by_nan.predicted_db - measured_db).max() < 0.5


def test_one_measurement_moves_the_offset_and_leaves_the_rest_as_believed():
    model, measured_db = walk(parameters=(OFFSET, replace(EXPONENT, prior_std=0.1)))
    found = calibrate(model, measured_db, [7])
    assert found.predicted_db[7] == pytest.approx(measured_db[7], abs=0.05)
    assert found.values["exponent"] == pytest.approx(2.0, abs=0.01)
    assert found.noise_db == 3.0
    assert found.identifiable.tolist() == [True, False]
    assert found.notes == ("exponent is not identifiable: the measurements say less than was known before",)


class Walls:
    """Power of links over walls: a table of bounces a link makes at walls a, b and c, 2 dB a bounce in truth."""

    parameters = (
        Parameter("offset_db", 0.0, -50.0, 50.0),
        *(Parameter(f"{wall}.loss_db", 5.0, 0.0, 30.0) for wall in "abc"),
    )

    def __init__(self, bounces):
        self.bounces = np.array(bounces, float)

    def predict_db(self, values):
        losses = [values[f"{wall}.loss_db"] for wall in "abc"]
        return np.where(self.bounces[:, 0] < 0, -np.inf, values["offset_db"] - self.bounces @ losses)


def of_walls(bounces):
    model = Walls(bounces)
    truth_db = model.predict_db({"offset_db": 3.0, "a.loss_db": 2.0, "b.loss_db": 2.0, "c.loss_db": 2.0})
    return calibrate(model, np.maximum(truth_db, -90.0))


def test_a_wall_no_path_meets_is_said():
    found = of_walls([[1, 0, 0], [2, 0, 0], [0, 1, 0], [0, 2, 0], [1, 1, 0]] * 4)
    assert found.identifiable.tolist() == [True, True, True, False]
    assert found.notes == ("c.loss_db is not identifiable: none of the measurements depends on it",)
    assert found.values["c.loss_db"] == 5.0
    assert found.std_error[3] == pytest.approx(30 / np.sqrt(12))
    assert found.value[:3] == pytest.approx([3, 2, 2], abs=0.05)


def test_what_cannot_be_told_apart_is_said_together():
    found = of_walls([[1, 0, 0], [1, 1, 0], [1, 2, 0], [1, 0, 1], [1, 0, 2]] * 4)
    assert found.identifiable.tolist() == [True, False, True, True]
    assert found.notes == ("a.loss_db is not identifiable: the measurements cannot tell it from offset_db",)
    assert found.std_error[:2].min() > 8  # all that is known of either is the prior's 30 dB / sqrt(12) of the wall
    assert found.values["offset_db"] - found.values["a.loss_db"] == pytest.approx(1.0, abs=0.05)


def test_too_little_information_is_said():
    weak = Parameter("weak", 0.0, -1.0, 1.0)

    class Faint:
        parameters = (weak,)

        def predict_db(self, values):
            return 0.01 * values["weak"] * np.arange(5.0)

    found = calibrate(Faint(), np.random.default_rng(0).normal(size=5))
    assert found.notes == ("weak is not identifiable: the measurements say less than was known before",)
    assert found.std_error[0] == pytest.approx(weak.prior_std, rel=0.01)


def test_links_without_a_path_are_left_out_and_said():
    found = of_walls([[1, 0, 0], [2, 0, 0], [0, 1, 0], [0, 2, 1], [0, 0, 1], [-1, 0, 0]] * 3)
    assert found.notes[-1] == "3 measurements are left out: they lie where the model lets nothing arrive"
    assert len(found.rows) == 15
    assert np.isneginf(found.predicted_db).sum() == 3


def test_a_bound_that_is_met_and_a_model_that_is_wrong_are_said():
    model, measured_db = walk(noise_db=0.1, parameters=(OFFSET, replace(EXPONENT, high=2.2)))
    assert "exponent ends at a bound: widen it, or doubt the model" in calibrate(model, measured_db).notes
    model, measured_db = walk(noise_db=0.1)
    measured_db[:12] += np.linspace(20, 60, 12)
    assert "12 of 40 measurements are outliers: doubt the model rather than them" in calibrate(model, measured_db).notes


def test_table_and_text():
    found = calibrate(*walk(noise_db=0.1))
    table = found.to_frame()
    assert table.index.tolist() == ["offset_db", "exponent"]
    assert table.columns.tolist() == ["start", "prior_std", "value", "std_error", "identifiable"]
    assert table.loc["exponent", "value"] == found.values["exponent"]
    assert repr(found).startswith("Calibration(offset_db = 3")
    assert repr(found).endswith("40 measurements, 0 outliers)")
    assert "(not identifiable)" in repr(of_walls([[1, 0, 0]]))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"measured_db": np.zeros(3)}, r"measured_db has shape \(3,\), but the model predicts \(40,\)"),
        ({"measured_db": np.full(40, np.nan), "rows": None}, "no measurement lies where the model lets something"),
        ({"measured_db": np.full(40, np.nan)}, "measured_db of position 0 is nan"),
        ({"rows": []}, "no measurement lies where"),
        ({"rows": [40]}, r"rows is \[40\], but must be row numbers or a mask of 40 positions"),
        ({"rows": np.ones(3, bool)}, "but must be row numbers or a mask of 40 positions"),
        ({"rows": [0, 1]}, "measured_db of position 1 is inf, but a used measurement is finite"),
        ({"noise_db": 0.0}, "noise_db is 0.0, but a finite number of dB over 0 is needed"),
        ({"noise_db": np.nan}, "noise_db is nan"),
    ],
)
def test_bad_measurements_are_refused(change, sentence):
    model, measured_db = walk()
    measured_db[1] = np.inf
    with pytest.raises(ValueError, match=sentence):
        calibrate(**{"model": model, "measured_db": measured_db, "rows": [0], **change})


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"start": 9.0}, r"x starts at 9.0 in \[0.0, 1.0\], but finite bounds low < high"),
        ({"high": np.inf}, "but finite bounds"),
        ({"low": np.nan}, "but finite bounds"),
        ({"low": 1.0, "start": 1.0}, "but finite bounds"),
        ({"prior_std": 0.0}, "prior_std of x is 0.0, but a finite number over 0 is needed"),
        ({"prior_std": np.inf}, "prior_std of x is inf"),
    ],
)
def test_bad_parameters_are_refused(wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        Parameter(**{"name": "x", "start": 0.5, "low": 0.0, "high": 1.0, **wrong})


def test_a_model_without_parameters_is_refused():
    with pytest.raises(ValueError, match="the model has no parameters"):
        calibrate(LogDistance([1.0], FREQ_HZ, ()), [0.0])


@pytest.mark.parametrize(
    ("open_field", "exponent", "rms_db", "tolerance_db"), [(True, 2.06, 0.16, 0.02), (False, 2.49, 1.2, 0.05)]
)
def test_real_walks_at_60_ghz(open_field, exponent, rms_db, tolerance_db):
    path = DATA / "unal_60ghz_power_vs_position.csv.gz"
    if not path.is_file():
        pytest.skip("the 60 GHz walks are not beside the checkout")
    measured = read_power_measurements(path)
    measured = measured[(measured.distance_m >= 8) & (measured.power_db > -55)]
    aligned = measured[np.char.startswith(measured.run, "01-08") == open_field].aligned()
    model = LogDistance(aligned.distance_m, FREQ_HZ)
    found = calibrate(model, aligned.power_db)
    assert found.values["exponent"] == pytest.approx(exponent, abs=0.03)
    assert np.sqrt(np.mean((found.predicted_db - aligned.power_db) ** 2)) == pytest.approx(rms_db, abs=tolerance_db)
    # a loss per metre explains the greenhouses' plants better than an exponent, and oxygen the open field as well
    plants = calibrate(LogDistance(aligned.distance_m, FREQ_HZ, (OFFSET, LOSS_PER_M)), aligned.power_db)
    low, high = (0.005, 0.02) if open_field else (0.08, 0.14)
    assert low < plants.values["loss_db_per_m"] < high
    assert plants.noise_db <= found.noise_db

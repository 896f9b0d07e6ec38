"""Proactive against reactive URLLC: a hand-made drop with a known answer, orderings that always hold, the claim."""

import numpy as np
import pandas as pd
import pytest

from dnt_lab.twin import canyon as canyons
from dnt_lab.twin import proactive
from dnt_lab.twin.canyon import Canyon, Links
from dnt_lab.twin.proactive import Protection

SMALL = Canyon(n_users=2, n_lorries=6, duration_s=5.0)


@pytest.fixture(scope="module")
def frame():
    return proactive.study()


def outage(frame, measure, strategy):
    return frame[(frame["measure"] == measure) & (frame["strategy"] == strategy)]["outage_s"].to_numpy()


def hand_made(seen: bool) -> Links:
    """One user, two cells: cell 0 serves and falls to nothing from 2 s to 3 s; everything else is good all the time."""
    sinr = np.full((100, 1, 2, 2), 1e3)
    sinr[40:60, 0, 0, 0] = 1e-3
    foreseen = np.full((100, 1, 11, 2), 1e3)
    if seen:
        for ahead in range(11):
            foreseen[: 100 - ahead, :, ahead] = sinr[ahead:, ..., 0]
    return Links(sinr, np.zeros((100, 1), np.int64), foreseen)


@pytest.mark.parametrize(("measure", "start_s"), [("band", 0.1), ("beam", 0.2)])
def test_a_hand_made_drop_costs_detection_and_start_up(measure, start_s):
    rules = Protection(detect_s=0.15, band_s=0.1, beam_s=0.2)
    frame = proactive.compare(Canyon(duration_s=5.0), rules, [hand_made(seen=True)])
    assert outage(frame, measure, "never") == pytest.approx(1.0)
    assert outage(frame, measure, "reactive") == pytest.approx(0.15 + start_s)
    assert (
        outage(frame, measure, "proactive")
        == outage(frame, measure, "perfect forecast")
        == outage(frame, measure, "always")
        == 0
    )
    units = frame.set_index(["measure", "strategy"]).loc[measure, "units"]
    assert units["reactive"] == pytest.approx(1 + 26 / 100)  # 20 steps of drop and 6 of hold
    assert units["proactive"] == pytest.approx(1 + (20 + 6 + 10 + 3) / 100)  # foreseen 10 steps ahead, measured 3 late


def test_more_symbols_do_not_help_without_a_signal():
    frame = proactive.compare(Canyon(duration_s=5.0), Protection(), [hand_made(seen=True)])
    assert outage(frame, "resources", "always") == outage(frame, "resources", "never") == pytest.approx(1.0)


def test_what_the_twin_does_not_foresee_is_left_to_reaction():
    frame = proactive.compare(Canyon(duration_s=5.0), Protection(), [hand_made(seen=False)])
    for measure in proactive.MEASURES:
        assert outage(frame, measure, "proactive") == outage(frame, measure, "reactive")


def test_forecast_off_is_reactive():
    frame = proactive.study(SMALL, n_seeds=2, forecast=False).drop(columns="strategy")
    strategy = np.tile(np.repeat(proactive.STRATEGIES, 2), 3)
    pd.testing.assert_frame_equal(
        frame[strategy == "proactive"].reset_index(drop=True), frame[strategy == "reactive"].reset_index(drop=True)
    )


def test_same_seed_same_result():
    (first,), (again,), (other,) = (canyons.run(SMALL, 1, seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.sinr, again.sinr)
    np.testing.assert_array_equal(first.foreseen, again.foreseen)
    assert not np.array_equal(first.sinr, other.sinr)


def test_measures_never_hurt_and_cost_what_they_say(frame):
    assert frame["run"].nunique() == 20 and len(frame) == 20 * 3 * 6
    for measure, units in (("resources", 4), ("band", 2), ("beam", 2)):
        never, always = outage(frame, measure, "never"), outage(frame, measure, "always")
        for strategy in proactive.STRATEGIES:
            assert (always <= outage(frame, measure, strategy)).all()
            assert (outage(frame, measure, strategy) <= never).all()
        assert (outage(frame, measure, "proactive") <= outage(frame, measure, "reactive")).all()
        cost = frame[frame["measure"] == measure].groupby("strategy")["units"].mean()
        assert cost["never"] == 1 and cost["always"] == units
        assert cost["reactive, same cost"] == pytest.approx(cost["proactive"], rel=5e-3)
        assert cost["reactive"] < cost["proactive"] < cost["always"]


def test_the_twin_saves_outage_time(frame):
    """The article's claim, over 20 seeds: the 95 % interval of the saved time lies above zero for every measure."""
    table = proactive.summary(frame)["saved_s_low"].unstack()
    assert (table["proactive"] > 0).all() and (table["perfect forecast"] > 0).all()
    reliability = proactive.summary(frame)["reliability"].unstack()
    assert (reliability["proactive"] > reliability["reactive, same cost"]).all()


def test_summary_is_students_t(frame):
    row = proactive.summary(frame).loc[("beam", "proactive")]
    sample = outage(frame, "beam", "proactive")
    assert row["outage_s_high"] - row["outage_s"] == pytest.approx(
        2.093024 * sample.std(ddof=1) / np.sqrt(20), rel=1e-6
    )
    assert proactive.summary(frame).loc[("beam", "reactive"), "saved_s_high"] == 0


def test_forecast_of_a_faultless_twin():
    """No delay, no error, all lorries known: now and here, the twin corrected by measurement is right."""
    settings = Canyon(n_users=2, duration_s=3.0, connected=1.0, telemetry_delay_s=0.0, position_error_m=0.0)
    (links,) = canyons.run(settings, 1, seed=1)
    np.testing.assert_allclose(links.foreseen[:, :, 0], links.sinr[..., 0], rtol=1e-9)


def test_near_forecasts_are_better_than_far_ones():
    links = canyons.run(Canyon(n_horizons=3, horizon_s=1.0, telemetry_delay_s=0.1), 2, seed=2)
    error = np.zeros(3)
    for run in links:
        for h, ahead in enumerate((0, 10, 20)):
            gap = 10 * np.log10(run.foreseen[: len(run.sinr) - ahead, :, h] / run.sinr[ahead:, ..., 0])
            error[h] += np.abs(gap).mean()
    assert error[0] < error[1] < error[2]


@pytest.mark.parametrize(
    ("call", "kind", "sentence"),
    [
        (lambda: Canyon(n_users=0), ValueError, "n_users is 0, but it must be at least 1"),
        (lambda: Canyon(load=1.2), ValueError, "load is 1.2, but it must be at least 0 and at most 1"),
        (lambda: Canyon(dt_s=0), ValueError, "dt_s is 0, but it must be over 0"),
        (lambda: Canyon(dt_s=9.0, duration_s=3.0), ValueError, "a run of 3.0 s needs a step no longer than that"),
        (lambda: Canyon(connected="all"), TypeError, "connected is 'all', but a number is needed"),
        (lambda: Protection(target_error=2.0), ValueError, "error is 2.0"),
        (lambda: Protection(hold_s=-1), ValueError, "hold_s is -1, but it must be at least 0"),
        (lambda: proactive.study(n_seeds=1), ValueError, "n_seeds is 1, but it must be at least 2"),
        (lambda: proactive.summary(pd.DataFrame(), level=1.5), ValueError, "level is 1.5"),
    ],
)
def test_wrong_calls(call, kind, sentence):
    with pytest.raises(kind, match=sentence):
        call()

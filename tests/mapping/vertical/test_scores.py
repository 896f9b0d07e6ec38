"""Scores against counts by hand, and links of which there are none."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnt_lab.mapping.vertical import coverage, f1, joined, link_scores, rmse_db
from tests.mapping.vertical.made import drawn_gains_db, measured, prediction

answers = st.lists(st.tuples(st.booleans(), st.booleans()), max_size=30)


@given(answers)
def test_f1_is_the_harmonic_mean_of_precision_and_recall(pairs):
    said, true = ([pair[i] for pair in pairs] for i in (0, 1))
    hits = sum(s and t for s, t in pairs)
    if not any(said) and not any(true):
        assert np.isnan(f1(said, true))
    elif not hits:
        assert f1(said, true) == 0
    else:
        precision, recall = hits / sum(said), hits / sum(true)
        assert f1(said, true) == pytest.approx(2 / (1 / precision + 1 / recall))


def test_the_error_of_the_gain_by_hand():
    truth = measured([-80.0, -90.0, -100.0, -70.0], path=[True, True, True, False])
    said_db = np.array([-83.0, -86.0, -100.0, 0.0])
    assert rmse_db(said_db, truth) == pytest.approx(np.sqrt(25 / 3))
    assert rmse_db(said_db, truth, np.array([True, False, True, True])) == pytest.approx(np.sqrt(4.5))
    assert np.isnan(rmse_db(said_db, truth, np.array([False, False, False, True])))


def test_coverage_is_the_share_of_gains_inside_the_interval():
    belief = prediction(500, 1)
    path = np.random.default_rng(2).uniform(size=500) < 0.8
    truth = measured(drawn_gains_db(belief, 3), path=path)
    shares = coverage(belief, truth)
    assert shares.index.name == "level" and shares.index.tolist() == [0.5, 0.8, 0.9, 0.95]
    for level, share in shares.items():
        low_db, high_db = belief.interval_db(level)
        inside = ((truth.gain_db >= low_db) & (truth.gain_db <= high_db))[path]
        assert share == pytest.approx(inside.mean(), abs=2.1 / path.sum())  # a gain on the edge may round either way


def test_all_scores_by_hand_link_by_link():
    rng = np.random.default_rng(4)
    path = rng.uniform(size=60) < 0.8
    los = path & (rng.uniform(size=60) < 0.6)
    truth, said = measured(rng.normal(-90, 9, 60), los, path), prediction(60, 5)
    scores = link_scores(said, truth)
    errors, hits, losses_db, spreads = {"": [], "los_": [], "nlos_": []}, [], [], []
    for link in np.flatnonzero(path):
        error = (said.gain_db[link] - truth.gain_db[link]) ** 2
        errors[""].append(error)
        errors["los_" if los[link] else "nlos_"].append(error)
        beam = int(np.argmax(said.p_beam[link]))
        hits.append(beam == np.argmax(truth.beam_gain_db[link]))
        losses_db.append(max(truth.beam_gain_db[link]) - truth.beam_gain_db[link, beam])
        spreads.append(math.log10(max(said.delay_spread_s[link], 1e-10) / max(truth.delay_spread_s[link], 1e-10)) ** 2)
    for name, squares in errors.items():
        assert scores[f"{name}rmse_db"] == pytest.approx(np.sqrt(np.mean(squares)))
    assert scores["beam_hit"] == np.mean(hits) and scores["beam_loss_db"] == pytest.approx(np.mean(losses_db))
    assert scores["beam_loss_db"] >= 0 and scores["spread_rmse_lg"] == pytest.approx(np.sqrt(np.mean(spreads)))
    assert scores["los_f1"] == f1(said.p_los > 0.5, los) and scores["path_f1"] == f1(said.p_path > 0.5, path)
    assert scores["coverage_90"] == coverage(said, truth, [0.9]).item()
    assert all(type(score) is float for score in scores.values())


def test_who_knows_the_truth_scores_full_marks():
    truth = measured([-80.0, -90.0, -100.0], los=[True, True, False])
    p_beam = np.eye(16)[truth.best_beam]
    said = prediction(
        3, 0, state_gain_db=np.tile(truth.gain_db[:, None], 2), p_los=truth.los * 1.0, p_path=np.ones(3),
        delay_spread_s=truth.delay_spread_s, p_beam=p_beam,
    )  # fmt: skip
    scores = link_scores(said, truth)
    perfect = {"los_f1": 1.0, "path_f1": 1.0, "beam_hit": 1.0, "coverage_90": 1.0}
    assert scores == pytest.approx(dict.fromkeys(scores, 0.0) | perfect)


def test_what_is_not_there_has_no_score_and_warns_nobody():
    """An empty room has no link out of sight, a closed courtyard none at all; warnings are errors here."""
    in_sight = link_scores(prediction(3), measured([-80.0, -81.0, -82.0]))
    assert np.isnan(in_sight["nlos_rmse_db"]) and not np.isnan(in_sight["los_rmse_db"])
    silent = link_scores(prediction(2), measured([0.0, 0.0], path=[False, False]))
    assert {name for name, score in silent.items() if not np.isnan(score)} <= {"los_f1", "path_f1"}


def test_joined_truths_are_all_of_them_in_order():
    first, second = measured([-80.0], path=[False]), measured([-70.0, -75.0])
    both = joined([first, second])
    assert len(both) == 3 and both.path.tolist() == [False, True, True]
    assert joined([replace(second)]).gain_db.tolist() == [-70.0, -75.0]

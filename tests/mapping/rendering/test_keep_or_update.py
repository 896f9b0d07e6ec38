"""Rules by hand, bytes and fidelity by hand, and a rule that would decide the same if the truth were another."""

import copy
from dataclasses import replace

import numpy as np
import pytest

from dnt_lab.mapping import rendering


@pytest.fixture(scope="module")
def trace(_city_and_pairs):
    pn = copy.deepcopy(_city_and_pairs[0])
    return rendering.watch(pn, 8, {3: "failed_link"}, seed=1)


@pytest.fixture(scope="module")
def detector(pairs):
    return rendering.fit_detector(rendering.own, pairs)


def test_a_trace_is_the_life_of_the_network(trace):
    assert len(trace.reports) == len(trace.records) == len(trace.truths) == 8
    assert list(trace.changes) == [3] and trace.changes[3].kind == "failed_link"
    down = trace.changes[3].cell
    assert trace.reports[2].users[down] > 0 == trace.reports[5].users[down]
    for record, truth in zip(trace.records, trace.truths, strict=True):
        np.testing.assert_allclose(record.rate_bps, truth.rate_bps)


def test_updating_always_is_faithful_and_saves_nothing(trace):
    run = rendering.render(trace, rendering.always)
    assert run.updates_saved == 0 and run.fidelity == pytest.approx(1)
    assert (run.sent_bytes == trace.start.n_bytes.sum()).all()  # no reports


def test_never_updating_keeps_the_first_record(trace):
    run = rendering.render(trace, rendering.periodically(0.0))
    assert run.updates_saved == 1 and (run.sent_bytes == 0).all()
    expected = [rendering.rate_fidelity(trace.start, truth) for truth in trace.truths]
    np.testing.assert_allclose(run.rate_fidelity, expected)
    assert run.fidelity < 0.95


@pytest.mark.parametrize("share", [0.1, 0.25, 0.3, 0.5, 0.7, 1.0])
def test_in_turn_everyone_waits_equally_long(trace, share):
    rule = rendering.periodically(share)
    updated = np.array([rule.decide(step, trace.start, trace.reports[0]) for step in range(40)])
    assert updated.mean() == pytest.approx(share, abs=0.02)
    assert np.abs(updated.sum(axis=1) - share * 129).max() < 2
    waits = [np.diff(np.flatnonzero(node)) for node in updated.T]
    assert max(w.max() for w in waits) <= np.ceil(1 / share) and min(w.min() for w in waits) >= np.floor(1 / share)


def test_by_lot_the_share_is_kept_on_average(trace):
    run = rendering.render(trace, rendering.at_random(0.3, seed=1))
    assert run.updated.mean() == pytest.approx(0.3, abs=0.05)
    again = rendering.render(trace, rendering.at_random(0.3, seed=1))
    np.testing.assert_array_equal(run.updated, again.updated)


def test_by_score_who_passes_the_threshold_is_updated_and_all_reports_are_paid_for(trace, detector):
    score_of = detector.score
    run = rendering.render(trace, rendering.by_score(score_of, 4.0, trace.cell_position_m))
    first = score_of(*rendering.graph_pair(trace.start, trace.reports[0], trace.cell_position_m))
    np.testing.assert_array_equal(run.updated[0], first > 4.0)
    dear, cheap = trace.start.n_bytes, trace.reports[0].n_bytes.sum()
    np.testing.assert_array_equal(run.sent_bytes, [dear[nodes].sum() + cheap for nodes in run.updated])
    assert 0 < run.updates_saved < 1


def test_a_lower_threshold_updates_more_and_is_more_faithful(trace, detector):
    runs = [
        rendering.render(trace, rendering.by_score(detector.score, t, trace.cell_position_m)) for t in (1.5, 3, 6, 50)
    ]
    assert np.all(np.diff([run.updates_saved for run in runs]) > 0)
    assert np.all(np.diff([run.fidelity for run in runs]) < 0)


def test_a_decision_knows_no_truth(trace, detector):
    false = [replace(truth, **{n: np.full_like(getattr(truth, n), 1) for n in vars(truth)}) for truth in trace.truths]
    rule = rendering.by_score(detector.score, 4.0, trace.cell_position_m)
    honest, blind = rendering.render(trace, rule), rendering.render(replace(trace, truths=false), rule)
    np.testing.assert_array_equal(honest.updated, blind.updated)
    np.testing.assert_array_equal(honest.sent_bytes, blind.sent_bytes)
    assert honest.fidelity != blind.fidelity


def test_a_decision_reads_of_a_record_only_what_was_sent(trace, detector):
    """A node that was never updated is judged by the first record, whatever an update would have brought."""
    junk = [replace(r, heard_dbm=r.heard_dbm + 40, sinr_db=r.sinr_db + 40) for r in trace.records]
    scores = []
    for records in (trace.records, junk):
        seen = []

        def score(twin, now, seen=seen):
            seen.append(detector.score(twin, now))
            return np.zeros(len(seen[-1]))

        rendering.render(replace(trace, records=records), rendering.by_score(score, 1.0, trace.cell_position_m))
        scores.append(np.array(seen))
    np.testing.assert_array_equal(*scores)


def test_what_cannot_be_watched_is_refused(city, detector):
    with pytest.raises(ValueError, match="step of a change is 8, but must be 0 to 7"):
        rendering.watch(city, 8, {8: "failed_link"})
    with pytest.raises(ValueError, match="kind of change is 'fire'"):
        rendering.watch(city, 8, {0: "fire"})
    with pytest.raises(ValueError, match=r"share is 1\.2, but it must be at least 0 and at most 1"):
        rendering.periodically(1.2)
    with pytest.raises(ValueError, match="threshold is -1"):
        rendering.by_score(detector.score, -1, None)

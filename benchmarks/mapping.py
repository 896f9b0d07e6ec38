"""How twins are made and kept alive: vertical mapping, rendering, merging, and local twins under a global one.

One table a question, each learned number beside its baselines, over five seeds or more with intervals; then how time
grows with users and with nodes of the graph. The parts are in the files ``_mapping_*.py``.
"""

from __future__ import annotations

import json

import pandas as pd
import torch

from benchmarks import _mapping_continual, _mapping_merging, _mapping_rendering, _mapping_vertical
from benchmarks._intervals import interval


def main() -> None:
    """Print the tables and the JSON line."""
    torch.set_num_threads(1)
    links = _mapping_vertical.run(quick=False)
    _show("vertical mapping", links)
    nodes = _mapping_rendering.run(quick=False)
    _show("rendering", nodes)
    merged = _mapping_merging.run(quick=False)
    _show("merging", merged)
    _show("local twins and a global twin", _mapping_continual.run(quick=False))
    vertical_scores, growth = links["scores"], links["growth"]
    print(json.dumps({
        "vertical_rmse_ratio": round(vertical_scores["ratio"].mean(), 3),
        "los_f1": round(vertical_scores["los_f1"].mean(), 4),
        "change_auc": round(nodes["change_auc"][0], 3),
        "updates_saved": round(nodes["updates_saved"][0], 3),
        "fidelity_loss": round(nodes["fidelity_loss"][0], 4),
        "fused_over_best_rmse": round(float(merged["fused_over_best_rmse"]), 3),
        "transfer_sample_ratio": round(float(merged["transfer_sample_ratio"]), 2),
        "inference_ratio": round(float(growth["ratio"].iloc[-1]), 2),
    }))  # fmt: skip


def _show(part: str, found: dict) -> None:
    """Print what a part returned: tables as they are, means of scores over seeds with their intervals."""
    print(f"== {part}", flush=True)
    for name, value in found.items():
        if name == "scores":
            value = pd.DataFrame({score: interval(value[score]) for score in value}).T
        text = value.round(3).to_string() if isinstance(value, pd.DataFrame | pd.Series) else value
        print(f"{name}\n{text}\n", flush=True)

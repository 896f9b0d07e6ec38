"""Make the pictures of the documents: ``python docs/make_pictures.py``."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from dnt_lab import physical, viz
from dnt_lab.physical.kpis import contribution_q

PICTURES = Path(__file__).parent / "pictures"


def sinr_map_db(network: physical.PhysicalNetwork, step_m: float = 2.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """SINR of the strongest cell on channel 0 at outdoor points 1.5 m above ground; x, y and values (y, x) in dB."""
    radio, state = network.radio, network.state
    xmin, ymin, xmax, ymax = network.bounds_m
    x_m, y_m = np.arange(xmin, xmax, step_m), np.arange(ymin, ymax, step_m)
    points = np.stack(np.meshgrid(x_m, y_m), axis=-1).reshape(-1, 2)
    position_m = np.column_stack([points, np.full(len(points), 1.5)])
    tile = radio.tile(position_m)
    cells = radio.tile_cells[tile]
    heard_q = radio.received_q(state, position_m, np.full(len(points), state.freq_hz[0]), cells)
    best = heard_q.argmax(axis=1)[:, None] == np.arange(cells.shape[1])
    interference_q = contribution_q(network.kpis.load[cells, 0], np.where(best, 0.0, heard_q)).sum(axis=1)
    noise_q = radio.noise_mw(state)[0] / radio.quantum_mw(state)
    sinr_db = 10 * np.log10(heard_q.max(axis=1) / (noise_q + interference_q))
    sinr_db[radio.scene.indoor(points)] = np.nan
    return x_m, y_m, sinr_db.reshape(len(y_m), len(x_m))


def city_twin() -> None:
    """Florence with seven sites, 120 users and the SINR in the streets."""
    network = physical.PhysicalNetwork.from_city("florence", n_sites=7, n_users=120, seed=1)
    for _ in range(10):
        network.step(1.0)
    state = network.state
    fig, ax = plt.subplots(figsize=(8.4, 6.6))
    viz.draw_city(ax, network.radio.scene.city, bounds_m=network.bounds_m)
    viz.radio_map(ax, *sinr_map_db(network), label="SINR in the streets (dB)", clim=(-5, 35))
    viz.draw_links(ax, state.position_m, state.cell_position_m, state.serving, linewidth=0.5)
    viz.draw_cells(ax, state.cell_position_m, state.azimuth_deg, radius_m=28)
    viz.draw_users(ax, state.position_m)
    ax.set_title("A network in the streets of Florence, as its twin sees it")
    PICTURES.mkdir(exist_ok=True)
    fig.savefig(PICTURES / "city_twin.png", dpi=100, metadata={"Software": None})


if __name__ == "__main__":
    viz.use_style()
    city_twin()

"""Physical network objects (PNOs) as the article describes them: internal and external properties on one card."""

from __future__ import annotations

import html
from dataclasses import dataclass

import numpy as np

from dnt_lab.physical.kpis import Kpis
from dnt_lab.physical.state import State


@dataclass(frozen=True)
class NetworkObject:
    """A view of one user device or cell.

    Attributes
    ----------
    name : str
        ``"ue-17"`` or ``"bs-3"``.
    internal : dict
        What the object is by itself: kind, dimension, location, mobility.
    external : dict
        How it uses the network and is affected by others: serving cell, channel, beam, demand, interference, SINR,
        rate.
    """

    name: str
    internal: dict
    external: dict

    def __repr__(self):
        lines = [self.name]
        for title, part in (("internal", self.internal), ("external", self.external)):
            lines += [f"  {title}"] + [f"    {key:<17}{value}" for key, value in part.items()]
        return "\n".join(lines)

    def _repr_html_(self):
        def rows(part):
            return "".join(
                f"<tr><th scope='row'>{html.escape(k)}</th><td>{html.escape(str(v))}</td></tr>" for k, v in part.items()
            )

        def heading(title):
            return f"<tr><th colspan='2' scope='colgroup' style='text-align:left'>{title} properties</th></tr>"

        body = heading("internal") + rows(self.internal) + heading("external") + rows(self.external)
        return f"<table><caption><b>{html.escape(self.name)}</b></caption>{body}</table>"


def describe(name: str, state: State, kpis: Kpis, quantum_mw: float) -> NetworkObject:
    """Card of the object called `name`.

    Raises
    ------
    KeyError
        If `state` has no object of that name.
    """
    prefix, _, number = str(name).partition("-")
    size = {"ue": state.n_users, "bs": state.n_cells}.get(prefix, 0)
    if not (number.isascii() and number.isdecimal() and int(number) < size):
        known = f"ue-0 ... ue-{state.n_users - 1} and bs-0 ... bs-{state.n_cells - 1}"
        raise KeyError(f"no object is called {name!r}; this network has {known}")
    return (_user if prefix == "ue" else _cell)(name, int(number), state, kpis, quantum_mw)


def _metres(vector) -> str:
    return "(" + ", ".join(f"{x:.2f}".rstrip("0").rstrip(".") for x in vector) + ") m"


def _user(name, u, state, kpis, quantum_mw):
    interference_mw = kpis.interference_q[u] * quantum_mw
    internal = {
        "kind": str(state.kind[u]),
        "dimension": _metres(state.size_m[u]),
        "location": _metres(state.position_m[u]),
        "mobility": f"{np.linalg.norm(state.velocity_m_s[u]):.1f} m/s",
    }
    external = {
        "serving BS": f"bs-{state.serving[u]}" if state.serving[u] >= 0 else "none",
        "channel": f"{state.channel[u]} ({state.freq_hz[state.channel[u]] / 1e9:g} GHz)",
        "beam": int(state.beam[u]),
        "demand": f"{state.demand_bps[u] / 1e6:g} Mbit/s",
        "interference": f"{10 * np.log10(interference_mw):.1f} dBm" if interference_mw > 0 else "none",
        "SINR": f"{kpis.sinr_db[u]:.1f} dB",
        "rate": f"{kpis.rate_bps[u] / 1e6:.2f} Mbit/s",
    }
    return NetworkObject(name, internal, external)


def _cell(name, b, state, kpis, quantum_mw):
    internal = {
        "location": _metres(state.cell_position_m[b]),
        "boresight": "omnidirectional" if np.isnan(state.azimuth_deg[b]) else f"{state.azimuth_deg[b]:g} deg",
        "downtilt": f"{state.tilt_deg[b]:g} deg",
    }
    external = {
        "on": bool(state.on[b]),
        "transmit power": f"{state.tx_power_dbm[b]:g} dBm",
        "users": int(kpis.attached[b].sum()),
        "load": ", ".join(f"{x:.2f}" for x in kpis.load[b]) + " (by channel)",
        "region": int(state.region[b]),
    }
    return NetworkObject(name, internal, external)

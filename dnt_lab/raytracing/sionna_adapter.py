"""Sionna RT on our scenes: the same triangles, materials and nodes, and paths in the same table.

Sionna RT shoots rays and repairs those that nearly hit (float32, on every core); `trace` enumerates images (float64).
Running both on one scene shows what sampling misses. Sionna RT is optional: ``pip install 'dnt-lab[bench]'``. Without a
GPU it also needs libLLVM: version 19 works (Debian, Ubuntu: ``apt-get install libllvm19``), 15 and 16 abort on
processors with AVX-512; ``DRJIT_LIBLLVM_PATH`` names the file where it is not found.

A bounce is told apart by its triangle. Sionna merges what shares a material, so that is what it gets: one mesh a
material, with a note of which row of ``scene.faces`` each of its triangles is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnt_lab.datasets._checks import whole
from dnt_lab.physical.pathloss import SPEED_OF_LIGHT_M_S
from dnt_lab.raytracing.angles import wrapped
from dnt_lab.raytracing.fresnel import EPSILON_0_F_PER_M, complex_permittivity
from dnt_lab.raytracing.materials import Material
from dnt_lab.raytracing.paths import Paths
from dnt_lab.raytracing.trace import checked_positions, checked_positive

SIONNA_DEFAULT_SAMPLES = 1_000_000
_DEEP_NEPERS = 15.0  # what crosses a wall this deep twice is 260 dB weaker: as good as gone
_LEAST_LOSS = 1e-3  # imaginary over real part of the permittivity; of less nothing is left in float32
_FLOAT32 = 1e-6  # share of the scene's extent by which a point in float32 may miss its triangle


@dataclass(frozen=True, eq=False)
class SionnaScene:
    """A scene as Sionna RT holds it, with its nodes, and the way back.

    Attributes
    ----------
    rt : sionna.rt.Scene
        Meshes, materials, transmitters, receivers and antennas.
    scene : Scene
        Where it came from.
    freq_hz : float
        Carrier frequency in Hz.
    tx_m, rx_m : ndarray, shapes (T, 3) and (R, 3)
        Nodes in metres.
    faces_of : dict of int to ndarray of int
        Rows of ``scene.faces`` in the order of a mesh's triangles, by Sionna's number of the mesh.
    """

    rt: object
    scene: object
    freq_hz: float
    tx_m: np.ndarray
    rx_m: np.ndarray
    faces_of: dict


def sionna_trace(
    scene, tx, rx, freq_hz, max_order=2, *, samples=SIONNA_DEFAULT_SAMPLES, seed=42, extrapolate=False
) -> Paths:
    """Return the LOS and specular paths that Sionna RT finds, as `trace` returns all there are.

    Parameters
    ----------
    scene : Scene
        Triangles and their materials.
    tx, rx : array_like, shapes (3,) or (T, 3), and (3,) or (R, 3)
        Positions of transmitters and receivers in metres.
    freq_hz : float
        Carrier frequency in Hz.
    max_order : int
        Most reflections a path may have, 0 or more.
    samples : int
        Rays a transmitter shoots, 1 or more: more of them find more paths and cost more.
    seed : int
        Seed of Sionna's sampler, 0 or more; its deterministic solver is used.
    extrapolate : bool
        Use a material beyond the frequencies for which it was measured.

    Returns
    -------
    Paths
        Sorted by transmitter, receiver, delay and order. Numbers have the seven digits of float32.

    Raises
    ------
    ImportError
        If Sionna RT is not installed or finds no libLLVM.
    TypeError, ValueError
        If a position or number is out of range, or Sionna has no such material (`FixedLoss`).

    Notes
    -----
    Sionna's walls are slabs. A half-space becomes a slab so thick that nothing comes back from its rear; one (almost)
    without loss gets a loss tangent of 0.001 for that, which turns reflection coefficients by about 0.0005.
    """
    max_order, samples, seed = whole("max_order", max_order, 0), whole("samples", samples, 1), whole("seed", seed, 0)
    prepared = sionna_scene(scene, tx, rx, freq_hz, polarization="VH", extrapolate=extrapolate)
    return from_sionna(prepared, solve(prepared, max_order, samples, seed=seed, deterministic=True))


def sionna_scene(scene, tx, rx, freq_hz, *, polarization="VH", extrapolate=False) -> SionnaScene:
    """Build the scene in Sionna RT; arguments and errors as of `sionna_trace`, `polarization` as Sionna names it."""
    tx_m, rx_m, freq_hz = checked_positions("tx", tx), checked_positions("rx", rx), checked_positive("freq_hz", freq_hz)
    walls = [_slab(material, freq_hz, extrapolate) for material in scene.materials]
    rt = _imported()
    import mitsuba  # comes with sionna.rt, which must choose its variant first

    built, objects, faces_of = rt.load_scene(), [], {}
    for number, wall in enumerate(walls):
        rows = np.flatnonzero(scene.face_material == number)
        if len(rows) == 0:
            continue
        used, faces = np.unique(scene.faces[rows], return_inverse=True)
        mesh = mitsuba.Mesh(f"mesh-{number}", len(used), len(rows))
        parameters = mitsuba.traverse(mesh)
        parameters["vertex_positions"] = scene.vertices_m[used].astype(np.float32).ravel()
        parameters["faces"] = faces.astype(np.uint32).ravel()
        parameters.update()
        part = rt.SceneObject(
            mi_mesh=mesh,
            name=f"part-{number}",
            radio_material=rt.RadioMaterial(
                f"material-{number}",
                thickness=wall.thickness_m,
                relative_permittivity=wall.relative_permittivity,
                conductivity=wall.conductivity_s_per_m,
            ),
        )
        objects.append(part)
        faces_of[part.object_id] = rows
    built.edit(add=objects)
    built.frequency = freq_hz
    built.tx_array = built.rx_array = rt.PlanarArray(num_rows=1, num_cols=1, pattern="iso", polarization=polarization)
    for i, position in enumerate(tx_m):
        built.add(rt.Transmitter(f"tx-{i}", position.tolist()))
    for i, position in enumerate(rx_m):
        built.add(rt.Receiver(f"rx-{i}", position.tolist()))
    return SionnaScene(built, scene, freq_hz, tx_m, rx_m, faces_of)


def solve(prepared: SionnaScene, max_order: int, samples: int, *, seed=42, deterministic=False, table=1_000_000):
    """Run Sionna's solver for LOS and specular paths; return its ``sionna.rt.Paths``.

    `table` is its ``max_num_paths_per_src``, also the size of the hash table of candidates: at a thousand receivers a
    larger one loses fewer paths.
    """
    return _imported().PathSolver(deterministic=deterministic)(
        prepared.rt, max_depth=max_order, samples_per_src=samples, max_num_paths_per_src=table, synthetic_array=True,
        los=True, specular_reflection=True, diffuse_reflection=False, refraction=False, diffraction=False, seed=seed,
    )  # fmt: skip


def from_sionna(prepared: SionnaScene, found) -> Paths:
    """Translate ``sionna.rt.Paths``, found in a prepared scene with antennas "V" or "VH", into `Paths`.

    With "V" only ``transfer[:, 0, 0]`` is known, and the rest is NaN.
    """
    scene = prepared.scene
    valid = np.asarray(found.valid).astype(bool)  # (R, T, P)
    rx, tx, slot = np.nonzero(valid)
    amplitude = np.asarray(found.a[0]) + 1j * np.asarray(found.a[1])  # (R, antennas, T, antennas, P)
    transfer = np.full((len(rx), 2, 2), np.nan + 0j)
    for row in range(amplitude.shape[1]):
        for column in range(amplitude.shape[3]):
            transfer[:, row, column] = amplitude[rx, row, tx, column, slot]
    pick = (slice(None), rx, tx, slot)
    bounced = (np.asarray(found.interactions)[pick] != 0).T  # (P, K)
    points_m = np.swapaxes(np.asarray(found.vertices, float)[pick], 0, 1).copy()
    points_m[~bounced] = np.nan
    face = _faces(prepared, np.asarray(found.objects)[pick].T, np.asarray(found.primitives)[pick].T, points_m, bounced)
    delay_s, order = np.asarray(found.tau, float)[rx, tx, slot], bounced.sum(axis=1)
    angles = (found.theta_t, found.phi_t), (found.theta_r, found.phi_r)
    aod_deg, aoa_deg = (wrapped(np.degrees([np.asarray(a, float)[rx, tx, slot] for a in pair]).T) for pair in angles)
    paths = Paths(
        freq_hz=prepared.freq_hz, tx_m=prepared.tx_m, rx_m=prepared.rx_m, tx=tx, rx=rx, order=order, delay_s=delay_s,
        transfer=transfer, aod_deg=aod_deg, aoa_deg=aoa_deg, points_m=points_m,
        object_index=np.where(bounced, scene.face_object[face], -1),
        material_index=np.where(bounced, scene.face_material[face], -1), diffuse=np.zeros(len(rx), bool),
        objects=scene.objects, materials=tuple(material.name for material in scene.materials),
    )  # fmt: skip
    return paths[np.lexsort((order, delay_s, rx, tx))]


def _imported():
    try:
        import sionna.rt
    except ModuleNotFoundError:
        raise ImportError(
            "Sionna RT is not installed, but this function runs it; install it with: pip install 'dnt-lab[bench]'"
        ) from None
    except ImportError as error:
        raise ImportError(
            f"Sionna RT is installed, but does not start ({error}); without a GPU it needs libLLVM, "
            "version 19 for example, on Debian: apt-get install libllvm19"
        ) from None
    return sionna.rt


def _slab(material, freq_hz: float, extrapolate: bool) -> Material:
    """The material at one frequency, as the slab that Sionna's walls are."""
    if hasattr(material, "at"):
        material = material.at(freq_hz, extrapolate=extrapolate)
    if not isinstance(material, Material):
        raise ValueError(
            f"the material {material.name!r} is a {type(material).__name__}, but Sionna RT needs a permittivity: "
            "replace it with scene.with_material(name, Material(...))"
        )
    if material.thickness_m is not None:
        return material
    eta = complex_permittivity(material.relative_permittivity, material.conductivity_s_per_m, freq_hz)
    eta = complex(eta.real, min(eta.imag, -_LEAST_LOSS * eta.real))
    wave_number = 2 * np.pi * freq_hz / SPEED_OF_LIGHT_M_S
    conductivity = -eta.imag * 2 * np.pi * freq_hz * EPSILON_0_F_PER_M
    return Material(eta.real, conductivity, float(_DEEP_NEPERS / (wave_number * -np.sqrt(eta).imag)), material.name)


def _faces(prepared: SionnaScene, meshes, triangles, points_m, bounced):
    """Rows of ``scene.faces`` that hold the points; 0 where there is no bounce.

    Sionna names the triangle that a sample hit; the exact point may lie on its neighbour in the same plane.
    """
    corners_m = prepared.scene.vertices_m[prepared.scene.faces]
    tolerance_m = _FLOAT32 * np.ptp(prepared.scene.vertices_m, axis=0).max()
    face = np.zeros(bounced.shape, int)
    for mesh, rows in prepared.faces_of.items():
        for at in zip(*np.nonzero(bounced & (meshes == mesh)), strict=True):
            face[at] = rows[triangles[at]]
            if _miss_m(corners_m[face[at]][None], points_m[at])[0] > tolerance_m:
                face[at] = rows[_miss_m(corners_m[rows], points_m[at]).argmin()]
    return face


def _miss_m(corners_m, point_m):
    """By how many metres a point misses triangles (F, 3, 3), off the plane or past an edge, shape (F,)."""
    edges = np.roll(corners_m, -1, axis=1) - corners_m
    normal = np.cross(edges[:, 0], edges[:, 1])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    inward = np.cross(normal[:, None], edges) / np.linalg.norm(edges, axis=-1, keepdims=True)
    towards = point_m - corners_m
    past_m = -np.einsum("fej,fej->fe", inward, towards).min(axis=1)
    return np.maximum(past_m, np.abs(np.einsum("fj,fj->f", normal, towards[:, 0])))

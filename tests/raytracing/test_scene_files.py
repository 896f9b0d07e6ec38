"""Scene files: round trips, files written by hand, transforms, and refusals that name file and place."""

import struct
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnt_lab.raytracing.materials import FixedLoss, ItuMaterial, Material, itu_material
from dnt_lab.raytracing.mesh_checks import triangulated
from dnt_lab.raytracing.scene import Scene

ORACLE = Path(__file__).parents[2].parent / "shared/data/oracles/street_canyon/street_canyon_28ghz.npz"
PYRAMID_PLY = """ply
format ascii 1.0
comment a pyramid on a square, with a colour and an edge
element vertex 5
property float x
property float y
property float z
property uchar red
element face 5
property uchar quality
property list uchar int vertex_indices
element edge 1
property int vertex1
property int vertex2
end_header
0 0 0 255
2 0 0 255
2 2 0 255
0 2 0 255
1 1 3.5 0
7 4 0 3 2 1
7 3 0 1 4
7 3 1 2 4
7 3 2 3 4
7 3 3 0 4
0 1
"""
PYRAMID_M = [[0, 0, 0], [2, 0, 0], [2, 2, 0], [0, 2, 0], [1, 1, 3.5]]
PYRAMID_FACES = [[0, 3, 2], [0, 2, 1], [0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]]


def written(folder, name, text):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def binary_ply(order, rows):
    """Bytes of a file with two vertices of three floats and a face list of mixed lengths, then an edge."""
    sign = {"little": "<", "big": ">"}[order]
    header = (
        f"ply\r\nformat binary_{order}_endian 1.0\r\nelement vertex 5\r\nproperty double x\r\nproperty double y\r\n"
        f"property double z\r\nproperty short s\r\nelement face {len(rows)}\r\n"
        "property list uint8 uint32 vertex_index\r\nproperty float quality\r\nend_header\r\n"
    ).encode()
    body = b"".join(struct.pack(f"{sign}3dh", *corner, -3) for corner in PYRAMID_M)
    body += b"".join(struct.pack(f"{sign}B{len(row)}If", len(row), *row, 0.5) for row in rows)
    return header + body


@pytest.fixture
def camp():
    """Scene with two objects, one of two materials, and coordinates that have all their digits."""
    yard = Scene.from_mesh(
        [[0, 0, 0], [9, 0, 0], [9, 9, 0.1], [0, 9, 0]], [[0, 1, 2], [0, 2, 3]], [0, 1], ["wood", "metal"]
    )
    tent = Scene.box((1, 1, 0), (2.2, np.pi, 3), Material(2.2, 0.01, 0.003, name="canvas (wet)"), name="tent")
    return replace(yard + tent, name="camp", attribution="(c) us")


def same(one, two):
    return all(
        np.array_equal(getattr(one, name), getattr(two, name)) for name in ("vertices_m", "faces", "face_object")
    )


# npz


def test_npz_keeps_everything(camp, tmp_path):
    more = replace(camp, materials=(*camp.materials, FixedLoss(12.5, (57e9, 64e9), "curtain"), FixedLoss(3.0, name="x"),
                                    Material(4.0, 1e-3), ItuMaterial("glass", None, "pane")))  # fmt: skip
    again = Scene.load(more.save(tmp_path / "camp.npz"))
    assert same(again, more)
    assert again.faces.dtype == more.faces.dtype
    assert np.array_equal(again.face_material, more.face_material)
    for name in ("materials", "objects", "name", "attribution"):
        assert getattr(again, name) == getattr(more, name)


def test_npz_refuses_materials_it_could_not_read_back(camp, tmp_path):
    class Foam(Material):
        pass

    odd = camp.with_material("wood", Foam(1.1, name="foam"))
    with pytest.raises(ValueError, match="foam is a Foam, but a file can keep Material, ItuMaterial, FixedLoss"):
        odd.save(tmp_path / "odd.npz")


def test_npz_of_something_else_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", x=1)
    written(tmp_path, "broken.npz", b"PK\x03\x04 not a zip")
    for name in ("other.npz", "broken.npz"):
        with pytest.raises(ValueError, match=rf"{name} is not a scene that Scene.save wrote"):
            Scene.load(tmp_path / name)


# ply


def test_ply_as_text_with_quadrilaterals(tmp_path):
    scene = Scene.load(written(tmp_path, "pyramid.ply", PYRAMID_PLY), material="brick")
    assert scene.vertices_m.tolist() == PYRAMID_M
    assert scene.faces.tolist() == PYRAMID_FACES
    assert scene.materials == (itu_material("brick"),)
    assert (scene.name, scene.objects) == ("pyramid", ("pyramid",))


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize(
    "rows", [[[0, 3, 2, 1], [0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]], PYRAMID_FACES], ids=["mixed", "triangles"]
)
def test_ply_as_bytes_of_either_order(tmp_path, order, rows):
    scene = Scene.load(written(tmp_path, "pyramid.ply", binary_ply(order, rows)), material=Material(3.0))
    assert scene.vertices_m.tolist() == PYRAMID_M
    assert scene.faces.tolist() == PYRAMID_FACES


def test_ply_comes_back_with_all_digits(camp, tmp_path):
    again = Scene.load(camp.save(tmp_path / "camp.ply"), material="wood")
    assert np.array_equal(again.vertices_m, camp.vertices_m)
    assert np.array_equal(again.faces, camp.faces)


def test_triangles_without_area_are_left_out(tmp_path):
    text = PYRAMID_PLY.replace("element face 5", "element face 7").replace("\n0 1\n", "\n7 3 0 0 1\n7 3 0 1 1\n0 1\n")
    assert Scene.load(written(tmp_path, "pyramid.ply", text), material="brick").faces.tolist() == PYRAMID_FACES


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("ply\n", "plx\n"), "pyramid.ply is no PLY file: it must start with 'ply'"),
        (("end_header", "end"), "pyramid.ply is no PLY file: it must .* have a line 'end_header'"),
        (("format ascii 1.0\n", ""), "pyramid.ply declares no format, but 'format ascii 1.0' or"),
        (("ascii", "ebcdic"), "pyramid.ply, line 2: 'format ebcdic 1.0' is no line of a PLY header"),
        (("property float y", "property half y"), "pyramid.ply, line 6: 'property half y' is no line"),
        (("element edge 1", "element edge -1"), "pyramid.ply, line 12: 'element edge -1' is no line"),
        (("property float z\n", "property float w\n"), "pyramid.ply has no 'vertex' with z, but a mesh needs it"),
        (("vertex_indices", "vertices"), "pyramid.ply has no 'face' with vertex_indices or vertex_index"),
        (("0 2 0 255", "0 two 0 255"), "pyramid.ply, line 19: vertex 3 of 5 is not whole"),
        (("1 1 3.5 0\n", "1 1\n"), "pyramid.ply, line 20: vertex 4 of 5 is not whole"),
        (("7 3 1 2 4\n", "7 4 1 2 4\n"), "pyramid.ply, line 23: face 2 of 5 is not whole"),
        (("7 3 1 2 4\n", "7 3 1 2 x\n"), "pyramid.ply, line 23: face 2 of 5 is not whole"),
        (("7 3 3 0 4\n0 1\n", ""), "pyramid.ply, line 25: face 4 of 5 is not whole"),
        (("7 3 1 2 4", "7 3 1 2 5"), "pyramid.ply, face 2 has corner 5 of 5 vertices"),
        (("7 3 1 2 4", "7 2 1 2"), "pyramid.ply, face 2 has 2 corners, but a face needs 3 or more"),
        (("7 4 0 3 2 1", "7 4 0 2 3 1"), "pyramid.ply, face 0 is not convex; cut it into triangles"),
        (("0 2 0 255", "0 nan 0 255"), r"pyramid.ply, vertex 3 is \[0.0, nan, 0.0\], but must be finite"),
    ],
)
def test_a_broken_ply_names_the_place(tmp_path, change, sentence):
    assert change[0] in PYRAMID_PLY
    path = written(tmp_path, "pyramid.ply", PYRAMID_PLY.replace(*change, 1))
    with pytest.raises(ValueError, match=sentence):
        Scene.load(path, material="brick")


@pytest.mark.parametrize("order", ["little", "big"])
def test_a_binary_ply_that_was_cut_off_says_so(tmp_path, order):
    data = binary_ply(order, PYRAMID_FACES)
    for end, what in ((len(data) - 1, "6 elements 'face'"), (data.find(b"end_header") + 20, "5 elements 'vertex'")):
        with pytest.raises(ValueError, match=rf"cut.ply ends within its {what}"):
            Scene.load(written(tmp_path, "cut.ply", data[:end]), material="brick")


def test_a_binary_ply_with_a_list_of_negative_length_says_so(tmp_path):
    data = binary_ply("little", PYRAMID_FACES).replace(b"list uint8", b"list int8")
    face = data.find(b"end_header") + 12 + 5 * 26
    assert data[face] == 3
    path = written(tmp_path, "odd.ply", data[:face] + b"\xff" + data[face + 1 :])
    with pytest.raises(ValueError, match=r"odd.ply ends within its 6 elements 'face'"):
        Scene.load(path, material="brick")


def test_a_ply_without_faces_says_so(tmp_path):
    text = PYRAMID_PLY.partition("7 4")[0].replace("element face 5", "element face 0") + "0 1\n"
    with pytest.raises(ValueError, match=r"pyramid.ply has no triangle with an area"):
        Scene.load(written(tmp_path, "pyramid.ply", text), material="brick")
    with pytest.raises(ValueError, match=r"pyramid.ply has no triangle with an area"):
        Scene.load(written(tmp_path, "pyramid.ply", binary_ply("little", [])), material="brick")


def test_a_ply_needs_a_material(tmp_path):
    path = written(tmp_path, "pyramid.ply", PYRAMID_PLY)
    with pytest.raises(
        ValueError, match=r"pyramid.ply does not tell the material; give load\(..., material='concrete'\)"
    ):
        Scene.load(path)
    with pytest.raises(ValueError, match=r"material has the key 'roof', but pyramid.ply names \[None\]"):
        Scene.load(path, material={"roof": "wood"})
    assert Scene.load(path, material={None: "wood"}).materials == (itu_material("wood"),)


# polygons


@given(st.integers(3, 9), st.floats(0, 6.28), st.floats(-1, 1))
def test_a_fan_covers_its_polygon(n, turn, lean):
    angle = turn + 2 * np.pi * np.arange(n) / n
    ring = np.column_stack([np.cos(angle), np.sin(angle), lean * np.cos(angle)])
    faces, polygon = triangulated("disc", ring, np.arange(n), [n])
    normal = np.cross(ring[faces[:, 1]] - ring[faces[:, 0]], ring[faces[:, 2]] - ring[faces[:, 0]])
    assert normal.sum(axis=0) == pytest.approx(n * np.sin(2 * np.pi / n) * np.array([-lean, 0, 1]))
    assert polygon.tolist() == [0] * (n - 2)


def test_a_polygon_that_bends_inwards_is_refused():
    arrow = np.array([[0, 1, 0], [-1, -1, 0], [0, 0, 0], [1, -1, 0.0]])
    assert len(triangulated("arrow", arrow, [0, 1, 2, 3], [4])[0]) == 2  # a fan from its tip is right
    with pytest.raises(ValueError, match="arrow, face 1 is not convex"):
        triangulated("arrow", arrow, [0, 1, 2, 1, 2, 3, 0], [3, 4])


# obj


def test_obj_with_groups_and_corners_from_the_end(tmp_path):
    text = """# two things
mtllib colours.mtl
v 0 0 0
v 2 0 0 1.0
v 2 2 0
v 0 2 0
vt 0 0
vn 0 0 1
f 1 2 3
o the yard # of the house
usemtl itu_wood
f 1/1/1 2/1/1 3/1/1 4/1/1
g fence
v 0 0 1
v 2 0 1
usemtl mine
s off
f -6//1 -5//1 -1//1 -2//1
usemtl itu_wood
f 1 2 6
"""
    stone = Material(7.0)
    path = written(tmp_path, "garden.obj", text)
    scene = Scene.load(path, material={"mine": stone, None: "metal"})
    assert scene.faces.tolist() == [[0, 1, 2], [0, 1, 2], [0, 2, 3], [0, 1, 5], [0, 5, 4], [0, 1, 5]]
    assert scene.objects == ("garden", "the yard", "fence")
    assert scene.face_object.tolist() == [0, 1, 1, 2, 2, 2]
    made_of = [scene.materials[i] for i in scene.face_material]
    wood, metal, stone = itu_material("wood"), itu_material("metal"), replace(stone, name="mine")
    assert made_of == [metal, wood, wood, stone, stone, wood]
    one_for_the_rest = Scene.load(path, material="metal")
    assert [one_for_the_rest.materials[i].name for i in one_for_the_rest.face_material] == ["metal", "wood", "wood"] + [
        "metal"
    ] * 2 + ["wood"]


def test_obj_comes_back_with_its_names(camp, tmp_path):
    again = Scene.load(camp.save(tmp_path / "camp.obj"), material={"canvas (wet)": camp.materials[2]})
    assert same(again, camp)
    assert again.objects == camp.objects
    assert [again.materials[i] for i in again.face_material] == [camp.materials[i] for i in camp.face_material]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("v 0 0 0\nv 1 0 x\n", "bad.obj, line 2: 'v 1 0 x' must hold x, y and z"),
        ("v 0 0\n", "bad.obj, line 1: 'v 0 0' must hold x, y and z"),
        ("v 0 0 0\nf 1 2 3\n", "bad.obj, line 2: 'f 1 2 3' must hold numbers of vertices that stand above it"),
        ("v 0 0 0\nf 0 1 1\n", "bad.obj, line 2: 'f 0 1 1' must hold numbers"),
        ("v 0 0 0\nf -2 1 1\n", "bad.obj, line 2: 'f -2 1 1' must hold numbers"),
        ("v 0 0 0\nf 1.5 1 1\n", "bad.obj, line 2: 'f 1.5 1 1' must hold numbers"),
        ("v 0 0 0\nl 1 1\n", "bad.obj has no faces"),
        ("v 0 0 0\nf 1 1 1\n", "bad.obj has no triangle with an area"),
        ("v 0 0 0\nf 1 1\n", "bad.obj, face 0 has 2 corners"),
        ("usemtl gold\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "bad.obj names the material 'gold', which ITU-R .* give"),
    ],
)
def test_a_broken_obj_names_the_place(tmp_path, text, sentence):
    with pytest.raises(ValueError, match=sentence):
        Scene.load(written(tmp_path, "bad.obj", text))


# Mitsuba


def mitsuba(folder, steps="", *, bsdf="", ref='<ref id="mat-itu_brick" name="bsdf"/>', kind="ply", name="pyramid.ply"):
    """Write a scene with one shape, the pyramid."""
    written(folder, "pyramid.ply", PYRAMID_PLY)
    transform = f'<transform name="to_world">{steps}</transform>' if steps else ""
    return written(
        folder,
        "scene.xml",
        f'<scene version="2.1.0"><!-- a comment --><default name="spp" value="16"/>{bsdf}'
        f'<emitter type="constant" id="World"/><shape type="{kind}" id="mesh-pyramid">'
        f'<string name="filename" value="{name}"/><boolean name="face_normals" value="true"/>{transform}{ref}'
        "</shape></scene>",
    )


def test_mitsuba_scene(tmp_path):
    scene = Scene.load(mitsuba(tmp_path))
    assert scene.vertices_m.tolist() == PYRAMID_M
    assert scene.faces.tolist() == PYRAMID_FACES
    assert (scene.name, scene.objects, scene.materials) == ("scene", ("pyramid",), (itu_material("brick"),))


@pytest.mark.parametrize(
    ("steps", "tip_m", "corner_m"),  # where (1, 1, 3.5) and (2, 0, 0) go
    [
        ('<translate x="10" z="-1"/>', [11, 1, 2.5], [12, 0, -1]),
        ('<translate value="10, 0, -1"/>', [11, 1, 2.5], [12, 0, -1]),
        ('<scale value="2"/>', [2, 2, 7], [4, 0, 0]),
        ('<scale x="3" z="2"/>', [3, 1, 7], [6, 0, 0]),
        ('<scale value="3 1 2"/>', [3, 1, 7], [6, 0, 0]),
        ('<rotate z="1" angle="90"/>', [-1, 1, 3.5], [0, 2, 0]),
        ('<rotate value="0, 2, 0" angle="90"/>', [3.5, 1, -1], [0, 0, -2]),
        ('<rotate x="1" y="1" z="1" angle="120"/>', [3.5, 1, 1], [0, 2, 0]),
        ('<translate x="1"/><scale value="2"/>', [4, 2, 7], [6, 0, 0]),  # the first step acts first
        ('<scale value="2"/><translate x="1"/>', [3, 2, 7], [5, 0, 0]),
        ('<matrix value="0 -1 0 5  1 0 0 6  0 0 1 7  0 0 0 1"/>', [4, 7, 10.5], [5, 8, 7]),
        ('<matrix value="0 -1 0 1 0 0 0 0 1"/>', [-1, 1, 3.5], [0, 2, 0]),
    ],
)
def test_mitsuba_transforms(tmp_path, steps, tip_m, corner_m):
    scene = Scene.load(mitsuba(tmp_path, steps))
    np.testing.assert_allclose(scene.vertices_m[[4, 1]], [tip_m, corner_m], atol=1e-12)
    assert scene.faces.tolist() == PYRAMID_FACES


def test_a_mirrored_mesh_still_faces_outwards(tmp_path):
    def volume_m3(scene):
        a, b, c = np.moveaxis(scene.vertices_m[scene.faces], 1, 0)
        return np.einsum("fi,fi->", a, np.cross(b, c)) / 6

    plain, mirrored = (Scene.load(mitsuba(tmp_path, steps)) for steps in ("", '<scale x="-2"/>'))
    assert volume_m3(plain) == pytest.approx(4 * 3.5 / 3)
    assert volume_m3(mirrored) == pytest.approx(2 * 4 * 3.5 / 3)


@pytest.mark.parametrize(
    ("bsdf", "ref", "material"),
    [
        ("", '<ref id="itu_concrete"/>', itu_material("concrete")),
        ("", '<ref id="mat-itu_wood.003" name="bsdf"/>', itu_material("wood")),
        ("", '<bsdf type="diffuse" id="mat-itu_glass"/>', itu_material("glass")),
        (
            '<bsdf type="twosided" id="itu_metal"><bsdf type="diffuse"/></bsdf>',
            '<ref id="itu_metal"/>', itu_material("metal"),
        ),
        (
            '<bsdf type="itu-radio-material" id="pane"><string name="type" value="glass"/>'
            '<float name="thickness" value="0.02"/></bsdf>',
            '<ref id="pane" name="bsdf"/>', ItuMaterial("glass", 0.02, "pane"),
        ),
        (
            '<bsdf type="radio-material" id="mine"><float name="relative_permittivity" value="3.5"/>'
            '<float name="conductivity" value="0.2"/></bsdf>',
            '<ref id="mine" name="bsdf"/>', Material(3.5, 0.2, 0.1, "mine"),
        ),
    ],
)  # fmt: skip
def test_mitsuba_materials(tmp_path, bsdf, ref, material):
    assert Scene.load(mitsuba(tmp_path, bsdf=bsdf, ref=ref)).materials == (material,)


def test_the_caller_may_say_what_a_mitsuba_material_is(tmp_path):
    path = mitsuba(tmp_path, ref='<ref id="gold" name="bsdf"/>')
    with pytest.raises(ValueError, match=r"scene.xml names the material 'gold', .*give load\(..., material=.'gold'"):
        Scene.load(path)
    assert Scene.load(path, material={"gold": Material(1.0, 4e7)}).materials == (Material(1.0, 4e7, name="gold"),)
    assert Scene.load(path, material="metal").materials == (itu_material("metal"),)
    assert Scene.load(mitsuba(tmp_path, ref=""), material="metal").materials == (itu_material("metal"),)


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"kind": "cube"}, ValueError, "scene.xml, shape 'mesh-pyramid' is of type 'cube', but ply and obj are read"),
        ({"name": "no.ply"}, FileNotFoundError, "scene.xml, shape 'mesh-pyramid' needs the file no.ply, which is"),
        ({"steps": "<lookat/>"}, ValueError, "'mesh-pyramid' has the transform <lookat>, but matrix, translate, scale"),
        ({"steps": '<matrix value="1 2 3"/>'}, ValueError, 'has the transform <matrix value="1 2 3" />, whose'),
        ({"steps": '<scale x="two"/>'}, ValueError, 'has the transform <scale x="two" />, whose numbers'),
        ({"steps": '<rotate z="1"/>'}, ValueError, 'has the transform <rotate z="1" />, whose numbers'),
        ({"steps": '<rotate angle="9"/>'}, ValueError, 'has the transform <rotate angle="9" />, whose numbers'),
        ({"steps": "<matrix/>"}, ValueError, "has the transform <matrix />, whose numbers"),
        ({"steps": '<scale z="0"/>'}, ValueError, "'mesh-pyramid' has a transform that leaves no volume"),
        ({"bsdf": "<include filename='a.xml'/>"}, ValueError, "scene.xml includes other files"),
        ({"bsdf": "<bsdf type='itu-radio-material' id='a'><string name='type' value='b'/></bsdf>"}, ValueError,
         "scene.xml, bsdf 'a': the material 'b' is not in ITU-R P.2040-4"),
        ({"bsdf": "<bsdf type='radio-material' id='a'><float name='conductivity' value='-1'/></bsdf>"}, ValueError,
         "scene.xml, bsdf 'a': conductivity_s_per_m is -1.0, but must be"),
        ({"ref": "<nothing>"}, ValueError, "scene.xml is no whole XML file: mismatched tag: line 1, column"),
    ],
)  # fmt: skip
def test_a_broken_mitsuba_scene_names_the_place(tmp_path, arguments, error, sentence):
    with pytest.raises(error, match=sentence):
        Scene.load(mitsuba(tmp_path, **arguments))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("<svg/>", "empty.xml starts with <svg>, but a Mitsuba scene starts with <scene>"),
        ("<scene/>", "empty.xml has no <shape>, but at least one is needed"),
        ("<scene><shape type='ply'/></scene>", "empty.xml, shape 0 has no filename"),
    ],
)
def test_what_is_no_mitsuba_scene_is_refused(tmp_path, text, sentence):
    with pytest.raises(ValueError, match=sentence):
        Scene.load(written(tmp_path, "empty.xml", text))


def test_mitsuba_comes_back_whole(camp, tmp_path):
    again = Scene.load(camp.save(tmp_path / "camp.xml"))
    assert again.objects == camp.objects
    assert again.materials == camp.materials
    assert np.array_equal(again.face_object, camp.face_object)
    assert np.array_equal(again.face_material, camp.face_material)
    assert np.array_equal(again.vertices_m[again.faces], camp.vertices_m[camp.faces])
    assert sorted(path.name for path in (tmp_path / "camp_meshes").iterdir()) == [
        "0-mesh.ply",
        "1-mesh.ply",
        "2-tent.ply",
    ]


def test_mitsuba_makes_things_of_one_name_one(tmp_path):
    pair = Scene.from_mesh(
        PYRAMID_M, PYRAMID_FACES, [0, 1, 2] * 2, ["wood", "brick", "wood"], face_object=[0, 1] * 3, objects=["a", "a"]
    )
    again = Scene.load(pair.save(tmp_path / "pair.xml"))
    assert again.objects == ("a",)
    assert [material.name for material in again.materials] == ["wood", "brick"]
    assert np.bincount(again.face_material).tolist() == [4, 2]


def test_mitsuba_parts_of_a_house_are_one_object(tmp_path):
    written(tmp_path, "pyramid.ply", PYRAMID_PLY)
    ids = ["Town_Hall-itu_marble", "Town_Hall-itu_metal", "shed-wall", "shed-roof", "fence-wall", "a-b", "a-c"]
    shapes = "".join(
        f'<shape type="ply" id="mesh-{key}"><string name="filename" value="pyramid.ply"/><ref id="itu_wood"/></shape>'
        for key in ids
    )
    scene = Scene.load(written(tmp_path, "town.xml", f"<scene>{shapes}</scene>"))
    assert scene.objects == ("Town_Hall", "shed", "fence-wall", "a-b", "a-c")
    assert np.bincount(scene.face_object).tolist() == [12, 12, 6, 6, 6]


@pytest.mark.parametrize(
    ("material", "sentence"),
    [
        (FixedLoss(10.0, name="curtain"), "curtain is FixedLoss.*, which Sionna RT does not know"),
        (
            Material(4.0, name="rock"),
            "rock is a half-space, but Sionna RT knows slabs only; give the material a thickn",
        ),
        (itu_material("glass", None), "glass is a half-space, but Sionna RT knows slabs only"),
    ],
)
def test_what_mitsuba_cannot_say_is_refused(tmp_path, material, sentence):
    with pytest.raises(ValueError, match=sentence):
        Scene.box((0, 0, 0), (1, 1, 1), material).save(tmp_path / "box.xml")


@pytest.mark.skipif(not ORACLE.exists(), reason="the oracles in shared/data are not here")
def test_sionnas_street_canyon_survives_every_format(tmp_path):
    oracle = np.load(ORACLE)
    materials = [itu_material(name) for name in oracle["object_material"].tolist()]
    scene = Scene.from_mesh(
        oracle["vertices_m"], oracle["faces"], oracle["face_object"], materials,
        face_object=oracle["face_object"], objects=oracle["object_name"].tolist(), name="street",
    )  # fmt: skip
    for suffix in ("npz", "xml", "obj"):
        again = Scene.load(scene.save(tmp_path / f"street.{suffix}"))
        assert same(again, scene), suffix
        assert again.objects == scene.objects
        assert [again.materials[i] for i in again.face_material] == [scene.materials[i] for i in scene.face_material]


def test_sionnas_own_scenes_are_read():
    package = find_spec("sionna")
    scenes = Path(package.submodule_search_locations[0], "rt", "scenes") if package else Path("nowhere")
    if not scenes.exists():
        pytest.skip("sionna-rt is not installed")
    assert len(Scene.load(scenes / "simple_street_canyon" / "simple_street_canyon.xml")) == 74
    assert len(Scene.load(scenes / "munich" / "munich.xml")) == 38936


# which format


def test_other_suffixes_and_missing_files_are_refused(camp, tmp_path):
    with pytest.raises(
        ValueError, match=r"camp.blend ends in '.blend', but a scene's file ends in .npz, .ply, .obj, .xml"
    ):
        camp.save(tmp_path / "camp.blend")
    with pytest.raises(ValueError, match="camp ends in '', but a scene's file ends in"):
        Scene.load(tmp_path / "camp")
    with pytest.raises(FileNotFoundError, match=r"there is no file .*camp\.ply"):
        Scene.load(tmp_path / "camp.ply")


def test_suffixes_may_be_in_capitals(tmp_path):
    assert len(Scene.load(written(tmp_path, "PYRAMID.PLY", PYRAMID_PLY), material="brick")) == 6

import io
import logging
import os
import re
import struct
import sys
import warnings
import zlib

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageOps

from sib_tf.base.errors import UserError
from sib_tf.datasets import image_formats
from sib_tf.datasets.images import (
    list_class_folders,
    list_files,
    list_images,
    read_rgb,
    rgb_of_encoded,
)

RED = (255, 0, 0)


def save(image, path, **options):
    image.save(path, **options)
    return path


def colour(path):
    return tuple(read_rgb(path)[0, 0].tolist())


def test_the_content_of_a_file_is_read_as_the_file(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # Turned by 90 degrees.
    pixels = np.random.default_rng(0).integers(0, 256, (12, 20, 3), np.uint8)
    path = save(Image.fromarray(pixels), tmp_path / "turned.jpg", exif=exif)
    read = rgb_of_encoded(path.read_bytes(), "shard 0", (8, 8))
    np.testing.assert_array_equal(read, read_rgb(path, (8, 8)))


@pytest.mark.parametrize(
    ("keep", "words"), [(0, "is not an image"), (60, r"cannot be read as an image \(.+\)")]
)
def test_damaged_content_is_named(tmp_path, keep, words):
    content = save(Image.effect_noise((20, 20), 9), tmp_path / "noise.png").read_bytes()
    with pytest.raises(UserError, match=f"^shard 0: {words}; delete it or replace it$"):
        rgb_of_encoded(content[:keep], "shard 0", (8, 8))


@pytest.mark.parametrize(
    ("image", "name", "expected"),
    [
        (Image.new("RGB", (2, 2), RED), "rgb.png", RED),
        (Image.new("L", (2, 2), 9), "grey.png", (9, 9, 9)),
        (Image.new("LA", (2, 2), (9, 0)), "grey_alpha.png", (255, 255, 255)),
        (Image.new("1", (2, 2), 1), "bit.png", (255, 255, 255)),
        (Image.new("RGB", (2, 2), RED).quantize(), "palette.gif", RED),
        (Image.new("RGBA", (2, 2), (*RED, 0)), "transparent.png", (255, 255, 255)),
        (Image.new("RGBA", (2, 2), (0, 0, 0, 51)), "veil.png", (204, 204, 204)),
        (Image.new("CMYK", (2, 2), (0, 255, 255, 0)), "print.tif", RED),
        (Image.fromarray(np.full((2, 2), 65535, np.uint16)), "white16.png", (255, 255, 255)),
        (Image.fromarray(np.full((2, 2), 257 * 7, np.uint16)), "dark16.tif", (7, 7, 7)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_mode_becomes_rgb(tmp_path, image, name, expected):
    path = save(image, tmp_path / name)
    assert colour(path) == expected
    assert read_rgb(path).dtype == np.uint8


def test_transparent_palette_entry_is_white(tmp_path):
    palette = Image.new("RGB", (2, 2), RED).quantize()
    assert colour(save(palette, tmp_path / "a.png", transparency=0)) == (255, 255, 255)


def test_exif_orientation_is_honoured(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # Turned by 90 degrees.
    path = save(Image.new("RGB", (6, 4)), tmp_path / "a.jpg", exif=exif)
    assert read_rgb(path).shape == (6, 4, 3)


def test_image_is_cropped_about_its_centre_then_resized(tmp_path):
    pixels = np.zeros((8, 16, 3), np.uint8)
    pixels[:, 1:15] = 255
    path = save(Image.fromarray(pixels), tmp_path / "a.png")
    square = read_rgb(path, size=(4, 4))
    assert square.shape == (4, 4, 3)
    assert square.min() == 255


def test_shrinking_is_antialiased(tmp_path):
    stripes = np.zeros((32, 32), np.uint8)
    stripes[:, ::2] = 255
    path = save(Image.fromarray(stripes), tmp_path / "a.png")
    assert np.abs(read_rgb(path, size=(4, 4)).astype(int) - 127).max() < 30


def test_size_is_height_then_width(tmp_path):
    path = save(Image.new("RGB", (20, 20)), tmp_path / "a.png")
    assert read_rgb(path, size=(3, 5)).shape == (3, 5, 3)


@pytest.mark.parametrize("content", [b"", b"text, not pixels"])
def test_a_file_that_is_not_an_image_is_named(tmp_path, content):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"^{path}: is not an image"):
        read_rgb(path)


@pytest.mark.parametrize("extension", ["avif", "bmp", "gif", "jpg", "png", "tif", "webp"])
def test_truncated_image_is_named(tmp_path, extension):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = save(Image.fromarray(noise), tmp_path / f"a.{extension}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match=f"^{path}: ") as caught:
        read_rgb(path)
    assert "\n" not in str(caught.value)


def test_whatever_a_decoder_raises_is_a_damaged_image(tmp_path):
    rng = np.random.default_rng(0)
    path = save(Image.new("RGB", (16, 16), RED), tmp_path / "a.avif")
    whole, refused = np.frombuffer(path.read_bytes(), np.uint8), 0
    for _ in range(100):
        damaged = whole.copy()
        damaged[rng.integers(4, len(whole), 6)] = rng.integers(0, 256, 6)
        path.write_bytes(damaged.tobytes())
        try:
            read_rgb(path)
        except UserError:
            refused += 1
    assert refused


def test_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"a\.png: .*No such file"):
        read_rgb(tmp_path / "a.png")


def test_floating_point_pixels_are_refused(tmp_path):
    path = save(Image.new("F", (2, 2)), tmp_path / "a.tif")
    with pytest.raises(UserError, match="no fixed range"):
        read_rgb(path)


def png_chunk(kind, content):
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def jpeg_segment(marker, content):
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def encoded(image_format, inserted, **options):
    """A red image of 2 x 4 pixels with something behind its first bytes."""
    file = io.BytesIO()
    Image.new("RGB", (2, 4), RED).save(file, image_format, quality=100, **options)
    start = {"png": 33, "jpeg": 2}[image_format]
    return file.getvalue()[:start] + inserted + file.getvalue()[start:]


ZIPPED = zlib.compress(b" " * 5_000_000)
ON_ITS_SIDE = b"MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"  # EXIF orientation 6


@pytest.mark.parametrize(
    ("image_format", "inserted"),
    [
        ("png", png_chunk(b"zTXt", b"key\0\0" + ZIPPED)),
        ("png", png_chunk(b"iTXt", b"key\0\1\0\0\0" + ZIPPED)),
        ("png", png_chunk(b"zTXt", b"key\0\0" + zlib.compress(b" " * 1_000_000)) * 70),
        ("png", png_chunk(b"tEXt", b"key\0words")[:-1] + b"?"),  # a wrong checksum
        ("png", png_chunk(b"iCCP", b"name\0\7")),
        ("png", png_chunk(b"iCCP", b"name\0\0" + ZIPPED)),
        ("png", png_chunk(b"pHYs", b"?")),
        ("png", png_chunk(b"gAMA", b"")),
        ("png", png_chunk(b"eXIf", b"??")),
        ("jpeg", jpeg_segment(0xE2, b"ICC_PROFILE\0")),
        ("jpeg", jpeg_segment(0xE0, b"JFIF\0")),
        ("jpeg", jpeg_segment(0xEE, b"Adobe")),
        ("jpeg", jpeg_segment(0xE1, b"Exif\0\0??")),
        ("jpeg", jpeg_segment(0xE1, b"Exif\0\0MM\0*\0\0\0\x08\xff\xff?")),
    ],
)
def test_what_is_not_pixels_stops_no_image(tmp_path, image_format, inserted):
    (tmp_path / "image").write_bytes(encoded(image_format, inserted))
    with warnings.catch_warnings(action="ignore"):
        pixels = read_rgb(tmp_path / "image")
    assert pixels.shape == (4, 2, 3)
    assert np.abs(pixels - np.array(RED)).max() <= 2  # JPEG loses a little


@pytest.mark.parametrize(
    ("image_format", "inserted"),
    [
        ("png", png_chunk(b"eXIf", ON_ITS_SIDE) + png_chunk(b"pHYs", b"?")),
        (
            "jpeg",
            jpeg_segment(0xE1, b"Exif\0\0" + ON_ITS_SIDE) + jpeg_segment(0xE2, b"ICC_PROFILE\0"),
        ),
    ],
)
def test_damage_elsewhere_leaves_the_orientation(tmp_path, image_format, inserted):
    (tmp_path / "image").write_bytes(encoded(image_format, inserted))
    assert read_rgb(tmp_path / "image").shape == (2, 4, 3)


def test_transparency_survives_a_damaged_text(tmp_path):
    palette = save(Image.new("P", (2, 2)), tmp_path / "a.png", transparency=0)
    whole = palette.read_bytes()
    palette.write_bytes(whole[:33] + png_chunk(b"zTXt", b"key\0\0" + ZIPPED) + whole[33:])
    assert colour(palette) == (255, 255, 255)


def photograph(width, height):
    """Smooth colours with edges, and noise."""
    rng = np.random.default_rng(0)
    patches = Image.fromarray(rng.integers(0, 256, (9, 12, 3), np.uint8))
    pixels = np.asarray(patches.resize((width, height), Image.Resampling.BICUBIC)).astype(int)
    pixels[:, width // 3 :: 97] = 255
    return Image.fromarray((pixels + rng.integers(-12, 13, pixels.shape)).clip(0, 255).astype("u1"))


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_large_jpeg_is_decoded_small_and_looks_the_same(tmp_path, orientation, monkeypatch):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(photograph(1600, 1200), tmp_path / "a.jpg", quality=92, exif=exif)
    small = read_rgb(path, (80, 60))
    monkeypatch.setattr("PIL.JpegImagePlugin.JpegImageFile.draft", lambda *_: None)
    full = read_rgb(path, (80, 60))
    assert small.shape == full.shape == (80, 60, 3)
    difference = np.abs(small.astype(int) - full)
    assert 0 < difference.mean() < 0.5
    assert difference.max() <= 6


def test_a_jpeg_of_a_few_hundred_pixels_is_decoded_as_it_is(tmp_path):
    image = photograph(500, 375)
    path = save(image, tmp_path / "a.jpg", quality=92)
    expected = ImageOps.fit(Image.open(path), (84, 84), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(read_rgb(path, (84, 84)), expected)


def test_images_are_listed_by_content_without_hidden_ones(tmp_path, caplog):
    for name in ("b.PNG", "a.jpeg", ".a.png"):
        (tmp_path / name).touch()
    for name, image_format in (("c", "png"), ("d.photo", "jpeg"), ("e.avif", "avif")):
        Image.new("RGB", (2, 2)).save(tmp_path / name, image_format)
    for n in range(5):
        (tmp_path / f"notes{n}.txt").write_text("no image")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "link.png").symlink_to(tmp_path / "absent.png")
    names = [path.name for path in list_images(tmp_path)]
    assert names == ["a.jpeg", "b.PNG", "c", "d.photo", "e.avif"]
    assert caplog.messages == [
        f"{tmp_path}: left out what is a folder: 1 (folder.png); what is a link to nothing: 1 "
        "(link.png); what is not an image: 5 (notes0.txt, notes1.txt, notes2.txt, and 2 more)"
    ]
    files = [path.name for path in list_files(tmp_path)]
    assert files == [*names, "link.png", *(f"notes{n}.txt" for n in range(5))]


def test_a_link_to_nothing_cannot_be_read(tmp_path):
    (tmp_path / "link.png").symlink_to(tmp_path / "absent.png")
    with pytest.raises(UserError, match=r"link\.png: cannot be read .*No such file"):
        read_rgb(tmp_path / "link.png")


def test_listing_opens_files_of_unusual_names_alone(tmp_path, monkeypatch):
    for name in ("a.png", "b.jfif", "c"):
        (tmp_path / name).write_bytes(encoded("png", b""))
    opened, open_image = [], Image.open
    monkeypatch.setattr(Image, "open", lambda file: opened.append(file.name) or open_image(file))
    assert len(list_images(tmp_path)) == 3
    assert opened == [str(tmp_path / "c")]


HEIC = b"\0\0\0\x24ftypheic"


@pytest.fixture
def without_heif(monkeypatch):
    """As if the plugin were not installed."""
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.setattr(Image, "ID", [name for name in Image.ID if name != "HEIF"])
    image_formats.register_heif.cache_clear()
    yield
    image_formats.register_heif.cache_clear()


def test_what_reads_heic_is_named(without_heif, tmp_path, caplog):
    (tmp_path / "a.heic").write_bytes(HEIC)
    (tmp_path / "b.jpg").write_bytes(HEIC)
    assert [path.name for path in list_images(tmp_path)] == ["b.jpg"]
    words = "HEIC, which takes `pip install pillow-heif`, the extra `heif`"
    assert caplog.messages == [f"{tmp_path}: left out what is {words}: 1 (a.heic)"]
    with pytest.raises(UserError, match=re.escape(f"b.jpg: is {words}; delete it or replace it")):
        read_rgb(tmp_path / "b.jpg")


def test_heic_is_read_with_its_extra(tmp_path):
    pillow_heif.from_pillow(Image.new("RGB", (64, 48), RED)).save(tmp_path / "a.heic")
    assert list_images(tmp_path) == [tmp_path / "a.heic"]
    assert read_rgb(tmp_path / "a.heic").shape == (48, 64, 3)
    assert np.abs(colour(tmp_path / "a.heic") - np.array(RED)).max() <= 4


def test_names_that_are_not_utf8_are_legible(tmp_path, caplog):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    save(Image.new("RGB", (2, 2), RED), folder / os.fsdecode(b"\xff.png"))
    (folder / os.fsdecode(b"\xfe.txt")).touch()
    classes = list_class_folders(tmp_path)
    assert {name: len(files) for name, files in classes.items()} == {"caf\\udce9": 1}
    assert "not an image: 1 (caf\\udce9/\\udcfe.txt)" in caplog.text
    assert colour(classes["caf\\udce9"][0]) == RED
    classes["caf\\udce9"][0].write_bytes(b"no image")
    with pytest.raises(UserError, match=r"/caf\\udce9/\\udcff\.png: is not an image"):
        read_rgb(classes["caf\\udce9"][0])


@pytest.mark.parametrize("parts", [("train", "val", "test"), ("Train", "VALIDATION"), ("valid",)])
def test_classes_of_parts_are_taken_together(tmp_path, parts, caplog):
    caplog.set_level(logging.INFO, "sib_tf")
    for part in parts:
        for name in ("cat", f"only in {part}"):
            (tmp_path / part / name).mkdir(parents=True)
            (tmp_path / part / name / "1.png").touch()
        (tmp_path / part / "list.csv").touch()
    classes = list_class_folders(tmp_path)
    assert list(classes) == ["cat", *sorted(f"only in {part}" for part in parts)]
    assert classes["cat"] == [tmp_path / part / "cat" / "1.png" for part in sorted(parts)]
    together, left_out = caplog.messages
    assert f"class folders of {', '.join(sorted(parts))} are taken together" in together
    assert f"beside the class folders: {len(parts)} ({sorted(parts)[0]}/list.csv" in left_out


def test_classes_called_train_and_test_are_classes(tmp_path):
    for name in ("test", "train"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").touch()
    assert list(list_class_folders(tmp_path)) == ["test", "train"]


def test_class_folders_are_listed_sorted(tmp_path):
    for name in ("b", "a", ".hidden"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").touch()
    (tmp_path / "stray.png").touch()
    classes = list_class_folders(tmp_path)
    assert list(classes) == ["a", "b"]
    assert classes["a"] == [tmp_path / "a" / "1.png"]


def test_missing_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file: is a file; name a folder"):
        list_images(tmp_path / "file")
    with pytest.raises(UserError, match="absent: no such folder"):
        list_class_folders(tmp_path / "absent")


def test_folder_without_class_folders_is_named(tmp_path):
    with pytest.raises(UserError, match=f"^{tmp_path}: has no class folders"):
        list_class_folders(tmp_path)


def test_class_folder_without_image_is_named(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(UserError, match=f"^{tmp_path / 'a'}: class folder without an image; add"):
        list_class_folders(tmp_path)
    (tmp_path / "a" / "b").mkdir()
    (tmp_path / "a" / "notes.txt").touch()
    found = r"what is a folder: 1 \(b\); what is not an image: 1 \(notes\.txt\); add images"
    with pytest.raises(UserError, match=f"without an image but {found}"):
        list_class_folders(tmp_path)

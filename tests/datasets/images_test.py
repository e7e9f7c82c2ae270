import numpy as np
import pytest
from PIL import Image

from sib_tf.base.errors import UserError
from sib_tf.datasets.images import list_class_folders, list_files, list_images, read_rgb

RED = (255, 0, 0)


def save(image, path, **options):
    image.save(path, **options)
    return path


def colour(path):
    return tuple(read_rgb(path)[0, 0].tolist())


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


@pytest.mark.parametrize("extension", ["bmp", "gif", "jpg", "png", "tif", "webp"])
def test_truncated_image_is_named(tmp_path, extension):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = save(Image.fromarray(noise), tmp_path / f"a.{extension}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match=f"^{path}: ") as caught:
        read_rgb(path)
    assert "\n" not in str(caught.value)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"a\.png: .*No such file"):
        read_rgb(tmp_path / "a.png")


def test_floating_point_pixels_are_refused(tmp_path):
    path = save(Image.new("F", (2, 2)), tmp_path / "a.tif")
    with pytest.raises(UserError, match="no fixed range"):
        read_rgb(path)


def test_images_are_listed_by_extension_without_hidden_ones(tmp_path):
    for name in ("b.PNG", "a.jpeg", "notes.txt", ".a.png"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in list_images(tmp_path)] == ["a.jpeg", "b.PNG"]
    assert [path.name for path in list_files(tmp_path)] == ["a.jpeg", "b.PNG", "notes.txt"]


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
    with pytest.raises(UserError, match=f"^{tmp_path / 'a'}: class folder without an image"):
        list_class_folders(tmp_path)

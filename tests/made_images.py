"""A small folder of images, made for tests."""

import io

from PIL import Image

SIDE = 4


def picture(value: int, mode: str = "RGB", side: int = SIDE) -> bytes:
    """A PNG of one colour."""
    colour = value if mode == "L" else (value, 2 * value, 3 * value)
    content = io.BytesIO()
    Image.new(mode, (side, side), colour).save(content, "PNG")
    return content.getvalue()


def write(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


FILES = {
    "train/cat/1.png": picture(1),
    "train/cat/2.png": picture(2),
    "train/cat/3.png": picture(3),
    "train/ape/1.PNG": picture(4),
    "test/ape/1.png": picture(5),
    "test/cat/deep/1.png": picture(6),
}

#!/usr/bin/env python3
"""Writes what torchvision makes of pictures in evaluation and in random crops: tests/golden/resized.txt and fitted.txt.

    python tests/peer/resizing.py          # needs torchvision and Pillow

Each line of the first is the width and height of a picture; `middle` with what its shorter side becomes and the side of the middle that is
cut out, or `part` with left, top, width and height of the part and the side it is resized to; and the pixels in hexadecimal,
plane after plane. The pictures are drawn by `pixels`, and by the same sum in the test that reads the file. Each line of the
second is a file of tests/golden/pictures, what its shorter side becomes, the side of the middle, and the pixels.
"""
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from torchvision import transforms
from torchvision.transforms import functional

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
FILES = [("rgb.png", 9, 8), ("alpha.png", 20, 17), ("420.jpg", 20, 16), ("exif-6.jpg", 11, 8), ("exif-7.jpg", 10, 9), ("cmyk.jpg", 9, 9)]

MIDDLES = [
    # Smaller, both ways round, with halves of a pixel to round; larger; left alone; hardly changed; one side of one pixel.
    (61, 40, 16, 14), (40, 61, 16, 13), (63, 40, 16, 13), (90, 67, 11, 8), (12, 9, 18, 16), (5, 5, 18, 16), (9, 9, 9, 9),
    (21, 20, 20, 17), (32, 32, 37, 32), (7, 1, 6, 6), (150, 149, 5, 3),
]
PARTS = [
    (60, 45, 3, 5, 40, 31, 14), (60, 45, 20, 0, 11, 9, 14), (60, 45, 0, 0, 60, 45, 13), (45, 60, 44, 59, 1, 1, 4),
    (45, 60, 7, 11, 14, 14, 14), (45, 60, 1, 2, 14, 19, 14), (33, 30, 0, 7, 33, 23, 11),
]


def pixels(width, height):
    """Neighbours that have little to do with each other."""
    y, x, colour = np.mgrid[0:height, 0:width, 0:3]
    return ((x * x * 37 + y * y * 11 + x * y * 53 + colour * 91 + x * 5 + y * 171) % 256).astype(np.uint8)


def middle(picture, resized, side):
    return transforms.Compose([transforms.Resize(resized), transforms.CenterCrop(side)])(picture)


def hexadecimal(picture):
    return np.asarray(picture).transpose(2, 0, 1).tobytes().hex()


def line(width, height, what, *numbers):
    picture = Image.fromarray(pixels(width, height))
    if what == "middle":
        shown = middle(picture, *numbers)
    else:
        left, top, wide, high, side = numbers
        shown = functional.resized_crop(picture, top, left, high, wide, [side, side])
    return " ".join(map(str, [width, height, what, *numbers, hexadecimal(shown)])) + "\n"


def of_file(name, resized, side):
    picture = ImageOps.exif_transpose(Image.open(GOLDEN / "pictures" / name)).convert("RGB")
    return f"{name} {resized} {side} {hexadecimal(middle(picture, resized, side))}\n"


if __name__ == "__main__":
    lines = [line(w, h, "middle", *rest) for w, h, *rest in MIDDLES] + [line(w, h, "part", *rest) for w, h, *rest in PARTS]
    (GOLDEN / "resized.txt").write_text("".join(lines))
    (GOLDEN / "fitted.txt").write_text("".join(of_file(*file) for file in FILES))

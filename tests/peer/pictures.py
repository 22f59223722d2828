#!/usr/bin/env python3
"""Writes tests/golden/pictures: small pictures in every format that is read, and what PIL makes of them.

    python pictures.py          # needs Pillow and NumPy

`expected.txt` has a line for each picture: its name, width, height, and the bytes of `convert("RGB")` in hexadecimal, turned as
its EXIF orientation says. `huge.*` are headers that claim more pixels than are read; they have no line. Pictures that PIL cannot
write are put together from bytes here, and read by PIL all the same.
"""
import io, struct, zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

OUT = Path(__file__).resolve().parent.parent / "golden" / "pictures"
WIDTH, HEIGHT = 21, 13


def colours(width=WIDTH, height=HEIGHT):
    """Smooth colours, different at every corner, so that no flip or turn leaves them alone."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    x, y = x / (width - 1), y / (height - 1)
    planes = [255 * x, 255 * y, 255 * (1 - x) * (1 - y) + 60 * x * y]
    return np.rint(np.stack(planes, -1)).astype(np.uint8)


RGB = Image.fromarray(colours())
GREY = RGB.convert("L")
ALPHA = Image.fromarray(np.rint(np.linspace(0, 255, WIDTH * HEIGHT)).astype(np.uint8).reshape(HEIGHT, WIDTH))
RGBA = Image.merge("RGBA", (*RGB.split(), ALPHA))
LA = Image.merge("LA", (GREY, ALPHA))
PALETTE = RGB.quantize(20)
BITS = GREY.convert("1")
WIDE = np.rint(np.linspace(0, 65535, WIDTH * HEIGHT)).astype(np.uint16).reshape(HEIGHT, WIDTH)
# Half of it within the 255 that PIL does not make white.
LOW = np.where(np.arange(HEIGHT)[:, None] % 2, WIDE, WIDE // 200).astype(np.uint16)
RGB16 = np.stack([WIDE, WIDE[::-1], WIDE[:, ::-1]], -1)


def save(name, image, **options):
    image.save(OUT / name, **options)


def write(name, data):
    (OUT / name).write_bytes(data)


def again(name, change, *to):
    """Writes the picture `name` once more, as `to`, its bytes changed."""
    write(to[0] if to else name, change(bytearray((OUT / name).read_bytes())))


# JPEG


def without(marker):
    def change(data):
        at = data.index(bytes([0xFF, marker]))
        length = struct.unpack(">H", data[at + 2:at + 4])[0]
        return data[:at] + data[at + 2 + length:]
    return change


def transform(value):
    """The colour transform that the Adobe segment claims."""
    def change(data):
        data[data.index(b"Adobe") + 11] = value
        return data
    return change


def oriented(value, thumbnail=False):
    exif = Image.Exif()
    exif[0x0112] = value
    if not thumbnail:
        return exif.tobytes()
    # A second directory with a whole JPEG in it, its end marker included.
    small = io.BytesIO()
    RGB.resize((8, 5)).save(small, "JPEG")
    entries = [(0x0103, 3, 1, 6), (0x0201, 4, 1, 74), (0x0202, 4, 1, len(small.getvalue()))]
    head = b"II*\0" + struct.pack("<IH", 8, 1) + struct.pack("<HHIHH", 0x0112, 3, 1, value, 0) + struct.pack("<I", 26)
    second = struct.pack("<H", 3) + b"".join(struct.pack("<HHII", *entry) for entry in entries) + struct.pack("<I", 0)
    body = head + second
    return b"Exif\0\0" + body + bytes(74 - len(body)) + small.getvalue()


def jpegs():
    save("444.jpg", RGB, quality=95, subsampling=0)
    save("420.jpg", Image.fromarray(colours(37, 29)), quality=90, subsampling=2)
    save("422.jpg", Image.fromarray(colours(37, 29)), quality=90, subsampling=1)
    save("progressive.jpg", RGB, quality=90, progressive=True)
    save("restarts.jpg", Image.fromarray(colours(37, 29)), quality=90, restart_marker_blocks=2)
    save("grey.jpg", GREY, quality=90)
    save("rgb.jpg", RGB, quality=95, keep_rgb=True)
    save("cmyk.jpg", RGB.convert("CMYK"), quality=95)
    again("cmyk.jpg", transform(2), "ycck.jpg")
    again("cmyk.jpg", without(0xEE), "cmyk-plain.jpg")
    for value in range(1, 9):
        save(f"exif-{value}.jpg", RGB, quality=90, exif=oriented(value))
    save("thumbnail.jpg", RGB, quality=90, exif=oriented(6, thumbnail=True))


# PNG


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(name, depth, colour, rows, *chunks, size=(WIDTH, HEIGHT)):
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    header = struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", data), chunk(b"IEND", b"")]
    write(name, b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def big(array):
    return [row.astype(">u2").tobytes() for row in array]


def pngs():
    save("rgb.png", RGB)
    save("grey.png", GREY)
    save("bits.png", BITS)
    save("alpha.png", RGBA)
    save("grey-alpha.png", LA)
    save("palette.png", PALETTE)
    save("palette-4.png", RGB.quantize(10), bits=4)
    save("palette-alpha.png", PALETTE, transparency=bytes(range(0, 240, 12)))
    save("colour-key.png", RGB, transparency=RGB.getpixel((3, 3)))
    save("grey-16.png", Image.fromarray(LOW))
    save("oriented.png", RGB, exif=oriented(6))
    levels = np.arange(WIDTH * HEIGHT).reshape(HEIGHT, WIDTH) % 4
    twos = [int("".join(f"{v:02b}" for v in row).ljust(48, "0"), 2).to_bytes(6, "big") for row in levels]
    png("grey-2.png", 2, 0, twos)
    png("rgb-16.png", 16, 2, big(RGB16))
    png("alpha-16.png", 16, 6, big(np.dstack([RGB16, WIDE])))
    png("grey-alpha-16.png", 16, 4, big(np.dstack([LOW, WIDE])))
    png("grey-16-key.png", 16, 0, big(LOW), chunk(b"tRNS", struct.pack(">H", int(LOW[2, 2]))))


# GIF


def elsewhere(data):
    """The same frame on a larger screen, not at its corner."""
    data[6:10] = struct.pack("<HH", WIDTH + 6, HEIGHT + 5)
    flags = data[10]
    at = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    while data[at] == 0x21:
        at += 2
        while data[at]:
            at += data[at] + 1
        at += 1
    assert data[at] == 0x2C
    data[at + 1:at + 5] = struct.pack("<HH", 4, 2)
    return data


def gifs():
    save("plain.gif", PALETTE, interlace=0)
    save("interlaced.gif", PALETTE, interlace=1)
    save("grey.gif", GREY)
    save("transparent.gif", PALETTE, transparency=7)
    again("transparent.gif", elsewhere, "elsewhere-transparent.gif")
    again("plain.gif", elsewhere, "elsewhere.gif")
    save("animated.gif", PALETTE, save_all=True, append_images=[PALETTE.rotate(180)], duration=100)


# WebP


def webps():
    save("lossy.webp", Image.fromarray(colours(37, 29)), quality=90)
    save("lossless.webp", RGB, lossless=True)
    save("lossy-alpha.webp", RGBA, quality=90, exact=True)
    save("lossless-alpha.webp", RGBA, lossless=True, exact=True)
    save("animated.webp", RGB, save_all=True, append_images=[RGB.rotate(180)], duration=100, lossless=True)
    save("oriented.webp", RGB, lossless=True, exif=oriented(8))


# TIFF


def tiff(name, entries, *strips):
    """An uncompressed picture, little-endian."""
    entries = {256: (3, WIDTH), 257: (3, HEIGHT), 259: (3, 1), 278: (3, HEIGHT), **entries}
    start = 8 + 2 + 12 * (len(entries) + 2) + 4
    lengths = [len(strip) for strip in strips]
    first = start + 4 * len(strips) * 2 + 8
    offsets = [first + sum(lengths[:i]) for i in range(len(strips))]
    extra, rows = b"", []
    for tag, (kind, *values) in sorted({**entries, 273: (4, *offsets), 279: (4, *lengths)}.items()):
        packed = b"".join(value.to_bytes({3: 2, 4: 4}[kind], "little") for value in values)
        if len(packed) > 4:
            packed, extra = struct.pack("<I", start + len(extra)), extra + packed
        rows.append(struct.pack("<HHI", tag, kind, len(values)) + packed.ljust(4, b"\0"))
    head = b"II*\0" + struct.pack("<IH", 8, len(rows)) + b"".join(rows) + struct.pack("<I", 0) + extra
    write(name, head.ljust(first, b"\0") + b"".join(strips))


def tiffs():
    for name in ["raw", "lzw", "deflate", "packbits", "jpeg"]:
        compression = {"deflate": "tiff_adobe_deflate", "lzw": "tiff_lzw"}.get(name, name)
        save(f"{name}.tif", RGB, compression=compression)
    save("grey.tif", GREY)
    save("bits.tif", BITS)
    save("fax.tif", BITS, compression="group4")
    save("alpha.tif", RGBA)
    save("grey-alpha.tif", LA)
    save("palette.tif", PALETTE)
    save("palette-lzw.tif", PALETTE, compression="tiff_lzw")
    few = np.asarray(RGB.quantize(4))
    nibbles = np.pad(few, ((0, 0), (0, 1)))
    table = [v * 257 for c in range(3) for v in [(10, 90, 200, 250), (0, 250, 30, 99), (77, 5, 128, 255)][c] + (0,) * 12]
    packed = (nibbles[:, ::2] << 4 | nibbles[:, 1::2]).astype(np.uint8)
    tiff("palette-4.tif", {258: (3, 4), 262: (3, 3), 277: (3, 1), 320: (3, *table)}, packed.tobytes())
    save("cmyk.tif", RGB.convert("CMYK"))
    save("grey-16.tiff", Image.fromarray(LOW))
    save("grey-32.tif", Image.fromarray(LOW.astype(np.int32)))
    save("float.tif", Image.fromarray(LOW.astype(np.float32) - 20))
    save("oriented.tif", RGB, tiffinfo={0x0112: 3})
    tiff("rgb-16.tif", {258: (3, 16, 16, 16), 262: (3, 2), 277: (3, 3)}, RGB16.astype("<u2").tobytes())
    tiff("white-is-zero.tif", {258: (3, 8), 262: (3, 0), 277: (3, 1)}, GREY.tobytes())
    tiff("premultiplied.tif", {258: (3, 8, 8, 8, 8), 262: (3, 2), 277: (3, 4), 338: (3, 1)}, RGBA.convert("RGBa").tobytes())
    planes = [np.asarray(RGB)[:, :, c].tobytes() for c in range(3)]
    tiff("planes.tif", {258: (3, 8, 8, 8), 262: (3, 2), 277: (3, 3), 284: (3, 2)}, *planes)


# BMP


def bmp(name, bits, rows, palette=b"", compression=0, masks=b"", size=(WIDTH, HEIGHT)):
    data = b"".join(rows)
    offset = 54 + len(masks) + len(palette)
    head = b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset)
    info = struct.pack("<IiiHHIIiiII", 40, *size, 1, bits, compression, len(data), 0, 0, len(palette) // 4, 0)
    write(name, head + info + masks + palette + data)


def bmps():
    save("rgb.bmp", RGB)
    save("grey.bmp", GREY)
    save("bits.bmp", BITS)
    save("palette.bmp", PALETTE)
    save("alpha.bmp", RGBA)
    r, g, b = (np.asarray(RGB)[::-1, :, c].astype(np.uint16) for c in range(3))
    rows = lambda array: [row.astype("<u2").tobytes().ljust((2 * WIDTH + 3) // 4 * 4, b"\0") for row in array]
    bmp("555.bmp", 16, rows(r >> 3 << 10 | g >> 3 << 5 | b >> 3))
    masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    bmp("565.bmp", 16, rows(r >> 3 << 11 | g >> 2 << 5 | b >> 3), compression=3, masks=masks)
    palette = bytes(np.insert(np.arange(0, 256, 16, dtype=np.uint8)[:, None].repeat(3, 1), 3, 0, 1).tobytes())
    runs = [bytes([WIDTH - 4, y, 0, 4, 1, 2, 3, y]) + b"\0\0" for y in range(HEIGHT)]
    bmp("runs.bmp", 8, [*runs, b"\0\1"], palette=palette, compression=1)


# PNM


def pnms():
    save("bits.pbm", BITS)
    save("grey.pgm", GREY)
    save("rgb.ppm", RGB)
    write("text.pbm", b"P1\n# made by hand\n4 2\n0 1 0 1\n1 1 0 0\n")
    write("text.pgm", b"P2 4 2 15\n0 1 2 3\n12 13 14 15\n")
    write("text.ppm", b"P3 2 1 255\n0 10 200 255 0 7\n")
    write("few.pgm", b"P5 %d %d 99\n" % (WIDTH, HEIGHT) + bytes(v * 99 // 255 for v in GREY.tobytes()))
    write("grey-16.pgm", b"P5 %d %d 65535\n" % (WIDTH, HEIGHT) + LOW.astype(">u2").tobytes())
    write("grey-1000.pgm", b"P5 %d %d 1000\n" % (WIDTH, HEIGHT) + np.minimum(LOW, 1000).astype(">u2").tobytes())
    write("rgb-16.ppm", b"P6 %d %d 65535\n" % (WIDTH, HEIGHT) + RGB16.astype(">u2").tobytes())


# Headers that claim 60,000 x 60,000 pixels (WebP: 16,383 x 16,383, the most it can).


def huge():
    size = (60_000, 60_000)
    png("huge.png", 8, 2, [b"\0" * 30], size=size)
    bmp("huge.bmp", 24, [b"\0" * 30], size=size)
    tiff("huge.tif", {256: (3, 60_000), 257: (3, 60_000), 258: (3, 8), 262: (3, 1), 277: (3, 1), 278: (3, 60_000)}, bytes(30))
    write("huge.ppm", b"P6 60000 60000 255\n" + bytes(30))
    sides = struct.pack(">HH", *size)

    def frame(data):
        at = data.index(b"\xff\xc0")
        data[at + 5:at + 9] = sides
        return data
    again("444.jpg", frame, "huge.jpg")

    def screen(data):
        data[6:10] = struct.pack("<HH", *size)
        return data
    again("plain.gif", screen, "huge.gif")

    def canvas(data):
        at = data.index(b"VP8X")
        data[at + 12:at + 18] = struct.pack("<I", 16_382)[:3] * 2
        return data
    again("lossy-alpha.webp", canvas, "huge.webp")


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.iterdir():
        old.unlink()
    for make in [jpegs, pngs, gifs, webps, tiffs, bmps, pnms, huge]:
        make()
    lines = []
    for path in sorted(OUT.iterdir()):
        if path.stem != "huge":
            image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
            lines.append(f"{path.name} {image.width} {image.height} {image.tobytes().hex()}\n")
    (OUT / "expected.txt").write_text("".join(lines))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Small data files by the writers that people use, for the tests of the readers.

    pip install numpy scipy

    python data_files.py ../golden/data       # writes svhn/, svhn-plain/ and npz/ there

Every pixel follows from its place, so that a test can say what it must be:
image i has (57 i + 31 c + 13 x + 7 y + x y) mod 256 in row y, column x and channel c.
"""
import os, sys
import numpy as np
import scipy.io


def images(first, n, height, width, channels=3):
    """[n, height, width, channels] u8, of images first, first + 1, ..."""
    i, y, x, c = np.ogrid[first:first + n, 0:height, 0:width, 0:channels]
    return ((57 * i + 31 * c + 13 * x + 7 * y + x * y) % 256).astype(np.uint8)


def svhn(path, first, n, labels=np.uint8, y_first=False, **how):
    """As SVHN is published: X [32, 32, 3, n] and y [n, 1], whose labels go from 1 to 10; image i has i % 10 + 1."""
    x = np.transpose(images(first, n, 32, 32), (1, 2, 3, 0))
    y = np.array([[i % 10 + 1] for i in range(first, first + n)], dtype=labels)
    arrays = {"y": y, "X": x} if y_first else {"X": x, "y": y}
    scipy.io.savemat(path, arrays, **how)


def npz(folder):
    """Arrays as MedMNIST has them, grey and RGB, in C and Fortran order; and `images` and `labels` alone. Image i has
    the label i % 3, and the sets go on where the one before ends."""
    label = lambda first, n, kind: np.arange(first, first + n).astype(kind) % 3
    sets = [("train", 0, 12), ("val", 12, 6), ("test", 18, 3)]
    rgb, grey = {}, {}
    for name, first, n in sets:
        rgb[name + "_images"] = images(first, n, 10, 10)
        rgb[name + "_labels"] = label(first, n, np.uint8)[:, None]
        grey[name + "_images"] = images(first, n, 10, 10, 1)[..., 0]
        grey[name + "_labels"] = label(first, n, ">i4")
    np.savez_compressed(os.path.join(folder, "rgb.npz"), **rgb)
    np.savez(os.path.join(folder, "grey.npz"), class_names=np.array(["cat", "dog", "Öl"]), **grey)
    fortran = {"images": np.asfortranarray(images(0, 30, 10, 10)), "labels": label(0, 30, np.int64)}
    np.savez_compressed(os.path.join(folder, "fortran.npz"), **fortran)
    good = {"images": images(0, 30, 4, 4), "labels": label(0, 30, np.int64)}
    empty = {"test_images": np.zeros((0, 10**9, 10**9), np.uint8), "test_labels": np.zeros(0, np.uint8)}
    np.savez_compressed(os.path.join(folder, "empty.npz"), **good, **empty)
    # One thing wrong in each.
    for name, arrays in {
        "float": {"images": good["images"] / 255.0},
        "oblong": {"images": images(0, 30, 4, 5)},
        "flat": {"images": images(0, 30, 4, 4).reshape(30, 48)},
        "several": {"labels": np.eye(3, dtype=np.uint8)[good["labels"]]},
        "negative": {"labels": good["labels"] - 1},
        "gap": {"labels": good["labels"] * 2},
        "fewer": {"labels": good["labels"][:29]},
        "real": {"labels": good["labels"].astype(np.float32)},
        "objects": {"class_names": np.array(["cat", "dog", "fox"], dtype=object)},
        "names": {"class_names": np.array([b"cat", b"dog"])},
    }.items():
        np.savez_compressed(os.path.join(folder, f"wrong-{name}.npz"), **{**good, **arrays})
    np.savez_compressed(os.path.join(folder, "wrong-arrays.npz"), x=good["images"], y=good["labels"])
    np.savez_compressed(os.path.join(folder, "wrong-half.npz"), images=good["images"], y=good["labels"])


def main(out):
    for folder in ["svhn", "svhn-plain", "npz"]:
        os.makedirs(os.path.join(out, folder), exist_ok=True)
    at = lambda *names: os.path.join(out, *names)
    svhn(at("svhn", "train_32x32.mat"), 0, 20, do_compression=True)
    svhn(at("svhn", "extra_32x32.mat"), 20, 10, labels=np.float64, y_first=True, do_compression=True)
    svhn(at("svhn", "test_32x32.mat"), 30, 4, do_compression=True)
    svhn(at("svhn-plain", "train_32x32.mat"), 0, 12)
    svhn(at("svhn-plain", "test_32x32.mat"), 12, 1, labels=np.int32)
    npz(at("npz"))


if __name__ == "__main__":
    main(sys.argv[1])

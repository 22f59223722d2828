"""How fast a folder of JPEGs becomes batches: this program beside PyTorch's DataLoader with two workers over ImageFolder.

    python tests/peer/loading.py make FOLDER --count 5000        # pictures of about 500x375, made here
    python tests/peer/loading.py compare FOLDER --binary target/release/densenet-tui --pairs 5

`compare` alternates the two in pairs and prints medians: of the first epoch, with everything that comes before it (this
program's cache is emptied first), and of later ones. Both resize the shorter side to 224 with an antialiased triangle
filter, crop the centre, crop again with a padding of 4, mirror half of the images, and normalise.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time

SIDE, BATCH, WORKERS, LATER = 224, 64, 2, 2


def make(folder, count, distinct=500):
    """`count` pictures in five classes: `distinct` different ones, and links to them."""
    import numpy as np
    from PIL import Image, ImageFilter

    draws = np.random.default_rng(0)
    first = []
    for i in range(count):
        path = os.path.join(folder, f"class{i % 5}", f"{i:06}.jpg")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if i >= distinct:
            os.link(first[i % distinct], path)
            continue
        width, height = (500, 375) if i % 3 else (375, 500)
        width, height = width + int(draws.integers(-30, 30)), height + int(draws.integers(-30, 30))
        ground = draws.integers(0, 256, (height // 25 + 2, width // 25 + 2, 3), dtype=np.uint8)
        ground = np.asarray(Image.fromarray(ground).resize((width, height), Image.BICUBIC), dtype=float)
        pixels = np.clip(ground + draws.normal(0, 12, ground.shape), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(0.8)).save(path, quality=90)
        first.append(path)


def loader(folder):
    """Images a second of the first epoch and of later ones, by PyTorch."""
    import torch
    from torchvision import datasets, transforms

    torch.manual_seed(0)
    begun = time.perf_counter()
    steps = [
        transforms.Resize(SIDE),
        transforms.CenterCrop(SIDE),
        transforms.RandomCrop(SIDE, padding=4),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ]
    images = datasets.ImageFolder(folder, transforms.Compose(steps))
    batches = torch.utils.data.DataLoader(
        images, batch_size=BATCH, shuffle=True, num_workers=WORKERS, persistent_workers=True
    )
    count = sum(len(labels) for _, labels in batches)
    first = count / (time.perf_counter() - begun)
    since = time.perf_counter()
    for _ in range(LATER):
        assert sum(len(labels) for _, labels in batches) == count
    return first, LATER * count / (time.perf_counter() - since)


def program(binary, folder):
    """The same by this program, with an empty cache, and its peak memory."""
    with tempfile.TemporaryDirectory() as cache:
        command = [binary, "bench", "--loading", "--json", "--threads", str(WORKERS), "--data", f"folder:{folder}"]
        command += ["--input-size", str(SIDE), "--batch-size", str(BATCH), "--validation", "0"]
        environment = {**os.environ, "XDG_CACHE_HOME": cache}
        answer = json.loads(subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout)
    return answer["first_epoch_images_per_second"], answer["later_epochs_images_per_second"], answer["peak_mib"]


def compare(folder, binary, pairs):
    theirs, ours = [], []
    for pair in range(pairs):
        for turn in (0, 1) if pair % 2 else (1, 0):
            if turn:
                ours.append(program(binary, folder))
            else:
                # A process of its own, as a user would start one.
                code = f"import sys; sys.path.insert(0, {os.path.dirname(__file__)!r}); import loading; print(*loading.loader({folder!r}))"
                out = subprocess.run([os.sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True).stdout
                theirs.append(tuple(map(float, out.split())))
    median = lambda rows, column: statistics.median(row[column] for row in rows)
    for column, name in enumerate(["first epoch", "later epochs"]):
        ratios = sorted(a[column] / b[column] for a, b in zip(ours, theirs))
        print(
            f"{name}: {median(ours, column):.0f} images/s, DataLoader {median(theirs, column):.0f}; "
            f"median ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}, {pairs} pairs)"
        )
    print(f"peak memory {median(ours, 2):.0f} MiB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make")
    making.add_argument("folder")
    making.add_argument("--count", type=int, default=5000)
    comparing = commands.add_parser("compare")
    comparing.add_argument("folder")
    comparing.add_argument("--binary", default="target/release/densenet-tui")
    comparing.add_argument("--pairs", type=int, default=5)
    given = parser.parse_args()
    if given.command == "make":
        make(given.folder, given.count)
    else:
        compare(given.folder, given.binary, given.pairs)

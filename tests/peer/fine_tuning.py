#!/usr/bin/env python3
"""Shows fine-tuning on real images: a network trained on half of the classes of CIFAR-10 is where a network for the other half
begins, which has few images of each; beside it, one that begins with nothing. Draws both as a picture.

    cargo build --release
    python fine_tuning.py --cifar DIR               # DIR/cifar-10-batches-bin; needs Pillow; some minutes on two cores

The images go to two folders, a directory of each class. Every figure is from the journals of the runs; the commands are printed.
"""
import argparse, json, shlex, subprocess, sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent.parent
NAMES = "airplane automobile bird cat deer dog frog horse ship truck".split()
FIRST, SECOND = NAMES[0::2], NAMES[1::2]
NETWORK = ["--layers", "3,3,3", "--growth-rate", "12", "--stem", "24"]


def records(cifar, names):
    """(label, pixels) of the files."""
    for name in names:
        data = (cifar / "cifar-10-batches-bin" / name).read_bytes()
        for at in range(0, len(data), 3073):
            yield data[at], data[at + 1:at + 3073]


def write(folder, cifar, classes, train_images, test_images):
    """Writes `classes` to a folder, with at most so many images of each."""
    splits = [("train", [f"data_batch_{i}.bin" for i in range(1, 6)], train_images), ("test", ["test_batch.bin"], test_images)]
    for split, names, most in splits:
        counts = dict.fromkeys(classes, 0)
        for label, pixels in records(cifar, names):
            name = NAMES[label]
            if name not in counts or counts[name] >= most:
                continue
            to = folder / split / name / f"{counts[name]:05}.png"
            to.parent.mkdir(parents=True, exist_ok=True)
            planes = [Image.frombytes("L", (32, 32), pixels[i * 1024:(i + 1) * 1024]) for i in range(3)]
            Image.merge("RGB", planes).save(to)
            counts[name] += 1


def train(a, name, data, *options):
    """Trains a run, or finds it complete; its events."""
    runs = a.work / "runs"
    command = [a.binary, "--no-ui", "--name", name, "--runs-dir", runs, "--continue", "--data", f"folder:{data}", "--input-size", 32,
               *NETWORK, *options]
    print("$", shlex.join(map(str, command)), file=sys.stderr)
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
    return [json.loads(line) for line in (runs / name / "journal.jsonl").read_text().splitlines()]


def curve(events):
    """Accuracy on the validation images after each epoch, and on the test images at the end."""
    epochs = [event["validation"]["accuracy"] for event in events if event["event"] == "epoch"]
    (end,) = [event for event in events if event["event"] == "finished"][-1:]
    return epochs, end["test"]["accuracy"]


def draw(curves, subtitle):
    """An SVG of the curves: {name: (values, test accuracy)}."""
    width, height, left, right, top, bottom = 720, 400, 56, 24, 56, 48
    most = max(len(values) for values, _ in curves.values())
    x = lambda epoch: left + (width - left - right) * (epoch - 1) / max(most - 1, 1)
    y = lambda value: height - bottom - (height - top - bottom) * value
    text = lambda at_x, at_y, words, extra="": f'<text x="{at_x:.1f}" y="{at_y:.1f}" {extra}>{words}</text>'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13" fill="#c9d1d9">',
             f'<rect width="{width}" height="{height}" fill="#0d1117"/>',
             text(left, 24, "Validation accuracy by epoch", 'font-size="15"'), text(left, 42, subtitle, 'fill="#8b949e"')]
    for value in (0, .2, .4, .6, .8, 1):
        parts.append(f'<line x1="{left}" x2="{width - right}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#30363d"/>')
        parts.append(text(left - 8, y(value) + 4, f"{value:.0%}", 'text-anchor="end" fill="#8b949e"'))
    for epoch in range(1, most + 1):
        if epoch == 1 or epoch % 5 == 0:
            parts.append(text(x(epoch), height - bottom + 20, epoch, 'text-anchor="middle" fill="#8b949e"'))
    for (name, (values, test)), colour in zip(curves.items(), ("#3fb950", "#d29922", "#58a6ff")):
        points = " ".join(f"{x(i + 1):.1f},{y(value):.1f}" for i, value in enumerate(values))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(text(width - right, y(values[-1]) - 8, f"{name}: test {test:.1%}", f'text-anchor="end" fill="{colour}"'))
    return "\n".join([*parts, "</svg>"]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cifar", type=Path, required=True)
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/densenet-tui")
    parser.add_argument("--work", type=Path, default=ROOT / "target/fine-tuning")
    parser.add_argument("--per-class", type=int, default=100, help="training and validation images of each new class")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--out", type=Path, default=ROOT / "docs/fine-tuning.svg")
    a = parser.parse_args()
    first, second = a.work / "first", a.work / f"second-{a.per_class}"
    for folder, classes, most in ((first, FIRST, 5000), (second, SECOND, a.per_class)):
        if not folder.exists():
            write(folder, a.cifar, classes, most, 1000)
    train(a, "first", first, "--augment", "standard", "--epochs", 20)
    checkpoint = max((a.work / "runs/first/checkpoints").glob("*.safetensors"), key=lambda path: path.stat().st_mtime)
    common = ["--augment", "standard", "--epochs", a.epochs, "--batch-size", 32, "--schedule", "cosine", "--validation", 100]
    curves = {
        "from the first network": curve(train(a, f"tuned-{a.per_class}", second, *common, "--weights", checkpoint,
                                              "--lr", 0.02, "--set", "normalization=dataset")),
        "from nothing": curve(train(a, f"new-{a.per_class}", second, *common, "--lr", 0.1)),
    }
    images = a.per_class * len(SECOND)
    a.out.write_text(draw(curves, f"{', '.join(SECOND)}: {images - 100} training images, 5,000 test images"))
    for name, (epochs, test) in curves.items():
        print(f"{name}: test {test:.4f}, validation by epoch {[round(x, 3) for x in epochs]}")


if __name__ == "__main__":
    main()

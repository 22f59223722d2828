#!/usr/bin/env python3
"""The paper's argument on real images: plain, residual and dense networks of equal parameters at several depths, trained by one
sweep, and how large the gradient is in each of their layers at the first step and at the end. Draws both as a picture.

    cargo build --release
    python connectivity.py --cifar DIR        # DIR/cifar-10-batches-bin; about an hour on two cores

Every figure is from the journals and checkpoints of the runs; the commands are printed. What was trained already is not trained again.
"""
import argparse, json, math, os, shlex, subprocess, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
KINDS = {"plain": "#d29922", "residual": "#58a6ff", "dense": "#3fb950"}
GREY = 'fill="#8b949e"'


def call(*words, **more):
    print("$", shlex.join(map(str, words)), file=sys.stderr)
    return subprocess.run([str(word) for word in words], check=True, text=True, stdout=subprocess.PIPE, **more).stdout


def sweep(a):
    """Carries the sweep out; its trials."""
    layers = ", ".join(str([n] * 3) for n in a.layers)
    file = a.work / "connectivity.toml"
    file.write_text(f"""name = "connectivity"

[recipe]
data = "cifar10"
data_dir = "{a.cifar.resolve()}"
growth_rate = 12
bottleneck = false
compression = 1.0
train_limit = {a.images}
validation = 1000
augment = "standard"
epochs = {a.epochs}
schedule = "cosine"
warmup = 1

[grid]
layers = [{layers}]
connectivity = {json.dumps(list(KINDS))}

[search]
seeds = {a.seeds}
""")
    said = call(a.binary, "sweep", file, "--continue", "--json", "--runs-dir", a.work / "runs")
    return json.loads(said.splitlines()[-1])["trials"]


def scales(a, trials):
    """The gradient's root mean square by layer, after one step and at the end, of the deepest networks' first runs."""
    deepest = max(a.layers)
    chosen = [trial for trial in trials if trial["values"]["layers"] == [deepest] * 3]
    suffix = "-s1" if a.seeds > 1 else ""
    runs = a.work / "runs/.sweeps/connectivity"
    last = {trial["values"]["connectivity"]: runs / (trial["trial"] + suffix) for trial in chosen}
    first = {}
    for kind, run in last.items():
        name = f"{kind}-{deepest}-first-step"
        first[kind] = a.work / "runs" / name
        call(a.binary, "--no-ui", "--continue", "--name", name, "--runs-dir", a.work / "runs", "--recipe",
             runs / ".recipes" / f"{run.name}.toml", "--steps", 1, "--no-test")
    found = []
    for which in (first, last):
        environment = dict(os.environ, DENSENET_TUI_RUNS=":".join(map(str, which.values())))
        said = call("cargo", "test", "--test", "scales", "--", "--ignored", "--nocapture", cwd=ROOT, env=environment)
        rows = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        layers = lambda row: [each["gradient"] for each in row["scales"] if "denselayer" in each["name"]]
        found.append({kind: layers(row) for kind, row in zip(which, rows)})
    return found


class Panel:
    """A chart: where its axes are and what its numbers become."""
    def __init__(self, left, title, x, y, log=False, width=300, top=76, height=250):
        self.left, self.width, self.top, self.height, self.log = left, width, top, height, log
        self.x, self.y = x, tuple(map(math.log10, y)) if log else y
        self.parts = [text(left, top - 14, title, 'font-size="14"')]

    def at(self, x, y):
        y = math.log10(y) if self.log else y
        share = lambda value, span: (value - span[0]) / (span[1] - span[0])
        return self.left + self.width * share(x, self.x), self.top + self.height * (1 - share(y, self.y))

    def grid(self, xs, ys, label, below):
        for y in ys:
            _, at = self.at(self.x[0], y)
            self.parts.append(f'<line x1="{self.left}" x2="{self.left + self.width}" y1="{at:.1f}" y2="{at:.1f}" stroke="#30363d"/>')
            self.parts.append(text(self.left - 6, at + 4, label(y), f'text-anchor="end" {GREY}'))
        for x in xs:
            at, _ = self.at(x, 10 ** self.y[0] if self.log else self.y[0])
            self.parts.append(text(at, self.top + self.height + 18, x, f'text-anchor="middle" {GREY}'))
        self.parts.append(text(self.left + self.width / 2, self.top + self.height + 36, below, f'text-anchor="middle" {GREY}'))

    def line(self, points, colour):
        at = [self.at(*point) for point in points]
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
        self.parts.append(f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="2"/>')
        return at


def text(x, y, words, extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" {extra}>{words}</text>'


def draw(a, trials, gradients):
    """An SVG: accuracy by depth, and the gradient by layer at the first step and at the end."""
    depth = lambda trial: 3 * trial["values"]["layers"][0] + 4
    depths = sorted({depth(trial) for trial in trials})
    accuracies = [trial["test"]["mean"] for trial in trials]
    low, high = math.floor(20 * min(accuracies)) / 20, math.ceil(20 * max(accuracies)) / 20
    panel = Panel(56, "Test accuracy by depth, at equal parameters", (depths[0] - 3, depths[-1] + 3), (low, high))
    panel.grid(depths, [low + .05 * i for i in range(round((high - low) / .05) + 1)], lambda y: f"{y:.0%}", "layers")
    panels = [panel]
    for kind, colour in KINDS.items():
        rows = sorted((depth(trial), trial["test"]) for trial in trials if trial["values"]["connectivity"] == kind)
        for (x, y), (_, test) in zip(panel.line([(at, test["mean"]) for at, test in rows], colour), rows):
            panel.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')
            if a.seeds > 1:
                d = panel.height * test["deviation"] / (high - low)
                panel.parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y - d:.1f}" y2="{y + d:.1f}" stroke="{colour}" stroke-width="2"/>')
    values = [value for found in gradients for row in found.values() for value in row if value > 0]
    low, high = (10 ** edge(math.log10(pick(values))) for edge, pick in ((math.floor, min), (math.ceil, max)))
    decades = [10 ** power for power in range(round(math.log10(low)), round(math.log10(high)) + 1)]
    for left, when, found in ((424, "after the first step", gradients[0]), (792, "at the end", gradients[1])):
        count = max(map(len, found.values()))
        panel = Panel(left, f"Gradient by layer {when}", (1, count), (low, high), log=True)
        panel.grid([1, *range(6, count + 1, 6)], decades, lambda y: f"1e{round(math.log10(y))}", f"layer, of {depths[-1]} in all")
        for kind, row in found.items():
            panel.line(list(enumerate(row, 1)), KINDS[kind])
        panels.append(panel)
    s = "s" if a.seeds > 1 else ""
    about = f"CIFAR-10, {a.images:,} training images, {a.epochs} epochs, {a.seeds} seed{s}; parameters of k = 12 without bottleneck"
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1120 380" font-family="sans-serif" font-size="12" fill="#c9d1d9">',
             '<rect width="1120" height="380" fill="#0d1117"/>', text(56, 26, about, 'font-size="15"')]
    for place, (kind, colour) in enumerate(KINDS.items()):
        parts.append(text(860 + 85 * place, 26, kind, f'fill="{colour}" font-size="14"'))
    return "\n".join([*parts, *(part for panel in panels for part in panel.parts), "</svg>"]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cifar", type=Path, required=True)
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/densenet-tui")
    parser.add_argument("--work", type=Path, default=ROOT / "target/connectivity")
    parser.add_argument("--layers", type=int, nargs="+", default=[2, 6, 12], help="layers of a block")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT / "docs/connectivity.svg")
    a = parser.parse_args()
    a.work.mkdir(parents=True, exist_ok=True)
    trials = sweep(a)
    gradients = scales(a, trials)
    a.out.write_text(draw(a, trials, gradients))
    for trial in sorted(trials, key=lambda trial: (trial["values"]["layers"][0], trial["values"]["connectivity"])):
        values, test = trial["values"], trial["test"]
        print(f'{values["layers"]} {values["connectivity"]}: {trial["parameters"]} parameters, '
              f'test {test["mean"]:.4f} ± {test["deviation"]:.4f}, {trial["seconds"]:.0f} s')
    for when, found in zip(("first step", "end"), gradients):
        print(when, {kind: f"{row[0]:.1e} to {row[-1]:.1e}" for kind, row in found.items()})


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Exports networks and lets other programs judge them: ONNX's own checker, onnxruntime, PyTorch and torchvision.

    cargo build --release
    pip install torch torchvision numpy onnx onnxruntime safetensors pillow     # and timm, if its check is wanted
    python export.py                              # some minutes on two cores; --binary, --work DIR, --keep
    python export.py --densenet121                # one network of the published size too

Trains a tiny network of each kind on a folder of pictures that it draws (whose classes have names that are hard to quote), exports
it in every form, and prints a table of what was compared. Logits are compared by the largest difference, of the largest logit: at
most 1e-5 between engines. The five lines of Python on each card are run as they stand there. Exits with 1 where anything is over.
"""
import argparse, ast, json, re, subprocess, sys, tempfile
from pathlib import Path

import numpy, onnx, onnxruntime, torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file
import torchvision

try:
    import timm
except ImportError:
    timm = None

from densenet_torch import DenseNet

ROOT = Path(__file__).resolve().parent.parent.parent
TOLERANCE = 1e-5
CLASSES = ["bär", "don't \"quote\"", "it, or | that"]
OPERATORS = set("Conv BatchNormalization Relu Concat AveragePool GlobalAveragePool MaxPool Flatten Gemm Softmax Sub Div".split())
# Name, options of the program, what torchvision has a class for.
NETWORKS = [
    ("cifar-bc", ["--layers", "2,3", "--growth-rate", "6"], True),
    ("cifar-basic", ["--layers", "2,2", "--growth-rate", "5", "--no-bottleneck", "--compression", "1"], False),
    ("cifar-theta", ["--layers", "2,2", "--growth-rate", "5", "--compression", "0.7"], False),
    ("imagenet-bc", ["--layers", "2,3", "--growth-rate", "6", "--set", "stem_kind=imagenet", "--set", "normalization=imagenet"], True),
    ("imagenet-basic", ["--layers", "2,2", "--growth-rate", "5", "--no-bottleneck", "--compression", "1", "--set", "stem_kind=imagenet",
                        "--set", "normalization=unit"], False),
]
PUBLISHED = ("densenet121", ["--preset", "densenet121", "--steps", "3"], True)


class Failed(Exception):
    pass


def need(fine, what):
    if not fine:
        raise Failed(what)


def pictures(folder, side):
    """Writes pictures of three kinds: mostly red, green or blue, with noise."""
    draws = numpy.random.default_rng(5)
    for label, name in enumerate(CLASSES):
        for split, count in [("train", 16), ("test", 6)]:
            to = folder / split / name.replace("/", "-")
            to.mkdir(parents=True, exist_ok=True)
            for n in range(count):
                pixels = draws.integers(0, 200, (side, side, 3), numpy.uint8)
                pixels[..., label] += 55
                Image.fromarray(pixels).save(to / f"{n:03}.png")


def run(a, *words, cwd=None):
    command = [str(a.binary), *map(str, words)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    need(done.returncode == 0, f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def difference(ours, theirs):
    return float(numpy.abs(ours - theirs).max() / numpy.abs(theirs).max())


def close(ours, theirs, what):
    error = difference(ours, theirs)
    need(error <= TOLERANCE, f"{what}: {error:.2e} apart")
    return error


def onnx_file(path):
    """Checks a file by ONNX's own rules; its metadata and a session."""
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    need((model.ir_version, model.opset_import[0].version) == (8, 17), "IR and opset")
    need({node.op_type for node in model.graph.node} <= OPERATORS, "an operator of another kind")
    need(model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch", "the batch has no name")
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 2
    return metadata, onnxruntime.InferenceSession(path, options)


def card_lines(card):
    lines = re.search(r"```python\n(.*?)\n```", card.read_text(), re.S).group(1)
    need(len(lines.splitlines()) == 5, f"{card}: {len(lines.splitlines())} lines of Python")
    return lines


def run_card(card):
    """Runs the lines of a card beside its file, as they stand there."""
    done = subprocess.run([sys.executable, "-c", card_lines(card)], cwd=card.parent, capture_output=True, text=True)
    need(done.returncode == 0, f"{card}: {done.stderr}")
    return done.stdout


def check(a, name, options, has_torchvision, side):
    """The rows of the table for one network."""
    rows, work = [], a.work / name
    work.mkdir()
    runs = a.work / "runs"
    common = ["--data", f"folder:{a.work / 'pictures'}", "--input-size", side, "--validation", 9, "--epochs", 3, "--batch-size", 13,
              "--augment", "none", "--runs-dir", runs, "--name", name, "--threads", 2]
    run(a, "--no-ui", *options, *common)
    export = lambda form, to, *more: json.loads(run(a, "export", name, "--format", form, "-o", work / to, "--runs-dir", runs, "--json", *more))
    said = export("onnx", "net.onnx")
    export("onnx", "raw.onnx", "--raw", "--no-test")
    export("onnx", "softmax.onnx", "--softmax", "--no-test")
    export("safetensors", "net.safetensors", "--no-test")
    again = work / "again"
    again.mkdir()
    export("safetensors", "again/net.safetensors", "--no-test")
    need((again / "net.safetensors").read_bytes() == (work / "net.safetensors").read_bytes(), "the same model is other bytes")

    metadata, session = onnx_file(work / "net.onnx")
    for other in ["raw.onnx", "softmax.onnx"]:
        onnx_file(work / other)
    rows.append(("onnx.checker and shape inference, full", "net, raw, softmax"))
    names = json.loads(metadata["class_names"])
    config = json.loads((work / "config.json").read_text())
    need(names == CLASSES, f"class names: {names}")
    need(list(ast.literal_eval(metadata["names"]).items()) == list(enumerate(CLASSES)), "names")
    need(config["pretrained_cfg"]["label_names"] == CLASSES, "label_names")
    rows.append(("class names: JSON, Python's words, config.json", "equal"))

    with safe_open(work / "net.safetensors", "pt") as file:
        shape = json.loads(file.metadata()["architecture"])
        need(json.loads(file.metadata()["class_names"]) == CLASSES, "class names of safetensors")
    state = load_file(work / "net.safetensors")
    net = DenseNet(shape["layers"], shape["growth_rate"], shape["bottleneck"], shape["compression"], shape["stem"], shape["stem_kind"],
                   shape["classes"]).eval()
    net.load_state_dict(state, strict=True)
    rows.append(("load_state_dict(strict=True), DenseNet of PyTorch", f"{len(state)} tensors"))
    moved = [float((state[key] - start).abs().max()) for key in state for end, start in [("running_mean", 0), ("running_var", 1)] if key.endswith(end)]
    need(min(moved) > 0, "a running statistic is where it began")

    images = numpy.random.default_rng(3).standard_normal((7, 3, side, side), numpy.float32)
    with torch.no_grad():
        truth = net(torch.from_numpy(images)).numpy()
    answers = {n: session.run(["logits"], {"input": images[:n]})[0] for n in (1, 7)}
    errors = [close(answers[n], truth[:n], f"onnxruntime and PyTorch, batch {n}") for n in (1, 7)]
    rows.append(("onnxruntime and PyTorch, logits, batch 1 and 7", " ".join(f"{error:.1e}" for error in errors)))
    softmax = onnxruntime.InferenceSession(work / "softmax.onnx").run(["probabilities"], {"input": images})[0]
    close(softmax, torch.from_numpy(truth).softmax(1).numpy(), "softmax")

    pixels = numpy.stack([numpy.asarray(Image.open(path).convert("RGB")).transpose(2, 0, 1)
                          for path in sorted((a.work / "pictures/test").glob("*/*.png"))]).astype(numpy.float32)
    mean, std = (numpy.array(json.loads(metadata[key]), numpy.float64).reshape(3, 1, 1) for key in ("mean", "std"))
    normalised = ((pixels / 255.0 - mean) / std).astype(numpy.float32)
    raw_session = onnxruntime.InferenceSession(work / "raw.onnx")
    logits = session.run(None, {"input": normalised})[0]
    raw = raw_session.run(None, {"input": pixels})[0]
    rows.append(("raw pixels and normalised ones", f"{close(raw, logits, 'raw'):.1e}"))
    labels = numpy.array([CLASSES.index(path.parent.name) for path in sorted((a.work / "pictures/test").glob("*/*.png"))])
    accuracy = float((logits.argmax(1) == labels).mean())
    need(abs(accuracy - said["test"]["accuracy"]) < 1e-9, f"accuracy: {accuracy}, and {said['test']['accuracy']} by the program")
    shifted = logits - logits.max(1, keepdims=True)
    loss = float((numpy.log(numpy.exp(shifted).sum(1)) - shifted[range(len(labels)), labels]).mean())
    need(abs(loss - said["test"]["loss"]) < 1e-5 * loss, f"loss: {loss}, and {said['test']['loss']} by the program")
    rows.append(("the program's own loss and accuracy on the pictures", f"{loss:.5f} {accuracy:.4f}"))

    if a.predict:
        paths = sorted((a.work / "pictures/test").glob("*/*.png"))
        lines = run(a, "predict", name, *paths, "--top", len(CLASSES), "--logits", "--json", "--runs-dir", runs).splitlines()
        own = numpy.zeros_like(logits)
        for row, line in zip(own, lines, strict=True):
            for said in json.loads(line)["predictions"]:
                row[said["index"]] = said["logit"]
        rows.append(("the program's own logits (`predict --logits`)", f"{close(logits, own, 'predict'):.1e}"))
    else:
        rows.append(("the program's own logits (`predict --logits`)", "not compared: it has no `predict`"))

    if has_torchvision:
        theirs = torchvision.models.DenseNet(shape["growth_rate"], tuple(shape["layers"]), shape["stem"], num_classes=shape["classes"])
        if shape["stem_kind"] == "cifar":
            theirs.features.conv0 = torch.nn.Conv2d(3, shape["stem"], 3, padding=1, bias=False)
            del theirs.features.norm0, theirs.features.relu0, theirs.features.pool0
        theirs.load_state_dict(state, strict=True)
        with torch.no_grad():
            error = close(theirs.eval()(torch.from_numpy(images)).numpy(), truth, "torchvision")
        rows.append(("load_state_dict(strict=True), torchvision's DenseNet", f"{error:.1e}"))
    is_timms = has_torchvision and shape["stem_kind"] == "imagenet"
    if timm and is_timms:
        (again / "net.safetensors").rename(again / "model.safetensors")
        theirs = timm.create_model(f"local-dir:{again}", pretrained=True).eval()
        need(theirs.pretrained_cfg["label_names"] == CLASSES, "timm's names of the classes")
        with torch.no_grad():
            error = close(theirs(torch.from_numpy(images)).numpy(), truth, "timm")
        rows.append(("timm.create_model of config.json and the weights", f"{error:.1e}"))
    elif is_timms:
        rows.append(("timm.create_model of config.json and the weights", "not compared: timm is not installed"))
    outputs = [run_card(work / card) for card in ("net.onnx.md", "raw.onnx.md", "softmax.onnx.md", "net.safetensors.md")]
    need(outputs[0].strip() in CLASSES, f"the card's lines say {outputs[0]!r}")
    rows.append(("the five lines of each card", "run"))
    return rows


def main():
    a = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    a.add_argument("--binary", type=Path, default=ROOT / "target/release/densenet-tui")
    a.add_argument("--work", type=Path, help="an empty directory to keep everything in")
    a.add_argument("--densenet121", action="store_true", help="a network of the published size too")
    a = a.parse_args()
    a.binary = a.binary.resolve()
    kept = tempfile.TemporaryDirectory() if a.work is None else None
    a.work = Path(kept.name) if kept else a.work.resolve()
    a.work.mkdir(exist_ok=True)
    a.predict = "predict" in subprocess.run([a.binary, "--help"], capture_output=True, text=True).stdout
    side = 40
    pictures(a.work / "pictures", side)
    failures = 0
    for name, options, has_torchvision in NETWORKS + ([PUBLISHED] if a.densenet121 else []):
        try:
            rows = check(a, name, options, has_torchvision, side)
        except Failed as failure:
            failures += 1
            rows = [("FAILED", str(failure))]
        for what, result in rows:
            print(f"{name:<15} {what:<52} {result}", flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()

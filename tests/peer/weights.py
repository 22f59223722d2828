#!/usr/bin/env python3
"""Files of weights as PyTorch and torchvision write them, for the tests of `--weights`.

    pip install torch torchvision numpy safetensors

    python weights.py small ../golden/weights     # the small networks that are committed, with what they answer
    python weights.py full DIR                    # torchvision's densenet121 at 224 pixels, for a check by hand
    python weights.py pictures BINARY             # from files of photographs to logits; needs scikit-image, which has some

The networks are torchvision's own class. One with the CIFAR stem has a 3x3 `features.conv0` and neither `norm0` nor
`pool0`. Every normalisation has weights, biases and running statistics of its own: they are drawn, and then some passes in
training mode move the statistics. Each network is written in four forms, from which the same must be read:

    NAME.pth              the zip of today
    NAME-legacy.pth       the stream from before 2020
    NAME-old-names.pth    the same with the names of before 2018, `denselayer1.norm.1.weight`, and no `num_batches_tracked`
    NAME.safetensors

NAME-answers.safetensors has `images` [n, 3, s, s] and the `logits` that PyTorch computes from them in f64. `small` also
writes

    nested.pth            `{"epoch": 3, "state_dict": {"module.…": …}}` whose tensors are transposed, sliced and share storage
    half.pth, bfloat16.pth, double.safetensors    the same network in other types, each with the logits of what it holds
    model.pth             a whole module, which is a program and must be refused
    compressed.pth        the zip packed, which PyTorch never does
"""
import os, re, sys, zipfile
import torch, torch.nn as nn
from safetensors.torch import save_file
from torchvision.models import DenseNet


PHOTOGRAPHS = "astronaut.png coffee.png chelsea.png motorcycle_left.png rocket.jpg retina.jpg hubble_deep_field.jpg ihc.png".split()


def network(growth, layers, stem, classes, cifar, side, seed=1):
    torch.manual_seed(seed)
    net = DenseNet(growth, layers, stem, num_classes=classes)
    if cifar:
        net.features.conv0 = nn.Conv2d(3, stem, 3, padding=1, bias=False)
        del net.features.norm0, net.features.relu0, net.features.pool0
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.3)
    net.train()
    with torch.no_grad():
        for _ in range(5):
            net(torch.randn(4, 3, side, side) * 1.5 + 0.3)
    return net.eval()


def old_names(state):
    """As torchvision's files had them before 2018; its own pattern, the other way round."""
    new = re.compile(r"^(.*denselayer\d+\.(?:norm|conv))([12])\.(weight|bias|running_mean|running_var)$")
    return {
        new.sub(r"\1.\2.\3", name): tensor
        for name, tensor in state.items() if not name.endswith("num_batches_tracked")
    }


def answers(path, net, side, n=3):
    torch.manual_seed(2)
    images = torch.randn(n, 3, side, side)
    net = net.double()
    with torch.no_grad():
        logits = net(images.double())
    net.float()
    save_file({"images": images, "logits": logits.float()}, path)


def four_forms(folder, name, net, side):
    at = lambda end: os.path.join(folder, name + end)
    state = net.state_dict()
    torch.save(state, at(".pth"))
    torch.save(state, at("-legacy.pth"), _use_new_zipfile_serialization=False)
    torch.save(old_names(state), at("-old-names.pth"), _use_new_zipfile_serialization=False)
    save_file(state, at(".safetensors"))
    answers(at("-answers.safetensors"), net, side)


def strided(state):
    """The same numbers, lying differently: transposed, every second of twice as many, several in one storage."""
    moved, one = {}, torch.cat([torch.zeros(7)] + [t.flatten() for t in state.values() if t.dim() == 1])
    at = 7
    for name, tensor in state.items():
        if tensor.dim() == 1:
            moved[name] = one[at:at + len(tensor)]
            at += len(tensor)
        elif tensor.dim() == 2:
            moved[name] = tensor.t().contiguous().t()
        elif tensor.dim() == 4 and tensor.shape[2] == 3:
            moved[name] = tensor.contiguous(memory_format=torch.channels_last)
        elif tensor.dim() == 4:
            moved[name] = torch.stack([tensor, -tensor], -1)[..., 0]
        else:
            moved[name] = tensor
        assert torch.equal(moved[name], tensor)
    return moved


def small(folder):
    cifar = dict(growth=5, layers=(2, 3), stem=10, classes=7, cifar=True, side=12)
    net = network(**cifar)
    four_forms(folder, "small", net, 12)
    imagenet = network(growth=4, layers=(1, 2), stem=8, classes=3, cifar=False, side=32, seed=5)
    four_forms(folder, "imagenet", imagenet, 32)
    at = lambda name: os.path.join(folder, name)
    state = {"module." + name: tensor for name, tensor in strided(net.state_dict()).items()}
    state["module.classifier.bias"] = nn.Parameter(state["module.classifier.bias"])
    torch.save({"epoch": 3, "best": 0.5, "args": ["a", None, True], "state_dict": state}, at("nested.pth"))
    for name, kind in [("half", torch.half), ("bfloat16", torch.bfloat16), ("double", torch.double)]:
        state = {name: t.to(kind) if t.is_floating_point() else t for name, t in net.state_dict().items()}
        if kind == torch.double:
            save_file(state, at(name + ".safetensors"))
            continue
        torch.save(state, at(name + ".pth"))
        rounded = network(**cifar)
        rounded.load_state_dict(state)
        answers(at(name + "-answers.safetensors"), rounded, 12)
    torch.save(nn.Linear(1, 1), at("model.pth"))
    with zipfile.ZipFile(at("imagenet.pth")) as plain:
        with zipfile.ZipFile(at("compressed.pth"), "w", zipfile.ZIP_DEFLATED) as packed:
            for entry in plain.namelist():
                packed.writestr(entry, plain.read(entry))


def pictures(binary):
    """Lets the program and torchvision say what the same files are: decoding, resizing, normalising, network."""
    import json, subprocess, tempfile
    from pathlib import Path
    import numpy, skimage
    from PIL import Image
    from torchvision import transforms

    draws = numpy.random.default_rng(3)
    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        files = []
        for kind in "abc":
            (place / "data" / kind).mkdir(parents=True)
            for i, name in enumerate(PHOTOGRAPHS):
                whole = Image.open(Path(skimage.__file__).parent / "data" / name).convert("RGB")
                size = [int(side * draws.uniform(0.6, 1)) for side in whole.size]
                left, top = [int(draws.integers(0, of - side + 1)) for of, side in zip(whole.size, size)]
                files.append(place / "data" / kind / f"{i}.{'png' if i % 4 == 3 else 'jpg'}")
                options = {} if i % 4 == 3 else {"quality": int(draws.integers(75, 96))}
                whole.crop((left, top, left + size[0], top + size[1])).save(files[-1], **options)
        net = network(32, (6, 12, 24, 16), 64, 3, False, 64)
        torch.save(net.state_dict(), place / "net.pth")
        train = ["--no-ui", "--data", f"folder:{place / 'data'}", "--preset", "densenet121", "--weights", place / "net.pth"]
        train += ["--steps", "1", "--batch-size", "4", "--validation", "0", "--no-test", "--name", "a", "--runs-dir", place / "runs"]
        subprocess.run([binary, *train], check=True, stdout=subprocess.DEVNULL)
        # The checkpoint from before the first step has the weights of the file.
        model = place / "runs/a/checkpoints/step-00000000.safetensors"
        said = subprocess.run([binary, "predict", model, *files, "--json", "--logits", "--top", "3"], check=True, capture_output=True)
        ours = []
        for line in said.stdout.decode().splitlines():
            by_class = {of["index"]: of["logit"] for of in json.loads(line)["predictions"]}
            ours.append([by_class[i] for i in range(3)])
        prepare = transforms.Compose([
            transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ])
        images = torch.stack([prepare(Image.open(file).convert("RGB")) for file in files])
        with torch.no_grad():
            theirs = net(images).numpy()
    ours = numpy.array(ours)
    for what, ending in [("PNG", ".png"), ("JPEG", ".jpg")]:
        rows = [i for i, file in enumerate(files) if file.suffix == ending]
        apart = numpy.abs(ours[rows] - theirs[rows]).max() / numpy.abs(theirs).max()
        print(f"{len(rows)} {what} files: logits apart by {apart:.1e} of the largest")
        if apart > 1e-3:
            sys.exit(1)


def full(folder):
    four_forms(folder, "densenet121", network(32, (6, 12, 24, 16), 64, 1000, False, 224), 224)


if __name__ == "__main__":
    forms = {"small": small, "full": full, "pictures": pictures}
    if len(sys.argv) != 3 or sys.argv[1] not in forms:
        sys.exit(__doc__)
    if forms[sys.argv[1]] is not pictures:
        os.makedirs(sys.argv[2], exist_ok=True)
    forms[sys.argv[1]](sys.argv[2])

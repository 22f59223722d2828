#!/usr/bin/env python3
"""Compares densenet-tui with PyTorch on one machine, taking turns in the same minutes; prints a Markdown table. Standard library only.

    cargo build --release
    python compare.py --python VENV/bin/python              # six cases, 5 rounds of 8 steps: some tens of minutes
    python compare.py --case bc-100-12 --case 40-12:eval    # these alone; `:eval` times evaluation
    python compare.py --photographs --bf16                  # densenet121 at 224 pixels: training, evaluation, the classifier alone
    python compare.py --case densenet121:head@32            # `:head` trains the classifier alone, `@32` is the batch size
    python compare.py --connected                           # plain and residual networks: training, evaluation
    python compare.py --growth                              # densenet-tui alone: how time and memory grow

A case is timed in rounds: densenet-tui, PyTorch eager, PyTorch channels-last, each a process of its own, the first to
go another in every round. Medians over the rounds; PyTorch is taken in the faster of its modes. `--bf16` adds a column:
PyTorch channels-last under autocast to bf16, which is other arithmetic and so never taken for the ratio. `--growth` goes over
depths at one batch size and over batch sizes at one depth, in rounds too: time per GMAC should stay level, and memory
should follow the depth and not its square.
"""
import argparse, datetime, json, os, platform, shlex, subprocess, sys
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
BATCH = 64
CASES = [f"{preset}{what}" for preset in ("bc-100-12", "40-12", "bc-22-12") for what in ("", ":eval")]
CONNECTED = [f"{network}{what}" for network in ("plain", "residual") for what in ("", ":eval")]
PHOTOGRAPHS = [f"densenet121{what}" for what in ("@16", "@8", ":eval@32", ":eval@1", ":eval@16", ":head@16")]
# densenet-tui's options for networks that are presets of `densenet_torch.py` alone.
OPTIONS = {network: ["--layers", "16,16,16", "--growth-rate", 12, "--no-bottleneck", "--compression", 0.5,
                     "--connectivity", network] for network in ("plain", "residual")}
OURS, EAGER, CHANNELS_LAST, BF16 = "densenet-tui", "eager", "channels-last", "bf16"
WHAT = {"": "training", "eval": "evaluation", "head": "training of the classifier alone"}


def last_object(command):
    """Runs `command`; the JSON object on the last line of its stdout."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{shlex.join(map(str, command))}: exit code {done.returncode}\n{done.stderr.strip()}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def ours(a, *network, what="", batch=BATCH):
    """One bench of densenet-tui. `--data cifar10` is for the paper's recipe; no image is read."""
    flags = {"": [], "eval": ["--evaluation"], "head": ["--freeze", "features"]}[what]
    return last_object([a.binary, "bench", "--data", "cifar10", *network, *flags, "--batch-size", batch, "--steps", a.steps,
                        "--device", "cpu", "--threads", a.threads, "--json"])


def torchs(a, preset, what, batch, mode):
    flags = {"": [], "eval": ["--eval"], "head": ["--freeze", "features"]}[what]
    flags += ["--mode", CHANNELS_LAST, "--precision", BF16] if mode == BF16 else ["--mode", mode]
    return last_object([a.python, HERE / "densenet_torch.py", "bench", "--preset", preset, "--batch", batch,
                        "--steps", a.steps, "--threads", a.threads, *flags])


def in_rounds(a, contenders, about=""):
    """The answers of every contender (name -> function), who take turns; the first to go changes with the round."""
    answers, names = {name: [] for name in contenders}, list(contenders)
    for turn in range(a.rounds):
        for name in names[turn % len(names):] + names[:turn % len(names)]:
            answers[name].append(contenders[name]())
            rate = answers[name][-1]["images_per_second"]
            print(f"round {turn + 1}/{a.rounds}  {f'{about} {name}'.strip():32} {rate:10.2f} images/s", file=sys.stderr, flush=True)
    return answers


def middle(answers, key):
    """The median of a figure; None where the system does not tell it."""
    figures = [answer[key] for answer in answers if answer[key] is not None]
    return median(figures) if figures else None


def number(figure, digits=0):
    return "unknown" if figure is None else f"{figure:,.{digits}f}"


def row(cells):
    return "| " + " | ".join(cells) + " |"


def head(titles, words=1):
    """The first two lines of a table; `words` columns hold words, the others numbers."""
    return [row(titles), "|" + "---|" * words + "---:|" * (len(titles) - words)]


def comparison(a):
    """The lines of the table, and PyTorch's version."""
    titles = ["network", "what", "batch", "densenet-tui, images/s", "PyTorch, images/s (mode)", "ratio",
              "densenet-tui, peak MiB", "PyTorch, peak MiB", "share of the machine's peak"]
    lines = head(titles + (["PyTorch in bf16, images/s"] if a.bf16 else []), words=2)
    for preset, what, batch in a.case or map(case, PHOTOGRAPHS if a.photographs else CONNECTED if a.connected else CASES):
        contenders = {OURS: lambda: ours(a, *OPTIONS.get(preset, ["--preset", preset]), what=what, batch=batch)}
        for mode in (EAGER, CHANNELS_LAST, *([BF16] if a.bf16 else [])):
            contenders[mode] = lambda mode=mode: torchs(a, preset, what, batch, mode)
        answers = in_rounds(a, contenders, f"{preset} {WHAT[what]} @{batch}")
        mine, rate = answers[OURS], middle(answers[OURS], "images_per_second")
        theirs, mode = max((middle(answers[mode], "images_per_second"), mode) for mode in (EAGER, CHANNELS_LAST))
        torch = answers[mode][0]["peer"]
        cells = [preset, WHAT[what], str(batch), number(rate, 1), f"{number(theirs, 1)} ({mode})", number(rate / theirs, 2),
                 number(middle(mine, "peak_mib")), number(middle(answers[mode], "peak_mib")),
                 f"{100 * middle(mine, 'share_of_peak'):.1f} %"]
        lines.append(row(cells + ([number(middle(answers[BF16], "images_per_second"), 1)] if a.bf16 else [])))
    return lines, torch


def growth(a):
    """The lines of two tables: over depths, and over batch sizes."""
    def network(depth):
        return ["--depth", depth, "--growth-rate", 12, "--bottleneck", "--compression", 0.5]

    def table(title, values, run):
        names = {value: f"{title} {value}" for value in values}
        answers = in_rounds(a, {name: lambda value=value: run(value) for value, name in names.items()})
        yield from head([title, "MMAC an image", "ms a step", "ms an image", "ms a GMAC", "peak MiB", f"MiB / {title}"])
        for value, name in names.items():
            got = answers[name]
            step, peak, macs, batch = (middle(got, key) for key in ("step_ms_median", "peak_mib", "macs", "batch"))
            share = None if peak is None else peak / value
            yield row([str(value), number(macs / 1e6, 1), number(step, 1), number(step / batch, 3),
                       number(step / batch / (macs / 1e9), 2), number(peak), number(share, 2)])

    yield f"DenseNet-BC, k = 12, compression 0.5, training, batches of {BATCH}:\n"
    yield from table("depth", a.depths, lambda depth: ours(a, *network(depth)))
    yield "\nDenseNet-BC-100-12, training:\n"
    yield from table("batch", a.batches, lambda batch: ours(a, "--preset", "bc-100-12", batch=batch))
    yield "\nMACs are those of the forward pass; a training step does about three times as many."


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def counted(n, thing):
    return f"{n} {thing}{'' if n == 1 else 's'}"


def heading(a, torch):
    """What was timed, where, when and how. Where the programs lie is left out: it says nothing to others."""
    words = iter(sys.argv[1:])
    typed = [word for word in words if not word.startswith(("--binary=", "--python="))
             and not (word in ("--binary", "--python") and [next(words, "")])]
    about = [processor(), counted(a.threads, "thread"), *([torch] if torch else []), f"{datetime.date.today():%Y-%m-%d}",
             f"medians of {counted(a.rounds, 'round')} of {counted(a.steps, 'step')}",
             f"`{shlex.join(['python', 'tests/peer/compare.py', *typed])}`"]
    return "; ".join(about) + "\n"


def case(text):
    """The network, what is timed and the batch size of PRESET[:eval|:head][@BATCH]."""
    network, at, batch = text.partition("@")
    preset, colon, what = network.partition(":")
    if not preset or what not in WHAT or bool(colon) != bool(what):
        raise argparse.ArgumentTypeError(f"`{text}` is not PRESET, PRESET:eval or PRESET:head, with @BATCH or without")
    return preset, what, above_zero(batch) if at else BATCH


def above_zero(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"`{text}` must be a number of 1 or more")
    return int(text)


def several(text):
    return [above_zero(word) for word in text.split(",")]


def main():
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    p = argparse.ArgumentParser(description=__doc__, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--binary", type=Path, default=HERE.parents[1] / "target/release/densenet-tui",
                   help="densenet-tui [default: target/release/densenet-tui of this repository]")
    p.add_argument("--python", default=sys.executable, help="a Python that has torch [default: this one]")
    p.add_argument("--threads", type=above_zero, default=cores, help="of both [default: all usable cores]")
    p.add_argument("--steps", type=above_zero, default=8, help="timed steps of a process [default: %(default)s]")
    p.add_argument("--rounds", type=above_zero, default=5, help="[default: %(default)s]")
    p.add_argument("--case", type=case, action="append", metavar="PRESET[:eval|:head][@BATCH]",
                   help=f"batches of {BATCH} where none are given [default: {' '.join(CASES)}]")
    p.add_argument("--photographs", action="store_true", help=f"these cases: {' '.join(PHOTOGRAPHS)}")
    p.add_argument("--connected", action="store_true", help=f"these cases: {' '.join(CONNECTED)}")
    p.add_argument("--bf16", action="store_true", help="PyTorch under autocast to bf16 too")
    p.add_argument("--growth", action="store_true", help="tables of time and memory of densenet-tui alone")
    p.add_argument("--depths", type=several, default=[40, 70, 100, 160, 250], help="of --growth [default: 40,70,100,160,250]")
    p.add_argument("--batches", type=several, default=[16, 32, 64, 128, 256], help="of --growth [default: 16,32,64,128,256]")
    a = p.parse_args()
    if not a.binary.is_file():
        p.error(f"{a.binary} is not there; build it (cargo build --release) or give --binary")
    lines, torch = (list(growth(a)), None) if a.growth else comparison(a)
    print("\n".join([heading(a, torch), *lines]))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""What run.sh leaves to Python: times taken in turns, their table, checkpoints compared, and a run told. Standard library only.

    report.py bench --binary B --peer densenet_torch.py --out results.jsonl --seconds 240   # a JSON line for each round
    report.py table results.jsonl                                                           # the same as Markdown
    report.py kernels --binary B                # each kernel of a training step by itself, as Markdown
    report.py same RUN RUN                     # do the newest checkpoints of two runs hold the same bytes?
    report.py training LINES.jsonl             # what `--json` or a journal tells of a training, as Markdown

In `bench` densenet-tui and PyTorch take turns, the first to go another in every round. A process of PyTorch lives as
long as its precision is timed (`--serve`), so that cuDNN's trials and compilation happen once. Nothing is waited for
beyond `--seconds`; what has been timed by then is on disk.
"""
import argparse, hashlib, json, os, select, subprocess, sys, time
from pathlib import Path
from statistics import median

MODES = ("eager", "channels-last", "compile")
BATCH = 64


class Lost(Exception):
    """Why a contender could not be timed, in words."""


class Ours:
    """densenet-tui: a process for each round."""
    name = "densenet-tui"

    def __init__(self, a, preset, precision):
        self.words = [a.binary, "bench", "--data", "cifar10", "--preset", preset, "--precision", precision, "--batch-size", BATCH,
                      "--steps", a.steps, "--device", a.device, "--json"]
        self.device = a.device

    def round(self, what, seconds):
        words = [str(word) for word in self.words + (["--evaluation"] if what == "evaluation" else [])]
        try:
            done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Lost(f"no answer in {seconds:.0f} s")
        if done.returncode != 0:
            raise Lost(f"exit code {done.returncode}: {last_line(done.stderr)}")
        answer = json.loads(done.stdout.strip().splitlines()[-1])
        if self.device.startswith("cuda") and (answer["reference"] or "cuda" not in answer["device"]):
            raise Lost(f"it was not computed by the GPU kernels, but by {answer['device']}, candle's layers: {answer['reference']}")
        return answer

    def close(self):
        pass


class Peer:
    """PyTorch in one mode: a process that is asked for each round."""

    def __init__(self, a, preset, precision, mode):
        self.name = mode
        words = [sys.executable, a.peer, "bench", "--serve", "--preset", preset, "--precision", precision, "--mode", mode,
                 "--batch", BATCH, "--steps", a.peer_steps, "--warmup", 10 if a.device.startswith("cuda") else 1,
                 "--device", a.device, "--threads", os.cpu_count() or 1]
        self.said = open(a.out.with_suffix(f".{preset}.{precision}.{mode}.log"), "w+b")
        self.process = subprocess.Popen([str(word) for word in words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.said)

    def round(self, what, seconds):
        until, line = time.monotonic() + seconds, b""
        try:
            self.process.stdin.write(what.encode() + b"\n"); self.process.stdin.flush()
        except BrokenPipeError:
            pass
        while not line.endswith(b"\n"):
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise Lost(f"no answer in {seconds:.0f} s")
            more = os.read(self.process.stdout.fileno(), 1 << 16)
            if not more:
                self.said.seek(0)
                raise Lost(f"it ended: {last_line(self.said.read().decode(errors='replace'))}")
            line += more
        return json.loads(line)

    def close(self):
        self.process.kill(); self.process.wait(); self.process.stdin.close(); self.process.stdout.close(); self.said.close()


def last_line(text):
    return (text.strip().splitlines() or ["it said nothing"])[-1]


def bench(a):
    until, failed = time.monotonic() + a.seconds, False
    left = lambda: until - time.monotonic()

    def put(what):
        with a.out.open("a") as out:
            out.write(json.dumps(what) + "\n")
        print(json.dumps(what), file=sys.stderr, flush=True)

    def block(preset, precision, whats, modes):
        """Rounds of all contenders; whoever fails once is left out from there on."""
        nonlocal failed
        contenders = [Ours(a, preset, precision)] + [Peer(a, preset, precision, mode) for mode in modes]
        lost = set()
        for what, turn in [(what, turn) for what in whats for turn in range(a.rounds)]:
            shift = turn % len(contenders)
            for contender in contenders[shift:] + contenders[:shift]:
                about = dict(who=contender.name, preset=preset, precision=precision, what=what, round=turn + 1)
                # A compiled network trains only: its evaluation would be compiled anew.
                if contender in lost or (contender.name, what) == ("compile", "evaluation"):
                    continue
                if left() < 3:
                    put({**about, "lost": "no time was left"}); lost.add(contender); failed = True
                    continue
                try:
                    put({**contender.round(what, min(a.patience, left())), **about})
                except Lost as why:
                    # PyTorch's failures are told, and only ours are failures.
                    put({**about, "lost": str(why)}); lost.add(contender); failed |= contender.name == Ours.name
        for contender in contenders:
            contender.close()

    modes = MODES if a.peer else ()
    for precision in a.precision:
        ready = a.compiled is None or precision in a.compiled
        block(a.preset, precision, ("training", "evaluation"), [mode for mode in modes if ready or mode != "compile"])
    a.rounds = 1
    for preset in a.beside:
        for precision in a.precision:
            block(preset, precision, ("training", "evaluation"), ())
    return 1 if failed else 0


def number(figure, digits=0):
    return "" if figure is None else f"{figure:,.{digits}f}"


def row(cells):
    return "| " + " | ".join(cells) + " |"


def table(a):
    lines = [json.loads(line) for line in a.results.read_text().splitlines()] if a.results.is_file() else []
    if not lines:
        print("nothing was timed.")
        return 1
    rounds, losses = {}, []
    for line in lines:
        case = rounds.setdefault((line["preset"], line["what"], line["precision"]), {})
        if "lost" in line:
            losses.append(f"- {line['who']}, {line['preset']} {line['what']} in {line['precision']}, round {line['round']}: {line['lost']}")
        else:
            case.setdefault(line["who"], []).append(line)

    def middle(answers, key):
        figures = [answer[key] for answer in answers or [] if answer.get(key) is not None]
        return median(figures) if figures else None

    words = ["network", "what", "precision"]
    titles = ["densenet-tui, images/s", "ms a step", "share of the GPU's peak", *(f"PyTorch {mode}, images/s" for mode in MODES),
              "ours / eager", "ours / PyTorch's best", "ours, MiB on the GPU", "PyTorch's best, MiB", "share of its memory", "rounds"]
    print(row(words + titles) + "\n|" + "---|" * len(words) + "---:|" * len(titles))
    ratio = lambda over, under: over / under if over and under else None
    for (preset, what, precision), case in rounds.items():
        ours = case.get(Ours.name)
        rate, mib = middle(ours, "images_per_second"), middle(ours, "device_mib")
        rates = {mode: middle(case.get(mode), "images_per_second") for mode in MODES}
        best = max((mode for mode in MODES if rates[mode]), key=rates.get, default=None)
        theirs = middle(case.get(best), "peak_mib")
        share = middle(ours, "share_of_peak")
        print(row([preset, what, precision, number(rate, 0 if (rate or 0) > 1000 else 1), number(middle(ours, "step_ms_median"), 2),
                   "" if share is None else f"{100 * share:.1f} %", *(number(rates[mode]) for mode in MODES),
                   number(ratio(rate, rates["eager"]), 2), number(ratio(rate, rates.get(best)), 2), number(mib), number(theirs),
                   number(ratio(mib, theirs), 2), str(len(ours or []))]))
    peers = sorted({line["peer"] for line in lines if "peer" in line})
    devices = sorted({line["device"] for line in lines if line["who"] == Ours.name and "device" in line})
    print(f"\nBatches of {BATCH}; medians over the rounds of the median step of a round; densenet-tui on {', '.join(devices) or 'nothing'}; "
          f"{', '.join(peers) or 'PyTorch is not here'}. A step of densenet-tui makes its batch from bytes on the GPU too, PyTorch's takes "
          "a batch that is there. PyTorch in f32 computes without TF32, in bf16 by autocast; `compile` is `reduce-overhead` and was timed in training "
          "alone. MiB of PyTorch: `max_memory_allocated`, without its cuDNN trials unless compiled.")
    if losses:
        print("\nNot timed:\n\n" + "\n".join(losses))
    return 0 if any(Ours.name in case for case in rounds.values()) else 1


def kernels(a):
    """Tables of a step's kernels in each precision; the floor of a step is the sum of those of its kernels."""
    failed = False
    for precision in a.precision:
        ours = Ours(a, a.preset, precision)
        ours.words += ["--kernels"]
        try:
            answer = ours.round("training", 60)
        except Lost as why:
            print(f"{precision}: {why}\n"); failed = True
            continue
        floor = sum(kernel["ms"] * kernel["share_of_roofline"] for kernel in answer.get("kernels", []))
        print(f"{a.preset} in {precision}: {answer['step_ms_median']:.3f} ms a step, {answer['images_per_second']:,.0f} images/s, "
              f"{number(answer.get('device_mib'))} MiB; its floor by the GPU's measured peaks is {floor:.3f} ms, "
              f"so it reaches **{100 * floor / answer['step_ms_median']:.1f} %** of the roofline.\n")
        print(row(["kernel", "launches", "ms", "GFLOP", "MiB", "share of the roofline"]) + "\n|---|" + "---:|" * 5)
        for kernel in answer.get("kernels", []):
            print(row([kernel["kernel"], str(kernel["launches"]), number(kernel["ms"], 3), number(kernel["gflop"], 2),
                       number(kernel["mib"], 1), f"{100 * kernel['share_of_roofline']:.1f} %"]))
        print()
    return 1 if failed else 0


def newest(run):
    files = sorted((run / "checkpoints").glob("step-*.safetensors"))
    if not files:
        raise SystemExit(f"{run.name} has no checkpoint")
    return files[-1]


def tensors(path):
    """name -> (type, shape, hash) of a safetensors file; its metadata tells times and is left out."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__", None)
    begin, found = 8 + length, {}
    for name, about in header.items():
        first, last = about["data_offsets"]
        found[name] = (about["dtype"], tuple(about["shape"]), hashlib.sha256(data[begin + first:begin + last]).hexdigest())
    return found


def same(a):
    left, right = newest(a.left), newest(a.right)
    one, other = tensors(left), tensors(right)
    differ = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    if left.name != right.name or differ or not one:
        print(f"- {a.left.name} ({left.name}) and {a.right.name} ({right.name}) differ in {len(differ)} of {len(one)} tensors: {', '.join(differ[:5])}")
        return 1
    whole = hashlib.sha256(json.dumps(sorted(one.items())).encode()).hexdigest()
    print(f"- {a.left.name} and {a.right.name} at {left.stem}: {len(one)} tensors, all bytes the same (`{whole[:16]}`)")
    return 0


def training(a):
    events = []
    for line in a.lines.read_text().splitlines() if a.lines.is_file() else []:
        try:
            events.append(json.loads(line))
        except ValueError:
            pass  # torn by a stop
    of = lambda kind: [event for event in events if event.get("event") == kind]
    started, epochs, ended = of("started"), of("epoch"), of("finished")
    for line in dict.fromkeys(f"- {event['event']}: {event.get('message') or event}" for event in of("warning") + of("failed")):
        print(line)
    if not started:
        print("The run did not start.")
        return 1
    print(f"- {started[0].get('run')} on {started[0].get('device')}, {started[0].get('parameters'):,} parameters")
    if epochs:
        last = epochs[-1]
        rates = [epoch["images_per_second"] for epoch in epochs]
        print(f"- epochs {epochs[0]['epoch']} to {last['epoch']}: {sum(epoch['seconds'] for epoch in epochs):,.1f} s in them, median "
              f"{median(rates):,.0f} images/s ({min(rates):,.0f} to {max(rates):,.0f}); last training loss {last['train']['loss']:.4f}, "
              f"accuracy {100 * last['train']['accuracy']:.2f} %")
    if not ended:
        print("- it did not end by itself")
        return 1
    test = ended[-1].get("test")
    accuracy = "not evaluated" if not test else f"{100 * test['accuracy']:.2f} % (error {100 - 100 * test['accuracy']:.2f} %)"
    outcome = " ".join(str(ended[-1][key]) for key in ("outcome", "reason") if ended[-1].get(key))
    # The journal of a run in parts: what lies between them is not its time.
    begins = [at for at, event in enumerate(events) if event.get("event") == "started"]
    parts = [events[first:last] for first, last in zip(begins, begins[1:] + [len(events)])]
    seconds = sum(part[-1]["time"] - part[0]["time"] for part in parts)
    print(f"- {outcome} at step {ended[-1]['step']:,}, {seconds:,.1f} s from start to end{f' in {len(parts)} parts' if len(parts) > 1 else ''}; "
          f"**test accuracy {accuracy}**")
    return 0


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = p.add_subparsers(dest="command", required=True)
    b = commands.add_parser("bench"); b.set_defaults(run=bench)
    b.add_argument("--binary", type=Path, required=True); b.add_argument("--peer", type=Path, help="densenet_torch.py; without it PyTorch is left out")
    b.add_argument("--out", type=Path, required=True); b.add_argument("--seconds", type=float, default=240)
    b.add_argument("--device", default="cuda"); b.add_argument("--preset", default="bc-100-12")
    b.add_argument("--precision", action="append", help="several times; [default: tf32 bf16 f32]")
    b.add_argument("--beside", action="append", default=[], help="another network, timed once and without PyTorch")
    b.add_argument("--rounds", type=int, default=3); b.add_argument("--steps", type=int, default=200); b.add_argument("--peer-steps", type=int, default=30)
    b.add_argument("--compiled", nargs="*", metavar="PRECISION", help="compiled before; in others PyTorch is not compiled [default: all]")
    b.add_argument("--patience", type=float, default=120, help="seconds that one round may take")
    k = commands.add_parser("kernels"); k.set_defaults(run=kernels); k.add_argument("--binary", type=Path, required=True)
    k.add_argument("--device", default="cuda"); k.add_argument("--preset", default="bc-100-12"); k.add_argument("--steps", type=int, default=100)
    k.add_argument("--precision", action="append", help="several times; [default: tf32 bf16 f32]")
    t = commands.add_parser("table"); t.set_defaults(run=table); t.add_argument("results", type=Path)
    s = commands.add_parser("same"); s.set_defaults(run=same); s.add_argument("left", type=Path); s.add_argument("right", type=Path)
    r = commands.add_parser("training"); r.set_defaults(run=training); r.add_argument("lines", type=Path)
    a = p.parse_args()
    if a.command in ("bench", "kernels"):
        a.precision = a.precision or ["tf32", "bf16", "f32"]
    sys.exit(a.run(a))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Reads what `densenet-tui curves` writes with TensorBoard's own code, and compares it with the journal.

    pip install tensorboard

    python curves.py path/to/densenet-tui         # trains two small runs, one of them resumed after a kill, in a folder of its own

Compared are the scalars of TensorBoard's EventAccumulator with the journal, of the file that `curves --tensorboard` writes and of
those that a run writes while it is trained; the recipe's text; the table of hyperparameters as TensorBoard's plugin answers it;
and the CSV with Python's reader. A journal is read as its own documentation has it: steps that a resumed run repeats count once,
the later ones.
"""
import csv, glob, json, math, os, signal, subprocess, sys, tempfile, time

from tensorboard.backend.event_processing import data_provider, event_accumulator, plugin_event_multiplexer
from tensorboard import context
from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups, metadata


TINY = "--no-ui --layers 1,1 --growth-rate 4 --train-limit 200 --validation 20 --batch-size 8 --epochs 4 --threads 1".split()


def run(binary, home, *args, check=True):
    env = dict(os.environ, HOME=home, XDG_DATA_HOME=home + "/data", XDG_CONFIG_HOME=home + "/config", XDG_CACHE_HOME=home + "/cache")
    return subprocess.run([binary, *args], cwd=home, env=env, check=check, capture_output=True, text=True).stdout


def told(home, name):
    """The events of a journal, without those that a resumed run repeated."""
    events = []
    for line in open(f"{home}/data/densenet-tui/runs/{name}/journal.jsonl"):
        event = json.loads(line)
        if event["event"] == "started":
            events = [e for e in events if e.get("step") is None or e["step"] <= event["step"]]
        events.append(event)
    return events


def expected(events):
    """Each tag with its points (step, value)."""
    tags = {}
    def put(tag, step, value):
        if value is not None:
            tags.setdefault(tag, []).append((step, value))
    for e in events:
        if e["event"] == "step":
            put("train/loss", e["step"], e["loss"])
            put("train/accuracy", e["step"], e["accuracy"])
            put("learning_rate", e["step"], e["learning_rate"])
            put("images_per_second", e["step"], e["images_per_second"])
        elif e["event"] == "epoch":
            put("epoch/train_loss", e["step"], e["train"]["loss"])
            put("epoch/train_accuracy", e["step"], e["train"]["accuracy"])
            put("epoch/seconds", e["step"], e["seconds"])
            put("epoch/images_per_second", e["step"], e["images_per_second"])
            put("validation/loss", e["step"], e["validation"]["loss"])
            put("validation/accuracy", e["step"], e["validation"]["accuracy"])
            classes = [c for c in e["class_accuracy"] if c is not None]
            put("validation/balanced_accuracy", e["step"], sum(classes) / len(classes))
        elif e["event"] == "finished" and e["test"]:
            put("test/loss", e["step"], e["test"]["loss"])
            put("test/accuracy", e["step"], e["test"]["accuracy"])
    return tags


def close(a, b):
    return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-12)


def compare(directory, events):
    """The scalars in a run's directory with its journal."""
    read = event_accumulator.EventAccumulator(directory, size_guidance={event_accumulator.SCALARS: 0, event_accumulator.TENSORS: 0})
    read.Reload()
    want = expected(events)
    assert sorted(read.Tags()["scalars"]) == sorted(want), (read.Tags()["scalars"], sorted(want))
    for tag, points in want.items():
        got = [(e.step, e.value) for e in read.Scalars(tag)]
        assert len(got) == len(points), (tag, got, points)
        assert all(a[0] == b[0] and close(a[1], b[1]) for a, b in zip(got, points)), (tag, got, points)
    recipe = read.Tensors("recipe")[-1].tensor_proto.string_val[0].decode()
    assert "    batch_size = 8" in recipe, recipe
    start = metadata.parse_session_start_info_plugin_data(
        read.SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data.content)
    assert start.hparams["batch_size"].number_value == 8 and start.hparams["nesterov"].bool_value
    assert start.hparams["layers"].string_value == "1,1"
    end = metadata.parse_session_end_info_plugin_data(read.SummaryMetadata(metadata.SESSION_END_INFO_TAG).plugin_data.content)
    assert end.status == api_pb2.STATUS_SUCCESS
    return sum(map(len, want.values()))


def table(directory):
    """The rows of TensorBoard's table of hyperparameters: run, learning rate, validation accuracy."""
    multiplexer = plugin_event_multiplexer.EventMultiplexer().AddRunsFromDirectory(directory)
    multiplexer.Reload()
    provider = data_provider.MultiplexerDataProvider(multiplexer, directory)
    backend = backend_context.Context(context_of(provider))
    request_context = context.RequestContext()
    experiment = backend.experiment_from_metadata(
        request_context, "", True, backend.hparams_metadata(request_context, ""), backend.hparams_from_data_provider(request_context, "", 100))
    names = [info.name for info in experiment.hparam_infos]
    assert "lr" in names and "seed" in names and "data_dir" not in names, names
    request = api_pb2.ListSessionGroupsRequest(
        start_index=0, slice_size=10, include_metrics=True,
        allowed_statuses=[api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE, api_pb2.STATUS_RUNNING, api_pb2.STATUS_UNKNOWN],
        col_params=[api_pb2.ColParams(hparam=n) for n in names] + [api_pb2.ColParams(metric=m.name) for m in experiment.metric_infos])
    answer = list_session_groups.Handler(
        request_context, backend_context=backend, experiment_id="", request=request).run()
    rows = {}
    for group in answer.session_groups:
        metrics = {m.name.tag: m.value for m in group.metric_values}
        rows[group.sessions[0].name] = ({k: v for k, v in group.hparams.items()}, metrics, group.sessions[0].status)
    return rows


def context_of(provider):
    from tensorboard.plugins import base_plugin
    return base_plugin.TBContext(data_provider=provider)


def check_csv(text, events, several=None):
    rows = list(csv.DictReader(text.splitlines()))
    assert list(rows[0])[:5 + bool(several)] == (["run"] if several else []) + ["step", "timestamp", "event", "epoch", "steps"]
    if several:
        rows = [row for row in rows if row["run"] == several]
    for tag, points in expected(events).items():
        column = tag.replace("/", "_")
        got = [(int(row["step"]), float(row[column])) for row in rows if row[column]]
        assert got == points, (column, got, points)
    times = [e["time"] for e in events if e["event"] in ("step", "epoch", "evaluated") or e["event"] == "finished" and e["test"]]
    from datetime import datetime
    read = [datetime.fromisoformat(row["timestamp"]).timestamp() for row in rows]
    assert len(read) == len(times) and all(abs(a - b) <= 0.0011 for a, b in zip(read, times))
    return len(rows)


def main():
    binary = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as home:
        run(binary, home, *TINY, "--name", "a", "--tensorboard", "live", "--lr", "0.05")
        # Killed in its third epoch and resumed: the steps since the last checkpoint are told twice.
        env = dict(os.environ, HOME=home, XDG_DATA_HOME=home + "/data", XDG_CONFIG_HOME=home + "/config", XDG_CACHE_HOME=home + "/cache")
        child = subprocess.Popen([binary, *TINY, "--name", "b", "--epochs", "60", "--tensorboard", "live", "--json"], cwd=home, env=env,
            stdout=subprocess.PIPE, text=True)
        seen = 0
        for line in child.stdout:
            event = json.loads(line)
            seen += event["event"] == "step" and event["epoch"] >= 3
            if seen > 2:
                break
        child.send_signal(signal.SIGKILL)
        child.wait()
        time.sleep(1.1)
        run(binary, home, "--no-ui", "--resume", "b", "--tensorboard", "live")
        lines = [json.loads(line) for line in open(f"{home}/data/densenet-tui/runs/b/journal.jsonl")]
        events = {name: told(home, name) for name in "ab"}
        repeated = len(lines) - len(events["b"])
        run(binary, home, "curves", "a", "b", "--tensorboard", "written")
        for where in ("written", "live"):
            for name in "ab":
                points = compare(f"{home}/{where}/{name}", events[name])
                files = len(glob.glob(f"{home}/{where}/{name}/*"))
                print(f"{where}/{name}: {files} file(s), {points} points as in the journal")
            rows = table(f"{home}/{where}")
            assert sorted(rows) == ["a", "b"], rows
            for name in "ab":
                hparams, metrics, status = rows[name]
                last = expected(events[name])["validation/accuracy"][-1][1]
                assert close(metrics["validation/accuracy"], last), (metrics, last)
                assert status == api_pb2.STATUS_SUCCESS
            assert rows["a"][0]["lr"].number_value == 0.05 and rows["b"][0]["lr"].number_value != 0.05
            print(f"{where}: the table of hyperparameters has both runs with {len(rows['a'][0])} values each")
        both = run(binary, home, "curves", "a", "b")
        for name in "ab":
            print(f"{name}.csv: {check_csv(run(binary, home, 'curves', name), events[name])} lines as in the journal")
            check_csv(both, events[name], several=name)
        assert repeated > 0
        print(f"of b, {repeated} lines of the journal were repeated and count once")


main()

//! The program without an interface: its lines, its files, its exit codes.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/program.rs"]
mod program;

use program::Place;

#[test]
fn a_run_tells_its_life_in_json_from_started_to_finished() {
    let place = Place::new();
    let said = place.train(&["--name", "a"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let events = said.events();
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!((names[0], names[names.len() - 1]), ("started", "finished"));
    assert_eq!(events[0]["parameters"], 1_910);
    assert_eq!(events[0]["steps_per_epoch"], 4);
    let steps: u64 =
        events.iter().filter(|e| e["event"] == "step").map(|e| e["steps"].as_u64().unwrap()).sum();
    assert_eq!(steps, 8, "every step is in exactly one line");
    let epochs: Vec<&serde_json::Value> = events.iter().filter(|e| e["event"] == "epoch").collect();
    assert_eq!((epochs.len(), &epochs[1]["epoch"], &epochs[1]["step"]), (2, &2.into(), &8.into()));
    assert!(epochs[0]["validation"]["accuracy"].as_f64().unwrap() <= 1.0);
    let saved: Vec<u64> =
        events.iter().filter(|e| e["event"] == "saved").map(|e| e["step"].as_u64().unwrap()).collect();
    assert_eq!(saved, [0, 4, 8, 8], "before step 1, after each epoch, at the end");
    let last = said.last();
    assert_eq!(last["outcome"], "completed");
    assert!(last["test"]["loss"].as_f64().unwrap() > 0.0);
    let mut files: Vec<String> = std::fs::read_dir(place.run_dir("a"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, [".lock", "checkpoints", "journal.jsonl", "recipe.toml", "summary.json"]);
}

#[test]
fn a_person_reads_whole_lines_without_control_characters() {
    let place = Place::new();
    let args: Vec<&str> = program::TINY.iter().copied().filter(|&word| word != "--json").collect();
    let said = place.say(&args);
    assert_eq!(said.code, Some(0), "{said:?}");
    let everything = format!("{}{}", said.stdout, said.stderr);
    assert!(everything.chars().all(|c| c == '\n' || !c.is_control()), "{everything:?}");
    for line in [
        "DenseNet-BC 1+1 layers",
        "60 training, 20 validation, 1,000 test images",
        "epoch 2/2",
        "completed after 8 steps",
    ] {
        assert!(said.stdout.contains(line), "{line} is not in {}", said.stdout);
    }
}

/// B is for its bottlenecks, C for its compression.
#[test]
fn a_network_has_the_same_letters_in_the_log_and_among_the_runs() {
    let place = Place::new();
    for (options, log, row) in [
        (&["--compression", "0.5"][..], "DenseNet-BC 1+1", "1,1 k=4 BC"),
        (&["--compression", "1"], "DenseNet-B 1+1", "1,1 k=4 B"),
        (&["--compression", "0.5", "--no-bottleneck"], "DenseNet-C 1+1", "1,1 k=4 C"),
        (&["--compression", "1", "--no-bottleneck"], "DenseNet 1+1", "1,1 k=4"),
    ] {
        let args = program::TINY.iter().copied().filter(|&word| word != "--json");
        let args: Vec<&str> = args.chain(options.iter().copied()).chain(["--name", "a"]).collect();
        let said = place.say(&args);
        assert!(said.stdout.contains(log), "{log} is not in {said:?}");
        let runs = place.say(&["runs", "--json"]);
        assert_eq!(runs.last()["runs"][0]["summary"]["network"], row);
        std::fs::remove_dir_all(place.run_dir("a")).unwrap();
    }
}

#[test]
fn without_no_ui_it_says_what_there_is_and_exits_2() {
    let said = Place::new().say::<&str>(&[]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("--no-ui"), "{said:?}");
}

/// Options, and words of the sentence that refuses them.
const WRONG: [(&[&str], &str); 32] = [
    (&["--epochs", "0"], "`epochs`"),
    (&["--batch-size", "0"], "`batch_size`"),
    (&["--lr", "0"], "`lr`"),
    (&["--lr", "nan"], "`lr`"),
    (&["--momentum", "1"], "`momentum`"),
    (&["--momentum", "0"], "`nesterov`"),
    (&["--weight-decay", "2"], "`weight_decay`"),
    (&["--dropout", "1"], "`dropout`"),
    (&["--compression", "0"], "`compression`"),
    (&["--compression", "0.01"], "leaves none"),
    (&["--growth-rate", "0"], "`growth_rate`"),
    (&["--layers", "1,0"], "`layers`"),
    (&["--layers", "1,1,1,1,1,1,1"], "7 blocks halve"),
    (&["--depth", "41"], "40 or 46"),
    (&["--stem", "0"], "`stem`"),
    (&["--steps", "0"], "`steps`"),
    (&["--warmup", "99"], "`warmup`"),
    (&["--label-smoothing", "1"], "`label_smoothing`"),
    (&["--schedule", "step:99"], "`schedule`"),
    (&["--schedule", "soon"], "--schedule"),
    (&["--input-size", "0"], "`input_size`"),
    (&["--resize", "31"], "`resize`"),
    (&["--crop-scale", "0"], "`crop_scale`"),
    (&["--validation", "9999"], "validation"),
    (&["--train-limit", "0"], "`train_limit`"),
    (&["--preset", "bc-1"], "the presets are"),
    (&["--set", "pads=black"], "`pads` is no key"),
    (&["--threads", "0"], "--threads"),
    (&["--device", "tpu"], "--device"),
    (&["--save-every", "never"], "--save-every"),
    (&["--data", "cifar10", "--data-dir", "nowhere"], "nowhere"),
    (&["--resume", "nothing"], "nothing"),
];

#[test]
fn wrong_input_is_answered_in_one_sentence_with_exit_code_2() {
    let place = Place::new();
    for (options, words) in WRONG {
        let said = place.say(&[&["--no-ui"], options].concat());
        assert_eq!(said.code, Some(2), "{options:?}: {said:?}");
        let first = said.stderr.lines().next().unwrap_or_default();
        assert!(first.starts_with("error: ") && first.contains(words), "{options:?}: {}", said.stderr);
        assert_eq!(said.stdout, "", "{options:?}");
    }
    assert!(!place.path().join("data/densenet-tui/runs").exists_with_runs(), "nothing was created");
}

/// Whether a runs directory holds a run.
trait ExistsWithRuns {
    fn exists_with_runs(&self) -> bool;
}

impl ExistsWithRuns for std::path::PathBuf {
    fn exists_with_runs(&self) -> bool {
        std::fs::read_dir(self).is_ok_and(|mut entries| entries.next().is_some())
    }
}

#[test]
fn one_image_on_a_one_by_one_map_is_refused_before_the_start() {
    let said = Place::new().say(&[
        "--no-ui",
        "--layers",
        "1,1,1,1,1,1",
        "--growth-rate",
        "4",
        "--validation",
        "0",
        "--train-limit",
        "33",
        "--batch-size",
        "16",
    ]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("1x1 feature map"), "{said:?}");
}

#[test]
fn a_run_that_diverges_keeps_the_state_before_the_step_and_goes_on_with_a_lower_rate() {
    let place = Place::new();
    let said = place.train(&["--name", "a", "--lr", "1e30"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    let last = said.last();
    assert_eq!(last["outcome"], "diverged");
    // Reading refuses a checkpoint with a number that is not finite.
    assert!(!place.tensors("a").is_empty());
    let resumed = place.say(&["--no-ui", "--json", "--resume", "a", "--lr", "0.01"]);
    assert!(resumed.code == Some(0) || resumed.code == Some(3), "{resumed:?}");
    assert_eq!(resumed.events()[0]["step"], last["step"]);
    assert_eq!(resumed.events()[0]["recipe"]["lr"], 0.01);
}

#[test]
fn sigterm_finishes_the_step_saves_and_exits_143() {
    let place = Place::new();
    let mut running = place.start(&["--name", "a", "--epochs", "500"]);
    let seen = running.until("step")["step"].as_u64().unwrap();
    running.signal("TERM");
    let finished = running.until("finished");
    assert_eq!((&finished["outcome"], &finished["reason"]["signal"]), (&"stopped".into(), &15.into()));
    assert!(finished["step"].as_u64().unwrap() >= seen);
    assert_eq!(running.end(), Some(143));
    assert!(!place.tensors("a").is_empty());
}

#[test]
fn sigusr1_saves_and_sighup_is_no_reason_to_stop() {
    let place = Place::new();
    let mut running = place.start(&["--name", "a", "--epochs", "500"]);
    running.until("step");
    running.signal("HUP");
    running.signal("USR1");
    let step = running.until("saved")["step"].as_u64().unwrap();
    assert!(step > 0);
    running.until("step");
    running.signal("INT");
    assert_eq!(running.end(), Some(130));
}

#[test]
fn a_run_whose_time_is_up_saves_and_ends_well() {
    let place = Place::new();
    let said = place.train(&["--name", "a", "--epochs", "100000", "--stop-after", "1s"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!((&said.last()["outcome"], &said.last()["reason"]), (&"stopped".into(), &"time_up".into()));
    assert_eq!(place.say(&["runs", "--json"]).last()["runs"][0]["state"], "stopped");
}

#[test]
fn a_run_belongs_to_one_process_at_a_time() {
    let place = Place::new();
    let mut running = place.start(&["--name", "a", "--epochs", "500"]);
    running.until("step");
    let said = place.say(&["--no-ui", "--resume", "a"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("another process"), "{said:?}");
    running.signal("TERM");
    assert_eq!(running.end(), Some(143));
}

#[test]
fn a_checkpoint_is_tried_on_other_images_without_the_limits_of_its_own() {
    let place = Place::new();
    // Its recipe keeps 20 images for validation and trains on 60: more than the folder has.
    assert_eq!(place.train(&["--name", "a"]).code, Some(0));
    let classes =
        ["disc", "ring", "square", "frame", "triangle", "plus", "cross", "star", "arrow left", "arrow right"];
    for (class, name) in (0u8..).zip(classes) {
        let folder = place.path().join("images").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        for shade in 0..3u8 {
            let pixels = vec![20 * class + shade; 3 * 32 * 32];
            let image = [b"P6 32 32 255\n".as_slice(), &pixels].concat();
            std::fs::write(folder.join(format!("{shade}.ppm")), image).unwrap();
        }
    }
    let said = place.say(&["evaluate", "a", "--data", "folder:images", "--split", "train", "--json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.last()["images"], 27, "30 less the tenth that a folder keeps for validation");
    // One image of each class, of which a split of training images would leave some class without.
    for name in classes {
        let folder = place.path().join("images").join(name);
        (1..3).for_each(|shade| std::fs::remove_file(folder.join(format!("{shade}.ppm"))).unwrap());
    }
    let said = place.say(&["evaluate", "a", "--data", "folder:images", "--split", "all", "--json"]);
    assert_eq!((said.code, &said.last()["images"]), (Some(0), &10.into()), "{said:?}");
}

/// `bench` on a tiny network, with `more` options.
fn bench<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["bench", "--layers", "1", "--growth-rate", "4", "--batch-size", "4", "--steps", "5"], more].concat()
}

#[test]
fn a_bench_times_the_reference_beside_the_fast_version_and_tells_the_ratio() {
    let place = Place::new();
    for evaluation in [&[][..], &["--evaluation"]] {
        let said = place.say(&bench(&[&["--compare-reference", "--json"], evaluation].concat()));
        assert_eq!(said.code, Some(0), "{said:?}");
        let answer = said.last();
        let number = |name: &str| answer[name].as_f64().unwrap();
        assert!(number("reference_images_per_second") > 0.0);
        let ratio = number("images_per_second") / number("reference_images_per_second");
        assert!((number("ratio") / ratio - 1.0).abs() < 1e-9, "{answer}");
        assert_eq!((&answer["steps"], &answer["reference_steps"]), (&5.into(), &3.into()));
        assert_eq!(answer["reference"], false);
    }
    let said = place.say(&bench(&["--compare-reference"]));
    assert!(said.stdout.contains("(candle's layers, 3 steps)\nratio "), "{said:?}");
}

#[test]
fn a_bench_of_one_version_names_no_ratio() {
    let place = Place::new();
    for (options, reference) in [(&["--json"][..], false), (&["--json", "--reference"], true)] {
        let answer = place.say(&bench(options)).last();
        assert_eq!(answer["reference"], reference);
        assert_eq!((answer.get("ratio"), answer.get("reference_images_per_second")), (None, None));
    }
    assert!(place.say(&bench(&["--reference"])).stdout.starts_with("training by candle's layers, batch 4"));
}

#[test]
fn a_comparison_with_itself_is_refused() {
    let place = Place::new();
    let said = place.say(&bench(&["--compare-reference", "--reference"]));
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("--compare-reference") && said.stderr.contains("--reference"), "{said:?}");
}

#[test]
fn the_reference_may_be_asked_for_wherever_a_network_is_computed_and_nowhere_else() {
    let place = Place::new();
    assert_eq!(place.train(&["--name", "a", "--reference"]).code, Some(0));
    assert_eq!(place.say(&["evaluate", "a", "--reference", "--json"]).code, Some(0));
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/decay.safetensors");
    assert_eq!(place.say(&["verify", golden, "--reference"]).code, Some(0));
    for command in ["summary", "runs", "info", "man"] {
        let said = place.say(&[command, "--reference"]);
        assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{command}: {said:?}");
        assert!(said.stderr.contains("--reference"), "{command}: {said:?}");
    }
}

#[test]
fn no_network_of_the_paper_falls_back_to_candles_layers() {
    let place = Place::new();
    for freeze in ["none", "block1", "features"] {
        let options =
            ["--set", "stem_kind=imagenet", "--input-size", "33", "--steps", "1", "--freeze", freeze];
        for said in [place.train(&options), place.say(&bench(&options))] {
            assert_eq!(said.code, Some(0), "{said:?}");
            assert!(!said.stderr.contains("candle") && !said.stdout.contains("candle"), "{said:?}");
        }
    }
}

#[test]
fn a_precision_that_the_device_does_not_compute_in_is_told_once_and_remembered() {
    let place = Place::new();
    let sentence = "`precision` is bf16, but the cpu computes in f32.";
    let said = place.train(&["--name", "a", "--precision", "bf16", "--device", "cpu", "--steps", "2"]);
    assert_eq!(said.stderr.matches(sentence).count(), 1, "{said:?}");
    let resumed = place.say(&["--no-ui", "--json", "--resume", "a", "--device", "cpu", "--steps", "3"]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    assert_eq!(resumed.events()[0]["recipe"]["precision"], "bf16");
    assert_eq!(resumed.events()[1]["message"], sentence);
    let timed = place.say(&bench(&["--precision", "tf32", "--device", "cpu"]));
    assert!(timed.stderr.contains("`precision` is tf32, but the cpu computes in f32."), "{timed:?}");
    assert!(!place.say(&bench(&["--device", "cpu"])).stderr.contains("precision"));
}

#[test]
fn runs_are_chosen_by_words_and_an_unknown_key_is_a_misuse() {
    let place = Place::new();
    assert_eq!(place.train(&["--name", "a"]).code, Some(0));
    let count = |words: &[&str]| {
        let said = place.say(&[&["runs", "--json"], words].concat());
        said.last()["runs"].as_array().map(Vec::len)
    };
    assert_eq!(count(&["data=shapes", "-other", "epoch>=1"]), Some(1));
    assert_eq!(count(&["data=shapes state=completed"]), Some(1));
    assert_eq!(count(&["-data=shapes"]), Some(0));
    let none = place.say(&["runs", "lr>1"]);
    assert!(none.code == Some(0) && none.stdout.starts_with("none of 1 run in "), "{none:?}");
    for (word, sentence) in
        [("lrr=1", "there is no key lrr; near it: lr."), ("--jsn", "`--jsn` is no option here")]
    {
        let said = place.say(&["runs", word]);
        assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{said:?}");
        assert!(said.stderr.contains(sentence), "{said:?}");
    }
}

#[test]
fn the_other_commands_answer_with_one_object() {
    let place = Place::new();
    assert_eq!(place.train(&["--name", "a"]).code, Some(0));
    let summary = place.say(&["summary", "--preset", "bc-100-12", "--json"]).last();
    assert_eq!((&summary["parameters"], &summary["macs"]), (&769_162.into(), &287_929_692.into()));
    let runs = place.say(&["runs", "--json"]).last();
    assert_eq!((&runs["runs"][0]["run"], &runs["runs"][0]["state"]), (&"a".into(), &"completed".into()));
    let evaluated = place.say(&["evaluate", "a", "--json"]);
    assert_eq!(evaluated.code, Some(0), "{evaluated:?}");
    assert_eq!(evaluated.last()["images"], 1000);
    let bench = place.say(&bench(&["--json"]));
    assert!(bench.last()["images_per_second"].as_f64().unwrap() > 0.0, "{bench:?}");
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/decay.safetensors");
    let verified = place.say(&["verify", golden, "--json"]);
    assert_eq!((verified.code, &verified.last()["passed"]), (Some(0), &true.into()));
    assert_eq!(place.say(&["info", "--json"]).last()["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(place.say(&["verify", "nowhere"]).code, Some(2));
    assert_eq!(place.say(&["evaluate", "nowhere"]).code, Some(2));
}

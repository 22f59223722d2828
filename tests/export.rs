//! Exported models: an independent engine answers as this program does, the files say what they are, and nothing is
//! left half written.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/program.rs"]
mod program;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use densenet_tui::arch::words::StemKind;
use densenet_tui::data::{ChannelStats, Images, Prepare};
use densenet_tui::export::onnx;
use densenet_tui::model::DenseNet;
use densenet_tui::protocol::question::Around;
use densenet_tui::recipe::{Data, Recipe, Stem};
use densenet_tui::store::model::Model;
use densenet_tui::store::{Array, Meta, Progress};
use program::{Place, Said};
use serde_json::Value;

/// Classes of the networks that are made here.
const CLASSES: usize = 5;
/// What two engines may differ by, of the largest logit.
const TOLERANCE: f64 = 1e-5;

/// Numbers from -1 to 1, the same each time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    fn several(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.next()).collect()
    }
}

/// The network of `recipe` with weights and statistics that no draw gives: no mean is 0, no variance 1.
fn model(recipe: Recipe) -> Model {
    let mut numbers = Numbers(7);
    let plan = recipe.arch(CLASSES).plan().unwrap();
    let tensors = plan.tensors().into_iter().map(|(name, shape)| {
        let n = shape.iter().product();
        let scale = match shape[..] {
            [_, c_in, k, _] => (3.0 / (c_in * k * k) as f32).sqrt(),
            _ => 0.5,
        };
        let around = if name.ends_with("running_var") || name.contains("norm") && name.ends_with(".weight") {
            1.0
        } else {
            0.0
        };
        let data = numbers.several(n).into_iter().map(|number| around + scale * number).collect();
        (name, Array { shape, data })
    });
    let tensors = tensors.collect();
    let meta = Meta {
        recipe,
        classes: (0..CLASSES).map(|class| format!("class {class}")).collect(),
        moments: [[120.0, 110.5, 100.25], [60.0, 61.5, 64.0]],
        progress: Progress { step: 12, ..Progress::default() },
        parent: None,
        weights: None,
        run: "a".into(),
        no_test: false,
        reference: false,
        skip_broken: false,
        fingerprints: Vec::new(),
        saved_at: 0.0,
        version: String::new(),
    };
    Model { meta, tensors }
}

/// What the program itself answers to `images`, `[n, 3, s, s]`.
fn own_logits(model: &Model, images: &[f32]) -> Vec<f32> {
    let Meta { recipe, .. } = &model.meta;
    let net = DenseNet::new(&recipe.arch(CLASSES), recipe.init, 0, &Device::Cpu).unwrap();
    let tensors: BTreeMap<String, Tensor> = model
        .tensors
        .iter()
        .map(|(name, Array { shape, data })| {
            (name.clone(), Tensor::from_slice(data, shape.as_slice(), &Device::Cpu).unwrap())
        })
        .collect();
    net.load(&tensors).unwrap();
    let side = recipe.input_size;
    let shape = (images.len() / (3 * side * side), 3, side, side);
    let logits = net.logits(&Tensor::from_slice(images, shape, &Device::Cpu).unwrap()).unwrap();
    logits.flatten_all().unwrap().to_vec1().unwrap()
}

/// What the other engine makes of `images` with an ONNX file.
fn answers(file: Vec<u8>, images: Vec<f32>, side: usize) -> Vec<f32> {
    let model = rten::Model::load(file).unwrap();
    let shape = [images.len() / (3 * side * side), 3, side, side];
    let input = rten::Value::from_shape(shape, images).unwrap();
    let (shape, answers) = model.run_one(input.into(), None).unwrap().into_shape_vec::<f32, 2>().unwrap();
    assert_eq!(shape[1], CLASSES);
    answers
}

/// The largest difference, of the largest number.
fn difference(one: &[f32], other: &[f32]) -> f64 {
    assert_eq!(one.len(), other.len());
    let largest = other.iter().fold(0.0, |largest: f32, number| largest.max(number.abs()));
    let apart = one.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    f64::from(apart) / f64::from(largest)
}

/// Networks with both stems, with and without bottleneck and compression, on maps of odd sides too.
fn networks() -> Vec<(&'static str, Recipe)> {
    let cifar = Recipe {
        layers: vec![2, 3, 2],
        growth_rate: 6,
        bottleneck: true,
        compression: 0.5,
        stem: Stem::Channels(12),
        stem_kind: StemKind::Cifar,
        input_size: 22,
        ..Recipe::defaults(Data::Cifar10)
    };
    let imagenet = Recipe { stem_kind: StemKind::Imagenet, input_size: 45, ..cifar.clone() };
    let bare = |recipe: &Recipe| Recipe { bottleneck: false, compression: 1.0, ..recipe.clone() };
    let compressed = Recipe { bottleneck: false, compression: 0.7, ..cifar.clone() };
    let one_block = Recipe { layers: vec![3], ..imagenet.clone() };
    vec![
        ("CIFAR, BC", cifar.clone()),
        ("CIFAR, neither", bare(&cifar)),
        ("CIFAR, C", compressed),
        ("ImageNet, BC", imagenet.clone()),
        ("ImageNet, neither", bare(&imagenet)),
        ("ImageNet, one block", one_block),
    ]
}

#[test]
fn an_independent_engine_answers_as_the_program_does() {
    for (name, recipe) in networks() {
        let side = recipe.input_size;
        let model = model(recipe);
        let file = onnx::encode(&model.meta, &model.tensors, Around::default()).unwrap().bytes;
        for n in [1, 7] {
            let images = Numbers(n as u64).several(n * 3 * side * side);
            let error =
                difference(&answers(file.clone(), images.clone(), side), &own_logits(&model, &images));
            println!("{name}, batch {n}: {error:.1e}");
            assert!(error < TOLERANCE, "{name}, batch {n}: {error}");
        }
    }
}

#[test]
fn a_raw_file_normalises_pixels_as_the_program_does() {
    for (name, recipe) in networks() {
        let side = recipe.input_size;
        let model = model(recipe);
        let around = Around { raw: true, softmax: false };
        let file = onnx::encode(&model.meta, &model.tensors, around).unwrap().bytes;
        let pixels: Vec<u8> =
            Numbers(3).several(2 * 3 * side * side).iter().map(|x| (127.5 * (x + 1.0)) as u8).collect();
        let [mean, std] = model.meta.moments;
        let prepare = Prepare::new(&model.meta.recipe, ChannelStats { mean, std }, false);
        let batch = prepare.plain(&Images::new(side, pixels.clone(), vec![0, 1]), 0..2).unwrap();
        let raw = pixels.into_iter().map(f32::from).collect();
        let error = difference(&answers(file, raw, side), &own_logits(&model, &batch.images));
        println!("{name}: {error:.1e}");
        assert!(error < TOLERANCE, "{name}: {error}");
    }
}

#[test]
fn probabilities_are_those_of_the_logits() {
    let (_, recipe) = networks().swap_remove(0);
    let side = recipe.input_size;
    let model = model(recipe);
    let around = Around { raw: false, softmax: true };
    let file = onnx::encode(&model.meta, &model.tensors, around).unwrap().bytes;
    let images = Numbers(5).several(3 * side * side);
    let exponentials: Vec<f32> = own_logits(&model, &images).into_iter().map(f32::exp).collect();
    let sum: f32 = exponentials.iter().sum();
    let expected: Vec<f32> = exponentials.iter().map(|number| number / sum).collect();
    let error = difference(&answers(file, images, side), &expected);
    assert!(error < TOLERANCE, "{error}");
}

#[test]
fn what_follows_a_convolution_is_folded_and_what_follows_a_concatenation_is_not() {
    for (name, recipe) in networks() {
        let (layers, blocks) = (recipe.layers.iter().sum::<usize>(), recipe.layers.len());
        let (bottleneck, imagenet) = (recipe.bottleneck, recipe.stem_kind == StemKind::Imagenet);
        let model = model(recipe);
        let found = onnx::encode(&model.meta, &model.tensors, Around::default()).unwrap();
        let folded = if bottleneck { layers } else { 0 } + usize::from(imagenet);
        assert_eq!((found.folded, found.kept), (folded, layers + blocks), "{name}");
        assert_eq!(found.operators["Concat"], layers, "{name}");
    }
}

#[test]
fn the_same_model_is_the_same_file() {
    let (_, recipe) = networks().swap_remove(3);
    let model = model(recipe);
    let encode = || onnx::encode(&model.meta, &model.tensors, Around::default()).unwrap().bytes;
    assert_eq!(encode(), encode());
}

/// A place with the trained run `a`.
fn trained() -> Place {
    let place = Place::new();
    let said = place.train(&["--name", "a", "--stem", "8"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    place
}

/// The names in a place beside those that every program makes.
fn names(place: &Path) -> Vec<String> {
    let names = fs::read_dir(place).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> =
        names.filter(|name| !["data", "config", ".cache"].contains(&name.as_str())).collect();
    names.sort();
    names
}

/// The best checkpoint of a run.
fn best(place: &Place, run: &str) -> PathBuf {
    densenet_tui::store::run::best_checkpoint(&place.run_dir(run)).unwrap()
}

fn is_refused(said: &Said, reason: &str) {
    assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{said:?}");
    assert!(said.stderr.starts_with("error: ") && said.stderr.lines().count() == 1, "{said:?}");
    assert!(said.stderr.contains(reason), "{reason}: {said:?}");
}

#[test]
fn a_run_becomes_an_onnx_file_and_a_card_and_a_table_says_what_is_in_it() {
    let place = trained();
    let said = place.say(&["export", "a", "--format", "onnx", "--softmax"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(names(place.path()), ["a.onnx", "a.onnx.md"]);
    for words in ["step ", "opset 17, IR 8", "`probabilities` [batch, ", "Conv", "written", "a.onnx.md ("] {
        assert!(said.stdout.contains(words), "{words}: {said:?}");
    }
    let model = Model::read(&best(&place, "a")).unwrap();
    assert!(said.stdout.contains(&format!("step {} of a, its best", model.meta.progress.step)), "{said:?}");
    let around = Around { raw: false, softmax: true };
    let bytes = onnx::encode(&model.meta, &model.tensors, around).unwrap().bytes;
    assert_eq!(fs::read(place.path().join("a.onnx")).unwrap(), bytes);
    rten::Model::load(bytes).unwrap();
}

#[test]
fn the_card_has_the_figures_that_evaluate_gives() {
    let place = trained();
    let evaluated = place.say(&["evaluate", "a", "--json"]).last();
    let said = place.say(&["export", "a", "--format", "onnx", "--json"]).last();
    assert_eq!(said["test"]["accuracy"], evaluated["accuracy"]);
    assert_eq!(
        (&said["format"], &said["run"], &said["not_tested"]),
        (&"onnx".into(), &"a".into(), &Value::Null)
    );
    let card = fs::read_to_string(place.path().join(said["files"][1]["path"].as_str().unwrap())).unwrap();
    let line = format!(
        "loss {:.4}, accuracy {:.2} %",
        evaluated["loss"].as_f64().unwrap(),
        100.0 * evaluated["accuracy"].as_f64().unwrap()
    );
    assert!(card.contains(&line), "{line}: {card}");
    for part in [
        "## Network",
        "## Input",
        "## Data",
        "| test | `",
        "## Training",
        "last epoch (2), validation",
        "| class |",
        "Confusion",
        "```python",
        "```toml",
    ] {
        assert!(card.contains(part), "{part}: {card}");
    }
}

#[test]
fn an_exported_safetensors_file_is_a_model_again_and_the_same_bytes_each_time() {
    let place = trained();
    let export = |to: &str| {
        let said = place.say(&["export", "a", "--format", "safetensors", "-o", to, "--no-test"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        fs::read(place.path().join(to)).unwrap()
    };
    let first = export("b.safetensors");
    assert_eq!(export("b.safetensors"), first);
    assert_eq!(names(place.path()), ["b.safetensors", "b.safetensors.md", "config.json"]);
    let model = Model::read(&place.path().join("b.safetensors")).unwrap();
    assert_eq!(model, Model::read(&best(&place, "a")).unwrap());
    let file = safetensors::SafeTensors::deserialize(&first).unwrap();
    assert_eq!(file.tensor("features.norm5.num_batches_tracked").unwrap().dtype(), safetensors::Dtype::I64);
    let config: Value = serde_json::from_slice(&fs::read(place.path().join("config.json")).unwrap()).unwrap();
    assert_eq!(config["pretrained_cfg"]["input_size"], serde_json::json!([3, 32, 32]));
    // The exported file is a model for the next export, and its images are looked at as the run's are.
    let said = place.say(&["export", "b.safetensors", "--format", "onnx", "-o", "c.onnx", "--json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let evaluated = place.say(&["evaluate", "a", "--json"]).last();
    assert_eq!(said.last()["test"]["loss"], evaluated["loss"], "{said:?}");
    let bytes = onnx::encode(&model.meta, &model.tensors, Around::default()).unwrap().bytes;
    assert_eq!(fs::read(place.path().join("c.onnx")).unwrap(), bytes);
}

#[test]
fn a_config_of_another_program_is_left_alone_and_that_of_another_model_is_replaced_with_a_word() {
    let place = trained();
    let export = |to: &str| place.say(&["export", "a", "--format", "safetensors", "--no-test", "-o", to]);
    fs::write(place.path().join("config.json"), "{}").unwrap();
    is_refused(
        &export("b.safetensors"),
        "config.json: it is there already, and densenet-tui did not write it",
    );
    assert_eq!(names(place.path()), ["config.json"]);
    fs::remove_file(place.path().join("config.json")).unwrap();
    assert_eq!(export("b.safetensors").stderr, "");
    let said = export("c.safetensors");
    assert_eq!(said.code, Some(0));
    assert!(said.stderr.contains("config.json described b.safetensors before"), "{said:?}");
}

#[test]
fn what_cannot_be_exported_or_written_to_is_refused_in_a_sentence_and_nothing_is_written() {
    let place = trained();
    fs::write(place.path().join("notes.txt"), "no model").unwrap();
    let best = best(&place, "a").to_str().unwrap().to_owned();
    let before = fs::read(&best).unwrap();
    let cases: [(&[&str], &str); 6] = [
        (&["b", "--format", "onnx"], "there is no such file and no such run"),
        (&["notes.txt", "--format", "onnx"], "notes.txt: it is no file with a network"),
        (&["a", "--format", "onnx", "-o", "no/a.onnx"], "no: there is no such directory"),
        (&["a", "--format", "onnx", "-o", &best], "it is the very model"),
        (&["a", "--format", "safetensors", "--raw"], "--raw: safetensors has weights alone"),
        (
            &["a", "--format", "onnx", "-o", "/dev/null"],
            "/dev/null: it cannot be written to because it is a device",
        ),
    ];
    for (args, reason) in cases {
        is_refused(&place.say(&[&["export"], args].concat()), reason);
    }
    assert_eq!(place.say(&["export", "a", "--format", "torchscript"]).code, Some(2));
    assert_eq!(names(place.path()), ["notes.txt"]);
    assert_eq!(fs::read(&best).unwrap(), before);
}

#[test]
#[cfg(target_os = "linux")]
fn a_write_that_fails_leaves_no_file_and_the_earlier_one_as_it_was() {
    let place = trained();
    let below = |to: &str| {
        let script = r#"ulimit -f 8; exec "$0" "$@""#;
        let program = env!("CARGO_BIN_EXE_densenet-tui");
        let words = ["-c", script, program, "export", "a", "--format", "safetensors", "--no-test", "-o", to];
        let output = place.command_of("sh", &words).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, sentence) = below("b.safetensors");
    assert_eq!(code, Some(1), "{sentence}");
    assert!(sentence.contains("b.safetensors: it could not be written because"), "{sentence}");
    assert_eq!(sentence.lines().count(), 1, "{sentence}");
    assert!(names(place.path()).is_empty(), "{:?}", names(place.path()));
    fs::write(place.path().join("b.safetensors"), "earlier").unwrap();
    assert_eq!(below("b.safetensors").0, Some(1));
    assert_eq!(fs::read_to_string(place.path().join("b.safetensors")).unwrap(), "earlier");
    assert_eq!(names(place.path()), ["b.safetensors"]);
}

#[test]
fn without_the_data_the_card_says_so_and_the_model_is_written_all_the_same() {
    let place = Place::new();
    for class in ["cat", "dog"] {
        let folder = place.path().join("photos").join(class);
        fs::create_dir_all(&folder).unwrap();
        for n in 0..10u8 {
            let pixels = vec![if class == "cat" { n } else { 255 - n }; 3 * 8 * 8];
            image::save_buffer(folder.join(format!("{n}.png")), &pixels, 8, 8, image::ColorType::Rgb8)
                .unwrap();
        }
    }
    let said = place.say(&[
        "--no-ui",
        "--layers",
        "1,1",
        "--growth-rate",
        "4",
        "--data",
        "folder:photos",
        "--input-size",
        "8",
        "--validation",
        "4",
        "--batch-size",
        "8",
        "--epochs",
        "1",
        "--name",
        "b",
    ]);
    assert_eq!(said.code, Some(0), "{said:?}");
    fs::rename(place.path().join("photos"), place.path().join("elsewhere")).unwrap();
    let said = place.say(&["export", "b", "--format", "onnx"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let card = fs::read_to_string(place.path().join("b.onnx.md")).unwrap();
    assert!(card.contains("These weights were not evaluated: "), "{card}");
    assert!(card.contains("`folder:photos`") && !card.contains("## Test\n\nThese weights on"), "{card}");
}

//! Weights from files: `tests/golden/weights` has networks as PyTorch and torchvision write them, with what they answer
//! (`tests/peer/weights.py small`).

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/program.rs"]
mod program;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use densenet_tui::arch::words::StemKind;
use densenet_tui::model::{DenseNet, Implementation};
use densenet_tui::recipe::{Data, Recipe, Stem};
use densenet_tui::store::checkpoint::{Array, Checkpoint};
use densenet_tui::weights::Weights;
use densenet_tui::weights::fit::{Fit, fit};
use program::{Place, Said};
use serde_json::Value;

/// The four forms of a network.
const FORMS: [&str; 4] = [".pth", "-legacy.pth", "-old-names.pth", ".safetensors"];

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/weights").join(name)
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// The network of the files `small…`, for images of 12x12.
fn small() -> Recipe {
    Recipe {
        layers: vec![2, 3],
        growth_rate: 5,
        stem: Stem::Channels(10),
        input_size: 12,
        ..Recipe::defaults(Data::Folder("x".into()))
    }
}

/// The network of the files `imagenet…`, for images of 32x32.
fn imagenet() -> Recipe {
    Recipe {
        layers: vec![1, 2],
        growth_rate: 4,
        stem: Stem::Channels(8),
        stem_kind: StemKind::Imagenet,
        input_size: 32,
        ..small()
    }
}

/// The tensors `images` and `logits` of a file of answers.
fn answers(path: &Path) -> [Tensor; 2] {
    let tensors = candle_core::safetensors::load(path, &Device::Cpu).unwrap();
    ["images", "logits"].map(|name| tensors[name].clone())
}

/// The network of `recipe` with the weights of the file at `path`.
fn network(path: &Path, recipe: &Recipe, classes: usize) -> DenseNet {
    let weights = Weights::read(path).unwrap();
    fit(weights.header(), recipe, Some(classes)).unwrap();
    let net = DenseNet::new(&recipe.arch(classes), recipe.init, 0, &Device::Cpu).unwrap();
    let tensors = net.tensors().map(|(name, drawn)| {
        let numbers = weights.numbers(name).unwrap();
        (name.to_owned(), Tensor::from_vec(numbers, drawn.shape(), &Device::Cpu).unwrap())
    });
    net.load(&tensors.collect()).unwrap();
    net
}

/// The relative error (L2) of what the network in `path` answers.
fn error(path: &Path, answers: &[Tensor; 2], recipe: &Recipe, of: Implementation) -> f64 {
    let [images, logits] = answers;
    let net = network(path, recipe, logits.dims()[1]).with_implementation(of);
    let ours = net.logits(images).unwrap();
    let norm = |tensor: &Tensor| {
        f64::from(tensor.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap()).sqrt()
    };
    norm(&(ours - logits).unwrap()) / norm(logits)
}

#[test]
fn a_network_from_any_form_of_file_answers_as_it_does_in_pytorch() {
    for (name, recipe) in [("small", small()), ("imagenet", imagenet())] {
        let answers = answers(&golden(&format!("{name}-answers.safetensors")));
        for form in FORMS {
            let path = golden(&format!("{name}{form}"));
            for of in [Implementation::Fused, Implementation::Reference] {
                let error = error(&path, &answers, &recipe, of);
                assert!(error < 1e-5, "{name}{form} {of:?}: {error}");
            }
        }
    }
}

#[test]
fn numbers_of_other_types_and_strides_and_below_a_key_are_the_same_numbers() {
    for (file, of) in [
        ("nested.pth", "small"),
        ("double.safetensors", "small"),
        ("half.pth", "half"),
        ("bfloat16.pth", "bfloat16"),
    ] {
        let answers = answers(&golden(&format!("{of}-answers.safetensors")));
        let error = error(&golden(file), &answers, &small(), Implementation::Fused);
        assert!(error < 1e-5, "{file}: {error}");
    }
}

#[test]
#[ignore = "needs the files of `tests/peer/weights.py full DIR`, whose DIR is in DENSENET_TUI_WEIGHTS"]
fn torchvisions_densenet121_answers_as_it_does_in_pytorch() {
    let folder = PathBuf::from(std::env::var_os("DENSENET_TUI_WEIGHTS").unwrap());
    let recipe = Recipe {
        layers: vec![6, 12, 24, 16],
        growth_rate: 32,
        stem: Stem::Channels(64),
        input_size: 224,
        ..imagenet()
    };
    let answers = answers(&folder.join("densenet121-answers.safetensors"));
    for form in FORMS {
        let path = folder.join(format!("densenet121{form}"));
        let error = error(&path, &answers, &recipe, Implementation::Fused);
        println!("densenet121{form}: relative error {error:.2e}");
        assert!(error < 1e-5, "densenet121{form}: {error}");
    }
}

/// What is wrong with a file for a network of so many classes.
fn misfit(file: &str, recipe: &Recipe, classes: Option<usize>) -> Result<Fit, String> {
    fit(Weights::read(&golden(file)).unwrap().header(), recipe, classes)
}

#[test]
fn a_classifier_of_other_classes_stays_out_and_anything_else_that_differs_is_named_with_the_network_it_is_of()
{
    assert_eq!(misfit("small.pth", &small(), Some(7)), Ok(Fit { layers: 13, other_classes: None }));
    assert_eq!(misfit("small.pth", &small(), Some(4)), Ok(Fit { layers: 12, other_classes: Some(7) }));
    assert_eq!(misfit("small.pth", &small(), None), Ok(Fit { layers: 13, other_classes: None }));
    let options = "it is the network of --layers 2,3 --growth-rate 5 --bottleneck --compression 0.5 --stem 10 --set stem_kind=cifar";
    let wider = Recipe { growth_rate: 6, ..small() };
    let sentence = misfit("small-legacy.pth", &wider, Some(7)).unwrap_err();
    assert!(
        sentence.starts_with("it does not fit the network: of it `classifier.weight` is 7x25 and not 7x29, "),
        "{sentence}"
    );
    assert!(sentence.contains(" and 53 more; ") && sentence.ends_with(options), "{sentence}");
    let deeper = Recipe { layers: vec![2, 4], ..small() };
    let sentence = misfit("small.safetensors", &deeper, Some(7)).unwrap_err();
    assert!(sentence.contains("it lacks `features.denseblock2.denselayer4.conv1.weight`, "), "{sentence}");
    assert!(sentence.contains(" and 7 more; of it `classifier.weight` is 7x25"), "{sentence}");
    let shallower = Recipe { layers: vec![2, 2], ..small() };
    let sentence = misfit("nested.pth", &shallower, Some(7)).unwrap_err();
    assert!(
        sentence.contains("the network has no `features.denseblock2.denselayer3.conv1.weight`"),
        "{sentence}"
    );
    let sentence = misfit("small.pth", &imagenet(), Some(7)).unwrap_err();
    assert!(
        sentence.contains("it lacks `features.norm0.bias`, `features.norm0.running_mean`, "),
        "{sentence}"
    );
}

/// A run of two epochs of four steps on the shapes with the network of `small…`, at their size.
fn train(place: &Place, more: &[&str]) -> Said {
    let network = "--no-ui --json --layers 2,3 --growth-rate 5 --stem 10";
    let training = "--train-limit 60 --validation 20 --batch-size 16 --epochs 2";
    let base: Vec<&str> = network.split(' ').chain(training.split(' ')).collect();
    place.say(&[&base, more].concat())
}

fn step(place: &Place, run: &str, step: u64) -> BTreeMap<String, Array> {
    let file = format!("checkpoints/step-{step:08}.safetensors");
    let mut tensors = Checkpoint::read(&place.run_dir(run).join(file)).unwrap().tensors;
    tensors.retain(|name, _| !name.starts_with("optimizer."));
    tensors
}

#[test]
fn a_run_begins_with_the_weights_of_its_file_and_a_classifier_drawn_by_its_seed() {
    let place = Place::new();
    let (file, one) = (text(&golden("small-old-names.pth")), ["--steps", "1"]);
    let said = train(&place, &[&["--name", "given", "--weights", &file], one.as_slice()].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(train(&place, &[&["--name", "drawn"], one.as_slice()].concat()).code, Some(0));
    let weights = Weights::read(Path::new(&file)).unwrap();
    let (given, drawn) = (step(&place, "given", 0), step(&place, "drawn", 0));
    for (name, array) in &given {
        if name.starts_with("classifier.") {
            assert_eq!(array, &drawn[name], "{name}");
        } else {
            assert_eq!(array.data, weights.numbers(name).unwrap(), "{name}");
        }
    }
    let started = said.events().into_iter().find(|event| event["event"] == "started").unwrap();
    let origin = &started["weights"];
    assert_eq!(
        (&origin["sha256"], &origin["other_classes"]),
        (&Value::from(weights.sha256.clone()), &Value::from(7))
    );
    assert_eq!(started["recipe"]["weights"], Value::from(file.clone()));
    let meta =
        Checkpoint::read_meta(&place.run_dir("given").join("checkpoints/step-00000001.safetensors")).unwrap();
    assert_eq!(meta.weights.unwrap().sha256, weights.sha256);
    let line = format!(
        "weights of {file} (sha256 {}…), 12 layers, classifier drawn anew for 10 classes instead of 7",
        &weights.sha256[..8]
    );
    assert!(said.stderr.contains(&line), "{said:?}");
}

#[test]
fn a_resumed_run_ends_with_the_same_bytes_although_its_file_is_gone() {
    let place = Place::new();
    let file = place.path().join("w.pt");
    fs::copy(golden("small.pth"), &file).unwrap();
    let given = ["--weights", "w.pt", "--dropout", "0.2"];
    assert_eq!(train(&place, &[&given, ["--name", "whole"].as_slice()].concat()).code, Some(0));
    assert_eq!(
        train(&place, &[&given, ["--name", "parts", "--steps", "3"].as_slice()].concat()).code,
        Some(0)
    );
    fs::remove_file(&file).unwrap();
    let resumed = place.say(&["--no-ui", "--json", "--resume", "parts", "--steps", "8"]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    assert_eq!(place.tensors("whole"), place.tensors("parts"));
    // The very command line that began it goes on with it, too.
    let again =
        train(&place, &[&given, ["--name", "whole", "--continue", "--epochs", "3"].as_slice()].concat());
    assert_eq!(again.code, Some(0), "{again:?}");
    let other = ["--weights", "other.pt", "--dropout", "0.2", "--name", "whole", "--continue"];
    let other = train(&place, &other);
    assert_eq!(other.code, Some(2), "{other:?}");
    assert!(
        other.stderr.contains("error: --weights: the run `whole` was begun with `weights` = "),
        "{other:?}"
    );
}

#[test]
fn a_checkpoint_of_another_run_is_a_file_of_weights() {
    let place = Place::new();
    assert_eq!(train(&place, &["--name", "first"]).code, Some(0));
    let checkpoint = "data/densenet-tui/runs/first/checkpoints/step-00000008.safetensors";
    let said = train(&place, &["--name", "second", "--weights", checkpoint, "--steps", "1"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(step(&place, "second", 0), step(&place, "first", 8));
    let mut bytes = fs::read(place.path().join(checkpoint)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(place.path().join("flipped.safetensors"), bytes).unwrap();
    let said = train(&place, &["--name", "third", "--weights", "flipped.safetensors"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("its hash does not match its bytes"), "{said:?}");
}

#[test]
fn a_file_that_cannot_be_used_is_refused_before_there_is_a_run() {
    let place = Place::new();
    let bytes = fs::read(golden("small.pth")).unwrap();
    fs::write(place.path().join("half.pth"), &bytes[..bytes.len() / 2]).unwrap();
    fs::write(place.path().join("text.pth"), "weights").unwrap();
    fs::create_dir(place.path().join("folder")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, place.path().join("pipe"), rustix::fs::Mode::RWXU).unwrap();
    let model = text(&golden("model.pth"));
    for (file, what) in [
        ("none.pth", "No such file"),
        ("folder", "it is a directory, not a file"),
        ("pipe", "it is a named pipe, not a file"),
        ("half.pth", "its zip file cannot be read"),
        ("text.pth", "it is of no known kind"),
        ("densenet161", "`densenet-tui fetch densenet161` downloads them"),
        (&text(&golden("imagenet.pth")), "it does not fit the network: it lacks `features."),
        (&model, "it would run `torch.nn.modules.linear.Linear`, which no tensor needs: refused"),
    ] {
        let said = train(&place, &["--weights", file]);
        assert_eq!(said.code, Some(2), "{file}: {said:?}");
        let lines: Vec<&str> = said.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        assert!(lines.len() == 1 && lines[0].contains(what), "{file}: {said:?}");
        assert!(lines[0].contains(file), "{file}: {said:?}");
    }
    let runs = fs::read_dir(place.path().join("data/densenet-tui/runs"));
    assert_eq!(runs.map_or(0, Iterator::count), 0);
}

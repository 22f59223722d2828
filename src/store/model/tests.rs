//! Models from files of each kind, and files that have none.

use std::fs;

use safetensors::tensor::{Dtype, SafeTensors};

use super::*;
use crate::store::Checkpoint;
use crate::store::checkpoint::example;
use crate::store::checkpoint::format::COUNTER;

fn model() -> Model {
    let Checkpoint { meta, mut tensors } = example(7);
    tensors.retain(|name, _| !name.starts_with("optimizer."));
    Model { meta, tensors }
}

fn more() -> BTreeMap<String, String> {
    BTreeMap::from([
        ("classes".into(), r#"["a \"quoted\" name"]"#.into()),
        ("architecture".into(), "densenet".into()),
    ])
}

#[test]
fn a_model_comes_back_from_a_checkpoint_and_from_an_exported_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (checkpoint, exported) = (folder.path().join("a"), folder.path().join("b"));
    example(7).write(&checkpoint).unwrap();
    fs::write(&exported, model().to_safetensors(&more()).unwrap()).unwrap();
    assert_eq!(Model::read(&checkpoint).unwrap(), model());
    assert_eq!(Model::read(&exported).unwrap(), model());
}

#[test]
fn an_exported_file_is_safetensors_with_what_pytorch_wants_and_the_same_bytes_each_time() {
    let bytes = model().to_safetensors(&more()).unwrap();
    assert_eq!(model().to_safetensors(&more()).unwrap(), bytes);
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let counters: Vec<String> =
        file.names().into_iter().filter(|name| name.ends_with(COUNTER)).map(String::from).collect();
    assert_eq!(file.len(), model().tensors.len() + counters.len());
    assert!(counters.contains(&"features.norm5.num_batches_tracked".into()), "{counters:?}");
    let counter = file.tensor(&counters[0]).unwrap();
    assert_eq!(
        (counter.dtype(), counter.shape(), counter.data()),
        (Dtype::I64, &[][..], &7i64.to_le_bytes()[..])
    );
    let bias = file.tensor("classifier.bias").unwrap();
    assert_eq!((bias.dtype(), bias.shape()), (Dtype::F32, &[2][..]));
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = metadata.metadata().as_ref().unwrap();
    assert_eq!(metadata["classes"], r#"["a \"quoted\" name"]"#);
    assert_eq!(metadata["format"], "pt");
}

#[test]
fn a_flip_of_any_byte_of_an_exported_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let bytes = model().to_safetensors(&more()).unwrap();
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x20;
        fs::write(&path, flipped).unwrap();
        assert!(Model::read(&path).unwrap_err().is_input(), "byte {at}");
    }
}

#[test]
fn what_has_no_network_of_this_program_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let tensor = safetensors::tensor::TensorView::new(Dtype::F32, vec![1], &[0; 4]).unwrap();
    let foreign = safetensors::serialize([("w", tensor)], None).unwrap();
    for (name, bytes, reason) in [
        ("a.safetensors", &foreign[..], "a safetensors file of another program"),
        ("a.onnx", &[0x08, 8, 0x12, 3, b'x', b'y', b'z'], "it is an ONNX file"),
        ("b", &[0x08, 8, 0x12, 3, b'x', b'y', b'z'], "it is an ONNX file"),
        ("b.onnx", b"what else", "meant to be an ONNX file"),
        ("a.pth", b"PK\x03\x04", "--weights"),
        ("a.png", b"\x89PNG", "no file with a network"),
        ("c", b"", "it is empty"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let error = Model::read(&path).unwrap_err();
        let sentence = error.to_string();
        assert!(error.is_input() && sentence.contains(reason) && sentence.contains(ADVICE), "{sentence}");
    }
    for (path, reason) in
        [(folder.path().to_owned(), "a directory"), (folder.path().join("none"), "does not exist")]
    {
        let sentence = Model::read(&path).unwrap_err().to_string();
        assert!(sentence.contains(reason), "{sentence}");
    }
}

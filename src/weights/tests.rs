//! Tests of files that lie, are damaged or would do something: nothing is believed, run or too large.

use std::path::{Path, PathBuf};

use super::*;

fn golden(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap()
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/weights").join(name)
}

fn header(bytes: &[u8]) -> Result<Header, String> {
    Header::of(&mut Source::new(Cursor::new(bytes)).unwrap())
}

/// `bytes` with `to` in the place of `from`, which is as long, wherever it is.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    let places: Vec<usize> =
        (0..bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}

/// A text of a pickle.
fn word(text: &str) -> Vec<u8> {
    [b"X", (text.len() as u32).to_le_bytes().as_slice(), text.as_bytes()].concat()
}

/// A number of a pickle.
fn number(n: i64) -> Vec<u8> {
    [b"\x8a\x08", n.to_le_bytes().as_slice()].concat()
}

fn tuple(items: &[Vec<u8>]) -> Vec<u8> {
    [b"(".as_slice(), &items.concat(), b"t"].concat()
}

/// A view of the storage `0`, which has `length` numbers and perhaps is a part of another.
fn view(length: i64, offset: i64, shape: &[i64], strides: &[i64], part: Option<&[u8]>) -> Vec<u8> {
    let numbers = |all: &[i64]| tuple(&all.iter().map(|n| number(*n)).collect::<Vec<_>>());
    let mut place =
        vec![word("storage"), b"ctorch\nFloatStorage\n".to_vec(), word("0"), word("cpu"), number(length)];
    place.extend(part.map(<[u8]>::to_vec));
    let storage = [tuple(&place), b"Q".to_vec()].concat();
    let arguments = tuple(&[storage, number(offset), numbers(shape), numbers(strides), b"\x89N".to_vec()]);
    [b"ctorch._utils\n_rebuild_tensor_v2\n".as_slice(), &arguments, b"R"].concat()
}

/// A pickle of a dict with one entry.
fn object(name: &str, value: &[u8]) -> Vec<u8> {
    [b"\x80\x02}(".as_slice(), &word(name), value, b"u."].concat()
}

/// A file of the old format: this object, and the storage `0` with `count` and these numbers.
fn legacy(object: &[u8], count: u64, numbers: &[f32]) -> Vec<u8> {
    let head = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.";
    let system = object_of_system();
    let keys = [b"\x80\x02](".as_slice(), &word("0"), b"e."].concat();
    let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
    [head.as_slice(), &system, object, &keys, &count.to_le_bytes(), &bytes].concat()
}

fn object_of_system() -> Vec<u8> {
    object("little_endian", b"\x88")
}

const FORMS: [&str; 6] = [
    "imagenet.pth",
    "imagenet-legacy.pth",
    "imagenet-old-names.pth",
    "imagenet.safetensors",
    "nested.pth",
    "half.pth",
];

#[test]
fn all_forms_have_the_same_names_and_shapes() {
    let all = FORMS[..4].iter().map(|name| header(&golden(name)).unwrap());
    let all: Vec<Vec<(String, Vec<usize>)>> = all
        .map(|header| {
            header.names().map(|name| (name.into(), header.shape(name).unwrap().to_vec())).collect()
        })
        .collect();
    assert!(all.iter().all(|one| *one == all[0]));
    assert!(all[0].contains(&("features.denseblock2.denselayer2.norm1.weight".into(), vec![10])));
}

#[test]
fn a_file_cut_short_anywhere_is_an_error_and_no_panic() {
    for name in FORMS {
        let bytes = golden(name);
        for n in (0..bytes.len()).step_by(61).chain([bytes.len() - 1]) {
            assert!(header(&bytes[..n]).is_err(), "{name} cut to {n}");
        }
    }
}

#[test]
fn a_changed_byte_anywhere_is_no_panic_and_takes_no_memory() {
    for name in FORMS {
        let mut bytes = golden(name);
        for at in (0..bytes.len()).step_by(7) {
            let good = bytes[at];
            for change in [0x01, 0x80, 0xff] {
                bytes[at] = good ^ change;
                if let Ok(header) = header(&bytes) {
                    for (_, entry) in header.entries.iter().filter(|(_, entry)| entry.shape == [3]) {
                        _ = entry.numbers(&bytes);
                    }
                }
            }
            bytes[at] = good;
        }
    }
}

#[test]
fn what_would_be_run_is_refused_by_name() {
    let system = b"cos\nsystem\nX\x04\x00\x00\x00true\x85R";
    let refused = "unpickling it would run `os.system`, which no tensor needs: refused";
    assert_eq!(header(&legacy(&object("a", system), 0, &[])).unwrap_err(), refused);
    let from = b"ctorch._utils\n_rebuild_tensor_v2\n".as_slice();
    let to = b"cos.path12345678901234567\nsystem\n\n".as_slice();
    for name in ["imagenet.pth", "imagenet-legacy.pth"] {
        let sentence = header(&replaced(&golden(name), from, &to[..from.len()])).unwrap_err();
        assert!(sentence.contains("would run `os.path1234"), "{name}: {sentence}");
    }
    for function in ["builtins\neval", "torch\nload", "numpy\nndarray", "torch.storage\n_load_from_bytes"] {
        let call = [b"c".as_slice(), function.as_bytes(), b"\nX\x01\x00\x00\x001\x85R"].concat();
        let sentence = header(&legacy(&object("a", &call), 0, &[])).unwrap_err();
        assert!(sentence.contains(&format!("`{}`", function.replace('\n', "."))), "{sentence}");
    }
    let sentence = header(&legacy(&object("a", b"\x81"), 0, &[])).unwrap_err();
    assert!(sentence.contains("operation 0x81 is not one that plain data needs"), "{sentence}");
}

#[test]
fn a_view_reads_its_own_numbers_and_none_beyond_its_storage() {
    let numbers: Vec<f32> = (0..12u8).map(f32::from).collect();
    let file = |view: Vec<u8>| legacy(&object("features.conv0.weight", &view), 12, &numbers);
    let read = |view: Vec<u8>| -> Result<Vec<f32>, String> {
        let bytes = file(view);
        header(&bytes).and_then(|header| header.entries["features.conv0.weight"].numbers(&bytes))
    };
    assert_eq!(read(view(12, 0, &[3, 4], &[4, 1], None)).unwrap(), numbers);
    assert_eq!(read(view(12, 1, &[2, 3], &[1, 4], None)).unwrap(), [1.0, 5.0, 9.0, 2.0, 6.0, 10.0]);
    assert_eq!(read(view(12, 11, &[2], &[0], None)).unwrap(), [11.0, 11.0]);
    assert_eq!(read(view(12, 7, &[], &[], None)).unwrap(), [7.0]);
    assert_eq!(read(view(12, 12, &[0, 5], &[5, 1], None)).unwrap(), [] as [f32; 0]);
    assert_eq!(read(view(12, 0, &[2], &[5], Some(b"N"))).unwrap(), [0.0, 5.0]);
    let beyond = "its tensor `features.conv0.weight` reaches beyond the 12 numbers of its storage";
    for wrong in [
        view(12, 1, &[3, 4], &[4, 1], None),
        view(12, 12, &[1], &[1], None),
        view(12, 0, &[13], &[1], None),
        view(12, i64::MAX, &[2], &[i64::MAX], None),
        view(12, 0, &[i64::MAX, i64::MAX], &[0, 0], None),
    ] {
        assert_eq!(read(wrong).unwrap_err(), beyond);
    }
    for (wrong, what) in [
        (view(12, -1, &[2], &[1], None), "begins at no number"),
        (view(12, 0, &[2], &[-1], None), "has no strides"),
        (view(12, 0, &[1; 9], &[1; 9], None), "has no shape"),
        (view(12, 0, &[2, 2], &[1], None), "has 2 dimensions and 1 strides"),
        (view(13, 0, &[2], &[1], None), "disagree about what is in there"),
        (view(12, 0, &[2], &[1], Some(b"(K\x01K\x02t")), "is a part of another storage, which is not read"),
    ] {
        let sentence = read(wrong).unwrap_err();
        assert!(sentence.contains(what), "{what}: {sentence}");
    }
}

#[test]
fn sizes_that_only_the_file_claims_cost_nothing() {
    let of = |length: i64, count: u64| {
        header(&legacy(&object("a", &view(length, 0, &[2], &[1], None)), count, &[1.0, 2.0])).unwrap_err()
    };
    for (length, count) in [(3, 3), (1 << 40, 1 << 40), (1 << 62, 1 << 62), (2, u64::MAX)] {
        assert!(of(length, count).contains("and its storage 1 does not fit in there"), "{count}");
    }
    let claimed = |length: u64, text: &str| [&length.to_le_bytes(), text.as_bytes()].concat();
    let tensor = |shape: &str, offsets: &str| {
        let text =
            format!(r#"{{"a":{{"dtype":"F32","shape":[{shape}],"data_offsets":[{offsets}]}}}}12345678"#);
        header(&claimed(text.len() as u64 - 8, &text)).unwrap_err()
    };
    assert!(header(&claimed(u64::MAX, "{}")).unwrap_err().contains("of no known kind"));
    assert!(header(&claimed(99_000_000, "{}")).unwrap_err().contains("it is cut short: it has 10 bytes"));
    let outside = "its tensor `a` does not lie within the file: it is cut short or damaged";
    for offsets in ["0,12", "4,0", "18446744073709551615,4", "0,18446744073709551615", "0,7"] {
        assert_eq!(tensor("2", offsets), outside);
    }
    for shape in ["3", "4294967296,4294967296", "0"] {
        assert!(tensor(shape, "0,8").contains("and 2 numbers"), "{shape}");
    }
    assert!(tensor("1,-1", "0,8").contains("its header is not one of safetensors"));
    let odd = replaced(&golden("imagenet.safetensors"), br#""dtype":"F32""#, br#""dtype":"F3x""#);
    assert!(header(&odd).unwrap_err().contains("is of the type F3x, which is not read"));
}

#[test]
fn a_zip_file_with_packed_or_overlapping_entries_is_refused() {
    let packed = header(&golden("compressed.pth")).unwrap_err();
    assert!(packed.starts_with("its `imagenet/data.pkl` is packed"), "{packed}");
    let mut bytes = golden("imagenet.pth");
    // Two entries of the central directory, by the ends of their names, are given the same place.
    let central = |name: &str| {
        let at = bytes.windows(name.len()).rposition(|window| window == name.as_bytes()).unwrap();
        (0..at).rev().find(|at| bytes[*at..].starts_with(b"PK\x01\x02")).unwrap() + 42
    };
    let (one, other) = (central("imagenet/data/10"), central("imagenet/data/11"));
    let place: [u8; 4] = bytes[one..one + 4].try_into().unwrap();
    bytes[other..other + 4].copy_from_slice(&place);
    let sentence = header(&bytes).unwrap_err();
    assert!(sentence.contains("its `imagenet/data/10` and its `imagenet/data/11` overlap"), "{sentence}");
    let missing = replaced(&golden("imagenet.pth"), b"imagenet/data/10", b"imagenet/data/1x");
    assert!(header(&missing).unwrap_err().contains("are missing"));
    let other = replaced(&golden("imagenet.pth"), b"imagenet/data.pkl", b"imagenet/data.pk_");
    assert_eq!(header(&other).unwrap_err(), "it is a zip file, but not one of torch.save");
}

#[test]
fn numbers_of_another_byte_order_are_refused() {
    let zip = replaced(&golden("imagenet.pth"), b"little", b"big000");
    let legacy =
        replaced(&golden("imagenet-legacy.pth"), b"little_endianq\x02\x88", b"little_endianq\x02\x89");
    for bytes in [zip, legacy] {
        assert!(header(&bytes).unwrap_err().starts_with("its numbers are big-endian"));
    }
}

#[test]
fn an_ordered_dict_of_pairs_as_python_2_writes_it_is_read() {
    let pair =
        [b"](".as_slice(), &word("features.conv0.weight"), &view(2, 0, &[2], &[1], None), b"e"].concat();
    let object = [b"\x80\x02ccollections\nOrderedDict\n](".as_slice(), &pair, b"e\x85R."].concat();
    let bytes = legacy(&object, 2, &[3.0, 4.0]);
    assert_eq!(header(&bytes).unwrap().entries["features.conv0.weight"].numbers(&bytes).unwrap(), [3.0, 4.0]);
}

#[test]
fn the_same_tensor_by_an_old_and_by_a_new_name_and_a_number_that_is_not_finite_are_errors() {
    let name = |name: &str| format!("features.denseblock1.denselayer1.{name}.weight");
    let one = view(2, 0, &[2], &[1], None);
    let both =
        [b"\x80\x02}(".as_slice(), &word(&name("norm1")), &one, &word(&name("norm.1")), &one, b"u."].concat();
    let sentence = header(&legacy(&both, 2, &[1.0, 2.0])).unwrap_err();
    assert_eq!(sentence, format!("it has two tensors `{}`", name("norm1")));
    let bytes = legacy(&object("features.conv0.weight", &one), 2, &[1.0, f32::NAN]);
    let entry = header(&bytes).unwrap().entries.remove("features.conv0.weight").unwrap();
    assert_eq!(entry.numbers(&bytes).unwrap_err(), "has a number that is not finite, at [1]");
}

#[test]
fn a_sentence_holds_nothing_that_controls_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a\x1b[2Jb");
    std::fs::write(&path, legacy(&object("x\x1b[2J", &view(9, 0, &[2], &[1], None)), 2, &[1.0, 2.0]))
        .unwrap();
    let sentence = Header::read(&path).unwrap_err();
    assert!(!sentence.contains('\x1b'), "{sentence}");
}

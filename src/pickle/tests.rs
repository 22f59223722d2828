//! Tests of the pickle reader: what it reads, what it refuses, and that nothing makes it fall over.

use super::build::{STYLES, Style, batch, names};
use super::*;

#[test]
fn a_batch_is_read_from_every_pickle_that_python_writes() {
    let pixels: Vec<u8> = (0..=255).collect();
    for style in STYLES {
        let bytes = batch(style, "labels", 4, &pixels, &[3, 1, 4, 1]);
        let pickle = Pickle::read(&bytes).unwrap();
        assert_eq!(*pickle.matrix("data", 4, 64).unwrap(), *pixels, "{style:?}");
        assert_eq!(pickle.integers("labels").unwrap(), [3, 1, 4, 1]);
        let names = names(style, "label_names", &["cat", "dog"]);
        let pickle = Pickle::read(&names).unwrap();
        assert_eq!(pickle.texts("label_names", 2).unwrap(), ["cat", "dog"]);
    }
}

#[test]
fn columns_side_by_side_become_rows() {
    let bytes = batch(Style::Python2, "labels", 2, &[1, 2, 3, 4, 5, 6], &[]);
    // The one False in this style says that rows lie side by side.
    let flag = bytes.iter().position(|&byte| byte == 0x89).unwrap();
    for fortran in [vec![0x88], vec![b'K', 1]] {
        let columns = [&bytes[..flag], &fortran, &bytes[flag + 1..]].concat();
        let pickle = Pickle::read(&columns).unwrap();
        assert_eq!(*pickle.matrix("data", 2, 3).unwrap(), [1, 3, 5, 2, 4, 6]);
    }
}

#[test]
fn a_function_that_is_not_numpys_is_refused_by_name() {
    let global = b"\x80\x02cos\nsystem\nU\x04true\x85R.";
    assert_eq!(
        Pickle::read(global).unwrap_err(),
        "unpickling it would run `os.system`, which no image needs: refused"
    );
    let on_stack = b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.";
    assert!(Pickle::read(on_stack).unwrap_err().contains("`builtins.eval`"));
    let escape = b"\x80\x02c\x1b[2J\nx\n.";
    assert!(Pickle::read(escape).unwrap_err().contains("`\\u{1b}[2J.x`"));
}

#[test]
fn what_is_not_there_is_said() {
    let bytes = batch(Style::Python2, "labels", 2, &[0; 6], &[0, 1]);
    let pickle = Pickle::read(&bytes).unwrap();
    assert_eq!(pickle.matrix("dat", 2, 3).unwrap_err(), "it has no `dat`");
    assert_eq!(pickle.matrix("labels", 2, 3).unwrap_err(), "its `labels` is not a numpy array");
    assert_eq!(pickle.integers("data").unwrap_err(), "its `data` is not a list of integers");
    assert_eq!(pickle.texts("labels", 3).unwrap_err(), "its `labels` is not a list of 3 texts");
    assert_eq!(Pickle::read(b"K\x01.").unwrap().integers("x").unwrap_err(), "it is not a dict");
    let short = batch(Style::Python2, "labels", 4, &[0; 6], &[]);
    let short = Pickle::read(&short).unwrap();
    assert_eq!(short.matrix("data", 4, 1).unwrap_err(), "its `data` is 4 x 1, but holds 6 bytes");
    assert_eq!(short.matrix("data", 2, 3).unwrap_err(), "its `data` is 4 x 1, not 2 x 3");
}

#[test]
fn integers_of_every_width_keep_their_sign() {
    let bytes = b"}U\x01x](K\xffM\xff\xffJ\xfe\xff\xff\xff\x8a\x01\xff\x8a\x02\x00\x01\x8a\x00es.";
    let pickle = Pickle::read(bytes).unwrap();
    assert_eq!(pickle.integers("x").unwrap(), [255, 65_535, -2, -1, 256, 0]);
}

#[test]
fn a_pickle_cut_short_anywhere_is_an_error_and_no_panic() {
    for style in STYLES {
        let bytes = batch(style, "labels", 4, &[9; 16], &[3, 1, 4, 1]);
        for n in 0..bytes.len() {
            assert!(Pickle::read(&bytes[..n]).is_err(), "{style:?} cut to {n}");
        }
    }
}

#[test]
fn nothing_is_taken_from_below_a_mark_or_an_empty_stack() {
    for bytes in [b"K\x01(0t.".as_slice(), b"K\x01(\x85.", b"a.", b"R", b"b", b"e", b"0.", b"."] {
        let error = Pickle::read(bytes).unwrap_err();
        assert!(error.contains("more from the stack") || error.contains("a mark is missing"), "{error}");
    }
}

#[test]
fn a_changed_byte_anywhere_is_no_panic() {
    for style in STYLES {
        let good = batch(style, "labels", 4, &[9; 16], &[3, 1, 4, 1]);
        for at in 0..good.len() {
            let mut bytes = good.clone();
            for value in 0..=255 {
                bytes[at] = value;
                if let Ok(pickle) = Pickle::read(&bytes) {
                    let _ = pickle.matrix("data", 4, 4);
                    let _ = pickle.integers("labels");
                }
            }
        }
    }
}

#[test]
fn a_false_length_a_loop_and_an_endless_program_cost_nothing() {
    let long = b"\x80\x05\x8e\xff\xff\xff\xff\xff\xff\xff\xff.";
    assert!(Pickle::read(long).unwrap_err().contains("ends in the middle of a value"));
    // A list that holds itself, under a key.
    let itself = [b"\x80\x02".as_slice(), b"}U\x01x]q\x00h\x00as."].concat();
    let pickle = Pickle::read(&itself).unwrap();
    assert!(pickle.integers("x").is_err() && pickle.texts("x", 1).is_err());
    let endless = vec![b'N'; 3_000_000];
    assert!(Pickle::read(&endless).unwrap_err().contains("more than 2000000 operations"));
}

#[test]
fn a_size_that_only_the_file_claims_costs_nothing() {
    // An empty array whose shape says 2^62 rows, or columns, side by side or one under the other.
    let good = batch(Style::Python2, "labels", 1, &[], &[]);
    let (one, none) = (b"M\x01\x00".as_slice(), b"J\x00\x00\x00\x00".as_slice());
    let huge = b"\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x40".as_slice();
    let empty = b"K\x00".as_slice();
    let shape = [one, none].concat();
    let at = good.windows(shape.len()).position(|window| window == shape).unwrap();
    for (claimed, said) in [
        ([huge, empty], "its `data` is 4611686018427387904 x 0, not 10000 x 3072"),
        ([empty, huge], "its `data` is 0 x 4611686018427387904, not 10000 x 3072"),
        ([huge, huge], "its `data` is 4611686018427387904 x 4611686018427387904, not 10000 x 3072"),
    ] {
        let mut bytes = [&good[..at], claimed[0], claimed[1], &good[at + shape.len()..]].concat();
        let flag = bytes.iter().rposition(|&byte| byte == 0x89).unwrap();
        for order in [0x88, 0x89] {
            bytes[flag] = order;
            assert_eq!(Pickle::read(&bytes).unwrap().matrix("data", 10_000, 3072).unwrap_err(), said);
        }
    }
}

#[test]
fn a_long_text_is_no_name_however_often_it_is_listed() {
    let long = "x".repeat(LONGEST_TEXT + 1);
    let mut bytes = b"}U\x01x](".to_vec();
    bytes.push(b'X');
    bytes.extend((long.len() as u32).to_le_bytes());
    bytes.extend(long.as_bytes());
    bytes.extend(b"22es.");
    assert_eq!(Pickle::read(&bytes).unwrap().texts("x", 3).unwrap_err(), "its `x` is not a list of 3 texts");
}

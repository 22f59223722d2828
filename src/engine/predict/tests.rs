//! Classes by name and number, and mirror images.

use super::*;

#[test]
fn a_class_is_known_by_its_name_or_its_number() {
    let classes = ["cat", "é", "7"].map(str::to_owned);
    assert_eq!(number_of("e\u{301}", &classes).unwrap(), 1);
    assert_eq!(number_of("0", &classes).unwrap(), 0);
    // A name comes first.
    assert_eq!(number_of("7", &classes).unwrap(), 2);
    let Err(Failure::Input(sentence)) = number_of("3", &classes) else { panic!() };
    assert_eq!(sentence, "the network has no class `3`; it knows `cat`, `é`, `7`.");
}

#[test]
fn a_mirrored_picture_has_its_rows_the_other_way_round() {
    assert_eq!(mirrored(&[1, 2, 3, 4, 5, 6, 7, 8], 2), [2, 1, 4, 3, 6, 5, 8, 7]);
}

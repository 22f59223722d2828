//! Files of decoded images: found again, torn, damaged, replaced and crowded out.

use super::*;

const SIDE: usize = 2;
const IMAGE: usize = 3 * SIDE * SIDE;

fn image(value: u8) -> Vec<u8> {
    vec![value; IMAGE]
}

/// Two pictures in `dir`, whatever they hold.
fn pictures(dir: &Path) -> Vec<PathBuf> {
    let paths = ["a", "b"].map(|name| dir.join(name));
    for path in &paths {
        fs::write(path, b"picture").unwrap();
    }
    paths.into()
}

/// A file of images 1 and 2, of which the second is broken where `broken`.
fn written(dir: &Path, broken: bool) -> CachedImages {
    let mut writing = Writing::begin(dir, "x.pixels", 2, IMAGE).unwrap();
    writing.write(1, &image(2)).unwrap();
    writing.write(0, &image(1)).unwrap();
    let second = if broken { Digest::default() } else { Digest::of(&image(2)) };
    writing.finish(vec![Digest::of(&image(1)), second]).unwrap()
}

#[test]
fn what_was_written_is_read_by_this_start_and_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let now = written(dir.path(), false);
    let next = CachedImages::open(dir.path(), "x.pixels", 2, IMAGE).unwrap();
    for images in [now, next] {
        assert_eq!((images.read(0).unwrap(), images.read(1).unwrap()), (image(1), image(2)));
        assert_eq!(images.digest(1), Digest::of(&image(2)));
        assert_eq!(images.broken().count(), 0);
    }
    assert_eq!(dir.path().read_dir().unwrap().count(), 1, "nothing else is left");
    assert_eq!(written(dir.path(), true).broken().collect::<Vec<_>>(), [1]);
}

#[test]
fn a_file_that_is_torn_or_of_other_images_is_not_found() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), false);
    assert!(CachedImages::open(dir.path(), "y.pixels", 2, IMAGE).is_none());
    assert!(CachedImages::open(dir.path(), "x.pixels", 3, IMAGE).is_none());
    let path = dir.path().join("x.pixels");
    let whole = fs::read(&path).unwrap();
    for length in [0, IMAGE, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(CachedImages::open(dir.path(), "x.pixels", 2, IMAGE).is_none(), "{length} bytes");
    }
    let mut other = whole;
    other[2 * IMAGE + 3] ^= 1;
    fs::write(&path, other).unwrap();
    assert!(CachedImages::open(dir.path(), "x.pixels", 2, IMAGE).is_none(), "another digest");
}

#[test]
fn a_changed_pixel_is_an_error_and_the_file_is_not_found_again() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), false);
    let path = dir.path().join("x.pixels");
    let mut bytes = fs::read(&path).unwrap();
    bytes[IMAGE] ^= 1;
    fs::write(&path, bytes).unwrap();
    let images = CachedImages::open(dir.path(), "x.pixels", 2, IMAGE).unwrap();
    assert_eq!(images.read(0).unwrap(), image(1));
    let sentence = images.read(1).unwrap_err().to_string();
    assert!(sentence.contains("is damaged (image 1 is not what was written)"), "{sentence}");
    assert!(!path.exists());
}

#[test]
fn a_key_changes_with_a_name_a_size_a_time_and_the_side() {
    let dir = tempfile::tempdir().unwrap();
    let files = pictures(dir.path());
    let first = key(&files, SIDE).unwrap();
    assert_eq!(key(&files, SIDE), Some(first.clone()));
    assert_ne!(key(&files, SIDE + 1), Some(first.clone()));
    assert_ne!(key(&files[..1], SIDE), Some(first.clone()));
    assert_ne!(key(&[files[1].clone(), files[0].clone()], SIDE), Some(first.clone()));
    File::options().append(true).open(&files[0]).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    assert_ne!(key(&files, SIDE), Some(first));
    fs::remove_file(&files[1]).unwrap();
    assert_eq!(key(&files, SIDE), None);
}

#[test]
fn an_interrupted_file_leaves_nothing_and_one_too_large_is_not_begun() {
    let dir = tempfile::tempdir().unwrap();
    drop(Writing::begin(dir.path(), "x.pixels", 2, IMAGE).unwrap());
    assert_eq!(dir.path().read_dir().unwrap().count(), 0);
    let refused = Writing::begin(dir.path(), "x.pixels", 1 << 40, IMAGE).unwrap_err();
    assert!(refused.ends_with("GiB are more than the cache may take"), "{refused}");
    let refused = Writing::begin(&dir.path().join("\0"), "x.pixels", 1, IMAGE).unwrap_err();
    assert!(refused.contains("cannot be written"), "{refused}");
}

#[test]
fn what_a_killed_process_left_is_taken_away_and_what_is_being_written_stays() {
    let dir = tempfile::tempdir().unwrap();
    let left = dir.path().join(".y.pixels.1.part");
    fs::write(&left, b"half").unwrap();
    let writing = Writing::begin(dir.path(), "x.pixels", 2, IMAGE).unwrap();
    assert!(!left.exists());
    make_room(dir.path(), MOST_BYTES).unwrap();
    assert!(writing.part.exists());
}

#[test]
fn those_unused_for_longest_make_room() {
    let dir = tempfile::tempdir().unwrap();
    for (name, seconds) in [("a", 1), ("b", 3), ("c", 2)] {
        let path = dir.path().join(name).with_extension(ENDING);
        fs::write(&path, [0; 10]).unwrap();
        let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        File::options().append(true).open(&path).unwrap().set_modified(time).unwrap();
    }
    make_room(dir.path(), 20).unwrap();
    let mut left: Vec<_> = dir.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["b.pixels", "c.pixels"]);
}

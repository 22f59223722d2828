//! Files of decoded images: found again, torn, damaged, replaced and crowded out.

use super::*;

/// Pictures of 2x2 and of 3x1 pixels.
const SIZES: [Size; 2] = [Size { width: 2, height: 2 }, Size { width: 3, height: 1 }];
/// Bytes of the larger one.
const IMAGE: usize = 12;

/// Picture 0 or 1.
fn image(number: usize) -> Kept {
    let size = SIZES[number];
    Kept { size, planes: vec![number as u8 + 1; 3 * size.pixels()] }
}

fn digest(number: usize) -> Digest {
    Digest::of(SIZES[number], &image(number).planes)
}

/// Two pictures in `dir`, whatever they hold.
fn pictures(dir: &Path) -> Vec<PathBuf> {
    let paths = ["a", "b"].map(|name| dir.join(name));
    for path in &paths {
        fs::write(path, b"picture").unwrap();
    }
    paths.into()
}

/// A file of both, of which the second is broken where `broken`.
fn written(dir: &Path, broken: bool) -> CachedImages {
    let mut writing = Writing::begin(dir, "x.pixels", 2, IMAGE).unwrap();
    if !broken {
        writing.write(1, digest(1), &image(1)).unwrap();
    }
    writing.write(0, digest(0), &image(0)).unwrap();
    writing.finish().unwrap()
}

#[test]
fn what_was_written_is_read_by_this_start_and_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let now = written(dir.path(), false);
    let next = CachedImages::open(dir.path(), "x.pixels", 2).unwrap();
    for images in [now, next] {
        for number in [0, 1] {
            assert_eq!(images.read(number).unwrap(), image(number).planes);
            assert_eq!((images.size(number), images.digest(number)), (SIZES[number], digest(number)));
        }
        assert_eq!(images.broken().count(), 0);
    }
    assert_eq!(dir.path().read_dir().unwrap().count(), 1, "nothing else is left");
    assert_eq!(written(dir.path(), true).broken().collect::<Vec<_>>(), [1]);
}

#[test]
fn a_file_that_is_torn_or_of_other_images_is_not_found() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), false);
    assert!(CachedImages::open(dir.path(), "y.pixels", 2).is_none());
    assert!(CachedImages::open(dir.path(), "x.pixels", 3).is_none());
    let path = dir.path().join("x.pixels");
    let whole = fs::read(&path).unwrap();
    for length in [0, IMAGE, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(CachedImages::open(dir.path(), "x.pixels", 2).is_none(), "{length} bytes");
    }
    let mut other = whole;
    other[IMAGE + 9 + 3] ^= 1;
    fs::write(&path, other).unwrap();
    assert!(CachedImages::open(dir.path(), "x.pixels", 2).is_none(), "another digest");
}

#[test]
fn a_changed_pixel_is_an_error_and_the_file_is_not_found_again() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), false);
    let path = dir.path().join("x.pixels");
    let mut bytes = fs::read(&path).unwrap();
    // The second image was written first.
    bytes[0] ^= 1;
    fs::write(&path, bytes).unwrap();
    let images = CachedImages::open(dir.path(), "x.pixels", 2).unwrap();
    assert_eq!(images.read(0).unwrap(), image(0).planes);
    let sentence = images.read(1).unwrap_err().to_string();
    assert!(sentence.contains("is damaged (image 1 is not what was written)"), "{sentence}");
    assert!(!path.exists());
}

#[test]
fn a_key_changes_with_a_name_a_size_a_time_and_what_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let files = pictures(dir.path());
    let keep = Keep::Square { side: 32 };
    let first = key(&files, keep).unwrap();
    assert_eq!(key(&files, keep), Some(first.clone()));
    for other in [Keep::Square { side: 33 }, Keep::Whole { shorter: 32 }] {
        assert_ne!(key(&files, other), Some(first.clone()));
    }
    assert_ne!(key(&files[..1], keep), Some(first.clone()));
    assert_ne!(key(&[files[1].clone(), files[0].clone()], keep), Some(first.clone()));
    File::options().append(true).open(&files[0]).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    assert_ne!(key(&files, keep), Some(first));
    fs::remove_file(&files[1]).unwrap();
    assert_eq!(key(&files, keep), None);
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
fn a_file_that_grows_beyond_its_room_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let mut writing = Writing::begin(dir.path(), "x.pixels", 2, IMAGE).unwrap();
    writing.room = (2 * RECORD + IMAGE) as u64;
    writing.write(0, digest(0), &image(0)).unwrap();
    let error = writing.write(1, digest(1), &image(1)).unwrap_err();
    assert_eq!(error.to_string(), "there is no room for more than 0 MiB");
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

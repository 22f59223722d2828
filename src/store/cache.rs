//! Files that can be made again: kept to save time, never missed.

use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::store::atomic;

/// A directory of such files. The name of a file says everything that its content depends on.
#[derive(Clone, Debug)]
pub struct Cache {
    dir: PathBuf,
}

/// Bytes of the hash that a file begins with.
const HASH: usize = 32;

impl Cache {
    /// Files in `dir`, which is made when the first one is written.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// What was kept under `name`; `None` where nothing was, or it is damaged.
    pub fn get(&self, name: &str) -> Option<Vec<u8>> {
        let bytes = std::fs::read(self.dir.join(name)).ok()?;
        let (hash, content) = bytes.split_at_checked(HASH)?;
        (hash == Sha256::digest(content).as_slice()).then(|| content.to_vec())
    }

    /// Keeps `content` under `name`, if it can.
    pub fn put(&self, name: &str, content: &[u8]) {
        let bytes = [Sha256::digest(content).as_slice(), content].concat();
        if std::fs::create_dir_all(&self.dir).is_ok() {
            // Without it the next start takes longer.
            let _ = atomic::write(&self.dir.join(name), &bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_comes_back_and_what_is_damaged_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("new"));
        assert_eq!(cache.get("a"), None);
        cache.put("a", b"kernels");
        assert_eq!(cache.get("a").as_deref(), Some(b"kernels".as_slice()));
        let path = folder.path().join("new/a");
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(cache.get("a"), None);
        std::fs::write(&path, b"short").unwrap();
        assert_eq!(cache.get("a"), None);
    }

    #[test]
    fn a_place_that_cannot_be_written_to_is_no_failure() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, b"").unwrap();
        let cache = Cache::new(file);
        cache.put("a", b"kernels");
        assert_eq!(cache.get("a"), None);
    }
}

//! Files that can be made again: kept to save time, never missed.

use std::path::PathBuf;

use crate::files;
use crate::store::atomic;

/// Far more than the kernels of any network take.
const LARGEST: u64 = 1 << 30;

/// A directory of such files. The name of a file says everything that its content depends on.
#[derive(Clone, Debug)]
pub struct Cache {
    dir: PathBuf,
}

impl Cache {
    /// Files in `dir`, which is made when the first one is written.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// What was kept under `name`, if anything. Whoever kept it must know it from something damaged.
    pub fn get(&self, name: &str) -> Option<Vec<u8>> {
        files::read(&self.dir.join(name), LARGEST).ok()
    }

    /// Keeps `content` under `name`, if it can.
    pub fn put(&self, name: &str, content: &[u8]) {
        if std::fs::create_dir_all(&self.dir).is_ok() {
            // Without it the next start takes longer.
            let _ = atomic::write(&self.dir.join(name), content);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("new"));
        assert_eq!(cache.get("a"), None);
        cache.put("a", b"kernels");
        assert_eq!(cache.get("a").as_deref(), Some(b"kernels".as_slice()));
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

//! The heartbeat of a run: a thread that shows other machines that the run is held, and notices within a second
//! that its directory is gone, whatever the engine is at.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};

use crate::store::run::{BEAT, Hold, Standing};

/// A run whose heart beats for as long as this lives.
pub(super) struct Heartbeat {
    /// Its end is the end of the thread.
    _alive: Sender<Infallible>,
}

impl Heartbeat {
    /// Starts the thread for the run in `hold`, which is at `path`; `warn` gets a sentence where that changes. A
    /// machine that has no thread left trains without: then a save notices.
    pub(super) fn start(
        hold: &Arc<Hold>,
        path: &Path,
        warn: impl Fn(String) + Send + 'static,
    ) -> Option<Self> {
        let (alive, ended) = bounded::<Infallible>(0);
        // The lock is the run's: a beat must not keep it longer.
        let (hold, path) = (Arc::downgrade(hold), path.to_owned());
        let work = move || {
            let wait = || ended.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout);
            keep(&hold, path, wait, warn);
        };
        std::thread::Builder::new().name("heartbeat".into()).spawn(work).ok()?;
        Some(Self { _alive: alive })
    }
}

/// Beats after every `wait`, until that says that nobody needs it any more or the run is let go.
fn keep(hold: &Weak<Hold>, mut path: PathBuf, mut wait: impl FnMut() -> bool, warn: impl Fn(String)) {
    let mut known = Standing::Ours;
    while wait() {
        let Some(hold) = hold.upgrade() else { return };
        // Where nothing can be known now, something may be at the next beat.
        let Ok(standing) = hold.beat(&path) else { continue };
        drop(hold);
        if standing == known {
            continue;
        }
        if let Some(sentence) = standing.sentence(&path) {
            warn(sentence);
        }
        known = match standing {
            Standing::Moved(new) => {
                path = new;
                Standing::Ours
            }
            other => other,
        };
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::fs;

    use super::*;
    use crate::recipe::{Data, Recipe};
    use crate::store::RunDir;

    #[test]
    fn every_change_of_a_directory_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDir::create(folder.path(), Some("a"), "", &Recipe::defaults(Data::Shapes)).unwrap();
        let [a, b] = ["a", "b"].map(|name| folder.path().canonicalize().unwrap().join(name));
        let (told, mut beats) = (RefCell::new(Vec::new()), 0);
        let wait = || {
            beats += 1;
            match beats {
                3 => fs::rename(&a, &b).unwrap(),
                6 => fs::remove_dir_all(&b).unwrap(),
                9 => fs::create_dir(&b).unwrap(),
                _ => {}
            }
            beats < 12
        };
        keep(&Arc::downgrade(run.hold()), a.clone(), wait, |sentence| told.borrow_mut().push(sentence));
        let told = told.into_inner();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].contains("goes on there") && told[0].contains(b.to_str().unwrap()), "{told:?}");
        assert!(told[1].contains("has disappeared") && told[2].contains("something else"), "{told:?}");
    }

    #[test]
    fn a_run_that_is_let_go_is_let_go_at_once_though_its_heart_still_beats() {
        let folder = tempfile::tempdir().unwrap();
        let run =
            RunDir::create(folder.path(), Some("a"), "", &Recipe::defaults(Data::Shapes)).unwrap().grown();
        let path = run.path().to_owned();
        let _heartbeat = Heartbeat::start(run.hold(), &path, |_| {}).unwrap();
        drop(run);
        RunDir::open(&path).unwrap();
    }
}

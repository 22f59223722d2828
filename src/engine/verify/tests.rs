//! Golden files by every arithmetic that there is.

use std::path::PathBuf;

use super::*;
use crate::ops::cpu::by_every_isa;
use crate::ops::op::Fused;

/// What verifying the file at `path` finds by each instruction set, and by the reference.
fn by_everything(path: &Path) -> Vec<(&'static str, Verification)> {
    let verified = |requested, look: &mut dyn FnMut(&DenseNet)| {
        run(path, BatchNormConfig::default(), requested, &Device::Cpu, look).unwrap()
    };
    let (arch, _) = Golden::read(path).unwrap().arch().unwrap();
    let net = DenseNet::new(&arch, Init::FanOut, 0, &Device::Cpu).unwrap();
    let mut found = Vec::new();
    if net.no_fused_version().is_none() {
        let config = net.config();
        found.extend(by_every_isa(&config).into_iter().map(|(isa, passes)| {
            let mut fused = Some(Fused::new(&config.net, passes));
            (isa, verified(Implementation::Fused, &mut |net| net.compute_by(fused.take().unwrap())))
        }));
    }
    found.push(("the reference", verified(Implementation::Reference, &mut |_| ())));
    found
}

/// The golden files in a folder.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|is| is == "safetensors")).collect();
    files.sort();
    files
}

#[test]
fn every_instruction_set_passes_the_golden_files() {
    let files = files_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"));
    assert!(files.len() >= 10, "{files:?}");
    for path in files {
        for (by, found) in by_everything(&path) {
            assert!(found.passed, "{}, {by}: {found:#?}", path.display());
        }
    }
}

#[test]
#[ignore = "it takes minutes and needs golden files in DENSENET_TUI_GOLDEN"]
fn every_instruction_set_passes_any_golden_files() {
    let folder = std::env::var("DENSENET_TUI_GOLDEN").unwrap();
    let files = files_in(Path::new(&folder));
    assert!(!files.is_empty(), "{folder} has no golden file");
    let mut failed = Vec::new();
    for path in files {
        for (by, found) in by_everything(&path) {
            let name = path.file_stem().unwrap().display();
            let share = found.groups.iter().map(|group| group.error / group.tolerance).fold(0.0, f64::max);
            println!("{name}, {by}: {:.1} % of the tolerance", 100.0 * share);
            if !found.passed {
                failed.push(format!("{name}, {by}: {found:#?}"));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

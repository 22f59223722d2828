//! The shape of the crate, held to ARCHITECTURE.md: who may know whom, where `unsafe` may live, how
//! files begin and how long they may be.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Lines a file may have without its tests.
const CEILING: usize = 500;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file under `src`, with its path relative to it.
fn sources() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.push((path.strip_prefix(root().join("src")).unwrap().to_owned(), text));
            }
        }
    }
    assert!(files.len() > 5, "the sources were not found");
    files
}

/// The room a file belongs to: the first part of its path, without `.rs`.
fn room(path: &Path) -> String {
    let first = path.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The table of ARCHITECTURE.md: rows `| room, room | may use |`.
fn table() -> BTreeMap<String, Vec<String>> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let rows = text.lines().skip_while(|line| !line.starts_with("| room |")).skip(2);
    let mut table = BTreeMap::new();
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let words = |cell: &str| -> Vec<String> {
            cell.split(',')
                .map(|word| word.trim().trim_matches('`').to_owned())
                .filter(|word| word != "–")
                .collect()
        };
        for room in words(cells[0]) {
            table.insert(room, words(cells[1]));
        }
    }
    assert!(table.len() >= 10, "the table was not found");
    table
}

/// The rooms that `text` names by a `crate::` path, with the line. Tests may look anywhere.
fn named_rooms(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.starts_with("#[cfg(test)]") {
            break;
        }
        let code = line.split("//").next().unwrap();
        for (place, _) in code.match_indices("crate::") {
            let rest = &code[place + "crate::".len()..];
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            assert!(!name.is_empty(), "line {}: name one room for each `crate::`", number + 1);
            found.push((number + 1, name));
        }
    }
    found
}

#[test]
fn rooms_know_only_whom_the_table_allows() {
    let table = table();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let here = room(&path);
        if here == "lib" || here == "main" {
            continue;
        }
        let allowed =
            table.get(&here).unwrap_or_else(|| panic!("{here} is not in the table of ARCHITECTURE.md"));
        for (line, other) in named_rooms(&text) {
            if other != here && !allowed.contains(&other) && !allowed.contains(&"everything".to_owned()) {
                wrong.push(format!("src/{}:{line} uses {other}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "the table of ARCHITECTURE.md forbids:\n{}", wrong.join("\n"));
}

#[test]
fn the_table_has_no_cycle() {
    let table = table();
    let mut order: Vec<&str> = Vec::new();
    while order.len() < table.len() {
        let free = table.iter().find(|(room, uses)| {
            !order.contains(&room.as_str())
                && uses.iter().all(|other| other == "everything" || order.contains(&other.as_str()))
        });
        let Some((room, _)) = free else { panic!("a cycle among the rooms beyond {order:?}") };
        order.push(room);
    }
}

#[test]
fn only_the_ops_are_unsafe() {
    for (path, text) in sources() {
        let is_unsafe = text.lines().any(|line| {
            let code = line.split("//").next().unwrap();
            code.contains("unsafe {") || code.contains("unsafe fn") || code.contains("unsafe impl")
        });
        assert!(!is_unsafe || room(&path) == "ops", "src/{} has an unsafe block", path.display());
    }
}

#[test]
fn only_the_maths_and_the_engine_know_candle() {
    for (path, text) in sources() {
        let room = room(&path);
        let may = ["ops", "model", "optim", "engine"].contains(&room.as_str());
        assert!(may || !text.contains("candle_"), "src/{} names candle", path.display());
    }
}

#[test]
fn every_file_says_what_it_is_for_and_stays_short() {
    for (path, text) in sources() {
        assert!(text.starts_with("//! "), "src/{} does not open with its purpose", path.display());
        let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
        assert!(lines <= CEILING, "src/{} has {lines} lines", path.display());
        assert!(!path.ends_with("mod.rs"), "src/{}: name the room's file after the room", path.display());
    }
}

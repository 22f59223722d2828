//! The shape of the crate, checked against ARCHITECTURE.md: which rooms and sub-rooms may import which, that no files
//! import each other in a circle, where `unsafe` may live, how files begin and how long they may be.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use imports::{Import, circles, explain, imports};

#[path = "support/imports.rs"]
mod imports;

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

/// The part of a path at `depth`, without `.rs`; where the path ends before it, its last: the front file of a room
/// is the sub-room that is called like the room.
fn part(path: &Path, depth: usize) -> String {
    let parts: Vec<&str> = path.iter().map(|part| part.to_str().unwrap()).collect();
    parts[depth.min(parts.len() - 1)].trim_end_matches(".rs").to_owned()
}

fn room(path: &Path) -> String {
    part(path, 0)
}

/// Who may use whom.
type Table = BTreeMap<String, Vec<String>>;

/// The table of ARCHITECTURE.md whose first column is headed `title`: rows `| room, room | may use |`.
fn table(title: &str) -> Table {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let rows = text.lines().skip_while(|line| !line.starts_with(&format!("| {title} |"))).skip(2);
    let mut table = Table::new();
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
    assert!(table.len() >= 5, "the table of each {title} was not found");
    table
}

/// Rooms whose sub-rooms have a table of their own.
const DIVIDED: [&str; 2] = ["ui", "ops"];

/// Each table with the sub-room that it has for a file, if any.
fn tables() -> Vec<(Table, impl Fn(&Path) -> Option<String>)> {
    let all = std::iter::once(None).chain(DIVIDED.map(Some));
    all.map(|divided| {
        let title = divided.map_or("room".into(), |room| format!("sub-room of `{room}`"));
        let name = move |path: &Path| match divided {
            None => Some(room(path)).filter(|room| room != "lib"),
            Some(divided) => (room(path) == divided).then(|| part(path, 1)),
        };
        (table(&title), name)
    })
    .collect()
}

/// The imports that `table` does not allow, where `name` says which of its rooms a file belongs to.
fn forbidden(table: &Table, imports: &[Import], name: impl Fn(&Path) -> Option<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    for import in imports {
        let (Some(here), Some(other)) = (name(&import.from), name(&import.to)) else { continue };
        let allowed =
            table.get(&here).unwrap_or_else(|| panic!("{here} is not in its table of ARCHITECTURE.md"));
        if other != here && !allowed.contains(&other) && !allowed.contains(&"everything".to_owned()) {
            wrong.push(format!(
                "src/{}:{} uses {} of {other}",
                import.from.display(),
                import.line,
                import.name
            ));
        }
    }
    wrong
}

#[test]
fn rooms_and_sub_rooms_know_only_whom_their_table_allows() {
    let sources = sources();
    let imports = imports(&sources);
    for (table, name) in tables() {
        let wrong = forbidden(&table, &imports, &name);
        assert!(wrong.is_empty(), "ARCHITECTURE.md forbids:\n{}", wrong.join("\n"));
        let rooms: Vec<String> = sources.iter().filter_map(|(path, _)| name(path)).collect();
        for row in table.keys() {
            assert!(rooms.contains(row), "ARCHITECTURE.md has a row of {row}, which is nowhere");
        }
    }
}

#[test]
fn no_table_has_a_cycle() {
    for (table, _) in tables() {
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
}

/// Parents and children of one idea that name each other, and why they may. This list only shrinks.
const PAIRS: &[(&str, &str, &str)] = &[
    ("model.rs", "model/forward.rs", "a walk is over the parts of the network that offers it"),
    ("model.rs", "model/reuse.rs", "a map is read from the parts of the network that offers it"),
];

#[test]
fn no_two_files_import_each_other_in_a_circle() {
    let imports = imports(&sources());
    let pairs: Vec<(&str, &str)> = PAIRS.iter().map(|(parent, child, _)| (*parent, *child)).collect();
    for (parent, child) in &pairs {
        let uses = |from: &str, to: &str| {
            imports.iter().any(|import| import.from == Path::new(from) && import.to == Path::new(to))
        };
        assert!(child.starts_with(parent.trim_end_matches(".rs")), "{parent} is no parent of {child}");
        assert!(uses(parent, child) && uses(child, parent), "{parent} and {child} are no pair any more");
    }
    let open: Vec<String> =
        circles(&imports, &pairs).iter().map(|circle| explain(circle, &imports)).collect();
    assert!(open.is_empty(), "{}", open.join("\n"));
}

/// The circles of a small crate, each as its files.
fn circles_of(files: &[(&str, &str)], pairs: &[(&str, &str)]) -> Vec<String> {
    let sources: Vec<(PathBuf, String)> =
        files.iter().map(|(path, text)| (path.into(), (*text).to_owned())).collect();
    let names = |circle: BTreeSet<PathBuf>| -> String {
        circle.iter().map(|file| file.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    };
    circles(&imports(&sources), pairs).into_iter().map(names).collect()
}

#[test]
fn a_circle_is_found_however_its_paths_are_spelt() {
    let both = |a: &str, b: &str| {
        let files = [("lib.rs", "mod a; mod b;"), ("a.rs", "mod c; mod d;"), ("b.rs", "")];
        circles_of(&[&files[..], &[("a/c.rs", a), ("a/d.rs", b)]].concat(), &[])
    };
    let back = "use crate::a::c::C;";
    for tie in [
        "use crate::a::d::D;",
        "use crate::{a::{self, d::{D, E as F}}, b};",
        "use super::d::*;",
        "use super::super::a::d::D;",
        "use crate::a; fn f() -> Option<a::d::D> { None }",
        "use crate::a::d as e; fn f(x: e::D<'static>) { let c = '\"'; }",
        "fn f() { crate::a::d::D.go() }",
        "pub(in crate::a) use super::d::D;",
        "mod inner { use super::super::d::D; }",
        "#[cfg(not(test))] use super::d::D;",
    ] {
        assert_eq!(both(tie, back), ["a/c.rs a/d.rs"], "{tie}");
    }
    for free in [
        "// use crate::a::d::D;",
        "/* /* use */ use crate::a::d::D; */ const X: &str = \"crate::a::d::D\";",
        "const X: &[u8] = br#\"crate::a::d::\"D\"#; pub(in crate::a::d) struct Y;",
        "#[cfg(test)] mod tests { use crate::a::d::D; }",
        "#[cfg(test)] use crate::a::{d::D, d::E}; #[cfg(test)] fn f() -> [u8; 3] { crate::a::d::D }",
        "use crate::a::D;",
        "mod inner { use super::d::D; }",
    ] {
        assert_eq!(both(free, back), Vec::<String>::new(), "{free}");
    }
}

#[test]
fn a_front_file_is_named_by_what_it_defines_or_passes_on_and_a_pair_hides_no_longer_circle() {
    let crate_of = |front: &'static str, child: &'static str, other: &'static str| {
        [("lib.rs", "mod a; mod b;"), ("a.rs", front), ("a/c.rs", child), ("b.rs", other)]
    };
    let pair = crate_of("mod c; pub use c::C;", "use super::Word;", "");
    assert_eq!(circles_of(&pair, &[]), ["a/c.rs a.rs"]);
    assert_eq!(circles_of(&pair, &[("a.rs", "a/c.rs")]), Vec::<String>::new());
    let leaf = crate_of("mod c; fn f() { c::go(); self::c::go(); }", "use crate::b::B;", "");
    assert_eq!(circles_of(&leaf, &[]), Vec::<String>::new());
    let long = crate_of("mod c; pub use c::C;", "use crate::b::B;", "use crate::a::C;");
    assert_eq!(circles_of(&long, &[]), ["a/c.rs a.rs b.rs"]);
    assert_eq!(circles_of(&long, &[("a.rs", "a/c.rs")]), ["a/c.rs a.rs b.rs"]);
}

#[test]
fn an_import_beside_the_table_is_found_with_its_line() {
    let import = Import { from: "ui/a.rs".into(), to: "ui/b/c.rs".into(), line: 7, name: "C".into() };
    let table = |uses: &[&str]| {
        let uses = uses.iter().map(ToString::to_string).collect();
        Table::from([("a".to_owned(), uses), ("b".to_owned(), Vec::new())])
    };
    let name = |path: &Path| Some(part(path, 1));
    let imports = [import];
    assert_eq!(forbidden(&table(&[]), &imports, name), ["src/ui/a.rs:7 uses C of b"]);
    assert!(forbidden(&table(&["b"]), &imports, name).is_empty());
    assert!(forbidden(&table(&["everything"]), &imports, name).is_empty());
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

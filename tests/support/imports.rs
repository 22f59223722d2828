//! Which source file names which: every path in the code outside of tests, resolved through the module tree.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// One path in the code of `from` that names something in `to`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Import {
    pub(crate) from: PathBuf,
    pub(crate) to: PathBuf,
    pub(crate) line: usize,
    /// What is named in `to`.
    pub(crate) name: String,
}

/// A module's path from the crate's root.
type Module = Vec<String>;

/// The imports between the modules below `lib.rs`; each source has its path relative to `src`. A module that is
/// declared for tests only is none of them.
pub(crate) fn imports(sources: &[(PathBuf, String)]) -> Vec<Import> {
    let texts: BTreeMap<&Path, &str> =
        sources.iter().map(|(path, text)| (path.as_path(), text.as_str())).collect();
    let mut files: BTreeMap<Module, (PathBuf, Vec<Token>)> = BTreeMap::new();
    let mut open = vec![(Module::new(), PathBuf::from("lib.rs"))];
    while let Some((module, file)) = open.pop() {
        let tokens = without_tests(&tokens(texts[file.as_path()]));
        for triple in tokens.windows(3) {
            let [word, name, end] = triple else { continue };
            if word.text == "mod" && end.text == ";" {
                let child: Module = module.iter().cloned().chain([name.text.clone()]).collect();
                let path = PathBuf::from(child.join("/") + ".rs");
                assert!(texts.contains_key(path.as_path()), "src/{} is not there", path.display());
                open.push((child, path));
            }
        }
        files.insert(module, (file, tokens));
    }
    let mut found: Vec<Import> =
        files.keys().flat_map(|module| Reader { files: &files, module }.imports()).collect();
    found.sort();
    found.dedup();
    found
}

/// The circles of files: sets in which each file reaches every other by imports. Those in a pair count as one
/// file, so a longer circle through a pair is still found.
pub(crate) fn circles(imports: &[Import], pairs: &[(&str, &str)]) -> Vec<BTreeSet<PathBuf>> {
    let group = |file: &Path| -> PathBuf {
        // A child may be a parent in another pair.
        let mut file = file;
        while let Some((parent, _)) = pairs.iter().find(|(_, child)| Path::new(child) == file) {
            file = Path::new(parent);
        }
        file.to_owned()
    };
    let mut uses: BTreeMap<PathBuf, BTreeSet<PathBuf>> = BTreeMap::new();
    let mut members: BTreeMap<PathBuf, BTreeSet<PathBuf>> = BTreeMap::new();
    for Import { from, to, .. } in imports {
        uses.entry(group(from)).or_default().insert(group(to));
        for file in [from, to] {
            members.entry(group(file)).or_default().insert(file.clone());
        }
    }
    let reach = |start: &PathBuf| -> BTreeSet<PathBuf> {
        let (mut seen, mut open) = (BTreeSet::new(), vec![start.clone()]);
        while let Some(file) = open.pop() {
            for next in uses.get(&file).into_iter().flatten() {
                if seen.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&PathBuf, BTreeSet<PathBuf>> =
        uses.keys().map(|file| (file, reach(file))).collect();
    let circles: BTreeSet<BTreeSet<&PathBuf>> = reached
        .iter()
        .map(|(file, seen)| {
            let returns = |other: &&PathBuf| reached.get(other).is_some_and(|back| back.contains(*file));
            seen.iter().filter(returns).collect()
        })
        .filter(|circle: &BTreeSet<&PathBuf>| circle.len() > 1)
        .collect();
    circles
        .into_iter()
        .map(|circle| circle.into_iter().flat_map(|file| members[file].clone()).collect())
        .collect()
}

/// A circle for a person: its files, and the names that tie them.
pub(crate) fn explain(circle: &BTreeSet<PathBuf>, imports: &[Import]) -> String {
    let mut ties: BTreeMap<(&Path, &Path), BTreeSet<String>> = BTreeMap::new();
    for Import { from, to, line, name } in imports {
        if from != to && circle.contains(from) && circle.contains(to) {
            ties.entry((from, to)).or_default().insert(format!("{name} (line {line})"));
        }
    }
    let mut text = format!("a circle of {} files:\n", circle.len());
    for ((from, to), names) in ties {
        let names: Vec<String> = names.into_iter().collect();
        let (from, to) = (from.display(), to.display());
        _ = writeln!(text, "  {from} -> {to}: {}", names.join(", "));
    }
    text
}

struct Reader<'a> {
    files: &'a BTreeMap<Module, (PathBuf, Vec<Token>)>,
    module: &'a Module,
}

impl Reader<'_> {
    fn imports(&self) -> Vec<Import> {
        let (from, tokens) = &self.files[self.module];
        let (mut used, mut paths) = (Vec::new(), Vec::new());
        // The braces that are open, and which of them are a module's own.
        let mut braces: Vec<bool> = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            let word = tokens[at].text.as_str();
            let before = at.checked_sub(1).map_or("", |before| tokens[before].text.as_str());
            let depth = braces.iter().filter(|own| **own).count();
            match word {
                "{" => braces.push(at >= 2 && tokens[at - 2].text == "mod"),
                "}" => _ = braces.pop(),
                "use" => {
                    at = Self::tree(tokens, at + 1, &[], depth, &mut used);
                    continue;
                }
                _ if is_name(word) && before != "." && before != "::" => {
                    let mut names = vec![word.to_owned()];
                    while tokens.get(at + 1).is_some_and(|token| token.text == "::")
                        && tokens.get(at + 2).is_some_and(|token| is_name(&token.text))
                    {
                        names.push(tokens[at + 2].text.clone());
                        at += 2;
                    }
                    if names.len() > 1 {
                        paths.push((names, depth, tokens[at].line));
                    }
                }
                _ => {}
            }
            at += 1;
        }
        let mut aliases = BTreeMap::new();
        let mut found = Vec::new();
        let mut keep = |(module, rest): (Module, &[String]), line: usize| {
            let to = self.files[&module].0.clone();
            let name = if rest.is_empty() { "*".into() } else { rest.join("::") };
            if to != *from && to != Path::new("lib.rs") {
                found.push(Import { from: from.clone(), to, line, name });
            }
        };
        for Used { names, alias, depth, line } in &used {
            if let Some((module, rest)) = self.resolve(names, *depth, &BTreeMap::new()) {
                match alias {
                    // A module that is brought in is named where something in it is.
                    Some(alias) if rest.is_empty() => _ = aliases.insert(alias.as_str(), module),
                    _ => keep((module, rest), *line),
                }
            }
        }
        for (names, depth, line) in &paths {
            if let Some((module, rest)) = self.resolve(names, *depth, &aliases) {
                keep((module, rest), *line);
            }
        }
        found
    }

    /// Reads the tree of a `use` from `at` on; returns where it ends.
    fn tree(tokens: &[Token], mut at: usize, above: &[String], depth: usize, used: &mut Vec<Used>) -> usize {
        let mut names = above.to_vec();
        let mut alias = None;
        let line = tokens[at].line;
        loop {
            match tokens[at].text.as_str() {
                "::" => {}
                "{" => {
                    while tokens[at].text != "}" {
                        at = Self::tree(tokens, at + 1, &names, depth, used);
                    }
                    return at + 1;
                }
                "as" => {
                    at += 1;
                    alias = Some(tokens[at].text.clone());
                }
                "*" => {
                    used.push(Used { names, alias: None, depth, line });
                    return at + 1;
                }
                "," | "}" | ";" => {
                    if names.len() > 1 && names.last().is_some_and(|name| name == "self") {
                        names.pop();
                    }
                    if names.len() > above.len() || !names.is_empty() && tokens[at - 1].text == "self" {
                        let alias = alias.or_else(|| names.last().cloned());
                        used.push(Used { names, alias, depth, line });
                    }
                    return at;
                }
                name => names.push(name.to_owned()),
            }
            at += 1;
        }
    }

    /// The deepest module that `names` lead to from here, `depth` modules deep in the file, and the rest of them.
    fn resolve<'n>(
        &self,
        names: &'n [String],
        mut depth: usize,
        aliases: &BTreeMap<&str, Module>,
    ) -> Option<(Module, &'n [String])> {
        let mut module = self.module.clone();
        let mut rest = names;
        match names[0].as_str() {
            "crate" => (module, rest) = (Module::new(), &rest[1..]),
            "self" => rest = &rest[1..],
            "super" => {
                while let Some((_, behind)) = rest.split_first().filter(|(first, _)| *first == "super") {
                    rest = behind;
                    match depth.checked_sub(1) {
                        Some(less) => depth = less,
                        None => _ = module.pop(),
                    }
                }
            }
            name => {
                let child: Module = module.iter().cloned().chain([name.to_owned()]).collect();
                module = if self.files.contains_key(&child) { child } else { aliases.get(name)?.clone() };
                rest = &rest[1..];
            }
        }
        while let Some((name, behind)) = rest.split_first() {
            let child: Module = module.iter().cloned().chain([name.clone()]).collect();
            if !self.files.contains_key(&child) {
                break;
            }
            (module, rest) = (child, behind);
        }
        Some((module, rest))
    }
}

/// A leaf of a `use`.
struct Used {
    names: Vec<String>,
    alias: Option<String>,
    depth: usize,
    line: usize,
}

#[derive(Clone, Debug)]
struct Token {
    text: String,
    line: usize,
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The names and signs of a source, without comments and literals.
fn tokens(text: &str) -> Vec<Token> {
    let bytes: Vec<char> = text.chars().collect();
    let (mut found, mut at, mut line) = (Vec::new(), 0, 1);
    let ahead =
        |at: usize, wanted: &str| wanted.chars().enumerate().all(|(i, c)| bytes.get(at + i) == Some(&c));
    while at < bytes.len() {
        let (start, c) = (at, bytes[at]);
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        if ahead(at, "//") {
            at += bytes[at..].iter().take_while(|c| **c != '\n').count();
        } else if ahead(at, "/*") {
            let mut depth = 0;
            loop {
                match () {
                    () if ahead(at, "/*") => (depth, at) = (depth + 1, at + 2),
                    () if ahead(at, "*/") => (depth, at) = (depth - 1, at + 2),
                    () => at += 1,
                }
                if depth == 0 {
                    break;
                }
            }
        } else if c == '"' {
            at += 1;
            while bytes[at] != '"' {
                at += if bytes[at] == '\\' { 2 } else { 1 };
            }
            at += 1;
        } else if c == '\'' {
            // A character, or a lifetime.
            if bytes[at + 1] == '\\' {
                at += 3;
                at += bytes[at..].iter().take_while(|c| **c != '\'').count() + 1;
            } else {
                at += if bytes.get(at + 2) == Some(&'\'') { 3 } else { 1 };
            }
        } else if is_word(c) {
            at += bytes[at..].iter().take_while(|c| is_word(**c)).count();
            let word: String = bytes[start..at].iter().collect();
            let hashes = bytes[at..].iter().take_while(|c| **c == '#').count();
            if ["r", "br"].contains(&word.as_str()) && bytes.get(at + hashes) == Some(&'"') {
                let end = format!("\"{}", "#".repeat(hashes));
                at += hashes + 1;
                while !ahead(at, &end) {
                    at += 1;
                }
                at += end.len();
            } else {
                found.push(Token { text: word, line });
            }
        } else {
            at += if ahead(at, "::") { 2 } else { 1 };
            if !c.is_whitespace() {
                found.push(Token { text: bytes[start..at].iter().collect(), line });
            }
        }
        line += bytes[start..at].iter().filter(|c| **c == '\n').count();
    }
    found
}

/// `tokens` without what is compiled for tests only, and without the places in `pub(in …)`.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let close = |mut at: usize| {
        let mut depth = 0;
        loop {
            match text(at) {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                _ => {}
            }
            at += 1;
            if depth == 0 || at >= tokens.len() {
                return at;
            }
        }
    };
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        if text(at) == "pub" && text(at + 1) == "(" {
            at = close(at + 1);
        } else if text(at) == "#" && text(at + 1) == "[" {
            let end = close(at + 1);
            let words: Vec<&str> = (at..end).map(text).collect();
            let is_test = words.contains(&"cfg") && words.contains(&"test") && !words.contains(&"not");
            at = end;
            if is_test {
                at = after_item(tokens, at, &close);
            }
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

/// Where the item, statement, field or arm that begins at `at` is over.
fn after_item(tokens: &[Token], mut at: usize, close: &dyn Fn(usize) -> usize) -> usize {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    while text(at) == "#" {
        at = close(at + 1);
    }
    let words =
        ["pub", "use", "mod", "fn", "impl", "const", "static", "let", "struct", "enum", "unsafe", "type"];
    let (is_item, is_use) = (words.contains(&text(at)), (at..at + 6).any(|at| text(at) == "use"));
    loop {
        match text(at) {
            ";" => return at + 1,
            "," if !is_item => return at + 1,
            "}" | "" => return at,
            "{" if !is_use => return close(at),
            "(" | "[" | "{" => at = close(at),
            _ => at += 1,
        }
    }
}

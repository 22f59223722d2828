//! The text that a compiler is given: the kernels, and an entry for each instance that the programs use.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::arch::words::Precision;
use crate::ops::cuda::program::{Arg, BufferId, Launch, Program};

/// The kernels, in the order in which they know each other.
const KERNELS: &[&str] = &[
    include_str!("kernels/base.cuh"),
    include_str!("kernels/random.cuh"),
    include_str!("kernels/product.cuh"),
    include_str!("kernels/load.cuh"),
    include_str!("kernels/finish.cuh"),
    include_str!("kernels/pointwise.cuh"),
    include_str!("kernels/conv3.cuh"),
    include_str!("kernels/weights.cuh"),
    include_str!("kernels/stem.cuh"),
    include_str!("kernels/join.cuh"),
    include_str!("kernels/head.cuh"),
    include_str!("kernels/prepare.cuh"),
    include_str!("kernels/update.cuh"),
    include_str!("kernels/peak.cuh"),
];

/// A field of a kernel's struct.
#[derive(Clone, Debug, PartialEq)]
struct Field {
    name: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Pointer,
    Int,
    Float,
}

/// Source text for the instances of some programs, and how their arguments lie.
#[derive(Clone, Debug)]
pub(super) struct Source {
    precision: Precision,
    /// Fields of each struct.
    structs: BTreeMap<String, Vec<Field>>,
    /// Name of the entry and of the struct of each kernel.
    entries: BTreeMap<String, (String, &'static str)>,
}

impl Source {
    /// The source of all kernels that `programs` launch.
    pub(super) fn new<'a>(precision: Precision, programs: impl IntoIterator<Item = &'a Program>) -> Self {
        let mut entries = BTreeMap::new();
        for launch in programs.into_iter().flat_map(|program| program.launches.iter()) {
            entries.insert(launch.kernel.clone(), (String::new(), launch.takes));
        }
        for (index, (entry, _)) in entries.values_mut().enumerate() {
            *entry = format!("entry_{index}");
        }
        Self { precision, structs: structs(), entries }
    }

    /// How the kernels compute products.
    #[cfg(feature = "cuda")]
    pub(super) fn precision(&self) -> Precision {
        self.precision
    }

    /// The name under which a compiled module holds `kernel`.
    pub(super) fn entry(&self, kernel: &str) -> &str {
        &self.entries[kernel].0
    }

    /// Names of all entries.
    pub(super) fn entries(&self) -> impl Iterator<Item = &str> {
        self.entries.values().map(|(entry, _)| entry.as_str())
    }

    /// CUDA C++ with an `extern "C"` kernel for each entry, which takes its struct by value.
    #[cfg(feature = "cuda")]
    pub(super) fn for_device(&self) -> String {
        let mut text = self.text("");
        for (kernel, (entry, takes)) in &self.entries {
            let _ =
                writeln!(text, "extern \"C\" __global__ void {entry}(const {takes} of) {{ {kernel}(of); }}");
        }
        text
    }

    /// C++20 with `header` before the kernels: a table `entries` of functions that take the address of
    /// their struct, by the number in their name.
    #[cfg(feature = "host-kernels")]
    pub(super) fn for_host(&self, header: &str, footer: &str) -> String {
        let mut text = self.text(header);
        for (kernel, (entry, takes)) in &self.entries {
            let _ = writeln!(
                text,
                "static void {entry}(const void *of) {{ {kernel}(*static_cast<const {takes} *>(of)); }}"
            );
        }
        let mut names: Vec<(usize, &str)> = self
            .entries()
            .map(|entry| (entry.trim_start_matches("entry_").parse().unwrap_or_default(), entry))
            .collect();
        names.sort_unstable();
        let names: Vec<&str> = names.into_iter().map(|(_, name)| name).collect();
        let _ = writeln!(text, "static void (*const entries[])(const void *) = {{{}}};", names.join(", "));
        text.push_str(footer);
        text
    }

    fn text(&self, header: &str) -> String {
        let mut text = format!("#define PRECISION {}\n{header}\n", self.precision as u8);
        for part in KERNELS {
            text.push_str(part);
        }
        // The structs as the other side packs them.
        for (name, fields) in &self.structs {
            let _ = writeln!(text, "static_assert(sizeof({name}) == {}, \"{name}\");", size(fields));
        }
        text
    }

    /// The struct of a launch as bytes. Panics where an argument is missing, of another kind, or too much:
    /// a defect that a test of the programs finds.
    pub(super) fn pack(&self, launch: &Launch, address: impl Fn(BufferId) -> u64) -> Vec<u8> {
        let fields = &self.structs[launch.takes];
        let mut bytes = Vec::with_capacity(size(fields));
        assert_eq!(fields.len(), launch.args.len(), "{}: {:?}", launch.takes, launch.args);
        for Field { name, kind } in fields {
            let Some((_, arg)) = launch.args.iter().find(|(given, _)| given == name) else {
                panic!("{} is given no {name}", launch.takes)
            };
            match (kind, *arg) {
                (Kind::Pointer, Arg::At(place)) => {
                    bytes.extend((address(place.buffer) + place.offset as u64).to_le_bytes());
                }
                (Kind::Pointer, Arg::Nowhere) => bytes.extend(0u64.to_le_bytes()),
                (Kind::Int, Arg::Int(value)) => bytes.extend(value.to_le_bytes()),
                (Kind::Float, Arg::Float(value)) => bytes.extend(value.to_le_bytes()),
                _ => panic!("{}: {name} is no {kind:?}", launch.takes),
            }
        }
        bytes.resize(size(fields), 0);
        bytes
    }
}

/// Bytes of a struct: its pointers come first, so that nothing is padded but the end.
fn size(fields: &[Field]) -> usize {
    let bytes: usize = fields.iter().map(|field| if field.kind == Kind::Pointer { 8 } else { 4 }).sum();
    bytes.next_multiple_of(8)
}

/// The structs of the kernels' source: `struct Name { … };` with one field a line.
fn structs() -> BTreeMap<String, Vec<Field>> {
    let mut found = BTreeMap::new();
    for text in KERNELS {
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            // The structs that a launch fills say so behind their brace.
            let Some((head, "of a launch")) = line.split_once(" // ") else { continue };
            let Some(name) = head.trim_end().strip_prefix("struct ").and_then(|rest| rest.strip_suffix(" {"))
            else {
                continue;
            };
            let fields =
                lines.by_ref().take_while(|line| !line.starts_with("};")).filter_map(field).collect();
            found.insert(name.to_owned(), fields);
        }
    }
    found
}

/// `const float *weights; // what they are`: a field; `None` where the line has none.
fn field(line: &str) -> Option<Field> {
    let code = line.split("//").next()?.trim().strip_suffix(';')?;
    let name = code.rsplit([' ', '*']).next()?.to_owned();
    let kind = if code.contains('*') {
        Kind::Pointer
    } else if code.starts_with("float") {
        Kind::Float
    } else {
        Kind::Int
    };
    Some(Field { name, kind })
}

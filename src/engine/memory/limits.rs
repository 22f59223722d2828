//! How much memory this process may still take: of the machine, of its control groups, of its own limits.

use std::path::{Component, Path, PathBuf};

use rustix::process::{Resource, getrlimit};

/// Address space for the stacks of threads that do not run yet, beside those that the threads tried at the start have
/// left to be used again.
const STACKS: f64 = 8.0 * 1024.0 * 1024.0;

/// Bytes that the process may still take; `None` where that is not known.
pub(super) fn free_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of_process = |resource, held: &str| {
        let limit = getrlimit(resource).current? as f64;
        Some(limit - kib(&status, held).unwrap_or(0.0))
    };
    let read = |path: &Path| std::fs::read_to_string(path).ok();
    let limits = [
        of_machine(&read),
        of_commitments(&read),
        of_groups(&read),
        of_process(Resource::As, "VmSize:").map(|free| free - STACKS),
        of_process(Resource::Data, "VmData:").map(|free| free - STACKS),
    ];
    limits.into_iter().flatten().min_by(f64::total_cmp).map(|bytes| bytes.max(0.0))
}

/// Reads a file of the system, if it is there.
type Read<'a> = &'a dyn Fn(&Path) -> Option<String>;

/// What the kernel thinks can be given out without swapping.
fn of_machine(read: Read) -> Option<f64> {
    kib(&read(Path::new("/proc/meminfo"))?, "MemAvailable:")
}

/// What may still be promised, where the machine promises no more than it has.
fn of_commitments(read: Read) -> Option<f64> {
    if read(Path::new("/proc/sys/vm/overcommit_memory"))?.trim() != "2" {
        return None;
    }
    let memory = read(Path::new("/proc/meminfo"))?;
    Some(kib(&memory, "CommitLimit:")? - kib(&memory, "Committed_AS:")?)
}

/// What the narrowest of the control groups that the process is in leaves, its own and those around it.
fn of_groups(read: Read) -> Option<f64> {
    let (groups, mounts) = (read(Path::new("/proc/self/cgroup"))?, read(Path::new("/proc/self/mountinfo"))?);
    let hierarchies = mounts.lines().filter_map(Hierarchy::of);
    hierarchies.flat_map(|hierarchy| hierarchy.free(&groups, read)).min_by(f64::total_cmp)
}

/// A mounted tree of control groups that can limit memory.
struct Hierarchy {
    /// The group that is mounted, and where.
    root: PathBuf,
    mount: PathBuf,
    /// The controller's name in `/proc/self/cgroup`: none in the second version.
    controller: &'static str,
    /// The files of the limit, of what is taken, and the name of the reclaimable part in `memory.stat`.
    files: [&'static str; 3],
}

impl Hierarchy {
    /// That of a line of `/proc/self/mountinfo`, if it is one.
    fn of(line: &str) -> Option<Self> {
        let (place, system) = line.split_once(" - ")?;
        let (mut place, mut system) = (place.split(' ').skip(3), system.split(' '));
        let (root, mount) = (PathBuf::from(place.next()?), PathBuf::from(place.next()?));
        let (kind, options) = (system.next()?, system.nth(1)?);
        let (controller, files) = match kind {
            "cgroup2" => ("", ["memory.max", "memory.current", "inactive_file"]),
            "cgroup" if options.split(',').any(|option| option == "memory") => {
                ("memory", ["memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"])
            }
            _ => return None,
        };
        Some(Self { root, mount, controller, files })
    }

    /// What each group on the way from the process's own to the mounted one leaves.
    fn free(&self, groups: &str, read: Read) -> Vec<f64> {
        let mut fields = groups.lines().map(|line| line.splitn(3, ':').skip(1));
        let own = fields.find_map(|mut fields| {
            let (controllers, path) = (fields.next()?, fields.next()?);
            controllers.split(',').any(|name| name == self.controller).then(|| PathBuf::from(path))
        });
        // Groups outside of what is mounted here cannot be looked at.
        let below = own.as_deref().and_then(|own| own.strip_prefix(&self.root).ok()).unwrap_or(Path::new(""));
        let below = if below.components().all(|part| matches!(part, Component::Normal(_))) {
            below
        } else {
            Path::new("")
        };
        below.ancestors().filter_map(|group| self.free_in(&self.mount.join(group), read)).collect()
    }

    fn free_in(&self, group: &Path, read: Read) -> Option<f64> {
        let [limit, taken, reclaimable] = self.files;
        let number = |name: &str| read(&group.join(name))?.trim().parse::<f64>().ok();
        let (limit, taken) = number(limit).zip(number(taken))?;
        // Cached file pages are given up before anything is refused.
        let reclaimable = read(&group.join("memory.stat")).and_then(|stat| {
            let mut fields = stat.lines().filter_map(|line| line.split_once(' '));
            fields.find(|(name, _)| *name == reclaimable)?.1.trim().parse::<f64>().ok()
        });
        Some(limit - taken + reclaimable.unwrap_or(0.0))
    }
}

/// Bytes after `name` in a table of Linux's, which counts in KiB.
pub(super) fn kib(table: &str, name: &str) -> Option<f64> {
    let number = table.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?;
    number.parse::<f64>().ok().map(|kib| kib * 1024.0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn free(files: &[(&str, &str)]) -> Option<f64> {
        let files: BTreeMap<&Path, &str> =
            files.iter().map(|&(path, text)| (Path::new(path), text)).collect();
        of_groups(&|path| files.get(path).map(|&text| text.to_owned()))
    }

    const V2: &str = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

    #[test]
    fn the_narrowest_group_around_the_process_counts_and_its_cached_pages_are_free() {
        let group = "/sys/fs/cgroup/slurm/job_7/step_0";
        let at = |name: &str| format!("{group}/{name}");
        let (max, current) = (at("memory.max"), at("memory.current"));
        let files = [
            ("/proc/self/mountinfo", V2),
            ("/proc/self/cgroup", "0::/slurm/job_7/step_0\n"),
            (&max, "max\n"),
            (&current, "50\n"),
            ("/sys/fs/cgroup/slurm/job_7/memory.max", "1000\n"),
            ("/sys/fs/cgroup/slurm/job_7/memory.current", "400\n"),
            ("/sys/fs/cgroup/slurm/job_7/memory.stat", "anon 5\ninactive_file 30\nactive_file 9\n"),
            ("/sys/fs/cgroup/slurm/memory.max", "9000\n"),
            ("/sys/fs/cgroup/slurm/memory.current", "500\n"),
        ];
        assert_eq!(free(&files), Some(630.0));
    }

    #[test]
    fn a_container_sees_its_group_as_the_root() {
        let limit = [("/sys/fs/cgroup/memory.max", "100"), ("/sys/fs/cgroup/memory.current", "10")];
        for own in ["0::/", "0::/../../other", "0::/docker/abc"] {
            let mount =
                V2.replace("/ /sys", if own == "0::/docker/abc" { "/docker/abc /sys" } else { "/ /sys" });
            let files = [&[("/proc/self/mountinfo", mount.as_str()), ("/proc/self/cgroup", own)][..], &limit];
            assert_eq!(free(&files.concat()), Some(90.0), "{own}");
        }
    }

    #[test]
    fn the_first_version_of_control_groups_counts_too() {
        let files = [
            (
                "/proc/self/mountinfo",
                "33 32 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n\
                 36 32 0:32 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory\n",
            ),
            ("/proc/self/cgroup", "12:cpu,cpuacct:/\n9:memory:/user/me\n0::/\n"),
            ("/sys/fs/cgroup/memory/user/me/memory.limit_in_bytes", "500"),
            ("/sys/fs/cgroup/memory/user/me/memory.usage_in_bytes", "450"),
            ("/sys/fs/cgroup/memory/user/me/memory.stat", "inactive_file 1\ntotal_inactive_file 20\n"),
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712"),
            ("/sys/fs/cgroup/memory/memory.usage_in_bytes", "450"),
        ];
        assert_eq!(free(&files), Some(70.0));
    }

    #[test]
    fn a_machine_without_groups_or_with_some_that_limit_nothing_tells_nothing() {
        assert_eq!(free(&[]), None);
        assert_eq!(free(&[("/proc/self/mountinfo", V2), ("/proc/self/cgroup", "0::/a\n")]), None);
    }

    #[test]
    fn promises_are_limited_only_where_the_machine_counts_them() {
        let meminfo = "MemAvailable: 8 kB\nCommitLimit:     100 kB\nCommitted_AS:     40 kB\n";
        let free = |mode: &str| {
            of_commitments(&|path: &Path| {
                Some(if path.ends_with("meminfo") { meminfo.to_owned() } else { mode.to_owned() })
            })
        };
        assert_eq!(free("0\n"), None);
        assert_eq!(free("2\n"), Some(60.0 * 1024.0));
    }
}

//! Tests of downloads: from a server on the loopback address, which answers as a test says.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::thread;

use flate2::Compression;
use flate2::write::GzEncoder;
use md5::{Digest, Md5};
use tar::EntryType;
use tempfile::TempDir;

use super::*;
use crate::recipe::datasets::Sum;

const FOLDER: &str = "cifar-10-batches-bin";
const FILE: &str = "cifar-10-binary.tar.gz";

/// A server: the lines of every request so far, and its address.
struct Server {
    url: String,
    requests: Arc<Mutex<Vec<Vec<String>>>>,
}

impl Server {
    /// Answers request `n` (from 0) with the bytes that `answer` makes of its lines, and closes the connection.
    fn new(answer: impl Fn(usize, &[String]) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let heard = requests.clone();
        thread::spawn(move || {
            for (n, stream) in listener.incoming().enumerate() {
                let mut stream = stream.unwrap();
                let lines = BufReader::new(&stream).lines().map(Result::unwrap);
                let lines: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                heard.lock().unwrap().push(lines.clone());
                // The other side may have had enough.
                _ = stream.write_all(&answer(n, &lines));
            }
        });
        Self { url, requests }
    }

    /// The bytes that request `n` asked for.
    fn range(&self, n: usize) -> Option<String> {
        let requests = self.requests.lock().unwrap();
        let mut lines = requests[n].iter().map(|line| line.to_lowercase());
        lines.find_map(|line| line.strip_prefix("range: ").map(str::to_owned))
    }

    fn asked(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

/// A server of `bytes` that understands ranges.
fn good(bytes: Vec<u8>) -> Server {
    Server::new(move |_, lines| served(&bytes, lines))
}

fn served(bytes: &[u8], lines: &[String]) -> Vec<u8> {
    let range =
        lines.iter().find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
    match range.map(|range| range.trim_end_matches('-').parse::<usize>().unwrap()) {
        None => answer("200 OK", "", bytes),
        Some(from) => {
            let all = bytes.len();
            let field = format!("Content-Range: bytes {from}-{}/{all}\r\n", all - 1);
            answer("206 Partial Content", &field, &bytes[from..])
        }
    }
}

fn answer(status: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{fields}Content-Length: {length}\r\nConnection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// An archive of `files`, whose paths and types are written as they are.
fn archive(files: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, kind, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        if *kind == EntryType::Symlink {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        tar.append(&header, *bytes).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

/// Bytes that do not compress, so that a download takes several pieces.
fn noise(n: usize) -> Vec<u8> {
    let mut state = 1u64;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .collect()
}

/// The archive of most tests: two files, 1.2 MB.
fn usual() -> Vec<u8> {
    archive(&[
        (&format!("{FOLDER}/"), EntryType::Directory, b""),
        (&format!("{FOLDER}/data_batch_1.bin"), EntryType::Regular, &noise(1_200_000)),
        (&format!("{FOLDER}/batches.meta.txt"), EntryType::Regular, b"cat\n"),
    ])
}

fn sum(bytes: &[u8]) -> &'static str {
    crate::format::hex(&Md5::digest(bytes)).leak()
}

/// An order of an archive that is published at `url` with the size and check sum of `bytes`.
fn order(bytes: &[u8], url: &str, into: &TempDir) -> Order {
    let archive = Archive {
        folder: FOLDER,
        url: format!("{url}/{FILE}").leak(),
        sum: Sum::Md5(sum(bytes)),
        bytes: bytes.len() as u64,
        unpacked: 2_000_000,
    };
    let archives = Box::leak(Box::new([archive]));
    Order { word: "cifar10", archives, into: into.path().join("sets"), from: None }
}

fn run(order: &Order) -> Result<Vec<String>, Failure> {
    let mut said = Vec::new();
    let mut tell = |news| {
        if let News::Said(line) = news {
            said.push(line);
        }
        ControlFlow::Continue(())
    };
    fetch(order, &mut tell).map(|()| said)
}

fn sentence(order: &Order) -> String {
    match run(order) {
        Err(Failure::Sentence(sentence)) => sentence,
        other => panic!("{other:?}"),
    }
}

/// What is in the directory of the order.
fn names(order: &Order) -> Vec<String> {
    let entries = fs::read_dir(&order.into).map(Iterator::collect::<Vec<_>>).unwrap_or_default();
    let mut names: Vec<String> =
        entries.into_iter().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn is_whole(order: &Order) {
    assert_eq!(names(order), [FOLDER]);
    let folder = order.into.join(FOLDER);
    assert_eq!(fs::read(folder.join("data_batch_1.bin")).unwrap(), noise(1_200_000));
    assert_eq!(fs::read(folder.join("batches.meta.txt")).unwrap(), b"cat\n");
}

#[test]
fn an_archive_is_downloaded_once_and_unpacked() {
    let (bytes, into) = (usual(), TempDir::new().unwrap());
    let server = good(bytes.clone());
    let order = order(&bytes, &server.url, &into);
    // An empty folder is nothing that is there.
    fs::create_dir_all(order.into.join(FOLDER)).unwrap();
    let said = run(&order).unwrap();
    is_whole(&order);
    assert!(said[0].ends_with(&format!("sets/{FOLDER} is complete")), "{said:?}");
    assert_eq!((server.asked(), server.range(0)), (1, None));
    let again = run(&order).unwrap();
    assert!(again[0].ends_with(&format!("sets/{FOLDER} is there already")), "{again:?}");
    assert_eq!(server.asked(), 1);
}

#[test]
fn progress_goes_from_nothing_to_all_of_it() {
    let (bytes, into) = (usual(), TempDir::new().unwrap());
    let server = good(bytes.clone());
    let order = order(&bytes, &server.url, &into);
    let mut seen = Vec::new();
    let mut tell = |news| {
        if let News::Progress { doing: "downloading", file, done, total } = news {
            assert_eq!((file, total), (FILE, bytes.len() as u64));
            seen.push(done);
        }
        ControlFlow::Continue(())
    };
    fetch(&order, &mut tell).unwrap();
    assert!(seen.is_sorted() && seen.len() > 4);
    assert_eq!((seen[0], *seen.last().unwrap()), (0, bytes.len() as u64));
}

#[test]
fn a_download_that_breaks_off_goes_on_from_there() {
    let (bytes, into) = (usual(), TempDir::new().unwrap());
    let served_bytes = bytes.clone();
    let server = Server::new(move |n, lines| {
        let mut whole = served(&served_bytes, lines);
        if n == 0 {
            whole.truncate(whole.len() / 2);
        }
        whole
    });
    let order = order(&bytes, &server.url, &into);
    run(&order).unwrap();
    is_whole(&order);
    assert_eq!(server.asked(), 2);
    let from: usize = server.range(1).unwrap()["bytes=".len()..].trim_end_matches('-').parse().unwrap();
    assert!((bytes.len() / 3..bytes.len()).contains(&from), "{from}");
}

#[test]
fn a_download_that_was_stopped_keeps_its_part_and_goes_on_from_there() {
    let (bytes, into) = (usual(), TempDir::new().unwrap());
    let server = good(bytes.clone());
    let order = order(&bytes, &server.url, &into);
    let mut stop = |news| match news {
        News::Progress { done: 500_000.., .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    assert_eq!(fetch(&order, &mut stop), Err(Failure::Stopped));
    let part = format!("{FILE}.part");
    assert_eq!(names(&order), std::slice::from_ref(&part));
    let kept = fs::read(order.into.join(part)).unwrap();
    assert!(kept.len() >= 500_000 && bytes.starts_with(&kept));
    run(&order).unwrap();
    is_whole(&order);
    assert_eq!(server.range(1), Some(format!("bytes={}-", kept.len())));
}

#[test]
fn a_stop_while_unpacking_leaves_only_the_part() {
    let (bytes, into) = (usual(), TempDir::new().unwrap());
    let server = good(bytes.clone());
    let order = order(&bytes, &server.url, &into);
    let mut stop = |news| match news {
        News::Progress { doing: "unpacking", done: 1.., .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    assert_eq!(fetch(&order, &mut stop), Err(Failure::Stopped));
    assert_eq!(names(&order), [format!("{FILE}.part")]);
    // What a killed process left is no hindrance.
    fs::create_dir_all(order.into.join(format!(".{FOLDER}.unpacking/{FOLDER}"))).unwrap();
    run(&order).unwrap();
    is_whole(&order);
    assert_eq!(server.asked(), 1);
}

#[test]
fn a_server_without_ranges_is_read_from_the_beginning() {
    let (bytes, into) = (usual(), TempDir::new().unwrap());
    let whole = bytes.clone();
    let server = Server::new(move |_, _| answer("200 OK", "", &whole));
    let order = order(&bytes, &server.url, &into);
    fs::create_dir(&order.into).unwrap();
    fs::write(order.into.join(format!("{FILE}.part")), &bytes[..300_000]).unwrap();
    run(&order).unwrap();
    is_whole(&order);
    assert_eq!(server.range(0).as_deref(), Some("bytes=300000-"));
}

#[test]
fn a_wrong_check_sum_deletes_what_came_and_a_wrong_size_does_not_even_begin() {
    let (bytes, into) = (usual(), TempDir::new().unwrap());
    let mut other = bytes.clone();
    other[bytes.len() / 2] ^= 1;
    let server = good(other.clone());
    let wanted = order(&bytes, &server.url, &into);
    let told = sentence(&wanted);
    let expected =
        format!("{}/{FILE} has the md5 {}, not {}: it is not", server.url, sum(&other), sum(&bytes));
    assert!(told.starts_with(&expected), "{told}");
    assert!(names(&wanted).is_empty());

    let server = good(bytes[..1000].to_vec());
    let told = sentence(&order(&bytes, &server.url, &into));
    let expected = format!("it has 1000 bytes there, not the {} of the published file", bytes.len());
    assert!(told.contains(&expected), "{told}");
    assert_eq!(server.asked(), 1);

    // Without an announced size, too.
    let longer = [&bytes[..], b"x"].concat();
    let server = Server::new(move |_, _| [b"HTTP/1.0 200 OK\r\n\r\n", &longer[..]].concat());
    let told = sentence(&order(&bytes, &server.url, &into));
    assert!(told.contains("it has more bytes there than the"), "{told}");
}

#[test]
fn an_archive_cannot_write_outside_its_folder_nor_more_than_was_announced() {
    let file = |path: &str, kind, bytes: &[u8]| {
        archive(&[(&format!("{FOLDER}/good"), EntryType::Regular, b"x"), (path, kind, bytes)])
    };
    let inside = format!("{FOLDER}/x");
    let truncated = {
        let mut bytes = usual();
        bytes.truncate(bytes.len() - 300_000);
        bytes
    };
    for (bytes, why) in [
        (file("../evil", EntryType::Regular, b"x"), "`../evil` in it does not lie in `cifar-10-batches-bin`"),
        (file(&format!("{FOLDER}/../../evil"), EntryType::Regular, b"x"), "does not lie in"),
        (file("/tmp/evil", EntryType::Regular, b"x"), "`/tmp/evil` in it does not lie in"),
        (file("other/evil", EntryType::Regular, b"x"), "`other/evil` in it does not lie in"),
        (file(&format!("{FOLDER}/{}", "a/".repeat(9)), EntryType::Directory, b""), "does not lie in"),
        (file(&inside, EntryType::Symlink, b""), "`cifar-10-batches-bin/x` in it is a link, not a file"),
        (file(&inside, EntryType::Link, b""), "is a link, not a file"),
        (file(&inside, EntryType::Fifo, b""), "is a named pipe, not a file"),
        (file(&inside, EntryType::Char, b""), "is a device, not a file"),
        (file(&format!("{FOLDER}/good"), EntryType::Regular, b"y"), "good cannot be written (File exists"),
        (file(&inside, EntryType::Regular, &vec![0; 2_000_000]), "take more than the 2000000 bytes"),
        (archive(&[]), "there is no file in it"),
        (truncated, "it is damaged ("),
        (b"<html>".to_vec(), "it is damaged ("),
    ] {
        let into = TempDir::new().unwrap();
        let server = good(bytes.clone());
        let order = order(&bytes, &server.url, &into);
        let told = sentence(&order);
        assert!(told.contains(why), "{told}");
        assert_eq!(names(&order), [format!("{FILE}.part")], "{why}");
        assert_eq!(fs::read_dir(into.path()).unwrap().count(), 1, "{why}");
        assert!(!Path::new("/tmp/evil").exists());
    }
}

#[test]
fn a_copy_may_be_a_url_a_directory_or_a_path() {
    let bytes = usual();
    let server = good(bytes.clone());
    let here = TempDir::new().unwrap();
    let copy = here.path().join(FILE);
    fs::write(&copy, &bytes).unwrap();
    let (copy, here) = (copy.display().to_string(), here.path().display().to_string());
    for from in [
        format!("{}/mirror/{FILE}", server.url),
        format!("{}/mirror/", server.url),
        format!("{}/c10.tgz", server.url),
        copy.clone(),
        here.clone(),
        format!("file://{copy}"),
        format!("file:{here}/"),
    ] {
        let into = TempDir::new().unwrap();
        let order = Order { from: Some(from), ..order(&bytes, "http://127.0.0.1:9", &into) };
        run(&order).unwrap();
        is_whole(&order);
    }
    let asked: Vec<String> = server.requests.lock().unwrap().iter().map(|lines| lines[0].clone()).collect();
    let asked: Vec<&str> = asked.iter().map(|line| line.split(' ').nth(1).unwrap()).collect();
    assert_eq!(asked, [&format!("/mirror/{FILE}"), &format!("/mirror/{FILE}"), "/c10.tgz"]);
    let into = TempDir::new().unwrap();
    let none = Order { from: Some("ftp://x.org/a".into()), ..order(&bytes, "http://127.0.0.1:9", &into) };
    assert!(sentence(&none).contains("ftp is not spoken"));
}

#[test]
fn what_a_server_answers_is_told_tried_again_or_followed() {
    let (bytes, into) = (usual(), TempDir::new().unwrap());
    let server = Server::new(|_, _| answer("404 Not Found", "", b"nothing"));
    let told = sentence(&order(&bytes, &server.url, &into));
    for part in [
        &format!(
            "{}/{FILE} cannot be had: the server answers 404 Not Found; without a network, get",
            server.url
        ),
        sum(&bytes),
        "`densenet-tui fetch cifar10 --from PATH`.",
    ] {
        assert!(told.contains(part), "{told}");
    }
    assert_eq!(server.asked(), 1);

    let whole = bytes.clone();
    let server = Server::new(move |n, lines| match n {
        0 => answer("503 Service Unavailable", "", b""),
        1 => answer("302 Found", "Location: /elsewhere\r\n", b""),
        _ => served(&whole, lines),
    });
    let order = order(&bytes, &server.url, &into);
    run(&order).unwrap();
    is_whole(&order);
    assert!(server.requests.lock().unwrap()[2][0].starts_with("GET /elsewhere "));
}

#[test]
fn one_process_at_a_time_downloads_a_file() {
    let (bytes, into) = (usual(), TempDir::new().unwrap());
    let order = order(&bytes, "http://127.0.0.1:9", &into);
    fs::create_dir(&order.into).unwrap();
    let _held = Part::take(&order.into, FILE).unwrap();
    assert!(sentence(&order).ends_with("is being downloaded by another process; let it finish."));
}

#[test]
fn a_data_set_of_several_files_gets_those_that_are_missing() {
    let into = TempDir::new().unwrap();
    let files = [("train_32x32.mat", noise(3000)), ("test_32x32.mat", noise(2000))];
    let server = Server::new(|_, lines| {
        let name = lines[0].split(' ').nth(1).unwrap();
        served(&noise(if name.contains("train") { 3000 } else { 2000 }), lines)
    });
    let archives: Vec<Archive> = files
        .iter()
        .map(|(name, bytes)| Archive {
            folder: "svhn",
            url: format!("{}/{name}", server.url).leak(),
            sum: Sum::Md5(sum(bytes)),
            bytes: bytes.len() as u64,
            unpacked: 0,
        })
        .collect();
    let order = Order { word: "svhn", archives: archives.leak(), into: into.path().to_owned(), from: None };
    let folder = into.path().join("svhn");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("test_32x32.mat"), noise(2000)).unwrap();
    let said = run(&order).unwrap();
    assert!(said[0].ends_with("svhn/train_32x32.mat is complete"), "{said:?}");
    assert!(said[1].ends_with("svhn/test_32x32.mat is there already"), "{said:?}");
    assert_eq!((server.asked(), fs::read_dir(&folder).unwrap().count()), (1, 2));
    assert_eq!(fs::read(folder.join("train_32x32.mat")).unwrap(), noise(3000));
    // Another file under the name is not replaced.
    fs::write(folder.join("train_32x32.mat"), b"mine").unwrap();
    let told = sentence(&order);
    assert!(
        told.contains("train_32x32.mat has 4 bytes, not the 3000 of the published file; take it away"),
        "{told}"
    );

    // A copy of one of them is a copy of all.
    let into = TempDir::new().unwrap();
    let from = Some(format!("{}/copy/train_32x32.mat", server.url));
    run(&Order { from, into: into.path().to_owned(), ..order }).unwrap();
    assert!(server.requests.lock().unwrap()[2][0].starts_with("GET /copy/test_32x32.mat "));
}

#[test]
fn a_file_whose_sha_256_begins_as_published_gets_its_name_and_another_is_deleted() {
    let (bytes, into) = (noise(3000), TempDir::new().unwrap());
    let server = good(bytes.clone());
    let whole = crate::format::hex(&sha2::Sha256::digest(&bytes));
    let order = |beginning: &str| {
        let archive = Archive {
            folder: "",
            url: format!("{}/net.pth", server.url).leak(),
            sum: Sum::Sha256(beginning.to_owned().leak()),
            bytes: 3000,
            unpacked: 0,
        };
        let archives = Box::leak(Box::new([archive]));
        Order { word: "net", archives, into: into.path().to_owned(), from: None }
    };
    let told = sentence(&order("01234567"));
    assert!(
        told.contains(&format!("has the sha256 {whole}, not one that begins with 01234567: it is not")),
        "{told}"
    );
    assert_eq!(fs::read_dir(into.path()).unwrap().count(), 0);
    run(&order(&whole[..8])).unwrap();
    assert_eq!(fs::read(into.path().join("net.pth")).unwrap(), bytes);
}

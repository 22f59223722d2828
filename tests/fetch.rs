//! `fetch` as a process: exit codes, signals, proxies and what is said where there is no network.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use program::{Place, Said};
use rustix::process::{Pid, Signal, kill_process};

#[path = "support/program.rs"]
mod program;

/// A server that gives each connection to `answer` once the head of its request is read; sends the request's lines.
fn server(answer: impl Fn(&mut TcpStream) + Send + 'static) -> (String, Receiver<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (send, requests) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(&stream).lines().map(Result::unwrap);
            let lines: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            _ = send.send(lines);
            answer(&mut stream);
        }
    });
    (address, requests)
}

/// The program without proxies of its own.
fn command(place: &Place, args: &[&str]) -> Command {
    let mut command = place.command(args);
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    command
}

fn say(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    Said {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn an_unknown_name_is_wrong_usage_that_lists_the_known_ones() {
    let place = Place::new();
    for word in ["mnist", "shapes", "folder:x", ""] {
        let said = place.say(&["fetch", word]);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.stderr.contains("cifar10, cifar100, svhn, densenet121"), "{said:?}");
    }
}

#[test]
fn what_is_there_already_is_said_and_is_no_failure() {
    let place = Place::new();
    let folder = place.path().join("data/densenet-tui/datasets/cifar-100-binary");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("train.bin"), "x").unwrap();
    let said = say(&mut command(&place, &["fetch", "cifar100", "--from", "/nowhere"]));
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains("datasets/cifar-100-binary is there already"), "{said:?}");
    assert!(said.stdout.ends_with("train on CIFAR-100 with --data cifar100\n"), "{said:?}");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
}

#[test]
fn without_a_network_one_sentence_has_the_addresses_and_the_way_around() {
    let place = Place::new();
    // A port at which nobody listens.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let from = format!("http://{free}/");
    let said = say(&mut command(&place, &["fetch", "cifar10", "--from", &from]));
    assert_eq!(said.code, Some(1), "{said:?}");
    let lines: Vec<&str> = said.stderr.lines().collect();
    assert_eq!(lines.len(), 1, "{said:?}");
    for part in [
        "error: http://127.0.0.1:",
        "cifar-10-binary.tar.gz cannot be had: Connection refused",
        "get https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz (md5 c32a1d4ab5d03f1284b67883e8d87530) on another machine",
        "`densenet-tui fetch cifar10 --from PATH`.",
    ] {
        assert!(lines[0].contains(part), "{said:?}");
    }
    let said = say(&mut command(&place, &["fetch", "svhn", "--from", "nowhere"]));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("nowhere/train_32x32.mat cannot be had: No such file"), "{said:?}");
}

#[test]
fn a_signal_is_heard_within_a_second_and_the_part_is_kept() {
    let place = Place::new();
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let (address, requests) = server(|stream| {
            _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 170052171\r\n\r\n0123456789");
            // Then nothing, as from a server that hangs.
            thread::sleep(Duration::from_mins(1));
        });
        let from = format!("http://{address}/cifar-10-binary.tar.gz");
        let into = format!("into-{code}");
        let mut child = command(&place, &["fetch", "cifar10", "--from", &from, "--into", &into])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        requests.recv().unwrap();
        let part = place.path().join(&into).join("cifar-10-binary.tar.gz.part");
        let begin = Instant::now();
        while fs::metadata(&part).map_or(0, |found| found.len()) < 10 {
            assert!(begin.elapsed() < Duration::from_secs(30), "nothing arrives");
            thread::sleep(Duration::from_millis(20));
        }
        let begin = Instant::now();
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert!(begin.elapsed() < Duration::from_millis(1500), "{:?}", begin.elapsed());
        assert_eq!(fs::read(&part).unwrap(), b"0123456789");
    }
}

#[test]
fn a_proxy_is_asked_for_an_http_url_by_its_name_and_for_https_to_connect() {
    let place = Place::new();
    let (proxy, requests) = server(|stream| {
        _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    });
    let http = ["fetch", "svhn", "--from", "http://data.invalid/svhn/"];
    let said = say(command(&place, &http).env("http_proxy", format!("http://{proxy}")));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("it has 5 bytes there, not the 182040794"), "{said:?}");
    let asked = requests.recv().unwrap();
    assert_eq!(asked[0], "GET http://data.invalid/svhn/train_32x32.mat HTTP/1.0");
    assert!(asked.contains(&"Host: data.invalid".to_owned()), "{asked:?}");

    let (proxy, requests) = server(|stream| {
        _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    });
    let https = ["fetch", "cifar10", "--from", "https://data.invalid/c10.tar.gz"];
    let said = say(command(&place, &https).env("HTTPS_PROXY", &proxy));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("https://data.invalid/c10.tar.gz cannot be had: "), "{said:?}");
    assert!(requests.recv().unwrap()[0].starts_with("CONNECT data.invalid:443 "));
}

#[test]
fn a_missing_data_set_is_answered_with_the_command_that_downloads_it() {
    let place = Place::new();
    for word in ["cifar10", "cifar100", "svhn"] {
        let said = place.train(&["--data", word]);
        assert_eq!(said.code, Some(2), "{said:?}");
        let command = format!("`densenet-tui fetch {word}` downloads it.");
        assert!(said.stderr.contains(&command) || said.stdout.contains(&command), "{said:?}");
    }
}

/// Bytes of the published weights of densenet121.
const SIZE: usize = 32_342_954;

#[test]
fn published_weights_are_downloaded_by_name_compared_with_the_sum_in_it_and_offered_where_they_are_missing() {
    let place = Place::new();
    let said = place.train(&["--weights", "densenet201"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("`densenet-tui fetch densenet201` downloads them"), "{said:?}");

    // Of the published size, but other bytes.
    let (address, requests) = server(|stream| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\nConnection: close\r\n\r\n");
        _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&vec![0; SIZE]));
    });
    let from = format!("http://{address}/models/");
    let said = say(&mut command(&place, &["fetch", "densenet121", "--from", &from]));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(requests.recv().unwrap()[0].starts_with("GET /models/densenet121-a639ec97.pth "));
    assert!(said.stderr.contains("densenet121-a639ec97.pth has the sha256 "), "{said:?}");
    assert!(
        said.stderr.contains(", not one that begins with a639ec97: it is not the published file"),
        "{said:?}"
    );
    let folder = place.path().join("data/densenet-tui/weights");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);

    fs::File::create(folder.join("densenet121-a639ec97.pth")).unwrap().set_len(SIZE as u64).unwrap();
    let said = say(&mut command(&place, &["fetch", "densenet121", "--from", "/nowhere"]));
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.ends_with("start from them with --weights densenet121\n"), "{said:?}");
    let said = place.train(&["--weights", "densenet121"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("weights/densenet121-a639ec97.pth: it is of no known kind"), "{said:?}");
}

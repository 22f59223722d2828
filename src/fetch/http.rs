//! HTTP: one file, from a byte on, through redirections and a proxy.
//!
//! ureq speaks to servers, and to proxies by CONNECT, which many of them allow for https alone. So a file of an http
//! URL is asked of its proxy by name, in the few lines that HTTP/1.0 needs.

use std::fmt::Display;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use ureq::http::Uri;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Proxy};

use crate::fetch::proxy;
use crate::fetch::reply::{Reply, Trouble};
use crate::files;

/// How long a connection may take, and how long nothing may arrive.
const CONNECT: Duration = Duration::from_secs(20);
const SILENCE: Duration = Duration::from_mins(1);
/// Redirections that are followed.
const REDIRECTIONS: usize = 5;
/// The longest head of an answer in bytes.
const LONGEST_HEAD: u64 = 64 << 10;

/// The largest file of certificates in bytes.
const MOST_CERTIFICATES: u64 = 16 << 20;

const USER_AGENT: &str = concat!("densenet-tui/", env!("CARGO_PKG_VERSION"));

/// An answer, whatever it says.
struct Answer {
    status: u16,
    location: Option<String>,
    content_range: Option<String>,
    length: Option<u64>,
    body: Box<dyn Read>,
}

/// The file at `url`, from byte `at` on where the server can.
pub(crate) fn get(url: &str, at: u64) -> Result<Reply, Trouble> {
    let mut uri = parse(url)?;
    for _ in 0..=REDIRECTIONS {
        let answer = send(&uri, at)?;
        match answer.status {
            200 => return Ok(Reply { at: 0, total: answer.length, body: answer.body }),
            206 => return partial(answer, at),
            301 | 302 | 303 | 307 | 308 => {
                let location = answer.location.unwrap_or_default();
                uri = redirected(&uri, &location).ok_or_else(|| {
                    Trouble::Lasting(format!("it is redirected to `{location}`, which is no URL"))
                })?;
            }
            // It has less than is there already.
            416 if at > 0 => return get(url, 0),
            status => {
                let why =
                    ureq::http::StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason());
                let what = format!("the server answers {status} {}", why.unwrap_or_default());
                let what = what.trim_end().to_owned();
                let passing = status >= 500 || matches!(status, 408 | 425 | 429);
                return Err(if passing { Trouble::Passing(what) } else { Trouble::Lasting(what) });
            }
        }
    }
    Err(Trouble::Lasting(format!("it is redirected more than {REDIRECTIONS} times")))
}

fn parse(url: &str) -> Result<Uri, Trouble> {
    let uri = url.parse::<Uri>().ok().filter(|uri| uri.host().is_some());
    uri.ok_or_else(|| Trouble::Lasting("this is no URL".into()))
}

/// The part of a file in an answer; it must begin where it was asked to.
fn partial(answer: Answer, at: u64) -> Result<Reply, Trouble> {
    // As in `bytes 100-199/200`, or `*` for an unknown total.
    let range = answer.content_range.unwrap_or_default();
    let parts = range.strip_prefix("bytes ").and_then(|range| range.split_once('/'));
    let begin = parts.and_then(|(range, _)| range.split_once('-')).and_then(|(begin, _)| begin.parse().ok());
    if begin != Some(at) {
        return Err(Trouble::Lasting(format!(
            "the server sends `{range}` of it, not what follows byte {at}"
        )));
    }
    Ok(Reply { at, total: parts.and_then(|(_, total)| total.parse().ok()), body: answer.body })
}

/// Where `location` leads from `uri`.
fn redirected(uri: &Uri, location: &str) -> Option<Uri> {
    let whole = if location.starts_with('/') && !location.starts_with("//") {
        format!("{}://{}{location}", uri.scheme_str()?, uri.authority()?)
    } else {
        location.to_owned()
    };
    whole.parse::<Uri>().ok().filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")))
}

/// Asks for `uri` from byte `at` on, through the proxy that leads there.
fn send(uri: &Uri, at: u64) -> Result<Answer, Trouble> {
    let Some(word) = proxy::of(uri, |name| std::env::var(name).ok()) else {
        return by_ureq(uri, at, None);
    };
    let wrong = || Trouble::Lasting(format!("the proxy `{word}` is no HTTP proxy"));
    let written = if word.contains("://") { word.clone() } else { format!("http://{word}") };
    let address = written.parse::<Uri>().map_err(|_| wrong())?;
    let plain = address.scheme_str() == Some("http")
        && !address.authority().is_some_and(|a| a.as_str().contains('@'));
    if plain && uri.scheme_str() == Some("http") {
        return by_name(uri, at, &address)
            .map_err(|error| Trouble::Passing(format!("the proxy {address} does not help ({error})")));
    }
    let proxy = Proxy::new(&written).map_err(|_| wrong())?;
    match address.scheme_str() {
        Some("http" | "https") => by_ureq(uri, at, Some(proxy)),
        _ => Err(wrong()),
    }
}

fn by_ureq(uri: &Uri, at: u64, proxy: Option<Proxy>) -> Result<Answer, Trouble> {
    let roots = roots(std::env::var_os("SSL_CERT_FILE").map(PathBuf::from))?;
    let config = Agent::config_builder()
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(proxy)
        .user_agent(USER_AGENT)
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE))
        .build();
    let mut request = config.new_agent().get(uri.clone());
    if at > 0 {
        request = request.header("Range", format!("bytes={at}-"));
    }
    let (head, body) = request.call().map_err(|error| Trouble::Passing(clause(error)))?.into_parts();
    let field = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Ok(Answer {
        status: head.status.as_u16(),
        location: field("location"),
        content_range: field("content-range"),
        length: body.content_length(),
        body: Box::new(body.into_reader()),
    })
}

/// The certificates that vouch for servers: those in a file, for networks that have their own, or webpki's.
fn roots(file: Option<PathBuf>) -> Result<RootCerts, Trouble> {
    let Some(path) = file.filter(|path| !path.as_os_str().is_empty()) else {
        return Ok(RootCerts::WebPki);
    };
    let wrong = |why: &dyn Display| {
        let path = path.display();
        Trouble::Lasting(format!("the certificates in {path} (SSL_CERT_FILE) cannot be read: {why}"))
    };
    let text = files::read(&path, MOST_CERTIFICATES).map_err(|error| wrong(&error))?;
    let items = parse_pem(&text).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(Ok(certificate)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    });
    let certificates: Vec<Certificate<'static>> =
        items.collect::<Result<_, _>>().map_err(|error| wrong(&error))?;
    if certificates.is_empty() {
        return Err(wrong(&"there is none"));
    }
    Ok(RootCerts::from(certificates))
}

/// What is wrong, in words.
fn clause(error: ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => error.to_string(),
        ureq::Error::HostNotFound => "its host is not found".into(),
        ureq::Error::Timeout(_) => "the server does not answer".into(),
        other => other.to_string(),
    }
}

/// Asks the proxy at `address` for an http URL by its name.
fn by_name(uri: &Uri, at: u64, address: &Uri) -> std::io::Result<Answer> {
    let host = address.host().unwrap_or_default().trim_matches(['[', ']']);
    let mut last = std::io::Error::from(std::io::ErrorKind::NotFound);
    let mut stream = None;
    for place in (host, address.port_u16().unwrap_or(80)).to_socket_addrs()? {
        match TcpStream::connect_timeout(&place, CONNECT) {
            Ok(open) => {
                stream = Some(open);
                break;
            }
            Err(error) => last = error,
        }
    }
    let mut stream = stream.ok_or(last)?;
    stream.set_read_timeout(Some(SILENCE))?;
    stream.set_write_timeout(Some(SILENCE))?;
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let range = if at > 0 { format!("Range: bytes={at}-\r\n") } else { String::new() };
    let head = format!(
        "GET {uri} HTTP/1.0\r\nHost: {authority}\r\nUser-Agent: {USER_AGENT}\r\nAccept: */*\r\n{range}\r\n"
    );
    stream.write_all(head.as_bytes())?;
    read_answer(BufReader::with_capacity(LONGEST_HEAD as usize, stream))
}

/// Reads the head of an answer.
fn read_answer(mut from: BufReader<TcpStream>) -> std::io::Result<Answer> {
    let invalid = || std::io::Error::new(std::io::ErrorKind::InvalidData, "its answer is not HTTP");
    let mut head = Vec::new();
    let mut lines = from.by_ref().take(LONGEST_HEAD);
    while !head.ends_with(b"\r\n\r\n") && !head.ends_with(b"\n\n") {
        if lines.read_until(b'\n', &mut head)? == 0 {
            return Err(invalid());
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.lines();
    let first = lines.next().filter(|line| line.starts_with("HTTP/1."));
    let status = first.and_then(|line| line.split(' ').nth(1)?.parse().ok()).ok_or_else(invalid)?;
    let fields: Vec<(&str, &str)> =
        lines.filter_map(|line| line.split_once(':')).map(|(name, value)| (name, value.trim())).collect();
    let field = |wanted: &str| {
        let found = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| (*value).to_owned())
    };
    if field("transfer-encoding").is_some() {
        return Err(invalid());
    }
    let length = field("content-length").and_then(|length| length.parse().ok());
    Ok(Answer {
        status,
        location: field("location"),
        content_range: field("content-range"),
        length,
        body: match length {
            Some(length) => Box::new(from.take(length)),
            None => Box::new(from),
        },
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_redirection_may_be_a_path_or_a_url_but_nothing_else() {
        let uri = "https://x.org/a/b".parse().unwrap();
        let to = |location| redirected(&uri, location).map(|uri| uri.to_string());
        assert_eq!(to("/c").as_deref(), Some("https://x.org/c"));
        assert_eq!(to("http://y.org/d").as_deref(), Some("http://y.org/d"));
        for location in ["", "c", "//y.org/d", "file:///etc/passwd", "ftp://y.org/d"] {
            assert_eq!(to(location), None, "{location}");
        }
    }

    #[test]
    fn a_part_must_begin_where_it_was_asked_to() {
        let part = |range: &str| {
            let content_range = Some(range.to_owned());
            let answer =
                Answer { status: 206, location: None, content_range, length: None, body: Box::new(&b""[..]) };
            partial(answer, 100).map(|reply| (reply.at, reply.total))
        };
        assert_eq!(part("bytes 100-199/200"), Ok((100, Some(200))));
        assert_eq!(part("bytes 100-199/*"), Ok((100, None)));
        for range in ["bytes 0-199/200", "bytes */200", ""] {
            assert!(part(range).is_err(), "{range}");
        }
    }

    #[test]
    fn certificates_of_ones_own_are_read_from_a_file_that_has_some() {
        assert!(matches!(roots(None), Ok(RootCerts::WebPki)));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("roots.pem");
        let wrong = |path: &PathBuf| match roots(Some(path.clone())) {
            Err(Trouble::Lasting(why)) => why,
            other => panic!("{other:?}"),
        };
        assert!(wrong(&path).contains("cannot be read: No such file"), "{}", wrong(&path));
        fs::write(&path, "no certificate\n").unwrap();
        assert!(wrong(&path).ends_with("(SSL_CERT_FILE) cannot be read: there is none"), "{}", wrong(&path));
        fs::write(&path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        assert!(matches!(roots(Some(path)), Ok(RootCerts::Specific(found)) if found.len() == 1));
    }
}

//! `fetch`: downloads a published data set or weights, and tells of it while it does.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, select, unbounded};

use crate::commands::Context;
use crate::fetch::{Failure, News, Order, fetch as download};
use crate::format;
use crate::headless::answers::complain;
use crate::headless::output;
use crate::headless::{print_line, signals};
use crate::monitor::Exit;
use crate::protocol::{Command, StopReason};
use crate::recipe::published::Download;

/// Interval between lines about the progress, and between changes of a line that is rewritten.
const LINES: Duration = Duration::from_secs(10);
const CHANGES: Duration = Duration::from_millis(200);
/// How long a rate looks back.
const WINDOW: Duration = Duration::from_secs(5);
/// How long a download may take to break off before it is abandoned, which loses nothing.
const PATIENCE: Duration = Duration::from_millis(600);

/// Downloads `what` into a directory, from a copy if one is given.
pub(crate) fn fetch(context: &Context, what: Download, into: Option<PathBuf>, from: Option<String>) -> Exit {
    output::begin();
    let (commands, stops) = unbounded();
    if let Err(error) = signals::listen(commands, false, || false) {
        complain(&format!("error: signals cannot be caught: {error}."));
        return Exit::FAILED;
    }
    let usual = match what {
        Download::Set(_) => context.paths.datasets(),
        Download::Weights(_) => context.paths.weights(),
    };
    let (word, archives) = (what.word(), what.archives());
    let order = Order { word, archives, into: into.clone().unwrap_or_else(|| usual.clone()), from };
    let stop = Arc::new(AtomicBool::new(false));
    let (news, told) = unbounded();
    let worker = Worker { order, news, stop: stop.clone() };
    if let Err(error) = thread::Builder::new().name("fetch".into()).spawn(move || worker.work()) {
        complain(&format!("error: a thread cannot be started: {error}."));
        return Exit::FAILED;
    }
    match follow(&told, &stops, &stop) {
        Ok(()) => {
            print_line(&next(what, into.filter(|into| *into != usual)));
            Exit::FINE
        }
        Err(exit) => exit,
    }
}

/// What to do with what is there now: in its usual place, or elsewhere.
fn next(what: Download, elsewhere: Option<PathBuf>) -> String {
    match (what, elsewhere) {
        (Download::Set(set), elsewhere) => {
            let place = elsewhere.map_or_else(String::new, |into| format!(" --data-dir {}", into.display()));
            format!("train on {} with --data {}{place}", set.title, set.word)
        }
        (Download::Weights(published), None) => format!("start from them with --weights {}", published.name),
        (Download::Weights(published), Some(into)) => {
            format!("start from them with --weights {}", into.join(published.archive.file()).display())
        }
    }
}

/// What the thread that downloads says.
enum Told {
    News(News),
    End(Result<(), Failure>),
}

struct Worker {
    order: Order,
    news: Sender<Told>,
    stop: Arc<AtomicBool>,
}

impl Worker {
    fn work(self) {
        let mut tell = |news| match self.news.send(Told::News(news)) {
            Ok(()) if !self.stop.load(Ordering::Relaxed) => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        };
        let end = download(&self.order, &mut tell);
        // If nobody listens any more, the program ends.
        _ = self.news.send(Told::End(end));
    }
}

/// Prints what is told until the end or a signal.
fn follow(told: &Receiver<Told>, stops: &Receiver<Command>, stop: &AtomicBool) -> Result<(), Exit> {
    let mut meter = Meter::new();
    let mut stopped_by = None;
    loop {
        let next = select! {
            recv(stops) -> command => {
                let Ok(Command::Stop(StopReason::Signal(signal))) = command else { continue };
                stop.store(true, Ordering::Relaxed);
                stopped_by = Some((signal, Instant::now() + PATIENCE));
                None
            }
            recv(told) -> told => Some(told),
        };
        if let Some((signal, until)) = stopped_by {
            // Only so that nothing half unpacked is left.
            while let Ok(Told::News(_)) = told.recv_deadline(until) {}
            complain("what has arrived is kept; the same command goes on behind it.");
            return Err(u8::try_from(128 + signal).map_or(Exit::FAILED, Exit));
        }
        match next {
            Some(Ok(Told::News(News::Said(line)))) => print_line(&line),
            Some(Ok(Told::News(News::Progress { doing, file, done, total }))) => {
                meter.tell(doing, file, done, total);
            }
            Some(Ok(Told::End(Ok(())))) => return Ok(()),
            Some(Ok(Told::End(Err(Failure::Sentence(sentence))))) => {
                complain(&format!("error: {sentence}"));
                return Err(Exit::FAILED);
            }
            Some(Ok(Told::End(Err(Failure::Stopped))) | Err(_)) => {
                complain("error: the download ended by itself; try again.");
                return Err(Exit::FAILED);
            }
            None => {}
        }
    }
}

/// The rate of what is being done, and when a line about it is due.
struct Meter {
    rewrites: bool,
    doing: (&'static str, &'static str),
    /// When what was how far, the oldest first.
    points: Vec<(Instant, u64)>,
    last: Instant,
}

impl Meter {
    fn new() -> Self {
        let now = Instant::now();
        Self { rewrites: output::can_rewrite(), doing: ("", ""), points: Vec::new(), last: now }
    }

    fn tell(&mut self, doing: &'static str, file: &'static str, done: u64, total: u64) {
        let now = Instant::now();
        if self.doing != (doing, file) {
            self.doing = (doing, file);
            self.points.clear();
        }
        let spaced = |(at, _): &(Instant, u64)| now.duration_since(*at) >= CHANGES;
        if self.points.last().is_none_or(spaced) {
            self.points.push((now, done));
            let young = self.points.iter().filter(|(at, _)| now.duration_since(*at) <= WINDOW).count();
            self.points.drain(..self.points.len() - young);
        }
        let interval = if self.rewrites { CHANGES } else { LINES };
        if now.duration_since(self.last) < interval {
            return;
        }
        self.last = now;
        let line = line(doing, file, [done, total], self.rate(now, done));
        if self.rewrites { output::progress(&line) } else { complain(&line) }
    }

    /// Bytes a second lately.
    fn rate(&self, now: Instant, done: u64) -> f64 {
        let Some((at, before)) = self.points.first() else { return 0.0 };
        let seconds = now.duration_since(*at).as_secs_f64();
        if seconds > 0.0 { done.saturating_sub(*before) as f64 / seconds } else { 0.0 }
    }
}

/// A line about the progress.
fn line(doing: &str, file: &str, [done, total]: [u64; 2], rate: f64) -> String {
    let percent = 100.0 * done as f64 / total.max(1) as f64;
    let (part, whole) = (format::bytes(done), format::bytes(total));
    let line = format!("{doing} {file}  {part} of {whole}  {percent:.0} %");
    if rate < 1.0 || done >= total {
        return line;
    }
    let left = format::duration(total.saturating_sub(done) as f64 / rate);
    format!("{line}  {}/s  {left} left", format::bytes(rate as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_has_rate_and_remaining_time_once_there_is_one() {
        let mib = 1 << 20;
        assert_eq!(
            line("downloading", "a.tar.gz", [20 * mib, 80 * mib], 2.0 * mib as f64),
            "downloading a.tar.gz  20.0 MiB of 80.0 MiB  25 %  2.0 MiB/s  30 s left"
        );
        assert_eq!(line("checking", "a", [mib, 2 * mib], 0.0), "checking a  1.0 MiB of 2.0 MiB  50 %");
    }
}

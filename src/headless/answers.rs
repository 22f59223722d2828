//! Commands that ask the engine one question: waits for the answer, prints it, chooses the exit code.

use serde_json::{Value, json};

use crate::format::{bytes, grouped};
use crate::headless::output::{self, Stream};
use crate::headless::{Exit, print_json, print_line};
use crate::monitor::End;
use crate::monitor::lines::balanced;
use crate::protocol::command::Split;
use crate::protocol::event::{Bench, KernelFigures, Loading, Verification, balanced_accuracy};
use crate::protocol::{Answer, Command, Event, Exported, Figures, Link, NoAnswer, Question};

/// Asks `question` and prints the answer.
pub fn ask(link: &Link, question: Question, json: bool) -> Exit {
    if link.commands.send(Command::Ask { id: 0, question }).is_err() {
        complain("the engine is gone.");
        return Exit::FAILED;
    }
    for stamped in &link.events {
        match stamped.event {
            Event::Warning { message } => complain(&format!("warning: {message}")),
            Event::Answered { answer, .. } => return print_answer(answer, json),
            // A defect outside of any question.
            Event::Failed { message, cause } => return print_answer(Err(NoAnswer { message, cause }), json),
            _ => {}
        }
    }
    complain("the engine is gone.");
    Exit::FAILED
}

pub(super) fn print_answer(answer: Result<Box<Answer>, NoAnswer>, json: bool) -> Exit {
    let answer = match answer {
        Ok(answer) => *answer,
        Err(NoAnswer { message, cause }) => {
            message.lines().for_each(|line| complain(&format!("error: {line}")));
            return Exit::of(&End::Failed(message, cause));
        }
    };
    match answer {
        Answer::Evaluation { split, images, figures, class_accuracy, step } => {
            let answer = json!({
                "split": split, "images": images, "step": step,
                "loss": figures.loss, "accuracy": figures.accuracy,
                "balanced_accuracy": balanced_accuracy(&class_accuracy),
            });
            print_value(json, &answer, &|| {
                vec![format!(
                    "{}{} images: loss {:.4}, accuracy {:.2} %{} (weights of step {})",
                    grouped(images as u64),
                    if split == Split::All { String::new() } else { format!(" {}", split.word()) },
                    figures.loss,
                    100.0 * figures.accuracy,
                    balanced(figures.accuracy, &class_accuracy),
                    grouped(step)
                )]
            });
        }
        Answer::Bench(bench) => {
            let value = serde_json::to_value(&bench).unwrap_or_default();
            print_value(json, &value, &|| bench_lines(&bench));
        }
        Answer::Loading(loading) => {
            let value = serde_json::to_value(&loading).unwrap_or_default();
            print_value(json, &value, &|| loading_lines(&loading));
        }
        Answer::Verification(verification) => {
            let value = serde_json::to_value(&verification).unwrap_or_default();
            print_value(json, &value, &|| verification_lines(&verification));
            return if verification.passed { Exit::FINE } else { Exit::FAILED };
        }
        Answer::Export(exported) => {
            print_value(json, &export_value(&exported), &|| export_lines(&exported));
        }
        // No command asks for these.
        Answer::Preview(_) | Answer::Inspection(_) | Answer::Predictions(_) | Answer::Explanation(_) => {}
    }
    Exit::FINE
}

/// A line on stderr.
pub fn complain(line: &str) {
    output::say(Stream::Err, line);
}

fn print_value(json: bool, value: &Value, lines: &dyn Fn() -> Vec<String>) {
    if json {
        print_json(&value.to_string());
    } else {
        for line in lines() {
            print_line(&line);
        }
    }
}

fn loading_lines(loading: &Loading) -> Vec<String> {
    let Loading {
        images,
        side,
        in_memory,
        first_epoch_images_per_second,
        later_epochs_images_per_second,
        ..
    } = loading;
    let peak = loading.peak_mib.map_or_else(String::new, |mib| format!("; {mib:.0} MiB at most"));
    vec![
        format!("{} training images of {side}x{side}, {} threads", grouped(*images as u64), loading.threads),
        format!(
            "first epoch {first_epoch_images_per_second:.0} images/s, the files read in {:.1} s",
            loading.load_seconds
        ),
        format!(
            "later epochs {later_epochs_images_per_second:.0} images/s, {}{peak}",
            if *in_memory { "from memory" } else { "each image read again" }
        ),
    ]
}

/// A number of things, as in `1 step`, `8 steps`.
fn counted(n: usize, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

fn bench_lines(bench: &Bench) -> Vec<String> {
    let what = if bench.evaluation { "evaluation" } else { "training" };
    let peak = bench.peak_mib.map_or("unknown".into(), |mib| format!("{mib:.0}"));
    let by = if bench.reference { " by candle's layers" } else { "" };
    let mut lines = vec![
        format!(
            "{what}{by}, batch {}, {} parameters, {:.2} MMAC an image, {}, {}, {}",
            bench.batch,
            grouped(bench.parameters),
            bench.macs as f64 / 1e6,
            bench.device,
            counted(bench.threads, "thread"),
            counted(bench.steps, "step")
        ),
        format!("images_per_second  {:.2}", bench.images_per_second),
        format!("step_ms_median     {:.1}  (fastest {:.1})", bench.step_ms_median, bench.step_ms_min),
        format!("peak_mib           {peak}"),
    ];
    lines.extend(bench.device_mib.map(|mib| format!("device_mib         {mib:.0}")));
    lines.push(format!(
        "share_of_peak      {:.1} %  ({:.1} of {:.1} GFLOP/s)",
        100.0 * bench.share_of_peak,
        bench.gflops,
        bench.machine_peak_gflops
    ));
    if !bench.kernels.is_empty() {
        lines.push(String::new());
        lines.push(format!(
            "{:<20} {:>8} {:>9} {:>9} {:>9} {:>9}",
            "kernel by itself", "launches", "ms", "GFLOP", "MiB", "roofline"
        ));
        let row = |kernel: &KernelFigures| {
            let KernelFigures { kernel, launches, ms, gflop, mib, share_of_roofline } = kernel;
            let share = 100.0 * share_of_roofline;
            format!("{kernel:<20} {launches:>8} {ms:>9.3} {gflop:>9.2} {mib:>9.1} {share:>7.1} %")
        };
        lines.extend(bench.kernels.iter().map(row));
        let ms: f64 = bench.kernels.iter().map(|kernel| kernel.ms).sum();
        let least: f64 = bench.kernels.iter().map(|kernel| kernel.ms * kernel.share_of_roofline).sum();
        lines.push(format!("{:<20} {:>8} {ms:>9.3} {:>19} {:>7.1} %", "all", "", "", 100.0 * least / ms));
    }
    if let Some(comparison) = &bench.comparison {
        lines.push(format!(
            "reference          {:.2} images a second  (candle's layers, {})",
            comparison.reference_images_per_second,
            counted(comparison.reference_steps, "step")
        ));
        lines.push(format!("ratio              {:.2}", comparison.ratio));
    }
    lines
}

fn export_value(exported: &Exported) -> Value {
    let Exported { run, step, best, form, files, contents, test } = exported;
    let files: Vec<Value> = files
        .iter()
        .map(|(path, bytes)| json!({ "path": path.display().to_string(), "bytes": bytes }))
        .collect();
    let contents: serde_json::Map<String, Value> =
        contents.iter().map(|(name, text)| ((*name).to_owned(), json!(text))).collect();
    json!({
        "run": run, "step": step, "best": best, "format": form.word(), "files": files, "contents": contents,
        "test": test.as_ref().ok(), "not_tested": test.as_ref().err(),
    })
}

/// A table of the files and of what is in the model's.
fn export_lines(exported: &Exported) -> Vec<String> {
    let Exported { run, step, best, files, contents, test, .. } = exported;
    let row = |name: &str, text: &str| format!("{name:<15} {text}");
    let best = if *best { ", its best" } else { "" };
    let mut lines = vec![row("weights", &format!("step {} of {run}{best}", grouped(*step)))];
    lines.extend(contents.iter().map(|(name, text)| row(name, text)));
    lines.push(match test {
        Ok(Figures { loss, accuracy }) => {
            row("test images", &format!("loss {loss:.4}, accuracy {:.2} %", 100.0 * accuracy))
        }
        Err(sentence) => row("test images", &format!("not evaluated: {sentence}")),
    });
    let written =
        files.iter().map(|(path, size)| row("written", &format!("{} ({})", path.display(), bytes(*size))));
    lines.extend(written);
    lines
}

fn verification_lines(verification: &Verification) -> Vec<String> {
    let mut lines = vec![format!("{:<16} {:>11} {:>11}", "group", "error", "tolerance")];
    for group in &verification.groups {
        let verdict = if group.error <= group.tolerance { "" } else { "  OVER" };
        lines.push(format!("{:<16} {:>11.3e} {:>11.3e}{verdict}", group.group, group.error, group.tolerance));
    }
    if let Some((name, error)) = &verification.worst {
        lines.push(format!("worst tensor: {name} ({error:.3e})"));
    }
    lines.push(if verification.passed { "passed".into() } else { "failed".into() });
    lines
}

//! `predict`: what pictures are, by a trained network.

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::cli::Command;
use crate::commands::{Context, options, start, threads, usage_error};
use crate::headless::answers::complain;
use crate::headless::predictions::{Form, Lines, follow};
use crate::monitor::Exit;
use crate::protocol::PredictQuery;
use crate::store::atomic;

/// Classes that are told of a picture by default, and in a table.
const TOP: u32 = 5;
const TOP_CSV: u32 = 1;
/// The word for a list of paths on stdin.
const STDIN: &str = "-";

/// Says what the pictures of `command` are.
pub(crate) fn predict(context: &Context, command: Command) -> Exit {
    let Command::Predict {
        model,
        pictures,
        top,
        json,
        csv,
        logits,
        flip,
        map,
        class,
        output,
        compute,
        place,
    } = command
    else {
        return Exit::USAGE;
    };
    let form = if json {
        Form::Json
    } else if csv {
        Form::Csv
    } else {
        Form::Text
    };
    let top = top.unwrap_or(if csv { TOP_CSV } else { TOP }) as usize;
    let pictures = match named(pictures, &mut std::io::stdin()) {
        Ok(pictures) => pictures,
        Err(sentence) => return usage_error(&sentence),
    };
    // Before anything is computed for it.
    if let Some(path) = &output
        && let Err(sentence) = check(path)
    {
        return usage_error(&sentence);
    }
    let options = match threads(&compute) {
        Ok(threads) => options(&compute, threads, context.runs_dir(&place)),
        Err(exit) => return exit,
    };
    let link = match start(false) {
        Ok(link) => link,
        Err(exit) => return exit,
    };
    let query = PredictQuery { target: model, pictures, flip, map_dir: map, class, options };
    let mut kept = Vec::new();
    let found = follow(&link, query, Lines { form, top, logits }, output.is_some().then_some(&mut kept));
    let predictions = match found {
        Ok(predictions) => predictions,
        Err(exit) => return exit,
    };
    if let Some(path) = output {
        let mut text = kept.join("\n");
        text.push('\n');
        if let Err(error) = atomic::write(&path, text.as_bytes()) {
            complain(&format!("error: {error}"));
            return Exit::FAILED;
        }
    }
    if predictions.broken > 0 {
        let (broken, all) = (predictions.broken, predictions.pictures);
        complain(&format!("error: {broken} of {all} pictures could not be read."));
        return Exit::FAILED;
    }
    Exit::FINE
}

/// The paths that were given, with those of the list on stdin in the place of its word; the error is a sentence.
fn named(given: Vec<PathBuf>, stdin: &mut dyn Read) -> Result<Vec<PathBuf>, String> {
    let mut pictures = Vec::new();
    for path in given {
        if path != Path::new(STDIN) {
            pictures.push(path);
            continue;
        }
        let mut list = Vec::new();
        stdin.read_to_end(&mut list).map_err(|error| format!("stdin cannot be read ({error})."))?;
        let before = pictures.len();
        // A path can have any byte but NUL: where there is one, lines are not what separates.
        let by = if list.contains(&0) { 0 } else { b'\n' };
        let paths = list.split(|byte| *byte == by);
        let paths = paths.map(|path| if by == 0 { path } else { path.strip_suffix(b"\r").unwrap_or(path) });
        pictures.extend(paths.filter(|path| !path.is_empty()).map(|path| OsStr::from_bytes(path).into()));
        if pictures.len() == before {
            return Err("no path came on stdin; give one a line, or each with a NUL behind it.".into());
        }
    }
    Ok(pictures)
}

/// Refuses a file for the results that cannot be one.
fn check(path: &Path) -> Result<(), String> {
    crate::files::check_replaceable(path)
        .map_err(|error| format!("--output {}: {error}.", path.display()))?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if parent.is_dir() {
        Ok(())
    } else {
        Err(format!("--output {}: there is no directory {}.", path.display(), parent.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(list: &[u8]) -> Result<Vec<PathBuf>, String> {
        named(vec!["a.png".into(), "-".into(), "b.png".into()], &mut &list[..])
    }

    #[test]
    fn a_list_on_stdin_takes_the_place_of_its_word_by_lines_or_by_nul() {
        let paths = |names: &[&str]| Ok(names.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(from(b"x\r\ny z\n\n"), paths(&["a.png", "x", "y z", "b.png"]));
        assert_eq!(from(b"x\ny\0z\0"), paths(&["a.png", "x\ny", "z", "b.png"]));
        assert!(from(b"\n").unwrap_err().contains("no path came on stdin"));
    }
}

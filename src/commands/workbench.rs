//! Assembles and opens the interface.

use std::io::{ErrorKind, IsTerminal};
use std::time::{Duration, Instant};

use crate::cli::Cli;
use crate::commands::train::check_resume_options;
use crate::commands::{Context, start_threads, usage_error};
use crate::config::Config;
use crate::engine::{self, EngineOptions};
use crate::files;
use crate::headless::answers::complain;
use crate::headless::print_line;
use crate::monitor::Exit;
use crate::ops::out_of_memory;
use crate::paths::Paths;
use crate::recipe::Recipe;
use crate::ui::keys::Keys;
use crate::ui::saved_state::{State, ViewState};
use crate::ui::style::colours::ColourLevel;
use crate::ui::style::glyphs::Glyphs;
use crate::ui::style::images::{Images, Way, is_in_tmux};
use crate::ui::style::theme::Theme;
use crate::ui::workspace::{OnHangup, Settings};
use crate::ui::{deadline, give_back};

/// Interval between checks whether the engine has ended.
const LOOK: Duration = Duration::from_millis(5);

/// Options that only concern the display.
const DISPLAY: &[&str] = &["color", "theme"];

/// Options that do not change the recipe.
const NO_RECIPE: &[&str] = &[
    "color",
    "theme",
    "name",
    "resume",
    "save_every",
    "stop_after",
    "no_test",
    "skip_broken",
    "device",
    "threads",
    "reference",
    "runs_dir",
    "json",
];

/// Opens the interface with the recipe of the command line, or else the last one. `typed` are the options given
/// on the command line.
pub(crate) fn workbench(cli: &Cli, typed: &[String]) -> Exit {
    let dumb = variable("TERM").is_none_or(|term| term == "dumb" || term.is_empty());
    if dumb || !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        complain("the interface needs a terminal; train without one with `densenet-tui --no-ui`.");
        return Exit::USAGE;
    }
    if cli.run.resume.is_some() {
        let of_the_run: Vec<String> =
            typed.iter().filter(|option| !DISPLAY.contains(&option.as_str())).cloned().collect();
        if let Err(sentence) = check_resume_options(&of_the_run) {
            return usage_error(&sentence);
        }
    }
    let mut notes = Vec::new();
    // A config file that is not TOML prevents a headless run; here only the settings are lost.
    let context = Context::read().unwrap_or_else(|error| {
        notes.push(format!("{error} The whole file is ignored."));
        Context { paths: Paths::of_this_user(), config: Config::default() }
    });
    notes.extend(context.config.warnings.iter().cloned());
    let (state, forgotten) = State::read(&context.paths.state_file());
    notes.extend(forgotten);
    let recipe = match context.recipe(&cli.recipe) {
        Ok(recipe) => recipe,
        Err(sentences) => return usage_error(&sentences),
    };
    let own = typed.iter().any(|option| !NO_RECIPE.contains(&option.as_str()));
    let last = if own { None } else { state.recipe.clone() };
    let threads = match start_threads(&cli.run.compute) {
        Ok((threads, warning)) => {
            notes.extend(warning);
            threads
        }
        Err(sentence) => {
            complain(&format!("error: {sentence}"));
            return Exit::FAILED;
        }
    };
    let settings = settings(&context, cli, threads, last.unwrap_or(recipe), state.view, notes);
    out_of_memory::give_back_by(give_back);
    let shown = engine::spawn(EngineOptions::default()).and_then(|(link, thread)| {
        let left = crate::ui::run(&link, settings, engine::is_saving);
        // The engine finishes its step and saves before the program ends, unless that takes too long.
        drop(link);
        let asked = left.as_ref().map_or_else(|_| Instant::now(), |left| left.asked);
        while !thread.is_finished() && Instant::now() < deadline(asked, engine::is_saving) {
            std::thread::sleep(LOOK);
        }
        left
    });
    match shown {
        Ok(left) => {
            if let Some(line) = left.last_word {
                print_line(&line);
            }
            left.exit
        }
        Err(error) => {
            complain(&format!("error: the interface cannot be shown: {error}."));
            Exit::FAILED
        }
    }
}

fn settings(
    context: &Context,
    cli: &Cli,
    threads: usize,
    recipe: Recipe,
    view: ViewState,
    mut notes: Vec<String>,
) -> Settings {
    let (args, config) = (&cli.run, &context.config);
    let level = level(context, cli, &mut notes);
    let theme = theme(context, cli, &mut notes).at(level);
    let own = config.keys.iter().map(|own| (own.location.as_str(), own.action.as_str(), own.keys.as_slice()));
    let (keys, wrong) = Keys::with(own);
    notes.extend(wrong);
    Settings {
        recipe,
        options: context.run_options(args, threads),
        theme,
        level,
        utc_offset: jiff::ZonedDateTime::now().offset().seconds(),
        glyphs: Glyphs::of_locale(
            variable("LC_ALL").as_deref(),
            variable("LC_CTYPE").as_deref(),
            variable("LANG").as_deref(),
        ),
        pictures: Way { images: images(context, level, &mut notes), tmux: is_in_tmux(&variable) },
        keys,
        memory: engine::available_bytes().map(|bytes| bytes as u64),
        resume: args.resume.clone().map(|target| (target, cli.recipe.overrides())),
        name: args.name.clone(),
        on_hangup: if config.background_on_hangup { OnHangup::Background } else { OnHangup::Stop },
        bell: config.bell.unwrap_or(true),
        mouse: config.mouse.unwrap_or(true),
        view,
        state_file: context.paths.state_file(),
        notes,
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The colours of the terminal: from the command line, the config file, or the terminal's environment variables.
fn level(context: &Context, cli: &Cli, notes: &mut Vec<String>) -> ColourLevel {
    let word = cli.display.color.as_deref().or(context.config.color.as_deref()).unwrap_or("auto");
    let asked = ColourLevel::asked(word).unwrap_or_else(|sentence| {
        notes.push(format!("{}: `color`: {sentence}.", context.paths.config_file().display()));
        None
    });
    ColourLevel::detect(
        asked,
        variable("NO_COLOR").as_deref(),
        variable("COLORTERM").as_deref(),
        variable("TERM").as_deref(),
    )
}

/// How pictures are shown: from the config file, or the terminal's environment variables; without colours in cells.
fn images(context: &Context, level: ColourLevel, notes: &mut Vec<String>) -> Images {
    let word = context.config.images.as_deref().unwrap_or("auto");
    let asked = Images::asked(word).unwrap_or_else(|sentence| {
        notes.push(format!("{}: `images`: {sentence}.", context.paths.config_file().display()));
        None
    });
    match asked {
        Some(Images::Iterm2) if is_in_tmux(&variable) => {
            notes.push("`images`: tmux draws over the images of iTerm2, so pictures are half blocks.".into());
            Images::HalfBlocks
        }
        Some(images) => images,
        None if level == ColourLevel::None => Images::HalfBlocks,
        None => Images::detect(&variable),
    }
}

/// The theme: from the command line, the config file, or the terminal's own colours. A user's file overrides a
/// built-in theme.
fn theme(context: &Context, cli: &Cli, notes: &mut Vec<String>) -> Theme {
    let name = cli.display.theme.as_deref().or(context.config.theme.as_deref()).unwrap_or("terminal");
    let plain = Theme::builtin("terminal").unwrap_or_else(Theme::plain);
    let file = context.paths.theme_file(name);
    match (files::read_text(&file), Theme::builtin(name)) {
        (Ok(text), builtin) => {
            let (theme, wrong) = Theme::parse(&text, builtin.unwrap_or(plain));
            notes.extend(wrong.iter().map(|sentence| format!("{}: {sentence}.", file.display())));
            theme
        }
        (Err(error), Some(builtin)) => {
            if error.kind() != ErrorKind::NotFound {
                notes.push(format!(
                    "{}: it cannot be read ({error}); the built-in `{name}` is used.",
                    file.display()
                ));
            }
            builtin
        }
        (Err(error), None) => {
            let known = Theme::names().join(", ");
            notes.push(format!(
                "there is no theme `{name}`: {} ({error}); built in are {known}.",
                file.display()
            ));
            plain
        }
    }
}

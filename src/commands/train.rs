//! `--no-ui`: trains a run without the interface.

use crate::cli::{Cli, RESUMABLE};
use crate::commands::continuing::{self, Next};
use crate::commands::{Context, one_line, start, threads, usage_error};
use crate::headless::answers::complain;
use crate::headless::follow;
use crate::monitor::Exit;
use crate::protocol::{Command, Start};
use crate::tensorboard::{self, Live};

/// Trains the recipe of the command line, or resumes a run. `typed` are the options given on the command line.
pub(crate) fn train(context: &Context, cli: &Cli, typed: &[String]) -> Exit {
    let args = &cli.run;
    if let Some(Err(error)) = args.tensorboard.as_deref().map(tensorboard::check) {
        return usage_error(&one_line(error));
    }
    let command = match command(context, cli, typed) {
        Ok(command) => command,
        Err(exit) => return exit,
    };
    let link = match start(true) {
        Ok(link) => link,
        Err(exit) => return exit,
    };
    if link.commands.send(command).is_err() {
        complain("error: the engine is gone.");
        return Exit::FAILED;
    }
    let tensorboard = args.tensorboard.clone().map(Live::new);
    follow(&link, args.json, tensorboard, if args.carry_on { Exit::of_continued } else { Exit::of })
}

/// The command for the engine, with the compute threads started; an exit code where there is nothing to do.
fn command(context: &Context, cli: &Cli, typed: &[String]) -> Result<Command, Exit> {
    let args = &cli.run;
    let options = |threads| context.run_options(args, threads);
    let resume = |target, overrides, threads| Command::Resume {
        target,
        overrides: Box::new(overrides),
        options: Box::new(options(threads)),
    };
    if let (Some(name), true) = (&args.name, args.carry_on) {
        match continuing::next(cli, &context.runs_dir(&args.place), name) {
            Ok(Next::Ended(summary)) => return Err(continuing::report_end(name, &summary, args.json)),
            Ok(Next::Resume(run, overrides)) => return Ok(resume(run, overrides, threads(&args.compute)?)),
            Ok(Next::Begin) => {}
            Err(sentence) => return Err(usage_error(&sentence)),
        }
    }
    let Some(target) = &args.resume else {
        let recipe = context.recipe(&cli.recipe).map_err(|sentences| usage_error(&sentences))?;
        let options = options(threads(&args.compute)?);
        return Ok(Command::Start(Box::new(Start { recipe, name: args.name.clone(), options })));
    };
    check_resume_options(typed).map_err(|sentence| usage_error(&sentence))?;
    Ok(resume(target.clone(), cli.recipe.overrides(), threads(&args.compute)?))
}

/// Refuses options that cannot be combined with `--resume`.
pub(crate) fn check_resume_options(typed: &[String]) -> Result<(), String> {
    let Some(option) = typed.iter().find(|option| !RESUMABLE.contains(&option.as_str())) else {
        return Ok(());
    };
    let option = option.replace('_', "-");
    let others: Vec<String> =
        RESUMABLE[3..].iter().map(|name| format!("--{}", name.replace('_', "-"))).collect();
    Err(format!(
        "--{option} cannot be combined with --resume: a run continues with its own recipe; the options that can are {}.",
        others.join(", ")
    ))
}

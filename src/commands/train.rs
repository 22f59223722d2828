//! `--no-ui`: a run from its first line to its exit code.

use crate::cli::{Cli, RESUMABLE};
use crate::commands::continuing::{self, Next};
use crate::commands::{Context, start, threads, wrong};
use crate::headless::answers::complain;
use crate::headless::follow;
use crate::monitor::Exit;
use crate::protocol::{Command, Options, Start};

/// Trains what was typed, or goes on with a run. `typed` are the options that stood on the command line.
pub(crate) fn train(context: &Context, cli: &Cli, typed: &[String]) -> Exit {
    let args = &cli.run;
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
    follow(&link, args.json, if args.carry_on { Exit::of_continued } else { Exit::of })
}

/// What the engine is to do, with the threads started for it; an exit where there is nothing to do.
fn command(context: &Context, cli: &Cli, typed: &[String]) -> Result<Command, Exit> {
    let args = &cli.run;
    let options = |threads| Options {
        runs_dir: context.runs_dir(&args.place),
        device: args.compute.device,
        threads,
        save_every: args.save_every,
        stop_after: args.stop_after,
        no_test: args.no_test,
        reference: args.compute.reference,
    };
    let resume = |target, overrides, threads| Command::Resume {
        target,
        overrides: Box::new(overrides),
        options: Box::new(options(threads)),
    };
    if let (Some(name), true) = (&args.name, args.carry_on) {
        match continuing::next(cli, &context.runs_dir(&args.place), name) {
            Ok(Next::Ended(summary)) => return Err(continuing::tell_end(name, &summary, args.json)),
            Ok(Next::GoOn(run, overrides)) => return Ok(resume(run, overrides, threads(&args.compute)?)),
            Ok(Next::Begin) => {}
            Err(sentence) => return Err(wrong(&sentence)),
        }
    }
    let Some(target) = &args.resume else {
        let recipe = context.recipe(&cli.recipe).map_err(|sentences| wrong(&sentences))?;
        let options = options(threads(&args.compute)?);
        return Ok(Command::Start(Box::new(Start { recipe, name: args.name.clone(), options })));
    };
    beside_resume(typed).map_err(|sentence| wrong(&sentence))?;
    Ok(resume(target.clone(), cli.recipe.overrides(), threads(&args.compute)?))
}

/// Refuses what was typed and cannot stand beside `--resume`.
pub(crate) fn beside_resume(typed: &[String]) -> Result<(), String> {
    let Some(option) = typed.iter().find(|option| !RESUMABLE.contains(&option.as_str())) else {
        return Ok(());
    };
    let option = option.replace('_', "-");
    let others: Vec<String> =
        RESUMABLE[3..].iter().map(|name| format!("--{}", name.replace('_', "-"))).collect();
    Err(format!(
        "--{option} cannot stand beside --resume: a run goes on with its own recipe; what can is {}.",
        others.join(", ")
    ))
}

//! Training that stays on a card: steps are submitted ahead of those that are done, and the host has the
//! weights only when somebody asks for them.

use std::time::Instant;

use crate::data::Images;
use crate::data::prepare::{Prepare, order};
use crate::engine::control::Control;
use crate::engine::evaluate::{Evaluation, GoOn, Tally};
use crate::engine::failure::Failure;
use crate::engine::fit::{Ending, account, between_steps, diverged, training};
use crate::engine::memory;
use crate::engine::report::{Report, StepReport};
use crate::engine::session::Session;
use crate::model::DenseNet;
use crate::ops::trainer::{Epoch, Feed, NotFinite, Split, State, Stepped, Trainer, Training};
use crate::optim::{Optimizer, Rule};
use crate::protocol::event::Phase;
use crate::protocol::{Event, command};
use crate::recipe::Recipe;

/// Steps under way at most: enough that the card never waits, few enough that a stop is soon heard.
const AHEAD: u64 = 8;

/// The same network; in tests of the kernels, one whose fast version they compute on the host.
pub(super) fn placed(net: DenseNet) -> DenseNet {
    #[cfg(all(test, any(feature = "cuda", feature = "host-kernels")))]
    let net = tests::placed(net);
    net
}

/// How the card is to train `net` by `recipe` on images of `feed`.
pub(super) fn plan(net: &DenseNet, recipe: &Recipe, images: usize, feed: Feed) -> Training {
    Training {
        network: net.words(),
        dropout: recipe.dropout,
        rule: Rule::of(recipe).words(),
        weight_decay: recipe.weight_decay,
        smoothing: recipe.label_smoothing,
        batch: recipe.batch_size,
        steps_per_epoch: recipe.steps_per_epoch(images) as usize,
        seed: recipe.seed,
        feed,
    }
}

/// Splits of images as they are prepared.
pub(super) fn feed(prepare: &Prepare, splits: &[&Images]) -> Feed {
    let (augment, flips) = prepare.augments();
    let counts = splits.iter().map(|images| images.len()).collect();
    Feed::Splits { counts, augment, flips, table: prepare.table() }
}

/// The card that trains `net`, with its images, weights and state; `None` where the CPU does. What the card
/// has no memory for is refused before it is taken.
pub(super) fn trainer(
    net: &DenseNet,
    optimizer: &Optimizer,
    recipe: &Recipe,
    prepare: &Prepare,
    splits: &[&Images],
    report: &mut Report,
) -> Result<Option<Box<dyn Trainer>>, Failure> {
    let Some(place) = net.card() else { return Ok(None) };
    let of = |recipe: &Recipe| plan(net, recipe, splits[0].len(), feed(prepare, splits));
    memory::check_card(place, recipe, of)?;
    report.emit(Event::Phase { phase: Phase::Compiling, done: 0, total: 0 });
    let views: Vec<Split> =
        splits.iter().map(|images| Split { pixels: &images.pixels, labels: &images.labels }).collect();
    let Some(mut trainer) = place.trainer(of(recipe), &views)? else { return Ok(None) };
    let (parameters, running) = net.numbers()?;
    trainer.load(&State { parameters, running, slots: optimizer.numbers()? })?;
    Ok(Some(trainer))
}

/// Brings weights, statistics and state of the last step to the host, if a card has them.
pub(super) fn fetch(session: &mut Session) -> Result<(), Failure> {
    if let Some(card) = &mut session.card {
        let State { parameters, running, slots } = card.state()?;
        session.net.set_numbers(&parameters, &running)?;
        session.optimizer.set_numbers(&slots, session.progress.optimizer_steps)?;
    }
    Ok(())
}

/// What the card finds in a split of the session; `None` if `go_on` said no.
pub(super) fn evaluate(
    card: &mut dyn Trainer,
    split: command::Split,
    images: &Images,
    classes: usize,
    go_on: GoOn,
) -> Result<Option<Evaluation>, Failure> {
    let number = match split {
        command::Split::Train => 0,
        command::Split::Validation => 1,
        command::Split::Test => 2,
    };
    let (mut tally, total, mut whole) = (Tally::new(images, classes), images.len() as u64, true);
    card.evaluate(number, &mut |begin, outcome| {
        tally.count(begin, &outcome.losses, &outcome.predictions);
        whole = go_on(begin as u64, total);
        whole
    })?;
    Ok(whole.then(|| tally.evaluation()))
}

/// Steps that the card was asked for.
struct Flight {
    /// The epoch, from 0.
    index: u64,
    /// Steps of the run submitted so far.
    submitted: u64,
    /// When the last of them that is done was.
    since: Instant,
}

/// Trains up to the end of the epoch, or of the run. `None`: go on.
pub(super) fn epoch(
    session: &mut Session,
    control: &mut Control,
    report: &mut Report,
) -> Result<Option<Ending>, Failure> {
    let per_epoch = session.steps_per_epoch();
    let mut flight = Flight {
        index: session.progress.step / per_epoch,
        submitted: session.progress.step,
        since: Instant::now(),
    };
    begin(session, flight.index, true)?;
    report.emit(training(session));
    loop {
        control.hear(report);
        if !control.is_idle() {
            if let Some(ending) = flight.settle(session, report)? {
                return Ok(Some(ending));
            }
            if let Some(reason) = between_steps(session, control, report)? {
                return Ok(Some(Ending::Stopped(reason)));
            }
            // An evaluation may have come between, and the learning rate may be another.
            begin(session, flight.index, false)?;
            flight.since = Instant::now();
        }
        if flight.submitted >= session.total_steps().min((flight.index + 1) * per_epoch) {
            return flight.settle(session, report);
        }
        flight.submit(session)?;
        if !flight.submitted.is_multiple_of(per_epoch) && session.save_is_due_at(flight.submitted) {
            if let Some(ending) = flight.settle(session, report)? {
                return Ok(Some(ending));
            }
            session.save_if_possible(report);
            flight.since = Instant::now();
        }
        let full = flight.submitted - session.progress.step >= AHEAD;
        if let Some(ending) = flight.collect(session, report, full)? {
            return Ok(Some(ending));
        }
    }
}

/// Tells the card what the steps of epoch `index` (from 0) need; a new epoch has another order.
fn begin(session: &mut Session, index: u64, new: bool) -> Result<(), Failure> {
    let (per_epoch, step) = (session.steps_per_epoch(), session.progress.step);
    let (recipe, images) = (&session.recipe, session.train.len());
    let epoch = Epoch {
        number: index + 1,
        order: if new { order(recipe.seed, index + 1, images) } else { Vec::new() },
        learning_rates: (0..per_epoch)
            .map(|place| recipe.learning_rate(index * per_epoch + place, per_epoch))
            .collect(),
        first: (step - index * per_epoch) as usize,
        step,
        updates: session.progress.optimizer_steps,
    };
    match &mut session.card {
        Some(card) => Ok(card.begin(&epoch)?),
        None => Ok(()),
    }
}

/// Images of the step numbered `step` of the run, from 0: the last one of an epoch may have fewer.
fn images_of(session: &Session, step: u64) -> usize {
    let (batch, place) = (session.recipe.batch_size, step % session.steps_per_epoch());
    batch.min(session.train.len() - place as usize * batch)
}

impl Flight {
    fn submit(&mut self, session: &mut Session) -> Result<(), Failure> {
        let images = images_of(session, self.submitted);
        if let Some(card) = &mut session.card {
            card.step(images)?;
        }
        self.submitted += 1;
        Ok(())
    }

    /// Takes in the steps that are done; with `wait`, at least one.
    fn collect(
        &mut self,
        session: &mut Session,
        report: &mut Report,
        mut wait: bool,
    ) -> Result<Option<Ending>, Failure> {
        while let Some(card) = &mut session.card
            && let Some(stepped) = card.collect(wait)?
        {
            wait = false;
            let Stepped { loss, correct, failed } = stepped;
            if let Some(what) = failed {
                // The steps behind it have changed nothing.
                while card.collect(true)?.is_some() {}
                fetch(session)?;
                return Ok(Some(diverged(session, what_of(what))));
            }
            let (step, per_epoch) = (session.progress.step, session.steps_per_epoch());
            let done = StepReport {
                epoch: self.index as usize + 1,
                step: step + 1,
                images: images_of(session, step),
                loss: f64::from(loss),
                correct: u64::from(correct),
                learning_rate: session.recipe.learning_rate(step, per_epoch),
                seconds: self.since.elapsed().as_secs_f64(),
            };
            self.since = Instant::now();
            session.progress.optimizer_steps += 1;
            account(session, done, report);
        }
        Ok(None)
    }

    /// Waits for every step submitted; the host has the weights then.
    fn settle(&mut self, session: &mut Session, report: &mut Report) -> Result<Option<Ending>, Failure> {
        while session.progress.step < self.submitted {
            if let Some(ending) = self.collect(session, report, true)? {
                return Ok(Some(ending));
            }
        }
        fetch(session)?;
        Ok(None)
    }
}

/// What was not finite, as part of a sentence.
pub(super) fn what_of(what: NotFinite) -> &'static str {
    match what {
        NotFinite::Loss => "loss",
        NotFinite::Gradient => "gradient",
        NotFinite::Weight => "updated weight",
    }
}

#[cfg(test)]
#[cfg(any(feature = "cuda", feature = "host-kernels"))]
mod tests;

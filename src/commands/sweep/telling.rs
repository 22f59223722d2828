//! What a sweep says while it goes on: lines for people or JSON, and a progress line.

use serde::Serialize;
use serde_json::{Value, json};

use crate::format::duration;
use crate::headless::answers::complain;
use crate::headless::output::{self, Stream};
use crate::headless::{print_json, print_line};
use crate::sweep::record::Line;
use crate::sweep::table::{self, shown};
use crate::sweep::{Outcome, Place, Plan, Standing};

/// How it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Json,
    Csv,
}

pub(super) struct Teller<'a> {
    plan: &'a Plan,
    form: Form,
}

impl<'a> Teller<'a> {
    pub(super) fn new(plan: &'a Plan, form: Form) -> Self {
        Self { plan, form }
    }

    /// Tells of something that happened.
    pub(super) fn tell(&self, line: &Line) {
        if self.form == Form::Json {
            print_object(line);
        }
        if let Some(text) = self.words(line) {
            self.say(&text);
        }
    }

    /// A line for people: aside where stdout is for programs.
    pub(super) fn say(&self, text: &str) {
        output::say(if self.form == Form::Text { Stream::Out } else { Stream::Err }, text);
    }

    fn words(&self, line: &Line) -> Option<String> {
        let rung = |rung: usize| {
            let epochs = self.plan.rungs[rung];
            format!("{epochs} epoch{}", if epochs == 1 { "" } else { "s" })
        };
        match line {
            Line::Result { job, run, outcome: Outcome::Scored { score, .. }, .. } => {
                let measure = self.plan.spec.search.measure;
                let value = score.value.map_or_else(|| "not reached".into(), |value| shown(measure, value));
                Some(format!("{run}: {}, {measure} {value}", rung(job.rung)))
            }
            Line::Result { run, outcome: Outcome::Failed { reason }, .. } => {
                Some(format!("{run}: failed: {reason}"))
            }
            Line::Decided { decision, .. } if decision.rung + 1 < self.plan.rungs.len() => {
                let count = decision.promoted.len();
                let names: Vec<String> =
                    decision.promoted.iter().map(|trial| self.plan.name(*trial)).collect();
                let all = count + decision.dropped.len();
                Some(format!(
                    "after {} {count} of {all} trials go on: {}",
                    rung(decision.rung),
                    names.join(", ")
                ))
            }
            Line::Stopped { .. } => {
                Some("stopped; everything is saved, and --continue goes on from here.".into())
            }
            _ => None,
        }
    }

    /// Where it is now, on a terminal.
    pub(super) fn progress(&self, standing: &Standing, running: &[String], share: f64, eta: Option<f64>) {
        if !output::can_rewrite() {
            return;
        }
        let rung = match self.plan.rungs.len() {
            1 => String::new(),
            count => format!("rung {} of {count}, ", standing.rung() + 1),
        };
        let all = standing.contenders(standing.rung()).len() * self.plan.spec.search.seeds;
        let done = all - standing.open().len();
        let under_way = running.join(", ");
        let eta = eta.map_or_else(String::new, |seconds| format!(", {} left", duration(seconds)));
        output::progress(&format!("{rung}{done} of {all} runs, {under_way}, {:.0} %{eta}", 100.0 * share));
    }

    /// The table at the end.
    pub(super) fn table(&self, standing: &Standing, place: &Place, outcome: &str, seconds: f64) {
        let best = standing.ranking().into_iter().next();
        match self.form {
            Form::Text => {
                print_line("");
                for line in table::lines(self.plan, standing) {
                    print_line(&line);
                }
            }
            Form::Csv => {
                for line in table::csv(self.plan, standing) {
                    print_line(&line);
                }
            }
            Form::Json => print_object(&json!({
                "event": "finished", "outcome": outcome, "sweep": self.plan.spec.name,
                "sweep_dir": place.path().to_string_lossy(), "measure": self.plan.spec.search.measure.to_string(),
                "trials": table::rows(self.plan, standing), "best": best.map(|best| self.plan.name(best)),
                "seconds": seconds,
            })),
        }
    }
}

fn print_object(object: &impl Serialize) {
    match serde_json::to_value(object) {
        Ok(Value::Object(object)) => print_json(&Value::Object(object).to_string()),
        _ => complain("error: a line could not be put into JSON."),
    }
}

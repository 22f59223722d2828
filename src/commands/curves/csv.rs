//! A run's journal as CSV: a line for each event with figures.

use std::fmt::Write;

use crate::format;
use crate::format::csv::field;
use crate::plain;
use crate::protocol::{Event, Stamped};
use crate::scalars::{Point, Scalar};

/// The names of the columns; with `run` where there are several.
pub(super) fn header(several: bool) -> String {
    let mut line = String::from(if several { "run," } else { "" });
    line.push_str("step,timestamp,event,epoch,steps");
    for scalar in Scalar::ALL {
        line.push(',');
        line.push_str(&scalar.tag().replace('/', "_"));
    }
    line.push_str(",best,class_accuracy");
    line
}

/// The line of an event; `None` where it has no figures. `run` begins it where there are several.
pub(super) fn line(run: Option<&str>, stamped: &Stamped) -> Option<String> {
    let point = Point::of(&stamped.event)?;
    let mut line = String::with_capacity(160);
    if let Some(run) = run {
        line.push_str(&field(&plain::line(run)));
        line.push(',');
    }
    let put = |line: &mut String, value: Option<f64>| {
        line.push(',');
        if let Some(value) = value {
            // A string takes everything.
            _ = write!(line, "{value}");
        }
    };
    _ = write!(line, "{},{},{}", point.step, format::instant(stamped.time), point.event);
    put(&mut line, point.epoch.map(|epoch| epoch as f64));
    let (mut steps, mut best, mut classes) = (None, None, &[][..]);
    match &stamped.event {
        Event::Step { steps: n, .. } => steps = Some(*n as f64),
        Event::Epoch { best: is_best, class_accuracy, .. } => {
            (best, classes) = (Some(f64::from(*is_best)), class_accuracy);
        }
        _ => {}
    }
    put(&mut line, steps);
    for scalar in Scalar::ALL {
        put(&mut line, point.get(scalar));
    }
    put(&mut line, best);
    let classes: Vec<String> = classes.iter().map(ToString::to_string).collect();
    line.push(',');
    line.push_str(&classes.join(" "));
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::event::Figures;

    fn fields(several: bool, line: &str) -> Vec<(String, String)> {
        let header = header(several);
        let (names, fields): (Vec<&str>, Vec<&str>) =
            (header.split(',').collect(), line.split(',').collect());
        assert_eq!(names.len(), fields.len(), "{line}");
        let both = names.into_iter().zip(fields).filter(|(_, field)| !field.is_empty());
        both.map(|(name, field)| (name.to_owned(), field.to_owned())).collect()
    }

    fn expect(told: &[(String, String)], expected: &[(&str, &str)]) {
        let told: Vec<(&str, &str)> = told.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn a_line_has_a_field_for_every_column_and_only_what_the_event_tells() {
        let event = Event::Step {
            epoch: 2,
            step: 12,
            steps: 3,
            loss: f64::NAN,
            accuracy: 0.25,
            learning_rate: 0.000_001,
            images_per_second: 1e3,
            gpu: None,
        };
        let line = line(None, &Stamped { event, time: 1_795_000_000.25 }).unwrap();
        expect(
            &fields(false, &line),
            &[
                ("step", "12"),
                ("timestamp", "2026-11-18T11:06:40.250Z"),
                ("event", "step"),
                ("epoch", "2"),
                ("steps", "3"),
                ("train_loss", "NaN"),
                ("train_accuracy", "0.25"),
                ("learning_rate", "0.000001"),
                ("images_per_second", "1000"),
            ],
        );
    }

    #[test]
    fn of_several_runs_every_line_begins_with_its_own() {
        let figures = Figures { loss: 0.5, accuracy: 0.75 };
        let event = Event::Epoch {
            epoch: 1,
            step: 4,
            train: figures,
            validation: None,
            class_accuracy: vec![0.5, f64::NAN],
            seconds: 2.5,
            images_per_second: 8.0,
            best: true,
        };
        let line = line(Some("a"), &Stamped { event, time: 0.0 }).unwrap();
        let told = fields(true, &line);
        assert_eq!(told[0], ("run".into(), "a".into()));
        let last: Vec<_> = told.iter().rev().take(2).map(|(_, field)| field.as_str()).collect();
        assert_eq!(last, ["0.5 NaN", "1"]);
        assert_eq!(field("a, \"b\""), "\"a, \"\"b\"\"\"");
    }

    #[test]
    fn what_has_no_figures_has_no_line() {
        assert_eq!(line(None, &Stamped { event: Event::Paused { step: 1 }, time: 0.0 }), None);
    }
}

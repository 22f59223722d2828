//! What a network says of pictures, as lines: for people, JSON or CSV.

use std::fmt::Write;
use std::time::Instant;

use serde_json::json;

use crate::format::{csv, grouped};
use crate::headless::answers::{complain, print_answer};
use crate::headless::output;
use crate::headless::{Exit, print_json, print_line};
use crate::plain;
use crate::protocol::event::{Phase, Predicted, Prediction, Predictions};
use crate::protocol::{Answer, Command, Event, Link, PredictQuery, Question};

/// The form of the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// One object a picture.
    Json,
    /// timm's columns.
    Csv,
}

/// How pictures become lines.
#[derive(Clone, Copy, Debug)]
pub struct Lines {
    /// Their form.
    pub form: Form,
    /// Classes of a picture at most.
    pub top: usize,
    /// Logits instead of probabilities.
    pub logits: bool,
}

impl Lines {
    /// The line before all others, if there is one.
    pub fn heading(&self) -> Option<String> {
        (self.form == Form::Csv).then(|| format!("filename,index,label,{}", self.measure()))
    }

    fn measure(&self) -> &'static str {
        if self.logits { "logit" } else { "prob" }
    }

    /// The lines of a picture: one, but in CSV one for each class.
    pub fn of(&self, predicted: &Predicted) -> Vec<String> {
        let name = predicted.path.to_string_lossy();
        let prediction = match &predicted.outcome {
            Ok(prediction) => prediction,
            Err(clause) => {
                return vec![match self.form {
                    Form::Text => format!("{name}  not read: {clause}"),
                    Form::Json => json!({ "filename": name, "error": clause }).to_string(),
                    Form::Csv => format!("{},,,", csv::field(&plain::line(&name))),
                }];
            }
        };
        let values = self.values(prediction);
        let classes = prediction.ranked().into_iter().take(self.top);
        let label = |class: usize| prediction.classes[class].as_str();
        match self.form {
            Form::Text => {
                let mut line = name.into_owned();
                for class in classes {
                    // Writing to a String cannot fail.
                    _ = if self.logits {
                        write!(line, "  {} {:.4}", label(class), values[class])
                    } else {
                        write!(line, "  {} {:.1} %", label(class), 100.0 * values[class])
                    };
                }
                vec![line]
            }
            Form::Json => {
                let mut predictions = Vec::new();
                for class in classes {
                    predictions.push(
                        json!({ "index": class, "label": label(class), self.measure(): values[class] }),
                    );
                }
                let mut line = json!({ "filename": name, "predictions": predictions });
                if let Some(map) = &prediction.map {
                    line["map"] = map.to_string_lossy().into();
                }
                vec![line.to_string()]
            }
            Form::Csv => {
                let name = plain::line(&name).into_owned();
                classes
                    .map(|class| {
                        let label = plain::line(label(class)).into_owned();
                        format!("{},{class},{},{}", csv::field(&name), csv::field(&label), values[class])
                    })
                    .collect()
            }
        }
    }

    fn values(&self, prediction: &Prediction) -> Vec<f64> {
        if self.logits {
            prediction.logits.iter().map(|&logit| f64::from(logit)).collect()
        } else {
            prediction.probabilities()
        }
    }
}

/// Asks about pictures and gives each line to `sink`, or prints it where there is none. What came of all of them, or
/// the exit code of a failure.
pub fn follow(
    link: &Link,
    query: PredictQuery,
    lines: Lines,
    mut sink: Option<&mut Vec<String>>,
) -> Result<Predictions, Exit> {
    if link.commands.send(Command::Ask { id: 0, question: Question::Predict(query) }).is_err() {
        complain("the engine is gone.");
        return Err(Exit::FAILED);
    }
    let mut put = |line: String| match &mut sink {
        Some(kept) => kept.push(line),
        None if lines.form == Form::Json => print_json(&line),
        None => print_line(&line),
    };
    if let Some(heading) = lines.heading() {
        put(heading);
    }
    let began = Instant::now();
    for stamped in &link.events {
        match stamped.event {
            Event::Warning { message } => complain(&format!("warning: {message}")),
            Event::Predicted(predicted) => {
                if let (Form::Csv, Err(clause)) = (lines.form, &predicted.outcome) {
                    complain(&format!("{}: {clause}.", predicted.path.display()));
                }
                lines.of(&predicted).into_iter().for_each(&mut put);
                // Whoever reads nothing more still gets the maps.
                _ = output::catch_up();
            }
            Event::Phase { phase: Phase::Predicting, done, total } if output::can_rewrite() => {
                let rate = done as f64 / began.elapsed().as_secs_f64().max(1e-3);
                let left = (total - done) as f64 / rate.max(1e-3);
                output::progress(&format!(
                    "{} of {} pictures, {rate:.0} a second, {left:.0} s left",
                    grouped(done),
                    grouped(total)
                ));
            }
            Event::Answered { answer: Ok(answer), .. } => match *answer {
                Answer::Predictions(predictions) => return Ok(predictions),
                other => return Err(print_answer(Ok(Box::new(other)), false)),
            },
            Event::Answered { answer, .. } => return Err(print_answer(answer, false)),
            Event::Failed { message, cause } => {
                return Err(print_answer(Err(crate::protocol::NoAnswer { message, cause }), false));
            }
            _ => {}
        }
    }
    complain("the engine is gone.");
    Err(Exit::FAILED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predicted(outcome: Result<&[f32], &str>) -> Predicted {
        let classes = ["cat", "a, b"].map(str::to_owned).into();
        let prediction = |logits: &[f32]| Prediction { classes, logits: logits.to_vec(), map: None };
        Predicted { path: "x/y.png".into(), outcome: outcome.map(prediction).map_err(str::to_owned) }
    }

    fn lines(form: Form, top: usize, logits: bool, outcome: Result<&[f32], &str>) -> Vec<String> {
        Lines { form, top, logits }.of(&predicted(outcome))
    }

    #[test]
    fn a_picture_is_a_line_with_its_most_probable_classes_in_each_form() {
        let logits = [0.0, 3f32.ln()];
        assert_eq!(lines(Form::Text, 2, false, Ok(&logits)), ["x/y.png  a, b 75.0 %  cat 25.0 %"]);
        assert_eq!(lines(Form::Text, 1, true, Ok(&logits)), ["x/y.png  a, b 1.0986"]);
        let json: serde_json::Value =
            serde_json::from_str(&lines(Form::Json, 1, false, Ok(&logits))[0]).unwrap();
        assert_eq!(
            (&json["filename"], &json["predictions"][0]["label"]),
            (&json!("x/y.png"), &json!("a, b"))
        );
        assert_eq!(json["predictions"][0]["index"], 1);
        assert!((json["predictions"][0]["prob"].as_f64().unwrap() - 0.75).abs() < 1e-6);
        assert_eq!(json["predictions"].as_array().unwrap().len(), 1);
        let csv = lines(Form::Csv, 2, true, Ok(&[0.5, 0.25]));
        assert_eq!(csv, ["x/y.png,0,cat,0.5", "x/y.png,1,\"a, b\",0.25"]);
        let heading = |logits| Lines { form: Form::Csv, top: 1, logits }.heading().unwrap();
        assert_eq!(
            [heading(false), heading(true)],
            ["filename,index,label,prob", "filename,index,label,logit"]
        );
    }

    #[test]
    fn a_picture_that_cannot_be_read_has_a_line_of_its_own() {
        let broken = Err("it is empty");
        assert_eq!(lines(Form::Text, 1, false, broken), ["x/y.png  not read: it is empty"]);
        assert_eq!(lines(Form::Json, 1, false, broken), [r#"{"error":"it is empty","filename":"x/y.png"}"#]);
        assert_eq!(lines(Form::Csv, 1, false, broken), ["x/y.png,,,"]);
    }
}

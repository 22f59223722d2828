//! One picture and what a network says of it.

use std::path::Path;

use crate::paths;
use crate::protocol::event::Explanation;
use crate::protocol::{Answer, CheckpointQuery, Event, Picture, Question};
use crate::ui::effect::Effect;
use crate::ui::keys::binding::Motion;
use crate::ui::screens::asked::Asked;
use crate::ui::screens::inspect::words::split;
use crate::ui::workspace::Workspace;

#[derive(Clone, Debug, Default)]
pub(crate) struct Predict {
    pub(crate) asked: Asked,
    /// What was asked about, in words.
    about: String,
    /// The last answer, and what it is about.
    pub(crate) found: Option<(String, Box<Explanation>)>,
    /// The class under the cursor, by its place among the most probable ones.
    pub(crate) row: usize,
    /// Whether the picture is shown without the map.
    pub(crate) bare: bool,
}

impl Predict {
    pub(crate) fn ask(&mut self, query: CheckpointQuery, picture: Picture, ws: &mut Workspace) -> Effect {
        self.about = match &picture {
            Picture::File(path) => path.display().to_string(),
            Picture::Image(number) => format!("{} image #{number}", split(query.split)),
        };
        self.asked.ask(Question::Explain { query, picture }, ws)
    }

    /// What is being asked about.
    pub(crate) fn awaited(&self) -> Option<&str> {
        self.asked.waits().then_some(self.about.as_str())
    }

    pub(crate) fn take(&mut self, event: &Event) {
        if let Some(Answer::Explanation(found)) = self.asked.answered(event) {
            self.found = Some((std::mem::take(&mut self.about), found.clone()));
            self.row = 0;
        }
    }

    /// The class under the cursor.
    pub(crate) fn class(&self) -> Option<usize> {
        let (_, found) = self.found.as_ref()?;
        found.prediction.ranked().get(self.row).copied()
    }

    pub(crate) fn walk(&mut self, motion: Motion, page: usize) {
        let classes = self.found.as_ref().map_or(0, |(_, found)| found.prediction.logits.len());
        self.row = motion.row(self.row, classes, page).unwrap_or(self.row);
    }

    /// The class under the cursor in words.
    pub(crate) fn pointed(&self) -> String {
        let Some(((_, found), class)) = self.found.as_ref().zip(self.class()) else { return String::new() };
        let share = 100.0 * found.prediction.probabilities()[class];
        let cells = found.map(class);
        let (least, most) = (
            cells.iter().copied().fold(f32::INFINITY, f32::min),
            cells.iter().copied().fold(f32::NEG_INFINITY, f32::max),
        );
        let name = found.prediction.classes.get(class).map_or("?", String::as_str);
        let logit = found.prediction.logits[class];
        format!("{name}: {share:.2} %, logit {logit:.3}; its map goes from {least:.2} to {most:.2}")
    }
}

/// The picture that is meant by what was typed: the number of an image, or a path.
pub(crate) fn meant(typed: &str) -> Result<Picture, String> {
    if typed.is_empty() {
        return Err("type the path of a picture, or the number of an image.".into());
    }
    if let Ok(number) = typed.strip_prefix('#').unwrap_or(typed).parse() {
        return Ok(Picture::Image(number));
    }
    paths::meant(Path::new(typed)).map(Picture::File).map_err(|clause| format!("{clause}."))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::protocol::event::Prediction;

    /// Of three classes of which the middle one is most probable, in a picture of 4 x 4 pixels.
    pub(crate) fn explained() -> Predict {
        let classes = ["cat", "dog", "fox"].map(str::to_owned).into();
        let found = Explanation {
            prediction: Prediction { classes, logits: vec![0.5, 3.0, -1.0], map: None },
            label: Some(0),
            side: 4,
            pixels: vec![120; 48],
            cells: 2,
            maps: vec![0.0, 0.5, 1.0, 1.5, 8.0, 2.0, -4.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            step: 564,
        };
        Predict { found: Some(("test image #7".into(), Box::new(found))), ..Predict::default() }
    }

    #[test]
    fn the_cursor_begins_at_the_most_probable_class_and_goes_through_all_of_them() {
        let mut predict = explained();
        assert_eq!(predict.pointed(), "dog: 90.88 %, logit 3.000; its map goes from -4.00 to 8.00");
        predict.walk(Motion::Down, 5);
        assert_eq!(predict.class(), Some(0));
        predict.walk(Motion::Bottom, 5);
        assert!(predict.pointed().starts_with("fox: "), "{}", predict.pointed());
    }

    #[test]
    fn a_number_is_an_image_and_anything_else_a_path() {
        assert_eq!(meant("17"), Ok(Picture::Image(17)));
        assert_eq!(meant("#17"), Ok(Picture::Image(17)));
        assert_eq!(meant("./17"), Ok(Picture::File("./17".into())));
        assert_eq!(meant("a b.png"), Ok(Picture::File("a b.png".into())));
        assert!(meant("").is_err());
    }
}

//! The state of the Data screen, and where its parts are drawn.

use ratatui::layout::Rect;

use crate::protocol::event::Preview;
use crate::recipe::Recipe;
use crate::ui::screens::asked::Asked;
use crate::ui::workspace::Workspace;

#[derive(Clone, Debug, Default)]
pub(crate) struct DataScreen {
    /// A data set is being downloaded.
    pub(crate) fetching: bool,
    /// The recipe that was asked about.
    pub(crate) about: Option<Box<Recipe>>,
    pub(crate) asked: Asked,
    pub(crate) row: usize,
}

impl DataScreen {
    pub(crate) fn take(&mut self, preview: Preview, ws: &mut Workspace) {
        let Some(recipe) = self.about.clone() else { return };
        self.row = self.row.min(preview.samples.len().saturating_sub(1));
        ws.preview = Some((recipe, Box::new(preview)));
    }
}

/// Whether the preview is not of the recipe in the form any more.
pub(crate) fn is_stale(ws: &Workspace) -> bool {
    ws.preview.as_ref().is_some_and(|(of, _)| !same_images(of, &ws.draft.recipe))
}

/// Whether two recipes give the same images, split, order and augmentation.
fn same_images(one: &Recipe, other: &Recipe) -> bool {
    let of = |recipe: &Recipe| {
        (
            (recipe.data.clone(), recipe.data_dir.clone(), recipe.input_size, recipe.seed),
            (recipe.validation, recipe.train_limit, recipe.augment, recipe.pad),
            (recipe.resized(), recipe.crop_scale.to_bits()),
        )
    };
    of(one) == of(other)
}

/// Where the samples and the balance of the classes are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) balance: Rect,
    pub(crate) samples: Rect,
    pub(crate) pairs: Pairs,
}

impl Places {
    /// For images `side` pixels wide.
    pub(crate) fn of(body: Rect, side: usize) -> Self {
        let width = (body.width * 2 / 5).clamp(24, 46).min(body.width);
        let balance = Rect { width, ..body };
        let samples = Rect { x: body.x + width, width: body.width - width, ..body };
        let pairs = Pairs::of(samples.width.saturating_sub(2), samples.height.saturating_sub(2), side);
        Self { balance, samples, pairs }
    }
}

/// Samples in a grid: the image before, an arrow, the image after; the name of the class below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pairs {
    /// Cells across an image.
    pub(crate) picture: u16,
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

/// Cells between the two images of a pair, and between pairs.
pub(crate) const GAP: u16 = 3;

impl Pairs {
    /// The largest images of which six pairs have room, or the smallest.
    fn of(width: u16, height: u16, side: usize) -> Self {
        let side = side.clamp(8, 64) as u16;
        let sizes = [side, side * 3 / 4, side / 2];
        let pairs = |picture: u16| {
            let picture = picture.max(1);
            Self {
                picture,
                columns: usize::from((width + GAP) / (2 * picture + 2 * GAP)).max(1),
                rows: usize::from(height / (picture.div_ceil(2) + 1)).max(1),
            }
        };
        let roomy = |of: &Self| of.columns * of.rows >= 6 && 2 * of.picture + GAP <= width;
        sizes.map(pairs).into_iter().find(roomy).unwrap_or_else(|| {
            // As large as two have room for, one above the other.
            let across = width.saturating_sub(GAP) / 2;
            let down = (height / 2).saturating_sub(1) * 2;
            pairs(across.min(down).clamp(8, side))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Data;

    #[test]
    fn a_preview_is_stale_when_the_images_would_differ_and_not_for_a_learning_rate() {
        let recipe = Recipe::defaults(Data::Shapes);
        assert!(same_images(&recipe, &Recipe { lr: 0.5, ..recipe.clone() }));
        assert!(!same_images(&recipe, &Recipe { seed: 1, ..recipe.clone() }));
        assert!(!same_images(&recipe, &Recipe { validation: Some(7), ..recipe.clone() }));
    }

    #[test]
    fn pictures_are_as_large_as_six_pairs_have_room_for_and_two_fit_the_smallest_screen() {
        assert_eq!(Pairs::of(154, 55, 32), Pairs { picture: 32, columns: 2, rows: 3 });
        assert_eq!(Pairs::of(44, 19, 32).rows, 2);
        for (width, height) in [(0, 0), (1, 1), (300, 2), (2, 300), (60, 16)] {
            let pairs = Pairs::of(width, height, 224);
            assert!(pairs.columns > 0 && pairs.rows > 0 && pairs.picture > 0);
        }
    }
}

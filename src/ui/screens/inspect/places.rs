//! Where the views are drawn, for the drawing and for the keys that move by rows and pages.

use ratatui::layout::Rect;

/// Rows below a picture in the gallery: label and prediction, probability and index.
pub(crate) const CAPTION: u16 = 2;
const GAP: u16 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gallery {
    /// Cells across a picture.
    pub(crate) picture: u16,
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

impl Gallery {
    /// Cells across and down, of a picture with its caption and what is left free beside it.
    pub(crate) fn tile(&self) -> (u16, u16) {
        (self.picture + GAP, self.picture.div_ceil(2) + CAPTION)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    /// The names of the views.
    pub(crate) strip: Rect,
    pub(crate) view: Rect,
    /// How the mistakes lie; a list with one picture where there is no room.
    pub(crate) gallery: Option<Gallery>,
}

impl Places {
    /// In a body with a frame, for images `side` pixels wide.
    pub(crate) fn of(body: Rect, side: usize) -> Self {
        let inner =
            Rect::new(body.x + 1, body.y + 1, body.width.saturating_sub(2), body.height.saturating_sub(2))
                .intersection(body);
        let strip = Rect { height: inner.height.min(1), ..inner };
        let view = Rect { y: inner.y + strip.height, height: inner.height - strip.height, ..inner };
        Self { strip, view, gallery: gallery(view, side) }
    }

    /// Mistakes in a row.
    pub(crate) fn columns(&self) -> usize {
        self.gallery.map_or(1, |gallery| gallery.columns)
    }

    /// Rows that a page moves by.
    pub(crate) fn page(&self) -> usize {
        self.gallery.map_or(usize::from(self.view.height.saturating_sub(3)), |gallery| gallery.rows).max(1)
    }
}

/// The largest pictures of which eight have room, where there are such.
fn gallery(view: Rect, side: usize) -> Option<Gallery> {
    let side = side.clamp(8, 64) as u16;
    [side, side * 3 / 4, side / 2].into_iter().find_map(|picture| {
        let mut gallery = Gallery { picture: picture.max(16), columns: 0, rows: 0 };
        let (across, down) = gallery.tile();
        gallery.columns = usize::from((view.width + GAP) / across);
        // A line above describes the list.
        gallery.rows = usize::from(view.height.saturating_sub(1) / down);
        (gallery.columns >= 2 && gallery.columns * gallery.rows >= 8).then_some(gallery)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_screen_has_a_gallery_and_a_narrow_one_a_list() {
        let places = |width, height| Places::of(Rect::new(0, 1, width, height), 32);
        assert_eq!(places(200, 57).gallery, Some(Gallery { picture: 32, columns: 5, rows: 2 }));
        assert_eq!((places(80, 21).gallery, places(80, 21).columns()), (None, 1));
        assert_eq!(places(80, 21).view, Rect::new(1, 3, 78, 18));
        for (width, height) in [(0, 0), (1, 1), (2, 2), (3, 3)] {
            let places = places(width, height);
            assert!(places.page() > 0 && (places.view.is_empty() || places.view.bottom() <= height));
        }
    }
}

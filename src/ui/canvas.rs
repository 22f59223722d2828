//! The canvas of a frame: all that is shown, how it looks, and where it was put for clicks.

use std::borrow::Cow;
use std::ops::{Deref, DerefMut};

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Wrap};

use crate::ui::hits::{Hits, Target};
use crate::ui::style::glyphs::Glyphs;
use crate::ui::style::images::Images;
use crate::ui::style::theme::Theme;
use crate::ui::widgets::picture::{Picture, Placed};
use crate::ui::workspace::Workspace;

pub(crate) struct Canvas<'a, 'b> {
    frame: &'a mut Frame<'b>,
    pub(crate) hits: Hits,
    /// Pictures that the terminal draws itself.
    pub(crate) placed: Vec<Placed>,
    images: Images,
    pub(crate) ws: &'a Workspace,
    pub(crate) theme: &'a Theme,
    pub(crate) glyphs: Glyphs,
}

impl<'a, 'b> Canvas<'a, 'b> {
    pub(crate) fn new(frame: &'a mut Frame<'b>, ws: &'a Workspace) -> Self {
        let (theme, glyphs) = (&ws.settings.theme, ws.settings.glyphs);
        let images = ws.settings.pictures.images;
        Self { frame, hits: Hits::default(), placed: Vec::new(), images, ws, theme, glyphs }
    }

    /// Whether something was drawn over a picture that the terminal would draw over that.
    pub(crate) fn is_covered(&mut self) -> bool {
        let buffer = self.frame.buffer_mut();
        self.placed.iter().any(|placed| !placed.is_free(buffer))
    }

    /// Takes everything off again. From here on pictures are drawn in cells.
    pub(crate) fn begin_again_in_cells(&mut self) {
        self.frame.buffer_mut().reset();
        (self.hits, self.images) = (Hits::default(), Images::HalfBlocks);
        self.placed.clear();
    }

    /// An image, as the terminal can show it; returns the cells that it takes.
    pub(crate) fn picture(&mut self, picture: &Picture, area: Rect) -> Rect {
        let cells = picture.fit(area);
        match self.images {
            images if images.is_graphic() => {
                self.placed.extend(picture.place(cells, self.frame.buffer_mut()));
            }
            Images::Ascii => picture.draw_signs(cells, self.frame.buffer_mut()),
            _ => self.frame.render_widget(picture, cells),
        }
        cells
    }

    pub(crate) fn hit(&mut self, area: Rect, target: Target) {
        self.hits.add(area, target);
    }

    /// A box with a title; the one with the focus stands out. Returns the area inside.
    pub(crate) fn pane<'t>(&mut self, title: impl Into<Line<'t>>, focus: bool, area: Rect) -> Rect {
        let block = Block::bordered()
            .border_set(self.glyphs.border())
            .border_style(if focus { self.theme.focus } else { self.theme.border })
            .title_style(self.theme.title)
            .title(title);
        let inner = block.inner(area);
        self.render_widget(block, area);
        inner
    }

    /// A line of text, cut off where the area ends.
    pub(crate) fn text<'t>(&mut self, text: impl Into<Cow<'t, str>>, style: Style, area: Rect) {
        self.render_widget(Span::styled(text, style), area);
    }

    /// Text that is wrapped at blanks.
    pub(crate) fn prose<'t>(&mut self, text: impl Into<Cow<'t, str>>, style: Style, area: Rect) {
        self.render_widget(Paragraph::new(Span::styled(text, style)).wrap(Wrap { trim: true }), area);
    }

    /// A row of a part of the screen, as text that can be clicked.
    pub(crate) fn row(&mut self, (part, row): (usize, usize), text: String, style: Style, area: Rect) {
        self.text(text, style, area);
        self.hit(area, Target::Part { part, row });
    }
}

impl<'b> Deref for Canvas<'_, 'b> {
    type Target = Frame<'b>;

    fn deref(&self) -> &Frame<'b> {
        self.frame
    }
}

impl DerefMut for Canvas<'_, '_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.frame
    }
}

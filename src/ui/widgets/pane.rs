//! A box around a part of the screen, and text that fits into one.

use ratatui::text::Line;
use ratatui::widgets::Block;

use crate::ui::style::glyphs::Glyphs;
use crate::ui::style::theme::Theme;

/// A box with a title; the one with the focus stands out.
pub(crate) fn pane<'a>(theme: &Theme, glyphs: Glyphs, title: impl Into<Line<'a>>, focus: bool) -> Block<'a> {
    let border = if focus { theme.focus } else { theme.border };
    Block::bordered().border_set(glyphs.border()).border_style(border).title_style(theme.title).title(title)
}

/// Text cut to `width` columns.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width { text.to_owned() } else { text.chars().take(width).collect() }
}

/// The first row in view so that `row` is, in `height` rows.
pub(crate) fn scrolled(row: usize, count: usize, height: usize) -> usize {
    let most = count.saturating_sub(height);
    row.saturating_sub(height / 2).min(most)
}

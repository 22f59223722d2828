//! The pictures on the screen, which the terminal draws itself over cells that are blank.
//!
//! What changes in the cells repaints them, and with them what an image of iTerm2 or of sixels has left there; kitty's
//! pictures are apart from the cells, and deleted by their numbers.

mod iterm2;
mod kitty;
mod sixel;

use std::io::{self, Write};

use crossterm::cursor::{MoveTo, RestorePosition, SavePosition};
use crossterm::queue;
use ratatui::layout::Rect;

use crate::ui::style::images::{Images, Way};
use crate::ui::widgets::picture::Placed;

/// Pixels of a cell where the terminal does not say: those of a VT340.
const USUAL_CELL: (u16, u16) = (10, 20);

/// What takes all pictures away that do not go with the screen, which are kitty's.
pub(super) const fn off(way: Way) -> &'static str {
    match way {
        Way { images: Images::Kitty, tmux: false } => kitty::DELETE_ALL,
        Way { images: Images::Kitty, tmux: true } => kitty::DELETE_ALL_IN_TMUX,
        _ => "",
    }
}

/// What was sent and is on the screen.
#[derive(Debug, Default)]
pub(super) struct Pictures {
    way: Way,
    shown: Vec<(u32, Placed)>,
    /// The number of the last one.
    last: u32,
}

impl Pictures {
    /// `first` makes the numbers differ from those of other processes in the same terminal.
    pub(super) fn new(way: Way, first: u32) -> Self {
        Self { way, shown: Vec::new(), last: (first & 0xffff) << 8 }
    }

    /// The screen is empty now, or is about to be cleared.
    pub(super) fn forget(&mut self, out: &mut impl Write) -> io::Result<()> {
        let off = if self.shown.is_empty() { "" } else { off(self.way) };
        self.shown.clear();
        out.write_all(off.as_bytes())
    }

    /// Changes the pictures on the screen to those that are `placed`, after their cells were drawn. `cell` is the size
    /// of a cell in pixels.
    pub(super) fn show(
        &mut self,
        placed: Vec<Placed>,
        cell: Option<(u16, u16)>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let (stay, gone): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.shown).into_iter().partition(|(_, old)| placed.contains(old));
        self.shown = stay;
        let new: Vec<Placed> =
            placed.into_iter().filter(|new| self.shown.iter().all(|(_, old)| old != new)).collect();
        if gone.is_empty() && new.is_empty() {
            return Ok(());
        }
        queue!(out, SavePosition)?;
        if self.way.images == Images::Kitty {
            for (number, _) in gone {
                self.pass(&kitty::delete(number), out)?;
            }
        }
        for placed in new {
            self.last = self.last.wrapping_add(1).max(1);
            self.send(&placed, cell.unwrap_or(USUAL_CELL), out)?;
            self.shown.push((self.last, placed));
        }
        queue!(out, RestorePosition)
    }

    fn send(&self, placed: &Placed, cell: (u16, u16), out: &mut impl Write) -> io::Result<()> {
        let Rect { x, y, .. } = placed.area;
        if self.way.images == Images::Kitty && self.way.tmux {
            // tmux moves the terminal's cursor later, when it draws cells, so the place goes with the picture.
            let place = |command| format!("\x1b7\x1b[{};{}H{command}\x1b8", y + 1, x + 1);
            let mut commands = kitty::commands(placed, self.last).into_iter().map(place);
            return commands.try_for_each(|command| self.pass(&command, out));
        }
        queue!(out, MoveTo(x, y))?;
        match self.way.images {
            Images::Kitty => out.write_all(kitty::commands(placed, self.last).concat().as_bytes()),
            Images::Iterm2 => out.write_all(iterm2::command(placed).as_bytes()),
            // tmux understands sixels, and places them itself.
            Images::Sixel => out.write_all(sixel::command(placed, cell).as_bytes()),
            Images::HalfBlocks | Images::Ascii => Ok(()),
        }
    }

    /// A command for the terminal, wrapped where tmux has to pass it on.
    fn pass(&self, command: &str, out: &mut impl Write) -> io::Result<()> {
        if self.way.tmux {
            write!(out, "\x1bPtmux;{}\x1b\\", command.replace('\x1b', "\x1b\x1b"))
        } else {
            out.write_all(command.as_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(x: u16, value: u8) -> Placed {
        Placed { area: Rect::new(x, 2, 4, 2), side: 2, pixels: vec![value; 12] }
    }

    fn pictures(images: Images, tmux: bool) -> Pictures {
        Pictures::new(Way { images, tmux }, 3)
    }

    /// What is sent to show these pictures.
    fn sent(pictures: &mut Pictures, placed: &[Placed]) -> String {
        let mut out = Vec::new();
        pictures.show(placed.to_vec(), Some((8, 16)), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn count(text: &str, word: &str) -> usize {
        text.matches(word).count()
    }

    #[test]
    fn only_a_picture_that_is_new_or_elsewhere_is_sent_and_what_is_gone_is_deleted() {
        let mut all = pictures(Images::Kitty, false);
        let first = sent(&mut all, &[placed(0, 1), placed(10, 2)]);
        assert_eq!((count(&first, "a=T"), count(&first, "a=d")), (2, 0));
        assert!(first.starts_with("\x1b7") && first.ends_with("\x1b8"), "{first:?}");
        assert!(first.contains("\x1b[3;11H\x1b_Ga=T"), "{first:?}");
        assert_eq!(sent(&mut all, &[placed(0, 1), placed(10, 2)]), "");
        // The same cells with another picture, and the other one as it was.
        let changed = sent(&mut all, &[placed(0, 3), placed(10, 2)]);
        assert_eq!((count(&changed, "a=T"), count(&changed, "a=d")), (1, 1));
        assert!(changed.contains("a=d,d=I,i=769,"), "{changed:?}");
        let moved = sent(&mut all, &[placed(1, 3), placed(10, 2)]);
        assert_eq!((count(&moved, "a=T"), count(&moved, "a=d")), (1, 1));
        let gone = sent(&mut all, &[]);
        assert_eq!((count(&gone, "a=T"), count(&gone, "a=d")), (0, 2));
        assert_eq!(sent(&mut all, &[]), "");
    }

    #[test]
    fn after_the_screen_was_cleared_everything_is_sent_again() {
        for images in [Images::Kitty, Images::Iterm2, Images::Sixel] {
            let mut all = pictures(images, false);
            let first = sent(&mut all, &[placed(0, 1)]);
            assert!(!first.is_empty() && sent(&mut all, &[placed(0, 1)]).is_empty());
            let mut out = Vec::new();
            all.forget(&mut out).unwrap();
            assert_eq!(!out.is_empty(), images == Images::Kitty);
            assert!(!sent(&mut all, &[placed(0, 1)]).is_empty());
        }
    }

    #[test]
    fn through_tmux_kittys_pictures_are_wrapped_with_their_place_and_sixels_are_its_own() {
        let text = sent(&mut pictures(Images::Kitty, true), &[placed(0, 1)]);
        assert!(text.contains("\x1bPtmux;\x1b\x1b7\x1b\x1b[3;1H\x1b\x1b_Ga=T"), "{text:?}");
        assert!(text.contains("\x1b\x1b\\\x1b\x1b8\x1b\\"), "{text:?}");
        let mut off = Vec::new();
        pictures(Images::Kitty, true).pass(kitty::DELETE_ALL, &mut off).unwrap();
        assert_eq!(off, kitty::DELETE_ALL_IN_TMUX.as_bytes());
        let text = sent(&mut pictures(Images::Sixel, true), &[placed(0, 1)]);
        assert!(text.contains("\x1b[3;1H\x1bP0;1q") && !text.contains("tmux"), "{text:?}");
    }

    #[test]
    fn in_cells_nothing_is_sent() {
        for images in [Images::HalfBlocks, Images::Ascii] {
            let mut all = pictures(images, false);
            assert_eq!(sent(&mut all, &[]), "");
            let mut out = Vec::new();
            all.forget(&mut out).unwrap();
            assert!(out.is_empty());
        }
    }
}

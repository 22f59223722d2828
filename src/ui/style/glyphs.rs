//! Every sign beyond ASCII by name, with its twin for terminals without UTF-8.

use ratatui::symbols::border;
use std::borrow::Cow;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Glyphs {
    pub(crate) unicode: bool,
}

/// One method per sign; a sign and its twin take the same number of cells.
macro_rules! signs {
    ($($(#[$doc:meta])* $name:ident $unicode:literal $ascii:literal;)*) => {
        impl Glyphs {
            $($(#[$doc])* pub(crate) const fn $name(self) -> &'static str {
                if self.unicode { $unicode } else { $ascii }
            })*
        }

        const SIGNS: &[(&str, &str, &str)] = &[$((stringify!($name), $unicode, $ascii)),*];
    };
}

signs! {
    cross "✗" "x";
    /// More to the left.
    left "‹" "<";
    arrow "→" ">";
    /// A branch that shows its leaves.
    open "▾" "-";
    /// A branch that hides them.
    closed "▸" "+";
    branch "├ " "|-";
    last_branch "└ " "`-";
    marked "●" "@";
    star "★" "*";
    /// Between things in a row.
    dot "·" ".";
    ellipsis "…" "~";
    dash "–" "-";
    running "▶" ">";
    paused "‖" "=";
    point "●" "O";
    horizontal "─" "-";
    vertical "│" "|";
    /// A vertical line that is not the main thing.
    dashed "┊" ":";
    corner "└" "+";
    tick_left "┤" "+";
    tick_below "┴" "+";
    upper_half "▀" "^";
    full "█" "#";
    /// The rest of a bar.
    empty "░" ".";
}

/// Signs that only texts from elsewhere have, and their twins.
const FOREIGN: &[(&str, &str)] =
    &[("×", "x"), ("±", "~"), ("≈", "~"), ("µ", "u"), ("θ", "theta"), ("•", "*"), ("✓", "+")];

impl Glyphs {
    /// By the first of `LC_ALL`, `LC_CTYPE` and `LANG` that is not empty, as the C library does.
    pub(crate) fn of_locale(lc_all: Option<&str>, lc_ctype: Option<&str>, lang: Option<&str>) -> Self {
        let locale = [lc_all, lc_ctype, lang].into_iter().flatten().find(|value| !value.is_empty());
        let locale = locale.unwrap_or_default().to_ascii_lowercase();
        Self { unicode: locale.contains("utf-8") || locale.contains("utf8") }
    }

    pub(crate) const fn border(self) -> border::Set<'static> {
        if self.unicode {
            border::PLAIN
        } else {
            border::Set {
                top_left: "+",
                top_right: "+",
                bottom_left: "+",
                bottom_right: "+",
                vertical_left: "|",
                vertical_right: "|",
                horizontal_top: "-",
                horizontal_bottom: "-",
            }
        }
    }

    pub(crate) const fn celsius(self) -> &'static str {
        if self.unicode { "°C" } else { "C" }
    }

    /// The sign of a group of things, by its number; six are different.
    pub(crate) const fn group(self, number: usize) -> &'static str {
        // Together with six colours, the signs of the first 36 are.
        let index = (number + number / 6) % 6;
        if self.unicode {
            ["■", "▲", "◆", "▼", "◀", "▶"][index]
        } else {
            ["*", "+", "o", "x", "#", "&"][index]
        }
    }

    /// The sign of something to compare with.
    pub(crate) const fn hollow(self) -> &'static str {
        if self.unicode { "◇" } else { "%" }
    }

    /// Shades from faint to dense; the faintest is not a blank.
    pub(crate) const fn shades(self) -> &'static [&'static str] {
        if self.unicode {
            &["·", "░", "▒", "▓", "█"]
        } else {
            &[".", ":", "-", "=", "+", "*", "#", "%", "@"]
        }
    }

    /// Parts of a cell from its left, an eighth to seven; empty where there are none.
    pub(crate) const fn eighths(self) -> &'static [&'static str] {
        if self.unicode { &["▏", "▎", "▍", "▌", "▋", "▊", "▉"] } else { &[] }
    }

    /// A text from elsewhere as the terminal can show it: signs by their twins, other letters as `?`.
    pub(crate) fn text(self, text: &str) -> Cow<'_, str> {
        if self.unicode || text.is_ascii() {
            return Cow::Borrowed(text);
        }
        let twin = |letter: char| {
            let mut buffer = [0; 4];
            let sign = &*letter.encode_utf8(&mut buffer);
            let own = SIGNS.iter().map(|(_, unicode, ascii)| (unicode, ascii));
            let all = own.chain(FOREIGN.iter().map(|(unicode, ascii)| (unicode, ascii)));
            all.into_iter().find(|(unicode, _)| **unicode == sign).map_or("?", |(_, ascii)| *ascii)
        };
        let mut plain = String::with_capacity(text.len());
        for letter in text.chars() {
            if letter.is_ascii() { plain.push(letter) } else { plain.push_str(twin(letter)) }
        }
        Cow::Owned(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::text::Span;

    #[test]
    fn a_sign_and_its_twin_take_the_same_cells_and_the_twin_is_ascii() {
        for (name, unicode, ascii) in SIGNS {
            assert!(ascii.is_ascii(), "{name}");
            assert_eq!(Span::raw(*unicode).width(), ascii.len(), "{name}");
        }
        let plain = Glyphs { unicode: false };
        assert!(plain.shades().concat().is_ascii() && plain.eighths().is_empty());
        assert!(plain.border().top_left.is_ascii());
    }

    #[test]
    fn the_first_locale_that_says_something_decides() {
        let unicode = |all, ctype, lang| Glyphs::of_locale(all, ctype, lang).unicode;
        assert!(unicode(None, None, Some("de_DE.UTF-8")));
        assert!(unicode(None, Some("C.utf8"), Some("C")));
        assert!(unicode(Some(""), None, Some("en_US.UTF-8")));
        assert!(!unicode(Some("C"), Some("en_US.UTF-8"), Some("en_US.UTF-8")));
        assert!(!unicode(None, None, Some("de_DE.ISO-8859-1")));
        assert!(!unicode(None, None, None));
    }

    #[test]
    fn a_text_from_elsewhere_loses_no_letter() {
        let plain = Glyphs { unicode: false };
        assert_eq!(plain.text("3×3 conv → häuser"), "3x3 conv > h?user");
        assert_eq!(Glyphs { unicode: true }.text("3×3"), "3×3");
    }
}

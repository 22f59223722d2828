//! How pictures are shown: by a protocol of the terminal, or in cells.

/// A way to show pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Images {
    /// kitty's graphics protocol.
    Kitty,
    /// iTerm2's inline images.
    Iterm2,
    /// DEC's sixels.
    Sixel,
    /// Two pixels in a cell.
    #[default]
    HalfBlocks,
    /// A sign of ASCII in a cell.
    Ascii,
}

/// How pictures get to the terminal.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Way {
    pub(crate) images: Images,
    /// tmux is in between, which passes on what is wrapped for it.
    pub(crate) tmux: bool,
}

/// The words in the configuration, beside `auto`.
const WORDS: [(&str, Images); 5] = [
    ("kitty", Images::Kitty),
    ("iterm2", Images::Iterm2),
    ("sixel", Images::Sixel),
    ("halfblocks", Images::HalfBlocks),
    ("ascii", Images::Ascii),
];

/// Konsole's first version with kitty's protocol, as `KONSOLE_VERSION` has it.
const KONSOLE: u32 = 220_400;

impl Images {
    /// What a word of the configuration requests; `Ok(None)` for `auto`.
    pub(crate) fn asked(word: &str) -> Result<Option<Self>, String> {
        if word == "auto" {
            return Ok(None);
        }
        let known = WORDS.into_iter().find(|(known, _)| *known == word);
        known.map(|(_, images)| Some(images)).ok_or_else(|| {
            let words = WORDS.map(|(word, _)| word).join(", ");
            format!("`{word}` is none of auto, {words}")
        })
    }

    /// The best that the terminal is known for, by its environment variables. It is not asked, because one that does
    /// not answer cannot be told from a slow one.
    pub(crate) fn detect(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let has = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        let term = variable("TERM").unwrap_or_default();
        // These show what they themselves understand, on terminals that this process knows nothing of.
        if is_in_tmux(variable)
            || ["STY", "ZELLIJ"].iter().any(|name| has(name))
            || term.starts_with("screen")
        {
            return Self::HalfBlocks;
        }
        // Of what the terminal says of itself, first what other terminals that are started from it overwrite.
        match term.as_str() {
            "xterm-kitty" | "xterm-ghostty" => return Self::Kitty,
            "mlterm" | "contour" | "yaft-256color" => return Self::Sixel,
            "wezterm" => return Self::Iterm2,
            _ if term.starts_with("foot") => return Self::Sixel,
            _ => {}
        }
        match variable("TERM_PROGRAM").unwrap_or_default().as_str() {
            "ghostty" => return Self::Kitty,
            "iTerm.app" | "WezTerm" | "mintty" => return Self::Iterm2,
            "" => {}
            _ => return Self::HalfBlocks,
        }
        let konsole = variable("KONSOLE_VERSION").and_then(|version| version.parse().ok());
        if has("VTE_VERSION") || has("WT_SESSION") || has("ALACRITTY_WINDOW_ID") || has("XTERM_VERSION") {
            Self::HalfBlocks
        } else if konsole.is_some_and(|version: u32| version >= KONSOLE) {
            Self::Kitty
        } else if variable("LC_TERMINAL").as_deref() == Some("iTerm2") || has("WEZTERM_PANE") {
            Self::Iterm2
        } else if has("KITTY_WINDOW_ID") || has("GHOSTTY_RESOURCES_DIR") {
            Self::Kitty
        } else {
            Self::HalfBlocks
        }
    }

    /// Whether the terminal draws the pictures itself.
    pub(crate) const fn is_graphic(self) -> bool {
        matches!(self, Self::Kitty | Self::Iterm2 | Self::Sixel)
    }
}

/// Whether tmux is between this process and the terminal.
pub(crate) fn is_in_tmux(variable: &dyn Fn(&str) -> Option<String>) -> bool {
    variable("TMUX").is_some_and(|value| !value.is_empty())
        || variable("TERM").is_some_and(|term| term.starts_with("tmux"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_says_what_a_terminal_can_show() {
        use Images::{HalfBlocks, Iterm2, Kitty, Sixel};
        for (variables, expected) in [
            (&[][..], HalfBlocks),
            (&[("TERM", "xterm-256color")], HalfBlocks),
            (&[("TERM", "dumb")], HalfBlocks),
            (&[("TERM", "linux")], HalfBlocks),
            (&[("TERM", "xterm-kitty"), ("KITTY_WINDOW_ID", "1")], Kitty),
            (&[("TERM", "xterm-256color"), ("KITTY_WINDOW_ID", "1")], Kitty),
            (&[("TERM", "xterm-ghostty"), ("TERM_PROGRAM", "ghostty")], Kitty),
            (&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "iTerm.app")], Iterm2),
            // Through SSH, which passes `LC_…` on.
            (&[("TERM", "xterm-256color"), ("LC_TERMINAL", "iTerm2")], Iterm2),
            (&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "WezTerm"), ("WEZTERM_PANE", "0")], Iterm2),
            (&[("TERM", "wezterm")], Iterm2),
            (&[("TERM", "xterm"), ("TERM_PROGRAM", "mintty")], Iterm2),
            (&[("TERM", "foot")], Sixel),
            (&[("TERM", "foot-extra")], Sixel),
            (&[("TERM", "mlterm")], Sixel),
            (&[("TERM", "xterm-256color"), ("KONSOLE_VERSION", "240802")], Kitty),
            (&[("TERM", "xterm-256color"), ("KONSOLE_VERSION", "211200")], HalfBlocks),
            (&[("TERM", "xterm-256color"), ("VTE_VERSION", "7600")], HalfBlocks),
            (&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "Apple_Terminal")], HalfBlocks),
            (&[("TERM", "xterm-256color"), ("WT_SESSION", "x")], HalfBlocks),
            (&[("TERM", "xterm-256color"), ("XTERM_VERSION", "XTerm(390)")], HalfBlocks),
            // One terminal started from another has its variables, too.
            (&[("TERM", "alacritty"), ("ALACRITTY_WINDOW_ID", "1"), ("KITTY_WINDOW_ID", "1")], HalfBlocks),
            (&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "vscode"), ("KITTY_WINDOW_ID", "1")], HalfBlocks),
            (&[("TERM", "xterm-kitty"), ("WEZTERM_PANE", "0")], Kitty),
            // What is between has the last word.
            (&[("TERM", "tmux-256color"), ("TERM_PROGRAM", "tmux"), ("KITTY_WINDOW_ID", "1")], HalfBlocks),
            (&[("TERM", "xterm-kitty"), ("TMUX", "/tmp/tmux-0/default,1,0")], HalfBlocks),
            (&[("TERM", "screen-256color"), ("LC_TERMINAL", "iTerm2")], HalfBlocks),
            (&[("TERM", "xterm-kitty"), ("ZELLIJ", "0")], HalfBlocks),
        ] {
            let variable = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(Images::detect(&variable), expected, "{variables:?}");
        }
    }

    #[test]
    fn every_word_of_the_configuration_is_a_way_and_others_are_named() {
        assert_eq!(Images::asked("auto"), Ok(None));
        for (word, images) in WORDS {
            assert_eq!(Images::asked(word), Ok(Some(images)));
        }
        let sentence = Images::asked("jpeg").unwrap_err();
        assert_eq!(sentence, "`jpeg` is none of auto, kitty, iterm2, sixel, halfblocks, ascii");
    }
}

//! How many colours the terminal has, and every colour brought down to that.

use ratatui::style::{Color, Modifier, Style};

/// The colours that the terminal can show, from the least to the most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ColourLevel {
    /// No colour: bold, dim, underline and reverse only.
    None,
    /// The terminal's own sixteen.
    C16,
    /// A 6x6x6 cube and 24 greys besides.
    C256,
    /// 24 bits.
    #[default]
    True,
}

pub(crate) const WORDS: [&str; 5] = ["auto", "16", "256", "truecolor", "none"];

/// The sixteen as xterm draws them; a terminal's own may differ, their names hold.
const SIXTEEN: [(Color, [u8; 3]); 16] = [
    (Color::Black, [0, 0, 0]),
    (Color::Red, [205, 0, 0]),
    (Color::Green, [0, 205, 0]),
    (Color::Yellow, [205, 205, 0]),
    (Color::Blue, [0, 0, 238]),
    (Color::Magenta, [205, 0, 205]),
    (Color::Cyan, [0, 205, 205]),
    (Color::Gray, [229, 229, 229]),
    (Color::DarkGray, [127, 127, 127]),
    (Color::LightRed, [255, 0, 0]),
    (Color::LightGreen, [0, 255, 0]),
    (Color::LightYellow, [255, 255, 0]),
    (Color::LightBlue, [92, 92, 255]),
    (Color::LightMagenta, [255, 0, 255]),
    (Color::LightCyan, [0, 255, 255]),
    (Color::White, [255, 255, 255]),
];

/// The chroma from which a colour is more than a tinted grey.
const HUE: u8 = 48;

/// The six values of a channel in the cube of 256 colours.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

impl ColourLevel {
    /// The level that a value of `--color` requests; `Ok(None)` for `auto`.
    pub(crate) fn asked(word: &str) -> Result<Option<Self>, String> {
        match word {
            "auto" => Ok(None),
            "16" => Ok(Some(Self::C16)),
            "256" => Ok(Some(Self::C256)),
            "truecolor" => Ok(Some(Self::True)),
            "none" => Ok(Some(Self::None)),
            _ => Err(format!("`{word}` is none of {}", WORDS.join(", "))),
        }
    }

    /// The level by what was asked for, then `NO_COLOR`, `COLORTERM` and `TERM`.
    pub(crate) fn detect(
        asked: Option<Self>,
        no_color: Option<&str>,
        colorterm: Option<&str>,
        term: Option<&str>,
    ) -> Self {
        if let Some(level) = asked {
            return level;
        }
        let term = term.unwrap_or_default();
        if no_color.is_some_and(|value| !value.is_empty()) || colourless(term) {
            return Self::None;
        }
        let direct = ["-direct", "-truecolor", "-kitty", "-ghostty"].iter().any(|end| term.ends_with(end))
            || ["alacritty", "foot", "wezterm"].contains(&term);
        if direct || matches!(colorterm, Some("truecolor" | "24bit")) {
            Self::True
        } else if term.contains("256color") {
            Self::C256
        } else {
            Self::C16
        }
    }

    /// The nearest colour that this level has.
    pub(crate) fn map(self, colour: Color) -> Color {
        match (self, colour) {
            (Self::None, _) => Color::Reset,
            (Self::C256, Color::Rgb(r, g, b)) => Color::Indexed(nearest_of_256([r, g, b])),
            (Self::C16, Color::Indexed(index @ 0..16)) => SIXTEEN[usize::from(index)].0,
            (Self::C16, Color::Rgb(..) | Color::Indexed(_)) => {
                rgb(colour).map_or(Color::Reset, |rgb| nearest_of_16(rgb, &[]))
            }
            _ => colour,
        }
    }

    /// The style with its colours mapped; without any at `None`.
    pub(crate) fn style(self, style: Style) -> Style {
        let map = |colour: Option<Color>| {
            if self == Self::None { None } else { colour.map(|colour| self.map(colour)) }
        };
        Style { fg: map(style.fg), bg: map(style.bg), ..style }
    }

    /// Foregrounds mapped so that what differs goes on differing, as far as there are colours.
    pub(crate) fn distinct(self, styles: &mut [Style]) {
        let mut taken: Vec<Color> = Vec::new();
        for style in styles {
            let before = style.fg;
            *style = self.style(*style);
            let Some(now) = style.fg else { continue };
            if self == Self::C16 && taken.contains(&now) {
                style.fg = before.and_then(rgb).map(|rgb| nearest_of_16(rgb, &taken));
            }
            taken.extend(style.fg);
        }
    }
}

/// Terminals that print, and no more. Without `TERM` nothing is known about the other end.
fn colourless(term: &str) -> bool {
    ["", "dumb", "vt52", "vt100", "vt102", "vt220"].contains(&term)
        || term.ends_with("-m")
        || term.ends_with("-mono")
}

/// Red, green and blue of a colour; `None` for the terminal's own.
pub(crate) fn rgb(colour: Color) -> Option<[u8; 3]> {
    match colour {
        Color::Reset => None,
        Color::Rgb(r, g, b) => Some([r, g, b]),
        Color::Indexed(index @ 0..16) => Some(SIXTEEN[usize::from(index)].1),
        Color::Indexed(index @ 16..232) => {
            let index = usize::from(index - 16);
            Some([CUBE[index / 36], CUBE[index / 6 % 6], CUBE[index % 6]])
        }
        Color::Indexed(index) => Some([8 + 10 * (index - 232); 3]),
        named => SIXTEEN.iter().find(|(name, _)| *name == named).map(|(_, rgb)| *rgb),
    }
}

/// `share` (0 to 1) of `over` on `under`.
pub(crate) fn blend(under: [u8; 3], over: [u8; 3], share: f64) -> [u8; 3] {
    let mix = |channel: usize| {
        let (a, b) = (f64::from(under[channel]), f64::from(over[channel]));
        (a + (b - a) * share.clamp(0.0, 1.0)).round() as u8
    };
    [mix(0), mix(1), mix(2)]
}

/// How bright a colour looks, 0 to 255 (Rec. 601).
pub(crate) fn brightness([r, g, b]: [u8; 3]) -> f64 {
    0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b)
}

/// Black or white, whichever reads better on the colour; for the terminal's own, no colour.
pub(crate) fn ink(on: Color) -> Style {
    match rgb(on) {
        None => Style::new().add_modifier(Modifier::BOLD),
        Some(rgb) if brightness(rgb) > 127.0 => Style::new().fg(Color::Black),
        Some(_) => Style::new().fg(Color::White),
    }
}

fn distance(a: [u8; 3], b: [u8; 3]) -> u32 {
    a.iter().zip(b).map(|(&a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
}

fn nearest_of_256(wanted: [u8; 3]) -> u8 {
    // The first sixteen are whatever the terminal's owner made of them, so only the rest is certain.
    (16..=255u8)
        .min_by_key(|&index| rgb(Color::Indexed(index)).map_or(u32::MAX, |rgb| distance(wanted, rgb)))
        .unwrap_or(16)
}

fn nearest_of_16(wanted: [u8; 3], taken: &[Color]) -> Color {
    // By distance alone every soft colour would become a grey; what has a hue keeps it.
    let has_hue = chroma(wanted) >= HUE;
    let wanted = if has_hue { stronger(wanted) } else { wanted };
    let fits = |(name, rgb): &&(Color, [u8; 3])| !taken.contains(name) && (!has_hue || chroma(*rgb) > 0);
    let near = |(_, rgb): &&(Color, [u8; 3])| distance(wanted, *rgb);
    SIXTEEN.iter().filter(fits).min_by_key(near).map_or(Color::Reset, |(name, _)| *name)
}

/// Half way to the purest colour of the same hue and greatest channel.
fn stronger(rgb: [u8; 3]) -> [u8; 3] {
    let low = rgb.into_iter().min().unwrap_or(0);
    let high = low + chroma(rgb);
    let pure =
        rgb.map(|channel| (u32::from(channel - low) * u32::from(high) / u32::from(chroma(rgb)).max(1)) as u8);
    blend(rgb, pure, 0.5)
}

/// How far a colour is from grey, 0 to 255.
fn chroma(rgb: [u8; 3]) -> u8 {
    let (low, high) =
        rgb.iter().fold((255, 0), |(low, high), &channel| (channel.min(low), channel.max(high)));
    high - low
}

#[cfg(test)]
mod tests {
    use super::*;
    use ColourLevel::{C16, C256, None as Never, True};

    #[test]
    fn the_terminal_says_how_many_colours_it_has() {
        let detect = |colorterm, term| ColourLevel::detect(None, None, colorterm, Some(term));
        assert_eq!(detect(None, "linux"), C16);
        assert_eq!(detect(None, "xterm"), C16);
        assert_eq!(detect(None, "xterm-256color"), C256);
        assert_eq!(detect(Some("truecolor"), "xterm-256color"), True);
        assert_eq!(detect(Some("24bit"), "xterm"), True);
        assert_eq!(detect(Some("yes"), "screen-256color"), C256);
        assert_eq!(detect(None, "xterm-direct"), True);
        assert_eq!(detect(None, "foot"), True);
        assert_eq!(detect(Some("truecolor"), "dumb"), Never);
        assert_eq!(detect(None, "vt100"), Never);
        assert_eq!(ColourLevel::detect(None, None, None, None), Never);
    }

    #[test]
    fn no_color_counts_when_it_is_not_empty_and_the_flag_beats_it() {
        let detect = |asked, no_color| ColourLevel::detect(asked, no_color, None, Some("xterm-256color"));
        assert_eq!(detect(None, Some("1")), Never);
        assert_eq!(detect(None, Some("")), C256);
        assert_eq!(detect(Some(True), Some("1")), True);
        assert_eq!(detect(Some(Never), None), Never);
    }

    #[test]
    fn every_word_of_the_flag_is_understood_and_no_other() {
        let levels: Vec<_> = WORDS.iter().map(|word| ColourLevel::asked(word)).collect();
        assert_eq!(levels, [Ok(None), Ok(Some(C16)), Ok(Some(C256)), Ok(Some(True)), Ok(Some(Never))]);
        assert!(ColourLevel::asked("always").is_err_and(|error| error.contains("truecolor")));
    }

    #[test]
    fn colours_go_to_the_nearest_of_the_cube_the_greys_and_the_sixteen() {
        assert_eq!(C256.map(Color::Rgb(95, 175, 255)), Color::Indexed(16 + 36 + 18 + 5));
        assert_eq!(C256.map(Color::Rgb(128, 128, 128)), Color::Indexed(244));
        assert_eq!(C256.map(Color::Rgb(255, 255, 255)), Color::Indexed(231));
        assert_eq!(C256.map(Color::Cyan), Color::Cyan);
        assert_eq!(C16.map(Color::Rgb(250, 10, 5)), Color::LightRed);
        assert_eq!(C16.map(Color::Rgb(210, 210, 210)), Color::Gray);
        assert_eq!(C16.map(Color::Rgb(111, 207, 127)), Color::Green, "a soft green is not grey");
        assert_eq!(C16.map(Color::Indexed(9)), Color::LightRed);
        assert_eq!(C16.map(Color::Indexed(232)), Color::Black);
        assert_eq!(True.map(Color::Rgb(1, 2, 3)), Color::Rgb(1, 2, 3));
        assert_eq!(Never.map(Color::Red), Color::Reset);
    }

    #[test]
    fn every_index_of_256_is_its_own_nearest() {
        for index in 16..=255u8 {
            let found = nearest_of_256(rgb(Color::Indexed(index)).expect("a colour"));
            assert_eq!(rgb(Color::Indexed(found)), rgb(Color::Indexed(index)));
        }
    }

    #[test]
    fn styles_that_would_become_the_same_move_apart() {
        let mut styles = [Color::Rgb(250, 0, 0), Color::Rgb(255, 5, 5), Color::Rgb(240, 0, 9)]
            .map(|colour| Style::new().fg(colour));
        C16.distinct(&mut styles);
        assert_eq!(styles[0].fg, Some(Color::LightRed));
        assert_eq!(styles[1].fg, Some(Color::Red));
        assert!(styles[2].fg != styles[0].fg && styles[2].fg != styles[1].fg);
    }

    #[test]
    fn without_colours_a_style_keeps_what_is_not_colour() {
        let style = Style::new().fg(Color::Red).bg(Color::Blue).add_modifier(Modifier::BOLD);
        assert_eq!(Never.style(style), Style::new().add_modifier(Modifier::BOLD));
    }
}

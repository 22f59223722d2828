//! The roles that the interface draws with, each a style.

mod file;

use super::colours::{ColourLevel, blend, rgb};
use ratatui::style::{Color, Modifier, Style};

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Theme {
    /// With the background, where the theme has one.
    pub(crate) text: Style,
    /// For what matters less.
    pub(crate) dim: Style,
    pub(crate) title: Style,
    /// Frames and axes.
    pub(crate) border: Style,
    /// The frame of what the keys go to.
    pub(crate) focus: Style,
    /// Keys in hints.
    pub(crate) key: Style,
    /// Done, right.
    pub(crate) good: Style,
    pub(crate) warn: Style,
    /// Failed, wrong.
    pub(crate) bad: Style,
    /// The cursor of a chart, what was just changed.
    pub(crate) accent: Style,
    /// The row under the cursor.
    pub(crate) selected: Style,
    /// Curves, in their order.
    pub(crate) series: [Style; 6],
    /// From low to high, at least five; empty when monochrome.
    pub(crate) heat: Vec<Color>,
    /// The colours the terminal has.
    pub(crate) level: ColourLevel,
}

impl Theme {
    /// Whether colour does not distinguish curves.
    pub(crate) fn is_monochrome(&self) -> bool {
        self.level == ColourLevel::None || !self.series.iter().any(|style| coloured(*style))
    }

    pub(crate) fn curve(&self, number: usize) -> Style {
        self.series[number % self.series.len()]
    }

    /// The same curve, faint: half way to the background where that is known, otherwise dim.
    pub(crate) fn faint(&self, number: usize) -> Style {
        let style = self.curve(number);
        let under = self.text.bg.and_then(rgb);
        match (under, style.fg.and_then(rgb)) {
            (Some(under), Some(over)) if self.level >= ColourLevel::C256 => {
                let [r, g, b] = blend(under, over, 0.4);
                style.fg(self.level.map(Color::Rgb(r, g, b)))
            }
            _ => style.remove_modifier(Modifier::BOLD).add_modifier(Modifier::DIM),
        }
    }

    /// The colour for a share of the range, 0 to 1; `None` when monochrome.
    pub(crate) fn heat_at(&self, share: f64) -> Option<Color> {
        let last = self.heat.len().checked_sub(1)?;
        let position = share.clamp(0.0, 1.0) * last as f64;
        if self.level < ColourLevel::C256 {
            return self.heat.get(position.round() as usize).copied();
        }
        let (low, high) = (position.floor() as usize, position.ceil() as usize);
        match (rgb(self.heat[low]), rgb(self.heat[high])) {
            (Some(under), Some(over)) => {
                let [r, g, b] = blend(under, over, position - low as f64);
                Some(self.level.map(Color::Rgb(r, g, b)))
            }
            _ => self.heat.get(position.round() as usize).copied(),
        }
    }

    /// Every role with nothing to it.
    pub(crate) fn plain() -> Self {
        Self::default()
    }

    /// The roles of one style each, by the names they have in a file.
    fn roles(&mut self) -> [(&'static str, &mut Style); 11] {
        [
            ("text", &mut self.text),
            ("dim", &mut self.dim),
            ("title", &mut self.title),
            ("border", &mut self.border),
            ("focus", &mut self.focus),
            ("key", &mut self.key),
            ("good", &mut self.good),
            ("warn", &mut self.warn),
            ("bad", &mut self.bad),
            ("accent", &mut self.accent),
            ("selected", &mut self.selected),
        ]
    }
}

/// Whether a style has a colour of its own, not only the terminal's.
fn coloured(style: Style) -> bool {
    [style.fg, style.bg].into_iter().flatten().any(|colour| colour != Color::Reset)
}

#[cfg(test)]
mod tests {
    use super::file::BUILTIN;
    use super::*;

    fn themes() -> Vec<(&'static str, Theme)> {
        Theme::names().iter().map(|name| (*name, Theme::builtin(name).expect("built in"))).collect()
    }

    #[test]
    fn every_theme_that_is_built_in_reads_without_a_warning() {
        for (name, text) in BUILTIN {
            let (theme, warnings) = Theme::parse(text, Theme::plain());
            assert_eq!(warnings, Vec::<String>::new(), "{name}");
            assert!(name == "mono" || theme.heat.len() >= 5, "{name}");
            let all = text.lines().filter(|line| line.contains(" = ")).count();
            assert_eq!(all, 13, "{name} names every role");
        }
        assert_eq!(Theme::names(), ["dark", "light", "colourblind", "terminal", "mono"]);
        assert_eq!(Theme::builtin("solarised"), None);
    }

    #[test]
    fn the_six_curves_stay_different_at_every_level() {
        for (name, theme) in themes() {
            for level in [ColourLevel::True, ColourLevel::C256, ColourLevel::C16, ColourLevel::None] {
                let series = theme.at(level).series;
                for (index, style) in series.iter().enumerate() {
                    assert!(!series[..index].contains(style), "{name} at {level:?}: curve {index}");
                }
            }
        }
    }

    #[test]
    fn no_colour_is_left_without_colours_and_what_is_selected_still_shows() {
        for (name, theme) in themes() {
            let mut theme = theme.at(ColourLevel::None);
            for (role, style) in theme.roles() {
                assert_eq!((style.fg, style.bg), (None, None), "{name}: {role}");
            }
            assert!(theme.series.iter().all(|style| style.fg.is_none()), "{name}");
            assert!(theme.heat.is_empty() && theme.heat_at(0.5).is_none());
            assert!(theme.selected.add_modifier.contains(Modifier::REVERSED), "{name}");
            assert_ne!(theme.bad, theme.good, "{name}");
        }
    }

    #[test]
    fn sixteen_colours_are_named_ones_and_heat_has_five_steps_that_differ() {
        for (name, theme) in themes().into_iter().filter(|(name, _)| *name != "mono") {
            let mut theme = theme.at(ColourLevel::C16);
            let named = |colour: Option<Color>| !matches!(colour, Some(Color::Rgb(..) | Color::Indexed(_)));
            assert!(theme.roles().iter().all(|(_, style)| named(style.fg) && named(style.bg)), "{name}");
            assert!(theme.heat.len() >= 5, "{name}");
            let twice = theme.heat.iter().enumerate().any(|(index, c)| theme.heat[..index].contains(c));
            assert!(!twice, "{name}");
            assert_ne!(theme.text.fg, theme.text.bg.or(Some(Color::Green)), "{name} can be read");
        }
    }

    #[test]
    fn a_level_is_never_raised_by_mapping() {
        let theme = Theme::builtin("dark").expect("built in").at(ColourLevel::C16);
        assert_eq!(theme.at(ColourLevel::True).level, ColourLevel::C16);
    }

    #[test]
    fn a_faint_curve_lies_between_the_curve_and_the_background() {
        let dark = Theme::builtin("dark").expect("built in");
        assert_eq!(dark.faint(0).fg, Some(Color::Rgb(50, 84, 119)));
        assert!(dark.at(ColourLevel::C16).faint(0).add_modifier.contains(Modifier::DIM));
        assert_ne!(dark.faint(0), dark.curve(0));
    }

    #[test]
    fn heat_runs_from_the_first_colour_to_the_last() {
        let dark = Theme::builtin("dark").expect("built in");
        assert_eq!(dark.heat_at(0.0), dark.heat.first().copied());
        assert_eq!(dark.heat_at(1.0), dark.heat.last().copied());
        assert_eq!(dark.heat_at(f64::INFINITY), dark.heat.last().copied());
    }
}

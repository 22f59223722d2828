//! Themes from files, built in or a user's: TOML, one role per line, every fault named with its line.

use super::{Theme, coloured};
use crate::ui::style::colours::ColourLevel;
use ratatui::style::{Color, Modifier, Style};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub(super) const BUILTIN: [(&str, &str); 5] = [
    ("dark", include_str!("../../../../themes/dark.toml")),
    ("light", include_str!("../../../../themes/light.toml")),
    ("colourblind", include_str!("../../../../themes/colourblind.toml")),
    ("terminal", include_str!("../../../../themes/terminal.toml")),
    ("mono", include_str!("../../../../themes/mono.toml")),
];

/// The colours of a heat map whose own colours fall together on sixteen.
const HEAT_OF_16: [Color; 6] =
    [Color::Blue, Color::Magenta, Color::Red, Color::LightRed, Color::Yellow, Color::LightYellow];

const HEAT_STEPS: usize = 5;

impl Theme {
    /// The themes that are built in.
    pub(crate) fn names() -> &'static [&'static str] {
        const NAMES: [&str; 5] = [BUILTIN[0].0, BUILTIN[1].0, BUILTIN[2].0, BUILTIN[3].0, BUILTIN[4].0];
        &NAMES
    }

    pub(crate) fn builtin(name: &str) -> Option<Self> {
        let (_, text) = BUILTIN.iter().find(|(other, _)| *other == name)?;
        Some(Self::parse(text, Self::default()).0)
    }

    /// The theme as a terminal of this level can show it. Without colour, a role that relied on one
    /// takes the monochrome theme's.
    pub(crate) fn at(&self, level: ColourLevel) -> Self {
        let mut theme = self.clone();
        let level = level.min(self.level);
        theme.level = level;
        if level == ColourLevel::None {
            let mut mono = Self::builtin("mono").unwrap_or_default();
            for ((_, own), (_, mono)) in theme.roles().into_iter().zip(mono.roles()) {
                *own = level.style(if coloured(*own) { *mono } else { *own });
            }
            if theme.series.iter().any(|style| coloured(*style)) {
                theme.series = mono.series;
            }
            theme.series = theme.series.map(|style| level.style(style));
            theme.heat.clear();
            return theme;
        }
        for (_, role) in theme.roles() {
            *role = level.style(*role);
        }
        level.distinct(&mut theme.series);
        theme.heat = theme.heat.iter().map(|&colour| level.map(colour)).collect();
        let twice = |(index, colour): (usize, &Color)| theme.heat[..index].contains(colour);
        if level == ColourLevel::C16 && theme.heat.iter().enumerate().any(twice) {
            theme.heat = HEAT_OF_16.to_vec();
        }
        theme
    }

    /// Reads a theme file. Roles it leaves out, or gets wrong, are those of `theme`; faults are
    /// reported with their lines.
    pub(crate) fn parse(toml: &str, mut theme: Self) -> (Self, Vec<String>) {
        let (table, errors) = DeTable::parse_recoverable(toml);
        let line = |offset: usize| toml.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1;
        let mut faults: Vec<(usize, String)> = Vec::new();
        for error in errors {
            let at = line(error.span().map_or(0, |span| span.start));
            // One fault makes the reader stumble more than once; the first is the one to mend.
            if faults.iter().all(|(faulty, _)| *faulty != at) {
                faults.push((at, error.message().lines().next().unwrap_or_default().to_owned()));
            }
        }
        let torn: Vec<usize> = faults.iter().map(|(at, _)| *at).collect();
        for (role, value) in table.get_ref() {
            if torn.contains(&line(role.span().start)) {
                continue;
            }
            if let Err(fault) = set(&mut theme, role.get_ref(), value) {
                faults.push((line(value.span().start), fault));
            }
        }
        faults.sort_by_key(|(line, _)| *line);
        (theme, faults.into_iter().map(|(line, fault)| format!("line {line}: {fault}")).collect())
    }
}

fn set(theme: &mut Theme, role: &str, value: &Spanned<DeValue<'_>>) -> Result<(), String> {
    match role {
        "series" => {
            let styles = words(role, value)?.into_iter().map(style).collect::<Result<Vec<_>, _>>()?;
            if styles.len() > theme.series.len() {
                return Err(format!("`series` takes {} styles, not {}", theme.series.len(), styles.len()));
            }
            theme.series[..styles.len()].copy_from_slice(&styles);
        }
        "heat" => {
            let colours = words(role, value)?.into_iter().map(colour).collect::<Result<Vec<_>, _>>()?;
            if !colours.is_empty() && colours.len() < HEAT_STEPS {
                return Err(format!("`heat` takes {HEAT_STEPS} colours or more, or none"));
            }
            theme.heat = colours;
        }
        _ => {
            let own = theme.roles().into_iter().find(|(name, _)| *name == role);
            let (_, own) = own.ok_or_else(|| format!("there is no role `{role}`"))?;
            let text = value.get_ref().as_str().ok_or_else(|| format!("`{role}` takes a style in quotes"))?;
            *own = style(text)?;
        }
    }
    Ok(())
}

fn words<'a>(role: &str, value: &'a Spanned<DeValue<'_>>) -> Result<Vec<&'a str>, String> {
    let wrong = || format!("`{role}` takes a list of texts in quotes");
    let DeValue::Array(list) = value.get_ref() else { return Err(wrong()) };
    list.iter().map(|item| item.get_ref().as_str().ok_or_else(wrong)).collect()
}

/// A style: `bold #d0d0d0 on blue`.
fn style(text: &str) -> Result<Style, String> {
    let mut style = Style::new();
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        style = match word {
            "bold" => style.add_modifier(Modifier::BOLD),
            "dim" => style.add_modifier(Modifier::DIM),
            "italic" => style.add_modifier(Modifier::ITALIC),
            "underlined" => style.add_modifier(Modifier::UNDERLINED),
            "reversed" => style.add_modifier(Modifier::REVERSED),
            "on" => style.bg(colour(words.next().ok_or("there is no colour after `on`")?)?),
            word => style.fg(colour(word)?),
        };
    }
    Ok(style)
}

fn colour(word: &str) -> Result<Color, String> {
    word.parse().map_err(|_| format!("`{word}` is not a colour: #rrggbb, 0 to 255 or a name such as cyan"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Theme {
        Theme::builtin("terminal").expect("built in")
    }

    #[test]
    fn a_file_overrides_the_roles_it_names_and_no_others() {
        let (theme, warnings) =
            Theme::parse("key = \"bold #010203 on 7\"\nseries = [\"red\"]\nheat = []\n", base());
        assert_eq!(warnings, Vec::<String>::new());
        let key = Style::new().fg(Color::Rgb(1, 2, 3)).bg(Color::Indexed(7)).add_modifier(Modifier::BOLD);
        assert_eq!(theme.key, key);
        assert_eq!(theme.series[0].fg, Some(Color::Red));
        assert_eq!(theme.series[1..], base().series[1..]);
        assert_eq!((theme.good, theme.heat), (base().good, Vec::new()));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_the_rest_counts() {
        let text = "# mine\ntext = \"puce\"\n\nfont = \"x\"\ngood = \"blue\"\ndim = 3\nheat = [\"red\"]\nbad = \"red on\"\n";
        let (theme, warnings) = Theme::parse(text, base());
        assert_eq!(
            warnings,
            [
                "line 2: `puce` is not a colour: #rrggbb, 0 to 255 or a name such as cyan",
                "line 4: there is no role `font`",
                "line 6: `dim` takes a style in quotes",
                "line 7: `heat` takes 5 colours or more, or none",
                "line 8: there is no colour after `on`",
            ]
        );
        assert_eq!(theme.good.fg, Some(Color::Blue));
        assert_eq!(Theme { good: base().good, ..theme }, base());
    }

    #[test]
    fn a_line_that_is_not_toml_costs_only_itself() {
        let (theme, warnings) = Theme::parse("good = \"blue\"\nwarn = = 3\nbad = \"cyan\"\n", base());
        assert_eq!(theme.good.fg, Some(Color::Blue));
        assert_eq!(theme.bad.fg, Some(Color::Cyan));
        assert_eq!(theme.warn, base().warn);
        assert_eq!(warnings, ["line 2: extra `=`, expected nothing"]);
    }
}

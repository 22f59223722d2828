//! The file of first weights that the recipe in the form names, as far as it has been read: which tensors it has.

use std::path::{Path, PathBuf};

use crate::arch::plan::Row;
use crate::recipe::Recipe;
use crate::weights::fit::{fit, has_row};
use crate::weights::{Header, sentence};

#[derive(Clone, Debug, Default)]
pub(crate) struct FirstWeights {
    /// What the recipe named when it was looked at last.
    named: Option<PathBuf>,
    /// Its tensors, or the sentence that says why there are none; nothing while it is being read.
    found: Option<Result<Header, String>>,
}

impl FirstWeights {
    /// The file to read now: the recipe names it, and named another before.
    pub(crate) fn wanted(&mut self, recipe: &Recipe) -> Option<PathBuf> {
        if self.named == recipe.weights {
            return None;
        }
        (self.named, self.found) = (recipe.weights.clone(), None);
        self.named.clone()
    }

    /// Takes what was read of a file, if it is still the one.
    pub(crate) fn take(&mut self, file: &Path, found: Result<Header, String>) {
        if self.named.as_deref() == Some(file) {
            self.found = Some(found);
        }
    }

    /// Forgets a file that could not be read: it may be there by now.
    pub(crate) fn try_again(&mut self) {
        if let Some(Err(_)) = self.found {
            *self = Self::default();
        }
    }

    /// The file, where there is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.named.as_deref()
    }

    /// What is wrong with it for the network of `recipe`.
    pub(crate) fn trouble(&self, recipe: &Recipe) -> Option<String> {
        match self.found.as_ref()? {
            Err(sentence) => Some(sentence.clone()),
            Ok(header) => {
                let misfit = fit(header, recipe, recipe.data.classes()).err()?;
                Some(sentence(self.file()?, &misfit))
            }
        }
    }

    /// Whether every tensor of a row comes from it; nothing while that is not known.
    pub(crate) fn has(&self, row: &Row) -> Option<bool> {
        let header = self.found.as_ref()?.as_ref().ok()?;
        Some(has_row(header, row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Data;

    #[test]
    fn a_file_is_read_once_for_each_name_and_again_only_where_that_failed() {
        let mut weights = FirstWeights::default();
        let mut recipe = Recipe::defaults(Data::Shapes);
        assert_eq!(weights.wanted(&recipe), None);
        recipe.weights = Some("a.pth".into());
        assert_eq!(weights.wanted(&recipe), Some("a.pth".into()));
        assert_eq!(weights.wanted(&recipe), None);
        weights.take(Path::new("b.pth"), Err("of another.".into()));
        assert_eq!(weights.trouble(&recipe), None);
        weights.take(Path::new("a.pth"), Err("it is not there.".into()));
        assert_eq!(weights.trouble(&recipe).as_deref(), Some("it is not there."));
        weights.try_again();
        assert_eq!(weights.wanted(&recipe), Some("a.pth".into()));
    }
}

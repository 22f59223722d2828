//! What is wrong with a recipe, key by key.

/// One field of a recipe that cannot be, and why, in a sentence that says what can.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}`: {sentence}")]
pub struct Problem {
    /// The recipe's key, as in a TOML file.
    pub field: &'static str,
    /// What is wrong and what would be right.
    pub sentence: String,
}

impl Problem {
    /// A problem with `field`.
    pub fn new(field: &'static str, sentence: impl Into<String>) -> Self {
        Self { field, sentence: sentence.into() }
    }
}

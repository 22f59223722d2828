//! The figures of a GPU while it computes, as its driver reports them.

use serde::{Deserialize, Serialize};

/// The state of a GPU. What its driver does not report is absent, and left out of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GpuFigures {
    /// Share of the last moments in which a kernel ran, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub utilisation: Option<f64>,
    /// Bytes of its memory that are taken, by any process.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub memory_used: Option<u64>,
    /// Bytes of memory that it has.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub memory_total: Option<u64>,
    /// In degrees Celsius.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub temperature: Option<u32>,
    /// In watts.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub power: Option<f64>,
}

//! The actions on the run in training and its charts, and their keys.

use crate::ui::keys::binding::{Binding, bind};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Do {
    Pause,
    Save,
    Evaluate,
    Stop,
    /// With an argument: the new learning rate.
    Rate,
    /// With an argument: the new number of epochs.
    Epochs,
    /// With an argument: what is not trained from now on.
    Frozen,
    /// Trains this many epochs, even where the learning rate jumps.
    SetEpochs(usize),
    Smooth,
    SmoothLess,
    Raw,
    LogY,
    LogX,
    XAxis,
    ZoomIn,
    ZoomOut,
    PanLeft,
    PanRight,
    ResetView,
    Maximise,
    Freeze,
}

impl Do {
    /// Whether it steers the run, whatever is shown.
    pub(crate) fn steers(&self) -> bool {
        use Do::{Epochs, Evaluate, Frozen, Pause, Rate, Save, SetEpochs, Stop};
        matches!(self, Pause | Save | Evaluate | Stop | Rate | Epochs | Frozen | SetEpochs(_))
    }
}

#[rustfmt::skip]
pub(crate) const KEYS: &[Binding<Do>] = &[
    bind(&["space"], Do::Pause, "pause", "pause/continue"),
    bind(&["s"], Do::Save, "save", "save now"),
    bind(&["e"], Do::Evaluate, "evaluate", "evaluate now"),
    bind(&["S"], Do::Stop, "stop", "stop and save"),
    bind(&["r"], Do::Rate, "rate", "learning rate"),
    bind(&["E"], Do::Epochs, "epochs", "epochs"),
    bind(&["F"], Do::Frozen, "frozen", "what is not trained"),
    bind(&["]"], Do::Smooth, "smooth", "smooth more"),
    bind(&["["], Do::SmoothLess, "smooth-less", "smooth less"),
    bind(&["0"], Do::Raw, "raw", "no smoothing"),
    bind(&["L"], Do::LogY, "log-y", "logarithmic loss"),
    bind(&["X"], Do::LogX, "log-x", "logarithmic x axis"),
    bind(&["x"], Do::XAxis, "x-axis", "x by step, epoch or time"),
    bind(&["+", "="], Do::ZoomIn, "zoom-in", "zoom in"),
    bind(&["-"], Do::ZoomOut, "zoom-out", "zoom out"),
    bind(&["<"], Do::PanLeft, "pan-left", "move a zoomed view left"),
    bind(&[">"], Do::PanRight, "pan-right", "move it right"),
    bind(&["R"], Do::ResetView, "reset-view", "reset the view"),
    bind(&["z"], Do::Maximise, "maximise", "one chart alone"),
    bind(&["f"], Do::Freeze, "freeze", "freeze the view"),
];

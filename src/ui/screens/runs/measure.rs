//! The figures of runs that can be drawn against each other.

use crate::store::catalog::Summary;
use crate::ui::widgets::axis::unit::Unit;
use crate::ui::workspace::runs::Row;

/// What is measured of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Measure {
    #[default]
    BestAccuracy,
    BestError,
    LastAccuracy,
    LastError,
    TestAccuracy,
    TestError,
    BestLoss,
    Seconds,
    Speed,
}

impl Measure {
    pub(crate) const ALL: [Self; 9] = [
        Self::BestAccuracy,
        Self::BestError,
        Self::LastAccuracy,
        Self::LastError,
        Self::TestAccuracy,
        Self::TestError,
        Self::BestLoss,
        Self::Seconds,
        Self::Speed,
    ];

    pub(crate) const fn word(self) -> &'static str {
        [
            "best accuracy",
            "best error",
            "last accuracy",
            "last error",
            "test accuracy",
            "test error",
            "best loss",
            "training time",
            "images/s",
        ][self as usize]
    }

    pub(crate) const fn unit(self) -> Unit {
        match self {
            Self::BestLoss | Self::Speed => Unit::Number,
            Self::Seconds => Unit::Seconds,
            _ => Unit::Percent,
        }
    }

    pub(crate) fn of(self, run: &Summary) -> Option<f64> {
        let best = run.best.map(|best| best.accuracy);
        let test = run.test.map(|test| test.accuracy);
        match self {
            Self::BestAccuracy => best,
            Self::BestError => best.map(|share| 1.0 - share),
            Self::LastAccuracy => run.last_accuracy(),
            Self::LastError => run.last_accuracy().map(|share| 1.0 - share),
            Self::TestAccuracy => test,
            Self::TestError => test.map(|share| 1.0 - share),
            Self::BestLoss => run.best.map(|best| best.loss),
            Self::Seconds => (run.seconds > 0.0).then_some(run.seconds),
            Self::Speed => {
                let images = run.step as f64 * run.recipe.batch_size as f64;
                (run.seconds > 0.0).then(|| images / run.seconds)
            }
        }
    }

    /// How good a value is, the more the better.
    pub(crate) fn merit(self, value: f64) -> f64 {
        match self {
            Self::BestAccuracy | Self::LastAccuracy | Self::TestAccuracy | Self::Speed => value,
            _ => -value,
        }
    }

    /// An error on test images, a share, as this measure; `None` where it measures something else.
    pub(crate) fn of_error(self, error: f64) -> Option<f64> {
        match self {
            Self::TestAccuracy => Some(1.0 - error),
            Self::TestError => Some(error),
            _ => None,
        }
    }
}

/// What it is drawn against; the less, the cheaper.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Against {
    #[default]
    Parameters,
    Macs,
    Depth,
    GrowthRate,
    Epochs,
    Seconds,
}

impl Against {
    pub(crate) const ALL: [Self; 6] =
        [Self::Parameters, Self::Macs, Self::Depth, Self::GrowthRate, Self::Epochs, Self::Seconds];

    pub(crate) const fn word(self) -> &'static str {
        ["parameters", "MACs", "depth", "growth rate", "epochs", "training time"][self as usize]
    }

    pub(crate) const fn unit(self) -> Unit {
        match self {
            Self::Seconds => Unit::Seconds,
            _ => Unit::Step,
        }
    }

    pub(crate) fn of(self, row: &Row) -> Option<f64> {
        let run = row.summary()?;
        Some(match self {
            Self::Parameters => run.parameters as f64,
            Self::Macs => row.macs()? as f64,
            Self::Depth => depth(&run.recipe.layers, run.recipe.bottleneck) as f64,
            Self::GrowthRate => run.recipe.growth_rate as f64,
            Self::Epochs => run.epoch as f64,
            Self::Seconds => Measure::Seconds.of(run)?,
        })
    }
}

/// Layers with weights as the paper counts them: the stem, those of the blocks, the transitions and the classifier.
pub(crate) fn depth(layers: &[usize], bottleneck: bool) -> usize {
    let each = if bottleneck { 2 } else { 1 };
    each * layers.iter().sum::<usize>() + layers.len() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_that_of_the_papers_names() {
        assert_eq!(depth(&[12, 12, 12], false), 40);
        assert_eq!(depth(&[16, 16, 16], true), 100);
        assert_eq!(depth(&[6, 12, 24, 16], true), 121);
    }

    #[test]
    fn an_error_is_what_lacks_of_an_accuracy_and_less_of_it_is_better() {
        assert_eq!(Measure::TestAccuracy.of_error(0.25), Some(0.75));
        assert_eq!(Measure::BestAccuracy.of_error(0.25), None);
        assert!(Measure::TestError.merit(0.1) > Measure::TestError.merit(0.2));
        assert!(Measure::Speed.merit(9.0) > Measure::Speed.merit(8.0));
    }
}

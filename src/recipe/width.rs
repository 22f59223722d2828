//! The width of a residual or plain network.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::recipe::auto::{AutoOr, auto_or};

/// Maps of each layer of the first block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "AutoOr", into = "AutoOr")]
pub enum Width {
    /// As many as the parameters of the dense network of the same layers allow.
    #[default]
    Auto,
    /// So many.
    Maps(usize),
}

auto_or!(Width::Maps);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::words::Connectivity;
    use crate::recipe::{Data, Recipe};

    #[test]
    fn a_width_is_a_number_or_auto_which_takes_what_the_dense_networks_parameters_allow() {
        assert_eq!(("auto".parse(), "24".parse()), (Ok(Width::Auto), Ok(Width::Maps(24))));
        assert!("wide".parse::<Width>().is_err());
        let dense = Recipe::defaults(Data::Cifar10);
        let parameters = |recipe: &Recipe| recipe.arch(10).plan().unwrap().parameters();
        let residual = Recipe { connectivity: Connectivity::Residual, ..dense.clone() };
        let width = residual.arch(10).width;
        assert!(parameters(&residual) <= parameters(&dense));
        let wider = Recipe { width: Width::Maps(width + 1), ..residual.clone() };
        assert!(parameters(&wider) > parameters(&dense));
        assert_eq!(wider.arch(10).stem, width + 1);
        assert_eq!(dense.arch(10).width, 0);
    }
}

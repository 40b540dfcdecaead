//! What the heads multiply: the state itself, or the factors times the state.

use super::parameters::Layout;

/// How the features of a date follow from its factors z and from the hidden state h.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FeatureForm {
    /// `[z_t | h_t | l_t]`: a level of the return that moves with the state, the window ending at the date.
    #[default]
    Level,
    /// `[z_t | z_tf h_t-1,k]`, factor after factor: coefficients on the factors that move with the state of the row
    /// before, linear in z (docs/derivations/conditional_beta.md). There are no lag filters.
    Conditional,
}

impl FeatureForm {
    /// Rows between the end of the window and the date.
    #[must_use]
    pub fn delay(self) -> usize {
        match self {
            Self::Level => 0,
            Self::Conditional => 1,
        }
    }

    /// K: features of `factors` factors, `units` units and `filters` lag filters.
    #[must_use]
    pub fn features(self, factors: usize, units: usize, filters: usize) -> usize {
        match self {
            Self::Level => factors + units + filters,
            Self::Conditional => factors * (1 + units),
        }
    }

    /// Lag filters of a fit that was asked for `filters`.
    #[must_use]
    pub fn filters(self, filters: usize) -> usize {
        match self {
            Self::Level => filters,
            Self::Conditional => 0,
        }
    }
}

impl Layout {
    /// Features that a unit enters: the column, and the factor that the unit is multiplied by there.
    pub fn unit_columns(&self, unit: usize) -> impl Iterator<Item = (usize, Option<usize>)> + use<> {
        let Self {
            factors, hidden_size, ..
        } = *self;
        let products = match self.form {
            FeatureForm::Level => None,
            FeatureForm::Conditional => Some(factors),
        };
        (0..products.unwrap_or(1)).map(move |f| (factors + f * hidden_size + unit, products.map(|_| f)))
    }
}

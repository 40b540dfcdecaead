/// Why a regression was refused or stopped. Numerical outcomes (too few rows, rank) are not errors.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LinearError {
    /// An array's length does not fit the stated dimensions.
    #[error("{name} has {actual} values, expected {expected}")]
    ShapeMismatch {
        /// Which array.
        name: &'static str,
        /// Length that the dimensions ask for.
        expected: usize,
        /// Length given.
        actual: usize,
    },
    /// An infinite value where finite or missing (NaN) values are allowed.
    #[error("{name}[{index}] is infinite; use NaN for a missing value")]
    NotFinite {
        /// Which array.
        name: &'static str,
        /// Flat index of the first offending value.
        index: usize,
    },
    /// An option outside its range.
    #[error("{name} is {value}; {remedy}")]
    BadOption {
        /// Which option.
        name: &'static str,
        /// Value given.
        value: f64,
        /// Allowed range in words.
        remedy: &'static str,
    },
    /// The caller asked to stop.
    #[error("the regression was cancelled")]
    Cancelled,
}

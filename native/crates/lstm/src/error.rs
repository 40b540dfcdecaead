//! What can be wrong with a call of the LSTM kernel.

use macrograd_simd::{Cancelled, IsaError};

/// Why the kernel refused a call or stopped.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LstmError {
    /// An array has another length than its shape says.
    #[error("{name} has {actual} elements, its shape needs {expected}; check the sizes that you pass along")]
    ShapeMismatch {
        /// Name of the array.
        name: &'static str,
        /// Elements that the shape needs.
        expected: usize,
        /// Elements that it has.
        actual: usize,
    },
    /// A size is zero that must be at least 1.
    #[error("{name} is 0; it must be at least 1")]
    ZeroSize {
        /// Name of the size.
        name: &'static str,
    },
    /// An input is infinite or NaN.
    #[error("{name}[{index}] is {value}; it must be finite: fill or drop missing values first")]
    NotFinite {
        /// Name of the array.
        name: &'static str,
        /// Index into the flat array.
        index: usize,
        /// What stands there.
        value: f64,
    },
    /// A backward pass was asked of a tape that holds no matching forward pass.
    #[error("the tape holds no forward pass of this shape; run the forward pass with it first")]
    EmptyTape,
    /// An option has a value that makes no sense.
    #[error("{name} is {value}; it must be {wanted}")]
    BadOption {
        /// Name of the option.
        name: &'static str,
        /// What it was.
        value: f64,
        /// What it has to be.
        wanted: &'static str,
    },
    /// There is nothing to learn from.
    #[error("no return is observed on the rows of the fit; give a longer span or other assets")]
    NoObservations,
    /// Learned parameters are no longer finite.
    #[error("the fit diverged: its parameters are no longer finite; look for huge inputs or lower the learning rates")]
    Diverged,
    /// The environment asks for an instruction set that can't be used.
    #[error(transparent)]
    Isa(#[from] IsaError),
    /// The caller stopped the work.
    #[error("the work was cancelled")]
    Cancelled,
}

impl From<Cancelled> for LstmError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// Refuses an array whose length is not what its shape needs.
pub(crate) fn check_length(name: &'static str, actual: usize, expected: usize) -> Result<(), LstmError> {
    if actual == expected {
        Ok(())
    } else {
        Err(LstmError::ShapeMismatch { name, expected, actual })
    }
}

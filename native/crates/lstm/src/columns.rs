//! Which derivatives with respect to a window's inputs are wanted: all, or a contraction that never builds them all.

use macrograd_simd::{Isa, Real};

use crate::error::LstmError;
use crate::kernel::{TileSize, from_lanes};

/// Columns of a Jacobian row, out of the derivatives with respect to inputs [sequence_length, input_size].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InputColumns {
    /// Every input of every step: [sequence_length, input_size].
    #[default]
    Every,
    /// Summed over the steps, the response to a lasting shift of an input: `[input_size]`.
    SumOverSteps,
    /// One input at every step: `[sequence_length]`.
    Input(usize),
}

impl InputColumns {
    /// Columns of a row.
    #[must_use]
    pub fn count(self, sequence_length: usize, input_size: usize) -> usize {
        match self {
            Self::Every => sequence_length * input_size,
            Self::SumOverSteps => input_size,
            Self::Input(_) => sequence_length,
        }
    }

    /// Refuses an input that there is not.
    pub(crate) fn validate(self, input_size: usize) -> Result<(), LstmError> {
        match self {
            Self::Input(index) if index >= input_size => Err(LstmError::BadOption {
                name: "input column",
                value: index as f64,
                wanted: "less than input_size",
            }),
            _ => Ok(()),
        }
    }

    /// Moves a tile's derivatives `[step][rows padded][lane]` to rows `[sample][column]`, `stride` apart. `sum` is scratch
    /// space.
    pub(crate) fn write<T: Real>(self, lanes: TileDerivatives<'_, T>, sum: &mut Vec<T>, out: &mut [T], stride: usize) {
        let TileDerivatives {
            steps,
            length,
            padded_inputs,
            input_size,
            size,
            isa,
        } = lanes;
        let step_lanes = |step: usize| &steps[step * padded_inputs * size.lanes..][..input_size * size.lanes];
        match self {
            // Without padding the rows of all steps follow each other.
            Self::Every if padded_inputs == input_size => {
                from_lanes(isa, steps, length * input_size, size, out, stride)
            }
            Self::Every => (0..length).for_each(|step| {
                let out = &mut out[step * input_size..];
                from_lanes(isa, step_lanes(step), input_size, size, out, stride);
            }),
            Self::SumOverSteps => {
                sum.clear();
                sum.extend_from_slice(step_lanes(0));
                for step in 1..length {
                    sum.iter_mut().zip(step_lanes(step)).for_each(|(sum, &x)| *sum += x);
                }
                from_lanes(isa, sum, input_size, size, out, stride);
            }
            Self::Input(index) => (0..length).for_each(|step| {
                from_lanes(
                    isa,
                    &step_lanes(step)[index * size.lanes..],
                    1,
                    size,
                    &mut out[step..],
                    stride,
                );
            }),
        }
    }
}

/// One tile's derivatives with respect to its inputs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TileDerivatives<'a, T> {
    /// [L][inputs padded][lane].
    pub steps: &'a [T],
    pub length: usize,
    pub padded_inputs: usize,
    pub input_size: usize,
    pub size: TileSize,
    pub isa: Isa,
}

//! What goes into an LSTM, and the cotangents and gradients of a backward pass.

use macrograd_simd::Real;

use crate::error::{LstmError, check_length};
use crate::weights::{LstmShape, LstmWeights};

/// A batch of input sequences, borrowed from the caller.
#[derive(Debug, Clone, Copy)]
pub struct Sequences<'a, T> {
    /// [batch_size, sequence_length, input_size], row-major; step 0 is the oldest.
    pub input: &'a [T],
    /// B; may be 0.
    pub batch_size: usize,
    /// L, at least 1.
    pub sequence_length: usize,
    /// Hidden states before the first step, [layers, batch_size, hidden_size]; zero where absent.
    pub initial_hidden: Option<&'a [T]>,
    /// Cell states before the first step, [layers, batch_size, hidden_size]; zero where absent.
    pub initial_cell: Option<&'a [T]>,
}

impl<'a, T: Real> Sequences<'a, T> {
    /// Sequences that start from zero states.
    #[must_use]
    pub fn new(input: &'a [T], batch_size: usize, sequence_length: usize) -> Self {
        Self {
            input,
            batch_size,
            sequence_length,
            initial_hidden: None,
            initial_cell: None,
        }
    }

    /// Refuses lengths that do not fit `shape`, and values that are not finite.
    ///
    /// # Errors
    /// [`LstmError::ShapeMismatch`], [`LstmError::ZeroSize`], [`LstmError::NotFinite`].
    pub fn validate(&self, shape: LstmShape) -> Result<(), LstmError> {
        if self.sequence_length == 0 {
            return Err(LstmError::ZeroSize {
                name: "sequence_length",
            });
        }
        check_length(
            "input",
            self.input.len(),
            self.batch_size * self.sequence_length * shape.input_size,
        )?;
        check_finite("input", self.input)?;
        let states = [
            ("initial_hidden", self.initial_hidden),
            ("initial_cell", self.initial_cell),
        ];
        for (name, values) in states.into_iter().filter_map(|(name, values)| Some((name, values?))) {
            check_length(name, values.len(), shape.layers * self.batch_size * shape.hidden_size)?;
            check_finite(name, values)?;
        }
        Ok(())
    }

    /// Whether the first step starts from anything but zero states.
    pub(crate) fn has_initial_state(&self) -> bool {
        self.initial_hidden.is_some() || self.initial_cell.is_some()
    }
}

/// Refuses arrays with a value that is infinite or NaN, naming the first.
///
/// # Errors
/// [`LstmError::NotFinite`].
pub fn check_finite<T: Real>(name: &'static str, values: &[T]) -> Result<(), LstmError> {
    // x * 0 is 0 for finite x and NaN else; summing a block tells at full speed whether one is to be looked for.
    const BLOCK: usize = 4096;
    for (block_index, block) in values.chunks(BLOCK).enumerate() {
        let mut sums = [T::ZERO; 8];
        let mut chunks = block.chunks_exact(8);
        for chunk in &mut chunks {
            for (sum, &x) in sums.iter_mut().zip(chunk) {
                *sum += x * T::ZERO;
            }
        }
        let clean = sums.iter().chain(chunks.remainder()).all(|x| x.is_finite());
        if clean {
            continue;
        }
        if let Some(offset) = block.iter().position(|x| !x.is_finite()) {
            let index = block_index * BLOCK + offset;
            return Err(LstmError::NotFinite {
                name,
                index,
                value: values[index].to_f64(),
            });
        }
    }
    Ok(())
}

/// Derivatives of a scalar with respect to the top layer's hidden states: where a backward pass starts.
#[derive(Debug, Clone, Copy)]
pub struct Cotangent<'a, T> {
    /// Of the last step, [batch_size, hidden_size].
    pub last_hidden: Option<&'a [T]>,
    /// Of every step, [batch_size, sequence_length, hidden_size]; added to `last_hidden`.
    pub hidden: Option<&'a [T]>,
}

impl<'a, T: Real> Cotangent<'a, T> {
    /// A scalar that depends on the last hidden state alone.
    #[must_use]
    pub fn of_last_hidden(last_hidden: &'a [T]) -> Self {
        Self {
            last_hidden: Some(last_hidden),
            hidden: None,
        }
    }

    /// Refuses lengths that do not fit.
    pub(crate) fn validate(&self, hidden_size: usize, batch_size: usize, length: usize) -> Result<(), LstmError> {
        if let Some(values) = self.last_hidden {
            check_length("d_last_hidden", values.len(), batch_size * hidden_size)?;
        }
        if let Some(values) = self.hidden {
            check_length("d_hidden", values.len(), batch_size * length * hidden_size)?;
        }
        Ok(())
    }
}

/// Where a backward pass writes its results; what is absent is not computed. All are overwritten.
#[derive(Debug)]
pub struct Gradients<'a, T> {
    /// Summed over the batch.
    pub weights: Option<&'a mut LstmWeights<T>>,
    /// [batch_size, sequence_length, input_size].
    pub input: Option<&'a mut [T]>,
    /// [layers, batch_size, hidden_size].
    pub initial_hidden: Option<&'a mut [T]>,
    /// [layers, batch_size, hidden_size].
    pub initial_cell: Option<&'a mut [T]>,
}

impl<T> Default for Gradients<'_, T> {
    fn default() -> Self {
        Self {
            weights: None,
            input: None,
            initial_hidden: None,
            initial_cell: None,
        }
    }
}

/// Takes up to `length` elements off the front of what is left.
pub(crate) fn split_front<'a, T>(rest: &mut &'a mut [T], length: usize) -> &'a mut [T] {
    let length = length.min(rest.len());
    let (front, others) = std::mem::take(rest).split_at_mut(length);
    *rest = others;
    front
}

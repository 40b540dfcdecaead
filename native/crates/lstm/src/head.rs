//! The linear head on an LSTM's last hidden state.

use macrograd_simd::Real;

use crate::error::{LstmError, check_length};

/// y = weight h + bias.
#[derive(Debug, Clone, PartialEq)]
pub struct Head<T> {
    /// O: rows of the weight.
    pub outputs: usize,
    /// [outputs, hidden_size], row-major.
    pub weight: Vec<T>,
    /// [outputs].
    pub bias: Vec<T>,
}

impl<T: Real> Head<T> {
    /// A head of the given arrays; the number of outputs is the bias's length.
    ///
    /// # Errors
    /// [`LstmError::ShapeMismatch`].
    pub fn new(hidden_size: usize, weight: Vec<T>, bias: Vec<T>) -> Result<Self, LstmError> {
        check_length("head_weight", weight.len(), bias.len() * hidden_size)?;
        Ok(Self {
            outputs: bias.len(),
            weight,
            bias,
        })
    }

    /// The head that returns every hidden unit as it is, so that its Jacobian is the hidden state's.
    #[must_use]
    pub fn identity(hidden_size: usize) -> Self {
        let mut weight = vec![T::ZERO; hidden_size * hidden_size];
        weight.iter_mut().step_by(hidden_size + 1).for_each(|x| *x = T::ONE);
        Self {
            outputs: hidden_size,
            weight,
            bias: vec![T::ZERO; hidden_size],
        }
    }

    /// Outputs [batch_size, outputs] of hidden states [batch_size, hidden_size].
    #[must_use]
    pub fn apply(&self, hidden: &[T]) -> Vec<T> {
        let hidden_size = self.weight.len() / self.outputs.max(1);
        let rows = hidden.chunks_exact(hidden_size.max(1));
        rows.flat_map(|row| {
            let output = move |index: usize| {
                let weight = &self.weight[index * hidden_size..][..hidden_size];
                weight
                    .iter()
                    .zip(row)
                    .fold(self.bias[index], |sum, (&w, &h)| w.mul_add(h, sum))
            };
            (0..self.outputs).map(output)
        })
        .collect()
    }
}

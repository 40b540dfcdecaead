//! Dropout of what the head reads (Srivastava et al. 2014): each unit of the last hidden state is left out with
//! probability p and else divided by 1 - p, so that its mean stays. docs/derivations/lstm.md has the gradient.

use macrograd_simd::Real;

use crate::closed_form::Random;

/// Number of the stream of random bits that masks are drawn from, so that dropout changes neither the order of windows
/// nor the noise.
const STREAM: u64 = 1;

/// Draws masks, one after another in the order of a batch's windows and by one thread: the same bits for any number of
/// threads.
pub(super) struct Dropout<T> {
    probability: f64,
    random: Random,
    mask: Vec<T>,
}

impl<T: Real> Dropout<T> {
    pub(super) fn new(probability: f64, seed: u64) -> Self {
        Self {
            probability,
            random: Random::new(seed, STREAM),
            mask: Vec::new(),
        }
    }

    /// Factors [rows, hidden_size] for a batch, 0 or 1 / (1 - p); none when nothing is dropped.
    pub(super) fn draw(&mut self, rows: usize, hidden_size: usize) -> Option<&[T]> {
        if self.probability == 0.0 {
            return None;
        }
        let (random, p) = (&mut self.random, self.probability);
        let kept = T::from_f64(1.0 / (1.0 - p));
        self.mask.clear();
        let draws = std::iter::repeat_with(|| if random.uniform() < p { T::ZERO } else { kept });
        self.mask.extend(draws.take(rows * hidden_size));
        Some(&self.mask)
    }
}

/// Multiplies values by their factors, if there are any.
pub(super) fn apply<T: Real>(values: &mut [T], mask: Option<&[T]>) {
    if let Some(mask) = mask {
        values.iter_mut().zip(mask).for_each(|(x, &factor)| *x *= factor);
    }
}

//! Everything that is learned, in one flat vector, and how it starts.

use std::ops::Range;

use faer::{Mat, MatRef};
use macrograd_simd::Real;

use super::cell::Cell;
use super::form::FeatureForm;
use super::inputs::BUMPS;
use super::prior::{Gradient, Prior};
use super::random::Random;
use crate::error::LstmError;
use crate::weights::{GATES, LstmShape, LstmWeights};

/// Sizes of one member, and where in the flat vector its parameters lie:
/// `[weight_ih | weight_hh | bias_ih | bias_hh | V | a | A | lam | log s2 | log c]`, matrices of the heads by columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Inputs of the window a date.
    pub window_size: usize,
    /// H.
    pub hidden_size: usize,
    /// F: factors a date.
    pub factors: usize,
    /// Pooled lag filters.
    pub filters: usize,
    /// Columns of A.
    pub rank: usize,
    /// What the encoder's units compute.
    pub cell: Cell,
    /// What the heads multiply.
    pub form: FeatureForm,
}

impl Layout {
    /// Shape of the encoder.
    #[must_use]
    pub fn encoder(&self) -> LstmShape {
        LstmShape {
            input_size: self.window_size,
            hidden_size: self.hidden_size,
            layers: 1,
        }
    }

    /// K: features of the heads.
    #[must_use]
    pub fn features(&self) -> usize {
        self.form.features(self.factors, self.hidden_size, self.filters)
    }

    /// Ranges of the encoder, V, a, A, lam, log s2 and log c, in this order.
    #[must_use]
    pub fn ranges(&self) -> [Range<usize>; 7] {
        let mut end = 0;
        [
            self.encoder().parameter_count(),
            BUMPS * self.factors * self.filters,
            self.factors,
            self.features() * self.rank,
            self.features(),
            1,
            1,
        ]
        .map(|length| {
            end += length;
            end - length..end
        })
    }

    /// Length of the flat vector.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        self.ranges()[6].end
    }

    /// The encoder's parameters that are learned: all but `bias_hh`, which would double `bias_ih`.
    #[must_use]
    pub fn learned_encoder(&self) -> Range<usize> {
        0..self.encoder().parameter_count() - GATES * self.hidden_size
    }

    /// V as a matrix `[bump, factor][filter]` that borrows from the flat vector.
    #[must_use]
    pub fn filters<'a>(&self, flat: &'a [f64]) -> MatRef<'a, f64> {
        MatRef::from_column_major_slice(&flat[self.ranges()[1].clone()], BUMPS * self.factors, self.filters)
    }

    /// Copies the prior's parameters out of the flat vector.
    pub fn read_prior(&self, flat: &[f64], prior: &mut Prior) {
        let [_, _, direct, loadings, common, noise, shared] = self.ranges();
        prior.log_direct.copy_from_slice(&flat[direct]);
        for (k, column) in flat[loadings].chunks(self.features()).enumerate() {
            for (i, value) in column.iter().enumerate() {
                prior.loadings[(i, k)] = *value;
            }
        }
        prior.log_common.copy_from_slice(&flat[common]);
        prior.log_noise = flat[noise.start];
        prior.log_shared_noise = flat[shared.start];
    }

    /// A prior of the right sizes.
    #[must_use]
    pub fn prior(&self, flat: &[f64]) -> Prior {
        let mut prior = Prior {
            log_direct: vec![0.0; self.factors],
            loadings: Mat::zeros(self.features(), self.rank),
            log_common: vec![0.0; self.features()],
            log_noise: 0.0,
            log_shared_noise: 0.0,
        };
        self.read_prior(flat, &mut prior);
        prior
    }

    /// Copies the gradient of the prior's parameters into the flat vector.
    pub fn write_prior_gradient(&self, gradient: &Gradient, flat: &mut [f64]) {
        let [_, _, direct, loadings, common, noise, shared] = self.ranges();
        flat[direct].copy_from_slice(&gradient.log_direct);
        for (k, column) in flat[loadings].chunks_mut(self.features()).enumerate() {
            for (i, value) in column.iter_mut().enumerate() {
                *value = gradient.loadings[(i, k)];
            }
        }
        flat[common].copy_from_slice(&gradient.log_common);
        flat[noise.start] = gradient.log_noise;
        flat[shared.start] = gradient.log_shared_noise;
    }

    /// Rounds the encoder's parameters into `weights`; `scaled` is room for them before they are rounded.
    pub fn read_encoder<T: Real>(&self, flat: &[f64], scaled: &mut Vec<f64>, weights: &mut LstmWeights<T>) {
        scaled.clear();
        scaled.extend_from_slice(&flat[..self.encoder().parameter_count()]);
        self.scale_candidates(scaled);
        for (to, from) in weights.arrays_mut().flatten().zip(scaled) {
            *to = T::from_f64(*from);
        }
    }

    /// The encoder's parameters as weights.
    ///
    /// # Errors
    /// [`LstmError::ZeroSize`] for a size of 0.
    pub fn encoder_weights<T: Real>(&self, flat: &[f64]) -> Result<LstmWeights<T>, LstmError> {
        let mut weights = LstmWeights::zeros(self.encoder())?;
        self.read_encoder(flat, &mut Vec::new(), &mut weights);
        Ok(weights)
    }

    /// Starting values. Forget biases from -1 to 4 give units of every memory; everything of the prior starts small,
    /// so that a direction has to prove itself against noise, and its SDs are multiplied by `scale`.
    #[must_use]
    pub fn initial(&self, lookback: usize, log_shared_noise: f64, scale: f64, random: &mut Random) -> Vec<f64> {
        let mut flat = vec![0.0; self.parameter_count()];
        let [encoder, filters, direct, loadings, common, noise, shared] = self.ranges();
        let [ih, hh, bias, _] = self.encoder().layer_lengths(0);
        let hidden = self.hidden_size;
        let mut fill = |values: &mut [f64], sd: f64| values.iter_mut().for_each(|v| *v = sd * random.normal());
        let weights = &mut flat[encoder];
        fill(&mut weights[..ih], 1.05 / (self.window_size as f64).sqrt());
        fill(&mut weights[ih..ih + hh], 0.1 / (hidden as f64).sqrt());
        let biases = &mut weights[ih + hh..ih + hh + bias];
        fill(biases, 0.5);
        if lookback > 1 {
            for unit in 0..hidden {
                biases[hidden + unit] = -1.0 + 5.0 * unit as f64 / (hidden - 1).max(1) as f64;
            }
        }
        fill(&mut flat[filters], 0.05);
        flat[direct].fill(-2.0 + scale.ln());
        fill(&mut flat[loadings], 0.02 * scale);
        flat[common].fill(-1.0 + scale.ln());
        flat[noise].fill(LOG_NOISE_START);
        flat[shared].fill(log_shared_noise);
        flat
    }
}

/// Start of `log s2`: macro factors explain little of a standardised return.
pub const LOG_NOISE_START: f64 = -0.1;

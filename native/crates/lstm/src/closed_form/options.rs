//! How a fit with closed-form heads is made.

use super::cell::Cell;
use super::form::FeatureForm;
use super::penalty::Penalties;
use crate::error::LstmError;

/// Settings of a fit; the defaults are those that recovered known exposures best.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// H: units of the encoder.
    pub hidden_size: usize,
    /// Window lengths to try; the one with the smallest validation error, averaged over the first members, is kept.
    pub lookbacks: Vec<usize>,
    /// Members of the ensemble; each leaves out other blocks of dates.
    pub members: usize,
    /// Steps for a lookback of 1, and for longer ones, where a step costs more and learns more.
    pub steps: usize,
    /// See `steps`.
    pub long_steps: usize,
    /// Step size of prior and lag filters.
    pub learning_rate: f64,
    /// Step size of the encoder.
    pub encoder_learning_rate: f64,
    /// Longest gradient.
    pub clip: f64,
    /// SD of the noise on the standardised inputs, fresh every step.
    pub input_noise: f64,
    /// Pooled lag filters.
    pub filters: usize,
    /// Columns of A: directions in which heads deviate together.
    pub rank: usize,
    /// What the heads multiply; [`FeatureForm::Conditional`] has no lag filters.
    pub form: FeatureForm,
    /// What the SDs of the heads' prior start from, as a share of the usual; small where little is to be expected.
    pub start_scale: f64,
    /// Cells to try for windows of one row; the first alone is used for longer ones, where the recurrence makes products.
    pub cells: Vec<Cell>,
    /// Members that compare lookbacks and cells; those after them are trained for the winner alone.
    pub contest_members: usize,
    /// Fall of the validation error that a cell must bring over the one before it.
    pub cell_gain: f64,
    /// Fall of the validation error that a longer window must bring over the best shorter one, as a share of the variance that
    /// this one explains: chance alone moves the errors of windows that do as well.
    pub lookback_gain: f64,
    /// Penalties on encoder and lag filters.
    pub penalties: Penalties,
    /// Length of the blocks that validation leaves out, and how many there are to a cycle: member e leaves out every
    /// `fold_cycle`-th block, from block e on.
    pub block_rows: usize,
    /// See `block_rows`.
    pub fold_cycle: usize,
    /// Steps between two validations, and validations without a gain of `min_gain` that end the fit.
    pub check_every: usize,
    /// See `check_every`.
    pub patience: usize,
    /// Smallest fall of the validation error (mean squared error of standardised returns) that counts.
    pub min_gain: f64,
    /// Most patterns of missing returns; more are merged.
    pub max_patterns: usize,
    /// Leading rows that encoder and prior are learned from; `None` = all. Heads that walk go on through all rows.
    pub train_rows: Option<usize>,
    /// Whether heads walk on the factors, so that their path uses returns up to each row.
    pub walk: bool,
    /// What the returns and features of each row are multiplied by in likelihood and heads, up to a common factor: one over
    /// the SD of the row's residuals. `None` = all alike.
    pub row_roots: Option<Vec<f64>>,
    /// Seed of initial weights and noise.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            hidden_size: 8,
            lookbacks: vec![1, 36],
            members: 5,
            steps: 900,
            long_steps: 600,
            learning_rate: 0.01,
            encoder_learning_rate: 0.005,
            clip: 1.0,
            input_noise: 0.1,
            filters: 3,
            rank: 4,
            form: FeatureForm::Level,
            start_scale: 1.0,
            cells: vec![Cell::Lstm, Cell::Mixed],
            contest_members: 3,
            cell_gain: 1e-4,
            lookback_gain: 0.01,
            penalties: Penalties::default(),
            block_rows: 12,
            fold_cycle: 5,
            check_every: 10,
            patience: 20,
            min_gain: 1e-5,
            max_patterns: 8,
            train_rows: None,
            walk: false,
            row_roots: None,
            seed: 0,
        }
    }
}

impl Options {
    /// Refuses sizes of 0 and settings that are not finite.
    ///
    /// # Errors
    /// [`LstmError::ZeroSize`], [`LstmError::BadOption`].
    pub fn validate(&self) -> Result<(), LstmError> {
        let sizes = [
            ("hidden_size", self.hidden_size),
            ("lookbacks", self.lookbacks.len()),
            ("lookback", self.lookbacks.iter().copied().min().unwrap_or(1)),
            ("members", self.members),
            ("cells", self.cells.len()),
            ("contest_members", self.contest_members),
            ("filters", self.filters),
            ("rank", self.rank),
            ("block_rows", self.block_rows),
            ("check_every", self.check_every),
        ];
        if let Some((name, _)) = sizes.into_iter().find(|(_, size)| *size == 0) {
            return Err(LstmError::ZeroSize { name });
        }
        if self.fold_cycle < 2 {
            return Err(LstmError::BadOption {
                name: "fold_cycle",
                value: self.fold_cycle as f64,
                wanted: "at least 2, so that rows remain to learn from",
            });
        }
        if self.walk && self.form == FeatureForm::Conditional {
            return Err(LstmError::BadOption {
                name: "walk",
                value: 1.0,
                wanted: "0 with conditional features, whose heads stand still",
            });
        }
        if self.walk && self.row_roots.is_some() {
            return Err(LstmError::BadOption {
                name: "walk",
                value: 1.0,
                wanted: "0 with weights of the rows, which the filter of walking heads does not know",
            });
        }
        if !(self.start_scale.is_finite() && self.start_scale > 0.0) {
            return Err(LstmError::BadOption {
                name: "start_scale",
                value: self.start_scale,
                wanted: "finite and positive",
            });
        }
        let numbers = [
            ("learning_rate", self.learning_rate),
            ("encoder_learning_rate", self.encoder_learning_rate),
            ("clip", self.clip),
            ("input_noise", self.input_noise),
        ];
        match numbers.into_iter().find(|(_, x)| !(x.is_finite() && *x >= 0.0)) {
            None => Ok(()),
            Some((name, value)) => Err(LstmError::BadOption {
                name,
                value,
                wanted: "finite and not negative",
            }),
        }
    }

    /// Steps of a fit with this lookback.
    #[must_use]
    pub fn steps_for(&self, lookback: usize) -> usize {
        if lookback == 1 { self.steps } else { self.long_steps }
    }

    /// Rows that member `member` learns from, and rows that it leaves out for validation.
    #[must_use]
    pub fn split(&self, rows: usize, member: usize) -> (Vec<usize>, Vec<usize>) {
        (0..rows).partition(|row| row / self.block_rows % self.fold_cycle != member % self.fold_cycle)
    }
}

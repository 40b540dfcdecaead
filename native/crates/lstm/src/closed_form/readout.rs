//! Reading a fitted encoder: features, and their derivatives by date, lag and factor.

use std::ops::Range;

use macrograd_simd::{Control, Real};

use super::features::gather_windows;
use super::form::FeatureForm;
use super::inputs::Inputs;
use crate::encoder::{Tape, encoder_forward, hidden_jacobian};
use crate::error::{LstmError, check_length};
use crate::sequences::Sequences;
use crate::weights::LstmWeights;

/// Windows whose hidden Jacobian lies in memory at a time.
const JACOBIAN_ROWS: usize = 64;

/// One member's map from inputs to features less their training mean, as plain data.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureMap<T> {
    /// L: length of the window.
    pub lookback: usize,
    /// The LSTM, one layer.
    pub weights: LstmWeights<T>,
    /// Lag filters as applied, `[lag][factor][filter]`.
    pub lag_filters: Vec<f64>,
    /// Lags that they reach.
    pub lag_count: usize,
    /// Filters.
    pub filters: usize,
    /// How the features follow from factors and hidden state.
    pub form: FeatureForm,
    /// Mean of the features over the training rows, one a feature; taken off.
    pub feature_mean: Vec<f64>,
}

/// Lags that a Jacobian keeps apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JacobianForm {
    /// Every lag that the window or the lag filters reach.
    Lags,
    /// Lag 0 alone.
    Contemporaneous,
    /// The sum over all lags.
    Cumulative,
}

/// Which derivatives are wanted.
#[derive(Debug, Clone, Copy)]
pub struct JacobianRequest<'a> {
    /// Lags.
    pub form: JacobianForm,
    /// Factors (columns of z) to differentiate by.
    pub targets: &'a [usize],
    /// Where given, the mean over the dates instead of one row a date; 1 where the factor is observed, `[date][target]`,
    /// as only such dates count.
    pub average: Option<&'a [u8]>,
}

impl<T: Real> FeatureMap<T> {
    /// K: features.
    #[must_use]
    pub fn features(&self, factors: usize) -> usize {
        self.form
            .features(factors, self.weights.shape().hidden_size, self.filters)
    }

    /// Lags that a Jacobian of the form [`JacobianForm::Lags`] has: a conditional map keeps lag 0 alone.
    #[must_use]
    pub fn lags(&self) -> usize {
        match self.form {
            FeatureForm::Level => self.lag_count.max(self.lookback),
            FeatureForm::Conditional => 1,
        }
    }

    /// Refuses parameters that do not fit the inputs.
    ///
    /// # Errors
    /// [`LstmError::ShapeMismatch`], [`LstmError::ZeroSize`], [`LstmError::NotFinite`].
    pub fn validate(&self, inputs: &Inputs<'_>) -> Result<(), LstmError> {
        inputs.validate()?;
        if self.lookback == 0 {
            return Err(LstmError::ZeroSize { name: "lookback" });
        }
        check_length("window_size", inputs.window_size, self.weights.shape().input_size)?;
        check_length(
            "lag_filters",
            self.lag_filters.len(),
            self.lag_count * inputs.factor_count * self.filters,
        )?;
        check_length(
            "feature_mean",
            self.feature_mean.len(),
            self.features(inputs.factor_count),
        )
    }

    /// Centred features of the dates `rows`, `[row][feature]` row-major.
    ///
    /// # Errors
    /// Those of [`FeatureMap::validate`] and [`encoder_forward`].
    pub fn compute(&self, inputs: &Inputs<'_>, rows: Range<usize>, control: &Control) -> Result<Vec<f64>, LstmError> {
        self.validate(inputs)?;
        let (factors, hidden) = (inputs.factor_count, self.weights.shape().hidden_size);
        let window: Vec<T> = inputs.window.iter().map(|&x| T::from_f64(x)).collect();
        let chosen: Vec<usize> = rows.clone().collect();
        let mut windows = Vec::new();
        let ends = (&chosen[..], self.form.delay());
        gather_windows(&window, inputs.window_size, ends, self.lookback, &mut windows);
        let mut last = vec![T::ZERO; rows.len() * hidden];
        let sequences = Sequences::new(&windows, rows.len(), self.lookback);
        encoder_forward(&self.weights, &sequences, &mut Tape::default(), &mut last, control)?;
        let mut out = Vec::with_capacity(rows.len() * self.feature_mean.len());
        for (row, hidden) in rows.zip(last.chunks(hidden)) {
            let z = &inputs.factors[row * factors..(row + 1) * factors];
            out.extend_from_slice(z);
            match self.form {
                FeatureForm::Level => {
                    out.extend(hidden.iter().map(|h| h.to_f64()));
                    out.extend((0..self.filters).map(|filter| self.filtered(inputs, row, filter)));
                }
                FeatureForm::Conditional => {
                    out.extend(z.iter().flat_map(|z| hidden.iter().map(move |h| z * h.to_f64())));
                }
            }
        }
        for features in out.chunks_mut(self.feature_mean.len()) {
            features
                .iter_mut()
                .zip(&self.feature_mean)
                .for_each(|(x, mean)| *x -= mean);
        }
        Ok(out)
    }

    /// One pooled lag filter at one date; dates before the first count as 0.
    fn filtered(&self, inputs: &Inputs<'_>, row: usize, filter: usize) -> f64 {
        let factors = inputs.factor_count;
        let mut sum = 0.0;
        for lag in 0..self.lag_count.min(row + 1) {
            for factor in 0..factors {
                let weight = self.lag_filters[(lag * factors + factor) * self.filters + filter];
                sum += weight * inputs.factors[(row - lag) * factors + factor];
            }
        }
        sum
    }

    /// Derivatives of the features of the dates `rows`, `[date][lag][target][feature]`; one date when averaged (NaN for
    /// a target that is observed at none of them). Those of a conditional map are with the state held: lag 0 alone.
    ///
    /// # Errors
    /// Those of [`FeatureMap::validate`], [`hidden_jacobian`] and [`encoder_forward`].
    pub fn jacobian(
        &self,
        inputs: &Inputs<'_>,
        rows: Range<usize>,
        request: JacobianRequest<'_>,
        control: &Control,
    ) -> Result<Vec<f64>, LstmError> {
        self.validate(inputs)?;
        let factors = inputs.factor_count;
        if let Some(&target) = request.targets.iter().find(|&&t| t >= factors) {
            return Err(LstmError::BadOption {
                name: "target",
                value: target as f64,
                wanted: "the index of a factor",
            });
        }
        if let Some(observed) = request.average {
            check_length("observed", observed.len(), rows.len() * request.targets.len())?;
        }
        let mut sink = Sink::new(self, request, factors, rows.len());
        let shape = self.weights.shape();
        let window: Vec<T> = inputs.window.iter().map(|&x| T::from_f64(x)).collect();
        let mut windows = Vec::new();
        let mut buffer = Vec::new();
        let mut tape = Tape::default();
        let per_row = match self.form {
            FeatureForm::Level => shape.hidden_size * self.lookback * shape.input_size,
            FeatureForm::Conditional => shape.hidden_size,
        };
        for start in rows.clone().step_by(JACOBIAN_ROWS) {
            let chunk: Vec<usize> = (start..rows.end.min(start + JACOBIAN_ROWS)).collect();
            let ends = (&chunk[..], self.form.delay());
            gather_windows(&window, inputs.window_size, ends, self.lookback, &mut windows);
            buffer.resize(chunk.len() * per_row, T::ZERO);
            let sequences = Sequences::new(&windows, chunk.len(), self.lookback);
            match self.form {
                FeatureForm::Level => hidden_jacobian(&self.weights, &sequences, &mut buffer, control)?,
                FeatureForm::Conditional => {
                    encoder_forward(&self.weights, &sequences, &mut tape, &mut buffer, control)?;
                }
            }
            for (i, values) in buffer.chunks(per_row).enumerate() {
                sink.add_date(start - rows.start + i, values);
            }
        }
        Ok(sink.finish())
    }
}

/// Gathers the derivatives of all dates in the wanted form.
struct Sink<'a, T> {
    map: &'a FeatureMap<T>,
    request: JacobianRequest<'a>,
    factors: usize,
    lags: usize,
    features: usize,
    /// `[date][lag][target][feature]`.
    values: Vec<f64>,
    /// Dates that count, one a target; for means.
    counts: Vec<f64>,
}

impl<'a, T: Real> Sink<'a, T> {
    fn new(map: &'a FeatureMap<T>, request: JacobianRequest<'a>, factors: usize, dates: usize) -> Self {
        let lags = match request.form {
            JacobianForm::Lags => map.lags(),
            JacobianForm::Contemporaneous | JacobianForm::Cumulative => 1,
        };
        let features = map.features(factors);
        let dates = if request.average.is_some() { 1 } else { dates };
        Self {
            map,
            request,
            factors,
            lags,
            features,
            values: vec![0.0; dates * lags * request.targets.len() * features],
            counts: vec![0.0; request.targets.len()],
        }
    }

    /// Adds one date; `hidden` is its hidden Jacobian `[unit][step][input]`, or the hidden state that its factors are
    /// multiplied by.
    fn add_date(&mut self, date: usize, hidden: &[T]) {
        let targets = self.request.targets;
        for (place, &factor) in targets.iter().enumerate() {
            if let Some(observed) = self.request.average {
                if observed[date * targets.len() + place] == 0 {
                    continue;
                }
                self.counts[place] += 1.0;
            }
            for lag in 0..self.map.lags() {
                let row = match self.request.form {
                    JacobianForm::Lags => lag,
                    JacobianForm::Contemporaneous if lag > 0 => break,
                    JacobianForm::Contemporaneous | JacobianForm::Cumulative => 0,
                };
                let date = if self.request.average.is_some() { 0 } else { date };
                let start = ((date * self.lags + row) * targets.len() + place) * self.features;
                self.add_lag(start, lag, factor, hidden);
            }
        }
    }

    fn add_lag(&mut self, start: usize, lag: usize, factor: usize, hidden: &[T]) {
        let map = self.map;
        let out = &mut self.values[start..start + self.features];
        if lag == 0 {
            out[factor] += 1.0;
        }
        let shape = map.weights.shape();
        if map.form == FeatureForm::Conditional {
            let products = &mut out[self.factors + factor * shape.hidden_size..][..shape.hidden_size];
            for (to, state) in products.iter_mut().zip(hidden) {
                *to += state.to_f64();
            }
            return;
        }
        if lag < map.lookback {
            let step = map.lookback - 1 - lag;
            for unit in 0..shape.hidden_size {
                let place = (unit * map.lookback + step) * shape.input_size + factor;
                out[self.factors + unit] += hidden[place].to_f64();
            }
        }
        if lag < map.lag_count {
            let weights = &map.lag_filters[(lag * self.factors + factor) * map.filters..][..map.filters];
            for (to, weight) in out[self.factors + shape.hidden_size..].iter_mut().zip(weights) {
                *to += weight;
            }
        }
    }

    fn finish(mut self) -> Vec<f64> {
        if self.request.average.is_some() {
            let row = self.features * self.counts.len();
            for (place, count) in self.counts.iter().enumerate() {
                for lag in 0..self.lags {
                    let start = lag * row + place * self.features;
                    for value in &mut self.values[start..start + self.features] {
                        *value = if *count > 0.0 { *value / count } else { f64::NAN };
                    }
                }
            }
        }
        self.values
    }
}

//! Heads that walk: the state-space form of the closed-form heads, filtered by one covariance recursion for all assets
//! of a group. Derivation: docs/derivations/kalman_heads.md.

use faer::{Mat, MatRef};

use crate::error::{LstmError, check_length};

/// Standardised innovation beyond which an observation counts as if at it (Huber 1964): one month of a crash does not
/// move a head further than this many SDs of what was expected.
const HUBER: f64 = 3.0;

/// Variances of heads `c_it` that walk on the factors (the first features) and stand still on all others.
#[derive(Debug, Clone, PartialEq)]
pub struct WalkModel {
    /// Covariance of the head before the first row, `[feature][feature]`.
    pub start: Mat<f64>,
    /// Variance of a step from one row to the next, one a factor.
    pub step: Vec<f64>,
}

impl WalkModel {
    /// From the covariance before the first row, `[feature][feature]` row-major.
    ///
    /// # Errors
    /// [`LstmError::ShapeMismatch`].
    pub fn from_flat(features: usize, start: &[f64], step: &[f64]) -> Result<Self, LstmError> {
        check_length("start", start.len(), features * features)?;
        check_length("step", step.len(), step.len().min(features))?;
        Ok(Self {
            start: Mat::from_fn(features, features, |i, j| start[i * features + j]),
            step: step.to_vec(),
        })
    }

    /// The covariance before the first row, `[feature][feature]` row-major.
    #[must_use]
    pub fn flat_start(&self) -> Vec<f64> {
        let size = self.start.nrows();
        (0..size * size).map(|i| self.start[(i / size, i % size)]).collect()
    }
}

/// What one group of series is filtered with: they are observed on the same rows, with the same noise.
#[derive(Debug, Clone, Copy)]
pub struct WalkRows<'a> {
    /// Features, `[row][feature]` row-major.
    pub features: &'a [f64],
    /// Noise variance of each row; NaN where nothing is observed.
    pub noise: &'a [f64],
}

/// States of several series with one covariance.
#[derive(Debug, Clone)]
pub struct WalkState {
    /// `[feature][series]`.
    pub heads: Vec<f64>,
    /// Covariance of every series' head.
    pub covariance: Mat<f64>,
    series: usize,
}

/// One step of a filter.
struct Gain {
    /// `P x / F`.
    gain: Vec<f64>,
    /// F: variance of the innovation.
    variance: f64,
}

impl WalkState {
    /// Before the first row: expected heads 0.
    #[must_use]
    pub fn new(model: &WalkModel, series: usize) -> Self {
        Self {
            heads: vec![0.0; model.start.nrows() * series],
            covariance: model.start.clone(),
            series,
        }
    }

    /// Head of one series.
    #[must_use]
    pub fn head(&self, series: usize) -> Vec<f64> {
        self.heads.iter().skip(series).step_by(self.series).copied().collect()
    }

    /// Takes one row of values, one a series, and returns its negative log-likelihood without `log(2 pi) / 2`; `errors`
    /// is scratch of one number a series.
    fn update(&mut self, x: &[f64], noise: f64, values: &[f64], errors: &mut [f64]) -> f64 {
        let Gain { gain, variance } = self.absorb(x, noise);
        errors.copy_from_slice(values);
        for (heads, &x) in self.heads.chunks(self.series).zip(x) {
            errors.iter_mut().zip(heads).for_each(|(e, head)| *e -= x * head);
        }
        let (mut loss, limit) = (0.5 * self.series as f64 * variance.ln(), HUBER * variance.sqrt());
        for error in errors.iter_mut() {
            let bounded = error.clamp(-limit, limit);
            loss += bounded.abs() * (error.abs() - 0.5 * bounded.abs()) / variance;
            *error = bounded;
        }
        for (heads, &gain) in self.heads.chunks_mut(self.series).zip(&gain) {
            heads.iter_mut().zip(&*errors).for_each(|(head, e)| *head += gain * e);
        }
        loss
    }

    /// `F = x'Px + noise`, gain `Px / F`, `P -= Px x'P / F`.
    fn absorb(&mut self, x: &[f64], noise: f64) -> Gain {
        let size = x.len();
        let mut reach = vec![0.0; size];
        for (j, &factor) in x.iter().enumerate() {
            let column = self.covariance.col(j);
            reach.iter_mut().zip(column.iter()).for_each(|(r, p)| *r += factor * p);
        }
        let variance = noise + x.iter().zip(&reach).map(|(x, r)| x * r).sum::<f64>();
        for j in 0..size {
            let factor = reach[j] / variance;
            let column = self.covariance.col_mut(j);
            column.iter_mut().zip(&reach).for_each(|(p, r)| *p -= factor * r);
        }
        reach.iter_mut().for_each(|r| *r /= variance);
        Gain { gain: reach, variance }
    }

    fn walk(&mut self, step: &[f64]) {
        for (j, q) in step.iter().enumerate() {
            self.covariance[(j, j)] += q;
        }
    }
}

/// Filters series through all rows: `values(row, out)` gives what is observed, one a series, for rows with a noise that is
/// a number; `seen` gets the row and the state after it. Returns the negative log-likelihood.
pub fn filter(
    model: &WalkModel,
    rows: WalkRows<'_>,
    series: usize,
    mut values: impl FnMut(usize, &mut [f64]),
    mut seen: impl FnMut(usize, &WalkState),
) -> f64 {
    let size = model.start.nrows();
    let mut state = WalkState::new(model, series);
    let (mut observed, mut errors) = (vec![0.0; series], vec![0.0; series]);
    let mut loss = 0.0;
    for (row, (x, &noise)) in rows.features.chunks(size).zip(rows.noise).enumerate() {
        if row > 0 {
            state.walk(&model.step);
        }
        if !noise.is_nan() {
            values(row, &mut observed);
            loss += state.update(x, noise, &observed, &mut errors);
        }
        seen(row, &state);
    }
    loss
}

/// Variance `x' P x` of every row x of `[row][feature]`.
#[must_use]
pub fn quadratic(covariance: MatRef<'_, f64>, x: &[f64]) -> f64 {
    let size = x.len();
    (0..size)
        .map(|j| x[j] * covariance.col(j).iter().zip(x).map(|(p, x)| p * x).sum::<f64>())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::closed_form::dense::{Spd, product};

    // Sums of 40 rank-one steps in f64 against one inverse of a 40 x 40 matrix.
    const ROUNDING: f64 = 1e-9;

    fn example() -> (WalkModel, Vec<f64>, Vec<f64>) {
        let (rows, size) = (40, 3);
        let wave = |i: usize, k: usize| ((1 + i * (2 * k + 3)) as f64 * 0.7).sin();
        let features = (0..rows * size).map(|i| wave(i / size, i % size)).collect();
        let values = (0..rows * 2).map(|i| 0.6 * wave(i / 2, 4 + i % 2)).collect();
        let start = faer::mat![[0.5, 0.1, 0.0], [0.1, 0.4, 0.05], [0.0, 0.05, 0.3]];
        let step = vec![0.02, 0.0];
        (WalkModel { start, step }, features, values)
    }

    #[test]
    fn the_last_state_is_the_mean_given_all_rows_of_the_joint_normal() {
        let (model, features, values) = example();
        let (rows, size) = (40, 3);
        let noise: Vec<f64> = (0..rows).map(|t| if t % 7 == 3 { f64::NAN } else { 0.2 }).collect();
        let used: Vec<usize> = (0..rows).filter(|&t| !noise[t].is_nan()).collect();
        // Cov(c_s, c_t) = start + min(s, t) diag(step); observations y_t = x_t'c_t + e_t.
        let between = |s: usize, t: usize| {
            let mut out = model.start.clone();
            (0..2).for_each(|j| out[(j, j)] += s.min(t) as f64 * model.step[j]);
            out
        };
        let x = |t: usize| Mat::from_fn(size, 1, |k, _| features[t * size + k]);
        let joint = Mat::from_fn(used.len(), used.len(), |i, j| {
            let moved = product(between(used[i], used[j]).as_ref(), x(used[j]).as_ref());
            product(x(used[i]).transpose(), moved.as_ref())[(0, 0)] + if i == j { 0.2 } else { 0.0 }
        });
        let with_last = Mat::from_fn(size, used.len(), |k, i| {
            product(between(used[i], rows - 1).as_ref(), x(used[i]).as_ref())[(k, 0)]
        });
        let inverse = Spd::new(joint.as_ref()).expect("positive definite").inverse;
        let weights = product(with_last.as_ref(), inverse.as_ref());
        let covariance = between(rows - 1, rows - 1) - product(weights.as_ref(), with_last.transpose());
        let mut last = None;
        let input = WalkRows {
            features: &features,
            noise: &noise,
        };
        let take = |row: usize, out: &mut [f64]| out.copy_from_slice(&values[2 * row..2 * row + 2]);
        filter(&model, input, 2, take, |_, state| last = Some(state.clone()));
        let last = last.expect("rows");
        for series in 0..2 {
            let y = Mat::from_fn(used.len(), 1, |i, _| values[2 * used[i] + series]);
            let expected = product(weights.as_ref(), y.as_ref());
            for (k, value) in last.head(series).iter().enumerate() {
                assert!(
                    (value - expected[(k, 0)]).abs() < ROUNDING,
                    "series {series}, feature {k}"
                );
            }
        }
        for i in 0..size {
            for j in 0..size {
                assert!((last.covariance[(i, j)] - covariance[(i, j)]).abs() < ROUNDING);
            }
        }
    }

    #[test]
    fn one_absurd_value_moves_a_head_no_further_than_three_sds_of_what_was_expected() {
        let (model, features, _) = example();
        let noise = vec![0.2; 40];
        let head = |value: f64| {
            let mut last = Vec::new();
            let input = WalkRows {
                features: &features[..3],
                noise: &noise[..1],
            };
            filter(
                &model,
                input,
                1,
                |_, out| out[0] = value,
                |_, state| last = state.head(0),
            );
            last
        };
        let x = &features[..3];
        let sd = (quadratic(model.start.as_ref(), x) + 0.2).sqrt();
        assert_eq!(head(1e6), head(10.0 * sd));
        assert!((head(1e6)[0] - head(3.0 * sd)[0]).abs() < ROUNDING);
        assert!(head(2.0 * sd)[0].abs() < head(3.0 * sd)[0].abs());
    }
}

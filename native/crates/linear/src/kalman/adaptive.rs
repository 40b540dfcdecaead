//! Noise that is not of one size: fat tails and moving volatility, by variance multipliers of every row.
//!
//! Given its multipliers an asset's model is Gaussian again. They are the fixed point of: filter with them; expected
//! squared noise of a row given data up to it, m_t = (y_t - x'b_t|t)^2 / s^2 + x'P_t|t x; new multipliers from m. No
//! multiplier depends on a later row, so the filter stays what was known at the time (variational filters: Saerkkae and
//! Nummenmaa 2009; Agamennoni, Nieto and Nebot 2012). docs/methods/kalman.md has the derivation.

use super::KalmanModel;
use super::path::Sums;
use super::recursion::{Recursion, Step, dot};
use super::states::States;
use crate::Panel;
use crate::panel::Group;
use crate::small::apply;
use crate::special::ln_gamma;

/// How an asset's noise behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KalmanNoise {
    /// Normal, of one variance.
    Gaussian,
    /// Student's t: an outlier moves the coefficients little.
    StudentT,
    /// Its logarithm's variance follows an autoregression: turbulent rows count less.
    StochasticVolatility,
}

/// Degrees of freedom that are tried, besides the normal.
const DEGREES: [f64; 5] = [3.0, 4.0, 6.0, 10.0, 30.0];

/// Step variances of log volatility that are tried, besides none.
const VOLATILITY_STEPS: [f64; 4] = [0.01, 0.03, 0.1, 0.3];

/// What is left of a deviation of log volatility in the next row.
const VOLATILITY_PERSISTENCE: f64 = 0.97;

/// Rounds of filter and multipliers; each row settles one round after the rows before it have, and hardly moves after
/// a few.
const ROUNDS: usize = 8;

/// Mean and variance of the logarithm of a squared standard normal (Harvey, Ruiz and Shephard 1994).
const LOG_SQUARE: (f64, f64) = (-1.270_362_845_461_478, 4.934_802_200_544_679);

/// Share of the mean square that keeps logarithms of tiny squares in bounds (Fuller 1996; Breidt and Carriquiry 1996).
const FULLER: f64 = 0.02;

/// The multipliers of one asset.
pub(super) struct Adapted {
    /// `[row]`, in units of s^2.
    pub noise: Vec<f64>,
    /// Of a plain row.
    unit: f64,
    /// s^2 of normal noise, in whose units the step variances are.
    plain: f64,
    /// Degrees of freedom, infinite = normal; or step variance of log volatility, 0 = constant.
    pub shape: f64,
    /// Sum of log predictive densities, with those of the diffuse rows.
    pub log_likelihood: f64,
}

/// One asset that is alone in its group.
pub(super) struct Adaption<'a> {
    pub panel: &'a Panel<'a>,
    pub group: &'a Group,
    pub model: &'a KalmanModel,
    pub kind: KalmanNoise,
}

/// Squares and prediction errors of one pass.
struct Pass {
    /// `[row]`: expected squared noise in units of the pass's s^2; NaN where no return or a diffuse row.
    squares: Vec<f64>,
    /// s^2 at its maximum.
    scale: f64,
    log_likelihood: f64,
}

/// Multipliers on their way to the fixed point. The step variances are in units of the s^2 that a normal noise has, so
/// s^2 is held there, and multipliers carry `unit`: the size of a plain row's noise against it.
struct Multipliers {
    noise: Vec<f64>,
    unit: f64,
}

impl Adaption<'_> {
    /// The shape with the largest predictive likelihood; `smoothed` multipliers use all data.
    pub(super) fn run(&self, smoothed: bool) -> Adapted {
        let mut best: Option<Adapted> = None;
        for &shape in self.shapes() {
            let found = self.forward(shape);
            if best
                .as_ref()
                .is_none_or(|best| found.log_likelihood > best.log_likelihood)
            {
                best = Some(found);
            }
        }
        // The first shape is always there.
        let best = best.unwrap_or_else(|| self.forward(self.shapes()[0]));
        if smoothed { self.backward(best) } else { best }
    }

    fn shapes(&self) -> &'static [f64] {
        const WITH_NORMAL: [f64; 6] = [
            f64::INFINITY,
            DEGREES[4],
            DEGREES[3],
            DEGREES[2],
            DEGREES[1],
            DEGREES[0],
        ];
        const WITH_CONSTANT: [f64; 5] = [
            0.0,
            VOLATILITY_STEPS[0],
            VOLATILITY_STEPS[1],
            VOLATILITY_STEPS[2],
            VOLATILITY_STEPS[3],
        ];
        match self.kind {
            KalmanNoise::StochasticVolatility => &WITH_CONSTANT,
            _ => &WITH_NORMAL,
        }
    }

    fn is_plain(&self, shape: f64) -> bool {
        shape == 0.0 || shape.is_infinite()
    }

    fn forward(&self, shape: f64) -> Adapted {
        let mut now = Multipliers {
            noise: vec![1.0; self.panel.rows],
            unit: 1.0,
        };
        let mut pass = self.pass(&now, shape, false);
        let plain = pass.scale;
        let rounds = if self.is_plain(shape) { 0 } else { ROUNDS };
        for _ in 0..rounds {
            now = self.next(&pass, &now, plain, shape, false);
            pass = self.pass(&now, shape, false);
        }
        Adapted {
            noise: now.noise,
            unit: now.unit,
            plain,
            shape,
            log_likelihood: pass.log_likelihood,
        }
    }

    /// Multipliers from squares given all data.
    fn backward(&self, from: Adapted) -> Adapted {
        let mut now = Multipliers {
            noise: from.noise,
            unit: from.unit,
        };
        let rounds = if self.is_plain(from.shape) { 0 } else { ROUNDS };
        for _ in 0..rounds {
            let pass = self.pass(&now, from.shape, true);
            now = self.next(&pass, &now, from.plain, from.shape, true);
        }
        Adapted {
            noise: now.noise,
            unit: now.unit,
            ..from
        }
    }

    fn next(&self, pass: &Pass, now: &Multipliers, plain: f64, shape: f64, smoothed: bool) -> Multipliers {
        let unit = now.unit * pass.scale / plain;
        let squares: Vec<f64> = pass
            .squares
            .iter()
            .map(|square| square * pass.scale / (plain * unit))
            .collect();
        let mut noise = self.multipliers(&squares, shape, smoothed);
        noise.iter_mut().for_each(|c| *c *= unit);
        Multipliers { noise, unit }
    }

    /// In units of a plain row's noise.
    fn multipliers(&self, squares: &[f64], shape: f64, smoothed: bool) -> Vec<f64> {
        match self.kind {
            KalmanNoise::Gaussian => vec![1.0; squares.len()],
            // E of a gamma mixing variable: (shape + 1) / (shape + m); its inverse multiplies the variance.
            KalmanNoise::StudentT => squares
                .iter()
                .map(|&m| if m.is_nan() { 1.0 } else { (shape + m) / (shape + 1.0) })
                .collect(),
            KalmanNoise::StochasticVolatility => volatility(squares, shape, smoothed),
        }
    }

    fn pass(&self, now: &Multipliers, shape: f64, smoothed: bool) -> Pass {
        let (panel, k, noise) = (self.panel, self.panel.columns, &now.noise);
        let recursion = Recursion::with_noise(panel, &self.group.observed, self.model, Some(noise.clone()));
        let states = States::<1>::filter(panel, &self.group.assets, &recursion, &self.model.initial_mean);
        let scale = Sums::of(&recursion).noise(states.squares[0]);
        let smoother = smoothed.then(|| (states.smooth(), recursion.smooth(true).covariance));
        let mut out = Pass {
            squares: vec![f64::NAN; panel.rows],
            scale,
            log_likelihood: 0.0,
        };
        for (row, step) in recursion.steps.iter().enumerate() {
            match *step {
                Step::Missing => continue,
                Step::Diffuse { variance } => out.log_likelihood -= 0.5 * (std::f64::consts::TAU * variance).ln(),
                Step::Regular { variance } => {
                    let error = states.errors[row][0];
                    out.log_likelihood += match self.kind {
                        // Before its own row is seen the multiplier of a t is that of a plain row.
                        KalmanNoise::StudentT => log_student(error, scale * (variance - noise[row] + now.unit), shape),
                        _ => log_normal(error, scale * variance),
                    };
                    let x = panel.design_row(row);
                    let (state, covariance) = match &smoother {
                        Some((state, covariance)) => (state, covariance),
                        None => (&states.filtered, &recursion.filtered),
                    };
                    let own = state[row * k..(row + 1) * k].iter().zip(x);
                    let left = panel.value(row, self.group.assets[0]) - own.map(|(b, x)| b[0] * x).sum::<f64>();
                    let spread = dot(x, &apply(&covariance[row * k * k..(row + 1) * k * k], x));
                    out.squares[row] = left * left / scale + spread;
                }
            }
        }
        out
    }
}

/// Variance multipliers of log volatility h, given rows before (or all rows): log m_t = h_t - 1.27 + noise of variance
/// pi^2 / 2 (Harvey, Ruiz and Shephard 1994).
fn volatility(squares: &[f64], step: f64, smoothed: bool) -> Vec<f64> {
    let seen = || squares.iter().filter(|m| !m.is_nan());
    let mean = seen().sum::<f64>() / seen().count().max(1) as f64;
    let offset = FULLER * mean;
    let phi = VOLATILITY_PERSISTENCE;
    let (mut h, mut p) = (0.0, step / (1.0 - phi * phi));
    let mut predicted = Vec::with_capacity(squares.len());
    let mut filtered = Vec::with_capacity(squares.len());
    for &m in squares {
        predicted.push((h, p));
        if !m.is_nan() {
            let shifted = m + offset;
            let value = shifted.ln() - offset / shifted - LOG_SQUARE.0;
            let gain = p / (p + LOG_SQUARE.1);
            h += gain * (value - h);
            p *= 1.0 - gain;
        }
        filtered.push((h, p));
        (h, p) = (phi * h, phi * phi * p + step);
    }
    if smoothed {
        // Rauch, Tung and Striebel (1965).
        for row in (0..squares.len().saturating_sub(1)).rev() {
            let (later, ahead) = (filtered[row + 1], predicted[row + 1]);
            let gain = filtered[row].1 * phi / ahead.1;
            filtered[row].0 += gain * (later.0 - ahead.0);
            filtered[row].1 += gain * gain * (later.1 - ahead.1);
        }
        predicted = filtered;
    }
    predicted.into_iter().map(|(h, p)| (h + 0.5 * p).exp()).collect()
}

fn log_normal(error: f64, variance: f64) -> f64 {
    -0.5 * ((std::f64::consts::TAU * variance).ln() + error * error / variance)
}

/// Of a t with the given squared scale.
fn log_student(error: f64, scale: f64, degrees: f64) -> f64 {
    if degrees.is_infinite() {
        return log_normal(error, scale);
    }
    let half = 0.5 * (degrees + 1.0);
    ln_gamma(half)
        - ln_gamma(0.5 * degrees)
        - 0.5 * (std::f64::consts::PI * degrees * scale).ln()
        - half * (error * error / (degrees * scale)).ln_1p()
}

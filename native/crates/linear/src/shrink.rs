use std::cell::RefCell;

use crate::lanes::LANES;
use crate::path::Output;
use crate::small::{apply, cholesky, forward_substitute, invert_spd, product, transpose};
use crate::stream::WindowRow;

/// Noise correlation between an asset and the market is held below this, so that the two observations of a
/// coefficient never contradict each other exactly (an asset that *is* the market).
const MAX_CORRELATION: f64 = 0.99;

/// What is believed of the coefficients at one row before looking at an asset: beta ~ N(m, diag tau2), m ~ N(0, diag
/// gamma2). K columns.
#[derive(Debug, Clone)]
pub(crate) struct Belief {
    /// Prior variance of beta: gamma2 + tau2.
    pub total: Vec<f64>,
    /// Prior variance of the market's coefficient and its covariance with beta: gamma2 + tau2 / N; 0 without a market.
    pub shared: Vec<f64>,
    /// The market's own regression; `None` for universes too small to have one.
    pub market: Option<MarketEvidence>,
}

/// The market's coefficients at one row, over all rows on which any asset is observed.
#[derive(Debug, Clone)]
pub(crate) struct MarketEvidence {
    pub coefficients: Vec<f64>,
    pub variance: f64,
    /// (X'WX)^-1 of the market's rows.
    pub inverse: Vec<f64>,
    /// (diag shared + variance sandwich)^-1, 0 for dropped columns.
    pub precision: Vec<f64>,
}

/// A belief made ready for all assets that miss the same rows.
pub(crate) struct Prepared<'a> {
    belief: &'a Belief,
    /// With A = diag shared, P = precision of the market's estimate b and C = covariance of the asset's and the
    /// market's estimates / covariance of their noise: A P A, C P A, C P C', A P b and C P b.
    apa: Vec<f64>,
    cpa: Vec<f64>,
    cpc: Vec<f64>,
    apb: Vec<f64>,
    cpb: Vec<f64>,
    scratch: RefCell<Scratch>,
}

/// Work space of one asset: T then its Cholesky factor, V then Y', and two vectors.
struct Scratch {
    t: Vec<f64>,
    v: Vec<f64>,
    surprise: Vec<f64>,
    prior_mean: Vec<f64>,
}

impl<'a> Prepared<'a> {
    pub(crate) fn new(belief: &'a Belief, window: &WindowRow) -> Self {
        let k = belief.total.len();
        let matrix = || vec![0.0; k * k];
        let vector = || vec![0.0; k];
        let scratch = Scratch {
            t: matrix(),
            v: matrix(),
            surprise: vector(),
            prior_mean: vector(),
        };
        let mut prepared = Self {
            belief,
            apa: matrix(),
            cpa: matrix(),
            cpc: matrix(),
            apb: vector(),
            cpb: vector(),
            scratch: RefCell::new(scratch),
        };
        if let Some(market) = &belief.market {
            prepared.condition_on(market, window);
        }
        prepared
    }

    fn condition_on(&mut self, market: &MarketEvidence, window: &WindowRow) {
        let shared = &self.belief.shared;
        let k = shared.len();
        // b_i = (X_i'W X_i)^-1 X_i'W y_i and the market's likewise: their noise meets on the asset's rows alone.
        let cross = product(
            &product(&window.solver.inverse, &window.squared_gram, k),
            &market.inverse,
            k,
        );
        let scaled = |rows: &[f64]| -> Vec<f64> { rows.iter().enumerate().map(|(at, x)| x * shared[at % k]).collect() };
        let cp = product(&cross, &market.precision, k);
        let ap = transpose(&scaled(&market.precision), k);
        self.apa = scaled(&ap);
        self.cpa = scaled(&cp);
        self.cpc = product(&cp, &transpose(&cross, k), k);
        self.apb = apply(&ap, &market.coefficients);
        self.cpb = apply(&cp, &market.coefficients);
    }

    /// Posterior mean and, where wanted, variance of one asset's coefficients given its own and the market's estimates.
    ///
    /// Joint normal model of beta, b_i = beta + noise and b_m = m + noise, the noises correlated:
    /// with X = A + s_im C (A = diag shared), T = Var(b_i | b_m) = diag total + s_i^2 S_i - X P X',
    /// V = Cov(beta, b_i | b_m) = diag total - A P X':
    /// E beta = A P b_m + V T^-1 (b_i - X P b_m), Var beta = diag total - A P A - V T^-1 V'.
    ///
    /// With T = L L' and Y = L^-1 V' the last terms are Y' L^-1 (...) and the columns' squares of Y.
    pub(crate) fn write(&self, output: &mut Output) {
        let k = output.coefficients.len();
        let kept = &output.window.solver.kept;
        let covariance = self.market_covariance(output);
        let mut scratch = self.scratch.borrow_mut();
        let Scratch {
            t,
            v,
            surprise,
            prior_mean,
        } = &mut *scratch;
        self.fill(output, covariance, t, v);
        if !cholesky(t, k) {
            // Not positive definite means no noise at all: the estimate is exact.
            return output.write_plain();
        }
        self.surprise(output, covariance, prior_mean, surprise);
        forward_substitute(t, surprise);
        for j in 0..k {
            let y = &mut v[j * k..(j + 1) * k];
            forward_substitute(t, y);
            let gain: f64 = y.iter().zip(&*surprise).map(|(y, s)| y * s).sum();
            output.coefficients[j] = if kept[j] { prior_mean[j] + gain } else { f64::NAN };
            if let Some(out) = output.variances.get_mut(j) {
                let posterior = self.belief.total[j] - self.apa[j * k + j] - y.iter().map(|y| y * y).sum::<f64>();
                *out = if kept[j] { posterior.max(0.0) } else { f64::NAN };
            }
        }
    }

    /// Lower triangle of T, and V, with columns that the asset can't tell apart kept out: they observe nothing.
    fn fill(&self, output: &Output, covariance: f64, t: &mut [f64], v: &mut [f64]) {
        let k = output.coefficients.len();
        let kept = &output.window.solver.kept;
        let variance = output.estimate.variance[output.lane].max(0.0);
        for i in 0..k {
            for j in 0..k {
                let at = i * k + j;
                let total = if i == j { self.belief.total[i] } else { 0.0 };
                // X P X' = APA + s (C P A + A P C') + s^2 C P C'; A P X' = APA + s (C P A)'.
                let turned = self.cpa[j * k + i];
                v[at] = if kept[j] {
                    total - self.apa[at] - covariance * turned
                } else {
                    0.0
                };
                if j <= i {
                    let mixed = self.cpa[at] + turned;
                    let xpx = self.apa[at] + covariance * (mixed + covariance * self.cpc[at]);
                    t[at] = match (kept[i] && kept[j], i == j) {
                        (true, _) => total + variance * output.window.sandwich[at] - xpx,
                        (false, diagonal) => f64::from(diagonal),
                    };
                }
            }
        }
    }

    /// s_im, from the correlation on the asset's own rows and the market's noise over all of its rows.
    fn market_covariance(&self, output: &Output) -> f64 {
        let Some(market) = &self.belief.market else { return 0.0 };
        let own = output.estimate.variance[output.lane].max(0.0);
        let scale = (own * output.window.market_variance).sqrt();
        if scale == 0.0 || scale.is_nan() {
            return 0.0;
        }
        let correlation = output.estimate.market_covariance[output.lane] / scale;
        correlation.clamp(-MAX_CORRELATION, MAX_CORRELATION) * (own * market.variance).sqrt()
    }

    /// Prior mean A P b_m, and b_i - X P b_m (0 for dropped columns).
    fn surprise(&self, output: &Output, covariance: f64, prior_mean: &mut [f64], surprise: &mut [f64]) {
        for (j, (mean, surprise)) in prior_mean.iter_mut().zip(surprise).enumerate() {
            *mean = self.apb[j];
            let own = output.estimate.coefficients[j * LANES + output.lane];
            *surprise = if output.window.solver.kept[j] {
                own - *mean - covariance * self.cpb[j]
            } else {
                0.0
            };
        }
    }
}

/// A variance and its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub variance: f64,
    pub error: f64,
}

/// Between-unit variance by the estimating equation sum u^2 / (tau2 + v) = degrees of freedom (Paule and Mandel 1982).
/// Pairs (u, v) are a deviation and its sampling variance; 0 when sampling alone explains the spread.
///
/// Its error is that of the likelihood's information at the estimate, 2 / sum (tau2 + v)^-2.
pub(crate) fn paule_mandel(pairs: &[(f64, f64)], degrees_of_freedom: f64) -> Spread {
    let largest = pairs.iter().fold(0.0_f64, |m, (u, _)| m.max(u * u));
    // An exact fit has v = 0; the floor keeps the first step finite and is far below any answer.
    let floor = 1e-12 * largest;
    let mut variance = 0.0;
    // The left side is convex and falls: Newton from 0 climbs to the root without overshooting.
    for _ in 0..200 {
        let (mut sum, mut slope) = (-degrees_of_freedom, 0.0);
        for &(u, v) in pairs {
            let total = variance + v.max(floor);
            sum += u * u / total;
            slope += (u / total).powi(2);
        }
        if sum.is_nan() || sum <= 0.0 || degrees_of_freedom <= 0.0 {
            break;
        }
        let step = sum / slope;
        variance += step;
        if step < 1e-10 * variance {
            break;
        }
    }
    let information: f64 = pairs.iter().map(|(_, v)| (variance + v.max(floor)).powi(-2)).sum();
    let error = if information > 0.0 {
        (2.0 / information).sqrt()
    } else {
        0.0
    };
    Spread { variance, error }
}

/// The inverse of `diag + variance * sandwich` over the kept columns, 0 elsewhere.
pub(crate) fn precision(diagonal: &[f64], variance: f64, window: &WindowRow) -> Option<Vec<f64>> {
    let k = diagonal.len();
    let kept = &window.solver.kept;
    let matrix: Vec<f64> = (0..k * k)
        .map(|at| {
            let (i, j) = (at / k, at % k);
            match (kept[i] && kept[j], i == j) {
                (true, same) => variance * window.sandwich[at] + if same { diagonal[i] } else { 0.0 },
                (false, same) => f64::from(same),
            }
        })
        .collect();
    let mut inverse = invert_spd(&matrix, k)?;
    for j in (0..k).filter(|&j| !kept[j]) {
        inverse[j * k + j] = 0.0;
    }
    Some(inverse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paule_mandel_solves_its_equation_and_is_zero_under_pure_sampling_noise() {
        let pairs = [(1.0, 0.2), (-2.0, 0.5), (0.5, 0.1), (1.5, 3.0)];
        let tau2 = paule_mandel(&pairs, 3.0).variance;
        let sum: f64 = pairs.iter().map(|(u, v)| u * u / (tau2 + v)).sum();
        assert!((sum - 3.0).abs() < 1e-8);
        let noise = paule_mandel(&[(0.1, 1.0), (-0.1, 1.0)], 1.0);
        assert_eq!((noise.variance, noise.error), (0.0, 1.0));
        // Equal sampling variances: mean square less sampling variance, in closed form.
        let equal = paule_mandel(&[(3.0, 1.0), (-3.0, 1.0)], 1.0).variance;
        assert!((equal - 17.0).abs() < 1e-8);
    }
}

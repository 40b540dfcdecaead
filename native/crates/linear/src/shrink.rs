use crate::lanes::LANES;
use crate::path::Output;
use crate::small::{apply, invert_spd, product, transpose};
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
    /// A P and C P, and their products with A and C': A = diag shared, P = precision of the market's estimate, C =
    /// covariance of the asset's and the market's estimates / covariance of their noise.
    ap: Vec<f64>,
    cp: Vec<f64>,
    apa: Vec<f64>,
    cpa: Vec<f64>,
    cpc: Vec<f64>,
}

impl<'a> Prepared<'a> {
    pub(crate) fn new(belief: &'a Belief, window: &WindowRow) -> Self {
        let k = belief.total.len();
        let Some(market) = &belief.market else {
            let zero = || vec![0.0; k * k];
            return Self {
                belief,
                ap: zero(),
                cp: zero(),
                apa: zero(),
                cpa: zero(),
                cpc: zero(),
            };
        };
        // b_i = (X_i'W X_i)^-1 X_i'W y_i and the market's likewise: their noise meets on the asset's rows alone.
        let cross = product(
            &product(&window.solver.inverse, &window.squared_gram, k),
            &market.inverse,
            k,
        );
        let scaled = |rows: &[f64]| -> Vec<f64> {
            rows.iter()
                .enumerate()
                .map(|(at, x)| x * belief.shared[at % k])
                .collect()
        };
        let ap = transpose(&scaled(&market.precision), k);
        let cp = product(&cross, &market.precision, k);
        let cpc = product(&cp, &transpose(&cross, k), k);
        Self {
            belief,
            apa: scaled(&ap),
            cpa: scaled(&cp),
            ap,
            cp,
            cpc,
        }
    }

    /// Posterior mean and variance of one asset's coefficients given its own and the market's estimates.
    ///
    /// Joint normal model of beta, b_i = beta + noise and b_m = m + noise, the noises correlated:
    /// with X = A + s_im C (A = diag shared), T = Var(b_i | b_m) = diag total + s_i^2 S_i - X P X',
    /// V = Cov(beta, b_i | b_m) = diag total - A P X':
    /// E beta = A P b_m + V T^-1 (b_i - X P b_m), Var beta = diag total - A P A - V T^-1 V'.
    pub(crate) fn write(&self, output: &mut Output) {
        let k = output.coefficients.len();
        let (window, lane) = (output.window, output.lane);
        let kept = &window.solver.kept;
        let variance = output.estimate.variance[lane].max(0.0);
        let covariance = self.market_covariance(output);
        let mut t = vec![0.0; k * k];
        let mut v = vec![0.0; k * k];
        for i in 0..k {
            for j in 0..k {
                let at = i * k + j;
                let total = if i == j { self.belief.total[i] } else { 0.0 };
                // X P X' = APA + s (C P A + A P C') + s^2 C P C'; A P X' = APA + s (C P A)'.
                let mixed = self.cpa[at] + self.cpa[j * k + i];
                let xpx = self.apa[at] + covariance * mixed + covariance * covariance * self.cpc[at];
                v[at] = total - self.apa[at] - covariance * self.cpa[j * k + i];
                t[at] = match (kept[i] && kept[j], i == j) {
                    (true, _) => total + variance * window.sandwich[at] - xpx,
                    // A dropped column observes nothing: an identity row keeps it out of the solution.
                    (false, diagonal) => f64::from(diagonal),
                };
            }
        }
        let Some(inverse) = invert_spd(&t, k) else {
            // Not positive definite means no noise at all: the estimate is exact.
            return output.write_plain();
        };
        let (prior_mean, surprise) = self.surprise(output, covariance);
        let gain = apply(&v, &apply(&inverse, &surprise));
        for (j, out) in output.coefficients.iter_mut().enumerate() {
            *out = if kept[j] { prior_mean[j] + gain[j] } else { f64::NAN };
        }
        // Columns of V that belong to dropped columns carry no observation.
        for (at, v) in v.iter_mut().enumerate() {
            if !kept[at % k] {
                *v = 0.0;
            }
        }
        let vt = product(&v, &inverse, k);
        for (j, out) in output.variances.iter_mut().enumerate() {
            let explained: f64 = (0..k).map(|l| vt[j * k + l] * v[j * k + l]).sum();
            let posterior = self.belief.total[j] - self.apa[j * k + j] - explained;
            *out = if kept[j] { posterior.max(0.0) } else { f64::NAN };
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
    fn surprise(&self, output: &Output, covariance: f64) -> (Vec<f64>, Vec<f64>) {
        let k = output.coefficients.len();
        let own = |j: usize| output.estimate.coefficients[j * LANES + output.lane];
        let (prior_mean, common) = match &self.belief.market {
            Some(market) => (
                apply(&self.ap, &market.coefficients),
                apply(&self.cp, &market.coefficients),
            ),
            None => (vec![0.0; k], vec![0.0; k]),
        };
        let surprise = (0..k)
            .map(|j| {
                if output.window.solver.kept[j] {
                    own(j) - prior_mean[j] - covariance * common[j]
                } else {
                    0.0
                }
            })
            .collect();
        (prior_mean, surprise)
    }
}

/// Between-unit variance by the estimating equation sum u^2 / (tau2 + v) = degrees of freedom (Paule and Mandel 1982).
/// Pairs (u, v) are a deviation and its sampling variance; 0 when sampling alone explains the spread.
pub(crate) fn paule_mandel(pairs: &[(f64, f64)], degrees_of_freedom: f64) -> f64 {
    let largest = pairs.iter().fold(0.0_f64, |m, (u, _)| m.max(u * u));
    if largest == 0.0 || degrees_of_freedom <= 0.0 {
        return 0.0;
    }
    // An exact fit has v = 0; the floor keeps the first step finite and is far below any answer.
    let floor = 1e-12 * largest;
    let mut tau2 = 0.0;
    // The left side is convex and falls: Newton from 0 climbs to the root without overshooting.
    for _ in 0..200 {
        let (mut sum, mut slope) = (-degrees_of_freedom, 0.0);
        for &(u, v) in pairs {
            let total = tau2 + v.max(floor);
            sum += u * u / total;
            slope += (u / total).powi(2);
        }
        if sum <= 0.0 {
            break;
        }
        let step = sum / slope;
        tau2 += step;
        if step < 1e-10 * tau2 {
            break;
        }
    }
    tau2
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
        let tau2 = paule_mandel(&pairs, 3.0);
        let sum: f64 = pairs.iter().map(|(u, v)| u * u / (tau2 + v)).sum();
        assert!((sum - 3.0).abs() < 1e-8);
        assert_eq!(paule_mandel(&[(0.1, 1.0), (-0.1, 1.0)], 1.0), 0.0);
        // Equal sampling variances: mean square less sampling variance, in closed form.
        let equal = paule_mandel(&[(3.0, 1.0), (-3.0, 1.0)], 1.0);
        assert!((equal - 17.0).abs() < 1e-8);
    }
}

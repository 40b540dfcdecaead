use crate::small::invert_spd;
use crate::stream::WindowRow;

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
    // The reciprocal of the left side is concave, rises, and is straight for equal v: Newton on it climbs from 0 to the root
    // without overshooting, in a few steps.
    for _ in 0..200 {
        let (mut sum, mut slope) = (0.0, 0.0);
        for &(u, v) in pairs {
            let ratio = u / (variance + v.max(floor));
            sum += u * ratio;
            slope += ratio * ratio;
        }
        if sum.is_nan() || sum <= degrees_of_freedom || degrees_of_freedom <= 0.0 {
            break;
        }
        let step = (sum - degrees_of_freedom) / slope * (sum / degrees_of_freedom);
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

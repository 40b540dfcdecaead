/// Lags of the automatic Newey-West rule: floor(4 (n / 100)^(2/9)) (Newey and West 1994; n observations).
pub fn automatic_lags(observations: usize) -> usize {
    (4.0 * (observations as f64 / 100.0).powf(2.0 / 9.0)).floor() as usize
}

/// Long-run covariance of scores `[row][column]`, Bartlett kernel (Newey and West 1987):
/// S = sum over |l| <= L of (1 - |l| / (L + 1)) sum_t u_t u_{t-l}'. Symmetric, `[column][column]`.
///
/// Rows are taken as neighbours even where missing rows lay between them (Datta and Du 2012, "equal spacing").
///
/// ```
/// // One column, one lag: 1 + 4 + 2 * (1/2) * (1 * 2).
/// assert_eq!(macrograd_linear::hac_covariance(&[1.0, 2.0], 1, 1), [7.0]);
/// ```
pub fn hac_covariance(scores: &[f64], columns: usize, lags: usize) -> Vec<f64> {
    bartlett(scores, columns, (lags + 1) as f64)
}

/// As [`hac_covariance`] for a bandwidth that need not be an integer: weights 1 - |l| / bandwidth while positive.
pub(crate) fn bartlett(scores: &[f64], columns: usize, bandwidth: f64) -> Vec<f64> {
    let k = columns;
    let rows = scores.len() / k.max(1);
    let mut sum = vec![0.0; k * k];
    for lag in 0..rows {
        let weight = 1.0 - lag as f64 / bandwidth.max(1.0);
        if weight <= 0.0 {
            break;
        }
        // Lag 0 enters once, the others with their transpose: half of it here, symmetrised below.
        let weight = if lag == 0 { weight / 2.0 } else { weight };
        for (late, early) in scores[lag * k..].chunks_exact(k).zip(scores.chunks_exact(k)) {
            for (i, u) in late.iter().enumerate() {
                let u = weight * u;
                for (cell, v) in sum[i * k..(i + 1) * k].iter_mut().zip(early) {
                    *cell += u * v;
                }
            }
        }
    }
    (0..k * k).map(|at| sum[at] + sum[(at % k) * k + at / k]).collect()
}

/// A first-order autocorrelation is not taken as larger than this (Andrews and Monahan 1992): the bandwidth would
/// explode.
const LARGEST_AUTOCORRELATION: f64 = 0.97;

/// Bandwidth of the Bartlett kernel by Andrews' (1991) plug-in, 1.1447 (alpha n)^(1/3), from first-order
/// autoregressions of the scores `[column][row]`, each with weight 1:
/// alpha = sum 4 rho^2 s^4 / ((1 - rho)^6 (1 + rho)^2) / sum s^4 / (1 - rho)^4.
pub fn andrews_bandwidth(scores: &[Vec<f64>]) -> f64 {
    let (mut above, mut below) = (0.0, 0.0);
    let mut rows = 0;
    for u in scores {
        rows = u.len();
        let before: f64 = u[..rows.saturating_sub(1)].iter().map(|x| x * x).sum();
        let with_next: f64 = u.windows(2).map(|pair| pair[0] * pair[1]).sum();
        if before == 0.0 {
            continue;
        }
        let rho = (with_next / before).clamp(-LARGEST_AUTOCORRELATION, LARGEST_AUTOCORRELATION);
        let innovations: f64 = u.windows(2).map(|pair| (pair[1] - rho * pair[0]).powi(2)).sum();
        let s4 = (innovations / (rows - 1) as f64).powi(2);
        above += 4.0 * rho * rho * s4 / ((1.0 - rho).powi(6) * (1.0 + rho).powi(2));
        below += s4 / (1.0 - rho).powi(4);
    }
    if below == 0.0 {
        return 1.0;
    }
    1.1447 * (above / below * rows as f64).cbrt()
}

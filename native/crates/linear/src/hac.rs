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
    let k = columns;
    let rows = scores.len() / k.max(1);
    let mut sum = vec![0.0; k * k];
    for lag in 0..=lags.min(rows.saturating_sub(1)) {
        let weight = 1.0 - lag as f64 / (lags + 1) as f64;
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

//! How many independent assets residuals are worth.

use faer::{Mat, MatRef};

use super::climb::inverse;
use super::{multiply, times};
use crate::Panel;
use crate::heads::moments::Pattern;

/// Ridge on the features, as a share of their mean square: collinear ones share what lies in both.
const RIDGE: f64 = 1e-3;

/// Fewest rows beyond the features.
const LEAST_FREEDOM: f64 = 20.0;

/// Independent ones among the N - 1 deviations from the assets' mean, as a share: participation ratio (tr S)^2 / tr(S^2) of
/// the covariance S of their residuals on all features (ridge) over N - 1, tr(S^2) less (tr S)^2 / d, which independent
/// residuals on d free rows have by chance. At most 1; 1 where there are fewer than three assets or 20 free rows.
///
/// Sectors that move together say the same several times, and their common shocks pass for shapes of the features.
pub(super) fn effective_share(panel: &Panel, pattern: &Pattern) -> f64 {
    let (k, assets) = (panel.columns, pattern.assets.len());
    if assets < 3 {
        return 1.0;
    }
    let size = (0..k).map(|j| pattern.gram[j * k + j]).sum::<f64>() / k as f64;
    let gram = Mat::from_fn(k, k, |i, j| pattern.gram[i * k + j]);
    let ridged = Mat::from_fn(k, k, |i, j| gram[(i, j)] + if i == j { RIDGE * size } else { 0.0 });
    let Some(pull) = inverse(ridged.as_ref()) else {
        return 1.0;
    };
    let fitted = multiply(pull.as_ref(), gram.as_ref());
    let freedom = pattern.freedom - (0..k).map(|j| fitted[(j, j)]).sum::<f64>();
    if freedom < LEAST_FREEDOM {
        return 1.0;
    }
    let residuals = residuals(panel, pattern, pull.as_ref());
    let products = if residuals.nrows() < assets {
        multiply(residuals.as_ref(), residuals.transpose())
    } else {
        multiply(residuals.transpose(), residuals.as_ref())
    };
    let trace: f64 = (0..products.nrows()).map(|i| products[(i, i)]).sum();
    let square: f64 = products.col_iter().map(|c| c.iter().map(|x| x * x).sum::<f64>()).sum();
    let beyond_chance = square - trace * trace / freedom;
    let all = trace * trace / (assets - 1) as f64;
    if beyond_chance > all { all / beyond_chance } else { 1.0 }
}

/// `[row][asset]` of the pattern: deviations from the assets' mean less their ridge regression.
fn residuals(panel: &Panel, pattern: &Pattern, pull: MatRef<'_, f64>) -> Mat<f64> {
    let (k, assets) = (panel.columns, pattern.assets.len());
    let mut out: Mat<f64> = Mat::zeros(pattern.rows.len(), assets);
    for (at, &row) in pattern.rows.iter().enumerate() {
        for (local, &asset) in pattern.assets.iter().enumerate() {
            out[(at, local)] = panel.value(row, asset) - pattern.return_mean[local];
        }
        let mean = (0..assets).map(|local| out[(at, local)]).sum::<f64>() / assets as f64;
        (0..assets).for_each(|local| out[(at, local)] -= mean);
    }
    let features = Mat::from_fn(pattern.rows.len(), k, |at, j| {
        panel.design_row(pattern.rows[at])[j] - pattern.feature_mean[j]
    });
    for local in 0..assets {
        let head = times(pull, &pattern.deviation_moments[local * k..(local + 1) * k]);
        let fitted = times(features.as_ref(), &head);
        fitted
            .iter()
            .enumerate()
            .for_each(|(at, fitted)| out[(at, local)] -= fitted);
    }
    out
}

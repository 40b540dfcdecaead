//! Where the components start: the leading directions of ridge regressions on them.

use faer::{Mat, Side};

use super::climb::inverse;
use super::{Moments, multiply};

/// Ridge on features of about unit variance, as a share of the rows.
const RIDGE: f64 = 0.05;

/// `[component feature][component]`, each component of unit variance over the rows of the pattern with the most assets;
/// `own` features come before. `None` where no eigenvectors are found.
pub(super) fn start(moments: &Moments, own: usize, components: usize) -> Option<Mat<f64>> {
    let count = moments.mean.len() - own;
    let rows = moments.freedom + 1.0;
    let gram = moments.gram.submatrix(own, own, count, count);
    let mean_size = (0..count).map(|j| gram[(j, j)]).sum::<f64>() / count as f64;
    let on_diagonal = |by: f64| {
        Mat::from_fn(count, count, |i, j| {
            gram[(i, j)] + if i == j { by * mean_size } else { 0.0 }
        })
    };
    let pull = inverse(on_diagonal(RIDGE).as_ref())?;
    let second = Mat::from_fn(count, count, |i, j| {
        moments.spread[(own + i, own + j)] + moments.assets * moments.mean[own + i] * moments.mean[own + j]
    });
    // Second moments of the ridge coefficients, in coordinates in which functions have unit variance.
    let lower = on_diagonal(1e-8).llt(Side::Lower).ok()?.L().to_owned();
    let left = multiply(lower.transpose(), pull.as_ref());
    let turned = multiply(multiply(left.as_ref(), second.as_ref()).as_ref(), left.transpose());
    let eigen = turned.self_adjoint_eigen(Side::Lower).ok()?;
    // Ascending: the last ones lead. Theta = L^-T u.
    let leading = Mat::from_fn(count, components, |i, k| eigen.U()[(i, count - 1 - k)]);
    let mut theta = leading;
    for k in 0..components {
        for i in (0..count).rev() {
            let rest: f64 = (i + 1..count).map(|j| lower[(j, i)] * theta[(j, k)]).sum();
            theta[(i, k)] = (theta[(i, k)] - rest) / lower[(i, i)];
        }
    }
    for k in 0..components {
        for i in 0..count {
            theta[(i, k)] *= rows.sqrt();
        }
    }
    let finite = theta.col_iter().all(|c| c.iter().all(|x| x.is_finite()));
    finite.then_some(theta)
}

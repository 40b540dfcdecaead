//! The chain itself: ergodic law, logits of the transition probabilities, and their derivatives.

/// Ergodic law of a transition matrix `[from][to]`, and Z = (I - P + 1 pi')^-1, `[row][column]`: the law moves by
/// pi' dP Z when the matrix does (Schweitzer 1968).
pub(super) fn ergodic(transition: &[f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    // pi'(I - P + 1 1') = 1'.
    let base: Vec<f64> = (0..n * n)
        .map(|at| f64::from(u8::from(at / n == at % n)) - transition[at])
        .collect();
    let with_ones: Vec<f64> = base.iter().map(|x| x + 1.0).collect();
    let inverse = invert(&with_ones, n);
    let law: Vec<f64> = (0..n).map(|j| (0..n).map(|i| inverse[i * n + j]).sum()).collect();
    let fundamental: Vec<f64> = (0..n * n).map(|at| base[at] + law[at % n]).collect();
    let z = invert(&fundamental, n);
    (law, z)
}

/// Inverse of a small general matrix by Gauss-Jordan elimination with row pivoting.
fn invert(a: &[f64], n: usize) -> Vec<f64> {
    let mut left = a.to_vec();
    let mut right: Vec<f64> = (0..n * n).map(|at| f64::from(u8::from(at / n == at % n))).collect();
    for column in 0..n {
        let pivot = (column..n)
            .max_by(|&i, &j| left[i * n + column].abs().total_cmp(&left[j * n + column].abs()))
            .unwrap_or(column);
        for j in 0..n {
            left.swap(column * n + j, pivot * n + j);
            right.swap(column * n + j, pivot * n + j);
        }
        let scale = 1.0 / left[column * n + column];
        for j in 0..n {
            left[column * n + j] *= scale;
            right[column * n + j] *= scale;
        }
        for i in (0..n).filter(|&i| i != column) {
            let factor = left[i * n + column];
            for j in 0..n {
                left[i * n + j] -= factor * left[column * n + j];
                right[i * n + j] -= factor * right[column * n + j];
            }
        }
    }
    right
}

/// Transition probabilities of logits `[from][to - 1]`; staying has logit 0, so that a start of zeros has no memory.
pub(super) fn from_logits(logits: &[f64], n: usize) -> Vec<f64> {
    let mut out = Vec::with_capacity(n * n);
    for (from, row) in logits.chunks_exact(n - 1).enumerate() {
        let mut all: Vec<f64> = row.to_vec();
        all.insert(from, 0.0);
        let largest = all.iter().fold(f64::NEG_INFINITY, |m, &x| m.max(x));
        let sum: f64 = all.iter().map(|x| (x - largest).exp()).sum();
        out.extend(all.iter().map(|x| (x - largest).exp() / sum));
    }
    out
}

/// Inverse of [`from_logits`].
pub(super) fn to_logits(transition: &[f64], n: usize) -> Vec<f64> {
    let mut out = Vec::with_capacity(n * (n - 1));
    for (from, row) in transition.chunks_exact(n).enumerate() {
        let leaving = row.iter().enumerate().filter(|&(to, _)| to != from);
        out.extend(leaving.map(|(_, p)| (p / row[from]).ln()));
    }
    out
}

/// Derivatives by the logits, from derivatives by the probabilities.
pub(super) fn logit_gradient(transition: &[f64], by_probability: &[f64], n: usize) -> Vec<f64> {
    let mut out = Vec::with_capacity(n * (n - 1));
    for (from, (row, gradient)) in transition
        .chunks_exact(n)
        .zip(by_probability.chunks_exact(n))
        .enumerate()
    {
        let mean: f64 = row.iter().zip(gradient).map(|(p, g)| p * g).sum();
        let leaving = (0..n).filter(|&to| to != from);
        out.extend(leaving.map(|to| row[to] * (gradient[to] - mean)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ergodic_law_stays_and_moves_as_its_derivative_says() {
        let logits = [-1.0, -2.0, -0.5, -1.5, -3.0, -0.7];
        let transition = from_logits(&logits, 3);
        let (law, z) = ergodic(&transition, 3);
        for j in 0..3 {
            let next: f64 = (0..3).map(|i| law[i] * transition[i * 3 + j]).sum();
            assert!((next - law[j]).abs() < 1e-15);
        }
        for (back, logit) in to_logits(&transition, 3).iter().zip(&logits) {
            assert!((back - logit).abs() < 1e-14);
        }
        // Along a change of the first row that keeps its sum; error of a central difference 1e-10.
        let moved = |step: f64| {
            let mut changed = transition.clone();
            changed[0] += step;
            changed[1] -= step;
            ergodic(&changed, 3).0
        };
        let (up, down) = (moved(1e-5), moved(-1e-5));
        for j in 0..3 {
            let expected = law[0] * (z[j] - z[3 + j]);
            assert!(((up[j] - down[j]) / 2e-5 - expected).abs() < 1e-9);
        }
    }
}

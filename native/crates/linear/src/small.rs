//! Dense linear algebra on K x K matrices, row-major, K up to a few dozen.

/// Sums that a product is added up in: independent additions, and one vector register or more of them.
const PARTS: usize = 8;

/// Inner product, in [`PARTS`] sums whatever the processor.
#[inline(always)]
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a, a_rest) = a.as_chunks::<PARTS>();
    let (b, b_rest) = b.as_chunks::<PARTS>();
    let mut sums = [0.0; PARTS];
    for (a, b) in a.iter().zip(b) {
        for part in 0..PARTS {
            sums[part] += a[part] * b[part];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f64>() + rest
}

/// Overwrites the lower triangle of a symmetric positive definite matrix with its Cholesky factor; false, and
/// rubbish in the matrix, when it is not positive definite. The upper triangle is neither read nor written.
pub(crate) fn cholesky(a: &mut [f64], n: usize) -> bool {
    for i in 0..n {
        let (above, row) = a.split_at_mut(i * n);
        for j in 0..i {
            let factor = &above[j * n..j * n + n];
            let sum: f64 = row[..j].iter().zip(factor).map(|(x, y)| x * y).sum();
            row[j] = (row[j] - sum) / factor[j];
        }
        let rest = row[i] - row[..i].iter().map(|x| x * x).sum::<f64>();
        if rest.is_nan() || rest <= 0.0 {
            return false;
        }
        row[i] = rest.sqrt();
    }
    true
}

/// x <- L^-1 x for a lower triangular L.
pub(crate) fn forward_substitute(l: &[f64], x: &mut [f64]) {
    let n = x.len();
    for i in 0..n {
        let sum: f64 = l[i * n..i * n + i].iter().zip(&*x).map(|(l, x)| l * x).sum();
        x[i] = (x[i] - sum) / l[i * n + i];
    }
}

/// Inverse of a symmetric positive definite matrix through Cholesky; `None` when it is not.
pub(crate) fn invert_spd(a: &[f64], n: usize) -> Option<Vec<f64>> {
    let mut l = a.to_vec();
    if !cholesky(&mut l, n) {
        return None;
    }
    // m = L^-1, row by row: m_i = (e_i - sum over k < i of l_ik m_k) / l_ii.
    let mut m = vec![0.0; n * n];
    for i in 0..n {
        let (above, row) = m.split_at_mut(i * n);
        let scale = 1.0 / l[i * n + i];
        for (l, above) in l[i * n..i * n + i].iter().zip(above.chunks_exact(n)) {
            row[..i].iter_mut().zip(above).for_each(|(sum, m)| *sum -= l * m);
        }
        row[..i].iter_mut().for_each(|sum| *sum *= scale);
        row[i] = scale;
    }
    // a^-1 = L^-T L^-1 = sum over k of m_k m_k'.
    let mut inverse = vec![0.0; n * n];
    for (k, row) in m.chunks_exact(n.max(1)).enumerate() {
        for (i, &own) in row[..=k].iter().enumerate() {
            inverse[i * n..i * n + k + 1]
                .iter_mut()
                .zip(row)
                .for_each(|(sum, other)| *sum += own * other);
        }
    }
    Some(inverse)
}

/// a b for n x n matrices.
#[inline(always)]
pub(crate) fn product(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
    let mut out = vec![0.0; n * n];
    for (i, out) in out.chunks_exact_mut(n.max(1)).enumerate() {
        for k in 0..n {
            let x = a[i * n + k];
            for (out, b) in out.iter_mut().zip(&b[k * n..(k + 1) * n]) {
                *out += x * b;
            }
        }
    }
    out
}

/// The transpose of an n x n matrix.
pub(crate) fn transpose(a: &[f64], n: usize) -> Vec<f64> {
    (0..n * n).map(|at| a[(at % n) * n + at / n]).collect()
}

/// a x for an n x n matrix.
#[inline(always)]
pub(crate) fn apply(a: &[f64], x: &[f64]) -> Vec<f64> {
    a.chunks_exact(x.len().max(1))
        .map(|row| row.iter().zip(x).map(|(a, x)| a * x).sum())
        .collect()
}

/// Trace of a b.
pub(crate) fn trace_product(a: &[f64], b: &[f64], n: usize) -> f64 {
    (0..n)
        .map(|i| (0..n).map(|k| a[i * n + k] * b[k * n + i]).sum::<f64>())
        .sum()
}

/// Largest absolute row sum.
pub(crate) fn infinity_norm(a: &[f64], n: usize) -> f64 {
    a.chunks_exact(n.max(1))
        .map(|row| row.iter().map(|x| x.abs()).sum())
        .fold(0.0, f64::max)
}

/// Singular values, descending, of a row-major n x n matrix, by one-sided Jacobi rotations (Hestenes 1958): small
/// ones keep their digits.
pub(crate) fn singular_values(a: &[f64], n: usize) -> Vec<f64> {
    let mut columns: Vec<Vec<f64>> = (0..n).map(|j| (0..n).map(|i| a[i * n + j]).collect()).collect();
    // Convergence is quadratic: 6 to 10 sweeps in practice.
    for _ in 0..40 {
        let mut rotated = false;
        for p in 0..n {
            for q in p + 1..n {
                let (head, tail) = columns.split_at_mut(q);
                rotated |= orthogonalise(&mut head[p], &mut tail[0]);
            }
        }
        if !rotated {
            break;
        }
    }
    let mut values: Vec<f64> = columns
        .iter()
        .map(|column| column.iter().map(|x| x * x).sum::<f64>().sqrt())
        .collect();
    values.sort_by(|a, b| b.total_cmp(a));
    values
}

fn orthogonalise(x: &mut [f64], y: &mut [f64]) -> bool {
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in x.iter().zip(y.iter()) {
        xx += x * x;
        yy += y * y;
        xy += x * y;
    }
    if xy.abs() <= f64::EPSILON * (xx * yy).sqrt() {
        return false;
    }
    let zeta = (yy - xx) / (2.0 * xy);
    let t = zeta.signum() / (zeta.abs() + (1.0 + zeta * zeta).sqrt());
    let c = 1.0 / (1.0 + t * t).sqrt();
    for (x, y) in x.iter_mut().zip(y.iter_mut()) {
        (*x, *y) = (c * (*x - t * *y), c * (t * *x + *y));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverse_times_matrix_is_the_identity() {
        let a = [4.0, 1.0, 0.5, 1.0, 3.0, -0.2, 0.5, -0.2, 2.0];
        let inverse = invert_spd(&a, 3).expect("positive definite");
        for (at, value) in product(&a, &inverse, 3).iter().enumerate() {
            assert!((value - f64::from(at % 4 == 0)).abs() < 1e-15);
        }
        assert!(invert_spd(&[1.0, 2.0, 2.0, 1.0], 2).is_none());
    }

    #[test]
    fn singular_values_of_a_badly_scaled_triangle_keep_their_digits() {
        // Product of the singular values = |determinant|, sum of squares = Frobenius norm squared.
        let a = [1.0, 1.0, 0.0, 1e-9];
        let values = singular_values(&a, 2);
        assert!((values[0] * values[1] / 1e-9 - 1.0).abs() < 1e-14);
        assert!((values[0] * values[0] - 2.0).abs() < 1e-15);
    }
}

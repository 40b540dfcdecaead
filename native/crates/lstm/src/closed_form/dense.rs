//! The little dense algebra that the closed-form heads need, single-threaded so that bits never depend on threads.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par, Side};

use super::pool::Pool;

/// `destination = factor a b`, or `+=` with [`Accum::Add`].
pub fn multiply(destination: MatMut<'_, f64>, accumulate: Accum, a: MatRef<'_, f64>, b: MatRef<'_, f64>, factor: f64) {
    matmul(destination, accumulate, a, b, factor, Par::Seq);
}

/// The product of two small matrices.
pub fn product(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Mat<f64> {
    let mut out = Mat::zeros(a.nrows(), b.ncols());
    multiply(out.as_mut(), Accum::Replace, a, b, 1.0);
    out
}

/// `a b` for a vector b.
pub fn times_vector(a: MatRef<'_, f64>, b: &[f64]) -> Vec<f64> {
    let mut out = Vec::new();
    times_vector_into(a, b, &mut out);
    out
}

/// `out = a b` for a vector b; what `out` held is gone.
pub fn times_vector_into(a: MatRef<'_, f64>, b: &[f64], out: &mut Vec<f64>) {
    out.clear();
    out.resize(a.nrows(), 0.0);
    for (j, &factor) in b.iter().enumerate() {
        for (o, x) in out.iter_mut().zip(a.col(j).iter()) {
            *o += factor * x;
        }
    }
}

/// `a' b` for a vector b.
pub fn transposed_times_vector(a: MatRef<'_, f64>, b: &[f64]) -> Vec<f64> {
    let mut out = Vec::new();
    transposed_times_vector_into(a, b, &mut out);
    out
}

/// `out = a' b` for a vector b; what `out` held is gone.
pub fn transposed_times_vector_into(a: MatRef<'_, f64>, b: &[f64], out: &mut Vec<f64>) {
    out.clear();
    out.extend((0..a.ncols()).map(|j| a.col(j).iter().zip(b).map(|(x, y)| x * y).sum::<f64>()));
}

/// Sum of the products of all entries, tr(a'b).
pub fn inner(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> f64 {
    (0..a.ncols())
        .map(|j| a.col(j).iter().zip(b.col(j).iter()).map(|(x, y)| x * y).sum::<f64>())
        .sum()
}

/// Dot product of two vectors.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// `destination += column row'`.
pub fn add_outer(mut destination: MatMut<'_, f64>, column: &[f64], row: &[f64], factor: f64) {
    for (j, &r) in row.iter().enumerate() {
        for (i, &c) in column.iter().enumerate() {
            destination[(i, j)] += factor * c * r;
        }
    }
}

/// Entries of `I + factor a`.
pub fn identity_plus(a: MatRef<'_, f64>, factor: f64) -> impl Fn(usize, usize) -> f64 + '_ {
    move |i, j| factor * a[(i, j)] + if i == j { 1.0 } else { 0.0 }
}

/// Trace.
pub fn trace(a: MatRef<'_, f64>) -> f64 {
    (0..a.nrows()).map(|i| a[(i, i)]).sum()
}

/// Inverse and log-determinant of a symmetric positive definite matrix.
#[derive(Debug, Clone)]
pub struct Spd {
    /// The inverse, symmetric to the bit.
    pub inverse: Mat<f64>,
    /// Natural logarithm of the determinant.
    pub log_determinant: f64,
}

impl Spd {
    /// Of the identity.
    pub fn identity(size: usize) -> Self {
        Self {
            inverse: Mat::identity(size, size),
            log_determinant: 0.0,
        }
    }

    /// Of `a`, by Cholesky; `None` if it is not positive definite (or not finite).
    pub fn new(a: MatRef<'_, f64>) -> Option<Self> {
        let mut spd = Self::identity(a.nrows());
        spd.set(a, &Pool::default())?;
        Some(spd)
    }

    /// Becomes that of `a`, of the same size; `None` as [`Spd::new`].
    pub fn set(&mut self, a: MatRef<'_, f64>, pool: &Pool) -> Option<()> {
        let size = a.nrows();
        let mut lower = pool.with_entries(size, size, |i, j| if i >= j { a[(i, j)] } else { 0.0 });
        cholesky(&mut lower)?;
        self.log_determinant = 2.0 * (0..size).map(|i| lower[(i, i)].ln()).sum::<f64>();
        let mut inverse_lower = pool.with_entries(size, size, |i, j| f64::from(u8::from(i == j)));
        invert_lower(lower.as_ref(), &mut inverse_lower);
        let inverse = pool.product(inverse_lower.transpose(), inverse_lower.as_ref());
        for j in 0..size {
            for i in 0..size {
                self.inverse[(i, j)] = inverse[(i.max(j), i.min(j))];
            }
        }
        Some(())
    }
}

/// Eigenvalues (not below 0) and eigenvectors, one a column, of a positive semi-definite matrix; `None` if it is not
/// finite.
pub fn eigen(a: MatRef<'_, f64>) -> Option<(Vec<f64>, Mat<f64>)> {
    let parts = a.self_adjoint_eigen(Side::Lower).ok()?;
    let values: Vec<f64> = parts.S().column_vector().iter().map(|x| x.max(0.0)).collect();
    let finite = values.iter().all(|x| x.is_finite());
    finite.then(|| (values, parts.U().to_owned()))
}

/// Lower Cholesky factor in place of the lower triangle, column by column; `None` if there is none.
fn cholesky(lower: &mut Mat<f64>) -> Option<()> {
    let n = lower.nrows();
    for j in 0..n {
        let pivot = lower[(j, j)];
        // Written so that NaN fails too.
        if !(pivot > 0.0 && pivot.is_finite()) {
            return None;
        }
        let root = pivot.sqrt();
        for i in j..n {
            lower[(i, j)] /= root;
        }
        for k in j + 1..n {
            let factor = lower[(k, j)];
            for i in k..n {
                let update = factor * lower[(i, j)];
                lower[(i, k)] -= update;
            }
        }
    }
    Some(())
}

/// Turns the identity into the inverse of a lower triangular matrix, column by column.
fn invert_lower(lower: MatRef<'_, f64>, inverse: &mut Mat<f64>) {
    let n = lower.nrows();
    for j in 0..n {
        for k in j..n {
            let value = inverse[(k, j)] / lower[(k, k)];
            inverse[(k, j)] = value;
            for i in k + 1..n {
                inverse[(i, j)] -= value * lower[(i, k)];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverse_and_determinant_of_a_small_matrix_are_exact() {
        let a = faer::mat![[4.0, 2.0, 0.6], [2.0, 5.0, 1.0], [0.6, 1.0, 3.0]];
        let spd = Spd::new(a.as_ref()).expect("positive definite");
        let unit = product(a.as_ref(), spd.inverse.as_ref());
        for i in 0..3 {
            for j in 0..3 {
                assert!((unit[(i, j)] - f64::from(u8::from(i == j))).abs() < 1e-14);
            }
        }
        // By the rule of Sarrus: 60 + 1.2 + 1.2 - 1.8 - 4 - 12.
        assert!((spd.log_determinant - 44.6_f64.ln()).abs() < 1e-14);
    }

    #[test]
    fn an_indefinite_or_unfinished_matrix_is_refused() {
        assert!(Spd::new(faer::mat![[1.0, 2.0], [2.0, 1.0]].as_ref()).is_none());
        assert!(Spd::new(faer::mat![[f64::NAN, 0.0], [0.0, 1.0]].as_ref()).is_none());
    }
}

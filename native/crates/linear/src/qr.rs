use crate::small::singular_values;

/// A column whose part orthogonal to the columns before it is shorter than this share of its length is
/// taken as a linear combination of them. About 4,500 rounding errors: below it a coefficient has no
/// correct digit left, above it the condition number tells how many are lost.
pub const RANK_TOLERANCE: f64 = 1e-12;

/// QR factorisation of a design whose columns are first scaled to unit length (Golub and Van Loan 2013, 5.2, 5.4).
///
/// Columns keep their order; one that depends on columns before it is dropped (limited pivoting, as in R's `lm`).
#[derive(Debug, Clone)]
pub struct PivotedQr {
    /// Rows of the design.
    pub rows: usize,
    /// Columns that were kept, ascending.
    pub kept: Vec<usize>,
    /// Orthonormal basis, column-major `[kept][row]`.
    pub q: Vec<f64>,
    /// Inverse of R for the *unscaled* columns, upper triangular, row-major `[kept][kept]`:
    /// b = `r_inverse` Q'y, (X'X)^-1 = `r_inverse` `r_inverse`'.
    pub r_inverse: Vec<f64>,
    /// 2-norm condition number of the kept, scaled columns; infinite when a column was dropped.
    pub condition: f64,
}

impl PivotedQr {
    /// Factorises a column-major `[column][row]` design without missing values.
    pub fn new(mut design: Vec<f64>, rows: usize, columns: usize) -> Self {
        let mut scale = vec![1.0; columns];
        let mut kept: Vec<usize> = Vec::with_capacity(columns);
        let mut diagonal = Vec::with_capacity(columns);
        for (j, scale) in scale.iter_mut().enumerate() {
            let (before, rest) = design.split_at_mut(j * rows);
            let column = &mut rest[..rows];
            let length = norm(column);
            if length == 0.0 {
                continue;
            }
            *scale = length;
            column.iter_mut().for_each(|x| *x /= length);
            for (i, &k) in kept.iter().enumerate() {
                reflect(&before[k * rows + i..(k + 1) * rows], &mut column[i..]);
            }
            let rank = kept.len();
            if rank < rows && norm(&column[rank..]) > RANK_TOLERANCE {
                diagonal.push(make_reflector(&mut column[rank..]));
                kept.push(j);
            }
        }
        Self::assemble(&design, rows, &scale, kept, &diagonal)
    }

    /// Reads Q and R off the reflectors, which lie at and below each kept column's diagonal, R above it.
    fn assemble(reflectors: &[f64], rows: usize, scale: &[f64], kept: Vec<usize>, diagonal: &[f64]) -> Self {
        let rank = kept.len();
        let mut r = vec![0.0; rank * rank];
        let mut q = vec![0.0; rank * rows];
        for (i, &k) in kept.iter().enumerate() {
            r[i * rank + i] = diagonal[i];
            for above in 0..i {
                r[above * rank + i] = reflectors[k * rows + above];
            }
            let basis = &mut q[i * rows..(i + 1) * rows];
            basis[i] = 1.0;
            for (j, &k) in kept.iter().enumerate().take(i + 1).rev() {
                reflect(&reflectors[k * rows + j..(k + 1) * rows], &mut basis[j..]);
            }
        }
        let condition = condition_number(&r, rank, scale.len());
        let mut r_inverse = invert_upper(&r, rank);
        for (i, &k) in kept.iter().enumerate() {
            r_inverse[i * rank..(i + 1) * rank]
                .iter_mut()
                .for_each(|x| *x /= scale[k]);
        }
        Self {
            rows,
            kept,
            q,
            r_inverse,
            condition,
        }
    }

    /// Number of linearly independent columns.
    pub fn rank(&self) -> usize {
        self.kept.len()
    }

    /// b = R^-1 Q'y, `[kept]`.
    pub fn solve(&self, y: &[f64]) -> Vec<f64> {
        let rank = self.rank();
        let projected: Vec<f64> = self
            .q
            .chunks_exact(self.rows.max(1))
            .map(|basis| dot(basis, y))
            .collect();
        (0..rank)
            .map(|i| dot(&self.r_inverse[i * rank..(i + 1) * rank], &projected))
            .collect()
    }

    /// y - Q Q'y, what the kept columns leave of y; projected twice, as one pass leaves rounding of the size of y.
    pub fn residuals(&self, y: &[f64]) -> Vec<f64> {
        let mut left = y.to_vec();
        for _ in 0..2 {
            for basis in self.q.chunks_exact(self.rows.max(1)) {
                let along = dot(basis, &left);
                left.iter_mut().zip(basis).for_each(|(left, q)| *left -= along * q);
            }
        }
        left
    }
}

fn condition_number(r: &[f64], rank: usize, columns: usize) -> f64 {
    let singular = singular_values(r, rank);
    match (singular.first(), singular.last()) {
        _ if rank < columns => f64::INFINITY,
        (Some(largest), Some(smallest)) => largest / smallest,
        _ => 1.0,
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn norm(x: &[f64]) -> f64 {
    let largest = x.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    if largest == 0.0 {
        return 0.0;
    }
    largest * x.iter().map(|v| (v / largest).powi(2)).sum::<f64>().sqrt()
}

/// Turns x into v with |v|^2 = 2, so that (I - v v') x = (r, 0, ..., 0); returns r.
fn make_reflector(x: &mut [f64]) -> f64 {
    let r = -norm(x).copysign(x[0]);
    x[0] -= r;
    let factor = std::f64::consts::SQRT_2 / norm(x);
    x.iter_mut().for_each(|v| *v *= factor);
    r
}

/// x <- (I - v v') x.
fn reflect(v: &[f64], x: &mut [f64]) {
    let along = dot(v, x);
    for (x, v) in x.iter_mut().zip(v) {
        *x -= along * v;
    }
}

/// Inverse of an upper triangular row-major matrix.
fn invert_upper(r: &[f64], n: usize) -> Vec<f64> {
    let mut inverse = vec![0.0; n * n];
    for j in 0..n {
        inverse[j * n + j] = 1.0 / r[j * n + j];
        for i in (0..j).rev() {
            let sum: f64 = (i + 1..=j).map(|k| r[i * n + k] * inverse[k * n + j]).sum();
            inverse[i * n + j] = -sum / r[i * n + i];
        }
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basis_is_orthonormal_and_reproduces_the_design() {
        let columns: Vec<Vec<f64>> = vec![
            vec![1.0; 5],
            vec![1e6, 2e6, 4e6, 8e6, 3e6],
            vec![0.3, -1.0, 2.0, 0.1, 9.0],
        ];
        let qr = PivotedQr::new(columns.concat(), 5, 3);
        assert_eq!(qr.kept, [0, 1, 2]);
        for i in 0..3 {
            for j in 0..3 {
                let product = dot(&qr.q[i * 5..i * 5 + 5], &qr.q[j * 5..j * 5 + 5]);
                assert!((product - f64::from(i == j)).abs() < 1e-15);
            }
            // Regressing a column on all columns gives the unit vector.
            for (j, b) in qr.solve(&columns[i]).iter().enumerate() {
                let size = columns[i][2] / columns[j][2];
                assert!((b - f64::from(i == j)).abs() < 1e-14 * (1.0 + size.abs()));
            }
        }
    }

    #[test]
    fn dependent_and_zero_columns_are_dropped_and_the_first_is_kept() {
        let a = [1.0, 2.0, 3.0, 5.0];
        let b = [1.0, -1.0, 1.0, 0.5];
        let sum: Vec<f64> = a.iter().zip(&b).map(|(a, b)| 1e3 * (a + b)).collect();
        let design = [a.to_vec(), vec![0.0; 4], b.to_vec(), sum].concat();
        let qr = PivotedQr::new(design, 4, 4);
        assert_eq!(qr.kept, [0, 2]);
        assert!(qr.condition.is_infinite());
    }
}

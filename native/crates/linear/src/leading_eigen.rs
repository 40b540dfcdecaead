//! All eigenvalues of a symmetric matrix and the vectors of its largest: the work of the other vectors is saved.

use macrograd_simd::{Isa, Vectorise};

use crate::small::dot;

/// Rounds of inverse iteration; two reach rounding unless the start is unlucky.
const ROUNDS: usize = 4;

/// Vectors whose eigenvalues are nearer than this share of the largest are kept orthogonal to each other (as in
/// the inverse iterations of LAPACK).
const NEAR: f64 = 1e-3;

/// Most QL steps for one eigenvalue; some two are usual.
const MOST_STEPS: usize = 60;

/// Eigenvalues, descending, and unit vectors of the first of them.
pub(crate) struct LeadingEigen {
    pub values: Vec<f64>,
    /// `[vector][entry]`.
    pub vectors: Vec<f64>,
}

/// Householder tridiagonalisation (Golub and Van Loan 2013, 8.3.1), implicit QL for the values (Dubrulle, Martin and
/// Wilkinson 1968), inverse iteration for `count` vectors. `None` where QL does not converge, which happens for matrices
/// that are not finite.
pub(crate) fn leading_eigen(mut a: Vec<f64>, n: usize, count: usize, isa: Isa) -> Option<LeadingEigen> {
    // Squares of entries are neither lost nor too large where the largest is 1.
    let size = a.iter().fold(0.0_f64, |most, a| most.max(a.abs()));
    if size > 0.0 {
        a.iter_mut().for_each(|a| *a /= size);
    }
    let mut diagonal = vec![0.0; n];
    let mut beside = vec![0.0; n];
    let mut reflectors = vec![0.0; n * n];
    isa.vectorise(Tridiagonal {
        a: &mut a,
        n,
        diagonal: &mut diagonal,
        beside: &mut beside,
        reflectors: &mut reflectors,
    });
    let mut values = diagonal.clone();
    ql_values(&mut values, beside.clone())?;
    values.sort_by(|a, b| b.total_cmp(a));
    let mut vectors: Vec<f64> = Vec::with_capacity(count * n);
    let scale = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    for at in 0..count {
        let near: Vec<usize> = (0..at)
            .filter(|&other| (values[other] - values[at]).abs() <= NEAR * scale)
            .collect();
        // Equal values are set apart by rounding, so that their systems differ.
        let shift = values[at] - near.len() as f64 * 4.0 * f64::EPSILON * scale;
        let x = inverse_iteration(&diagonal, &beside, at, shift, scale, |x| {
            for &other in &near {
                let v = &vectors[other * n..(other + 1) * n];
                let along = dot(v, x);
                x.iter_mut().zip(v).for_each(|(x, v)| *x -= along * v);
            }
        });
        vectors.extend(x);
    }
    for x in vectors.chunks_exact_mut(n.max(1)) {
        for step in (0..n.saturating_sub(2)).rev() {
            let v = &reflectors[step * n + step + 1..(step + 1) * n];
            let along = dot(v, &x[step + 1..]);
            x[step + 1..].iter_mut().zip(v).for_each(|(x, v)| *x -= along * v);
        }
    }
    values.iter_mut().for_each(|value| *value *= size);
    Some(LeadingEigen { values, vectors })
}

/// a = H_0 .. H_{n-3} T (H_0 .. H_{n-3})', H = I - v v' with |v|^2 = 2 in row `step` of `reflectors` from `step` + 1 on.
struct Tridiagonal<'m> {
    a: &'m mut [f64],
    n: usize,
    diagonal: &'m mut [f64],
    beside: &'m mut [f64],
    reflectors: &'m mut [f64],
}

impl Vectorise for Tridiagonal<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            a,
            n,
            diagonal,
            beside,
            reflectors,
        } = self;
        let mut moved = vec![0.0; n];
        for step in 0..n.saturating_sub(2) {
            let v = &mut reflectors[step * n + step + 1..(step + 1) * n];
            v.copy_from_slice(&a[step * n + step + 1..(step + 1) * n]);
            let length = dot(v, v).sqrt();
            if length == 0.0 {
                continue;
            }
            let r = -length.copysign(v[0]);
            beside[step] = r;
            v[0] -= r;
            let factor = (2.0 / dot(v, v)).sqrt();
            v.iter_mut().for_each(|v| *v *= factor);
            let below = step + 1;
            for (i, out) in moved[below..].iter_mut().enumerate() {
                *out = dot(&a[(below + i) * n + below..(below + i + 1) * n], v);
            }
            let half = dot(&moved[below..], v) / 2.0;
            moved[below..].iter_mut().zip(&*v).for_each(|(w, v)| *w -= half * v);
            let (v, moved) = (&*v, &moved[below..]);
            for (i, (x, y)) in v.iter().zip(moved).enumerate() {
                let row = &mut a[(below + i) * n + below..(below + i + 1) * n];
                for ((a, v), w) in row.iter_mut().zip(v).zip(moved) {
                    *a -= x * w + y * v;
                }
            }
        }
        for (i, diagonal) in diagonal.iter_mut().enumerate() {
            *diagonal = a[i * n + i];
        }
        if n > 1 {
            beside[n - 2] = a[(n - 2) * n + n - 1];
        }
    }
}

/// Overwrites the diagonal of a symmetric tridiagonal matrix with its eigenvalues.
fn ql_values(d: &mut [f64], mut e: Vec<f64>) -> Option<()> {
    let n = d.len();
    for l in 0..n {
        let mut steps = 0;
        loop {
            let m = (l..n.saturating_sub(1))
                .find(|&m| e[m].abs() <= f64::EPSILON * (d[m].abs() + d[m + 1].abs()))
                .unwrap_or(n - 1);
            if m == l {
                break;
            }
            if steps == MOST_STEPS || !e[l].is_finite() {
                return None;
            }
            steps += 1;
            let g = (d[l + 1] - d[l]) / (2.0 * e[l]);
            let mut g = d[m] - d[l] + e[l] / (g + (g * g + 1.0).sqrt().copysign(g));
            let (mut s, mut c, mut p) = (1.0, 1.0, 0.0);
            let mut split = false;
            for i in (l..m).rev() {
                let (f, b) = (s * e[i], c * e[i]);
                let r = (f * f + g * g).sqrt();
                e[i + 1] = r;
                if r == 0.0 {
                    d[i + 1] -= p;
                    e[m] = 0.0;
                    split = true;
                    break;
                }
                s = f / r;
                c = g / r;
                g = d[i + 1] - p;
                let r = (d[i] - g) * s + 2.0 * c * b;
                p = s * r;
                d[i + 1] = g + p;
                g = c * r - b;
            }
            if !split {
                d[l] -= p;
                e[l] = g;
                e[m] = 0.0;
            }
        }
    }
    Some(())
}

/// Unit vector number `at`, of the eigenvalue nearest to `shift`; `clean` takes out what other vectors have.
fn inverse_iteration(d: &[f64], e: &[f64], at: usize, shift: f64, scale: f64, clean: impl Fn(&mut [f64])) -> Vec<f64> {
    let n = d.len();
    // A start of its own, so that equal values have vectors that differ; the same on every machine.
    let mut x: Vec<f64> = (0..n)
        .map(|i| ((i * i * 31 + i * 7919 + at * 2971 + 17) % 101) as f64 / 101.0 - 0.4)
        .collect();
    let least = (f64::EPSILON * scale).max(f64::MIN_POSITIVE);
    for _ in 0..ROUNDS {
        clean(&mut x);
        solve_shifted(d, e, shift, least, &mut x);
        clean(&mut x);
        let length = dot(&x, &x).sqrt();
        x.iter_mut().for_each(|x| *x /= length);
    }
    x
}

/// x <- (T - shift I)^-1 x by elimination with row exchanges; pivots below `least` count as that.
fn solve_shifted(d: &[f64], e: &[f64], shift: f64, least: f64, x: &mut [f64]) {
    let n = d.len();
    // Rows of the upper triangle: pivot, next, the one after.
    let mut upper = vec![[0.0; 3]; n];
    let mut row = [d[0] - shift, if n > 1 { e[0] } else { 0.0 }, 0.0];
    for i in 0..n.saturating_sub(1) {
        let mut next = [e[i], d[i + 1] - shift, if i + 2 < n { e[i + 1] } else { 0.0 }];
        if next[0].abs() > row[0].abs() {
            std::mem::swap(&mut row, &mut next);
            x.swap(i, i + 1);
        }
        if row[0].abs() < least {
            row[0] = least.copysign(row[0]);
        }
        let factor = next[0] / row[0];
        upper[i] = row;
        x[i + 1] -= factor * x[i];
        row = [next[1] - factor * row[1], next[2] - factor * row[2], 0.0];
    }
    if row[0].abs() < least {
        row[0] = least.copysign(row[0]);
    }
    upper[n - 1] = row;
    for i in (0..n).rev() {
        let mut value = x[i];
        if i + 1 < n {
            value -= upper[i][1] * x[i + 1];
        }
        if i + 2 < n {
            value -= upper[i][2] * x[i + 2];
        }
        x[i] = value / upper[i][0];
    }
    // Kept in range: only the direction matters.
    let largest = x.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    if largest > 0.0 {
        x.iter_mut().for_each(|x| *x /= largest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Backward error of both steps: some n eps of the largest value.
    const ROUNDING: f64 = 1e-13;

    fn check(a: &[f64], n: usize, count: usize) {
        let found = leading_eigen(a.to_vec(), n, count, Isa::baseline()).expect("converges");
        let scale = found.values[0].abs().max(1e-300);
        for (at, x) in found.vectors.chunks_exact(n).enumerate() {
            for (i, row) in a.chunks_exact(n).enumerate() {
                let off = dot(row, x) - found.values[at] * x[i];
                assert!(off.abs() < ROUNDING * n as f64 * scale, "vector {at}: {off}");
            }
            for other in 0..=at {
                let product = dot(x, &found.vectors[other * n..(other + 1) * n]);
                assert!(
                    (product - f64::from(other == at)).abs() < ROUNDING * n as f64,
                    "{at} {other}: {product}"
                );
            }
        }
        let trace: f64 = (0..n).map(|i| a[i * n + i]).sum();
        assert!((found.values.iter().sum::<f64>() - trace).abs() < ROUNDING * n as f64 * scale);
    }

    #[test]
    fn vectors_solve_the_matrix_and_are_orthonormal_also_for_equal_and_near_values() {
        let mut state = 1_u64;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
        };
        for (n, rank) in [(1, 1), (2, 2), (3, 3), (40, 60), (40, 5), (75, 200)] {
            let x: Vec<f64> = (0..rank * n).map(|_| random()).collect();
            let gram: Vec<f64> = (0..n * n)
                .map(|at| (0..rank).map(|t| x[t * n + at / n] * x[t * n + at % n]).sum())
                .collect();
            check(&gram, n, n.min(6));
        }
        // The identity beside one direction: all but one value are equal.
        let n = 12;
        let mut a: Vec<f64> = (0..n * n).map(|at| 0.3 + f64::from(at % (n + 1) == 0)).collect();
        check(&a, n, 5);
        // Two blocks that do not meet, alike to 1e-9.
        for i in 0..n {
            for j in 0..n {
                if (i < n / 2) != (j < n / 2) {
                    a[i * n + j] = 0.0;
                }
            }
        }
        a[0] += 1e-9;
        check(&a, n, 4);
    }
}

use std::borrow::Cow;

use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::{Accum, Mat, MatRef, Par, Side};
use macrograd_simd::Vectorise;

use crate::LinearError;
use crate::leading_eigen::leading_eigen;
use crate::parallel::active_isa;
use crate::small::dot;

/// How many components are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComponentCount {
    /// As many as stated.
    Fixed(usize),
    /// The least of criterion ICp1, ICp2 or ICp3 (index 0 to 2) of Bai and Ng (2002), at least one.
    BaiNg(usize),
}

/// Options of [`pca`].
#[derive(Debug, Clone, Copy)]
pub struct PcaOptions {
    /// Components kept.
    pub count: ComponentCount,
    /// Most components that a criterion compares.
    pub max_components: usize,
    /// Missing values are settled when the common component changes by less than this share of its sum of squares.
    pub tolerance: f64,
    /// Most rounds of filling.
    pub max_iterations: usize,
}

/// Principal components of standardised series. T rows, N series, k components.
#[derive(Debug, Clone)]
pub struct Pca {
    /// k.
    pub components: usize,
    /// `[row][component]`: standardised (and filled) series times loadings over N.
    pub factors: Vec<f64>,
    /// `[series][component]`, with squares that sum to N; the largest of each component is positive.
    pub loadings: Vec<f64>,
    /// Eigenvalues of the correlation matrix, descending, min(T, N) of them.
    pub eigenvalues: Vec<f64>,
    /// ICp1, ICp2, ICp3 for 0 to `max_components` components, `[criterion][components]`.
    pub criteria: Vec<f64>,
    /// `[series]`.
    pub mean: Vec<f64>,
    /// `[series]`, divisor T - 1.
    pub sd: Vec<f64>,
    /// Rounds of filling; 0 when nothing is missing.
    pub iterations: usize,
    /// The filling settled.
    pub converged: bool,
}

/// Principal components of values `[row][series]`; NaN = missing, filled by the EM algorithm of Stock and Watson
/// (2002): with the mean at first, then with what the components say, standardising afresh each round.
///
/// # Errors
/// `ShapeMismatch`; `BadOption` for counts outside 1..min(T, N), or a series without two values.
///
/// ```
/// use macrograd_linear::{ComponentCount, PcaOptions, pca};
/// let values = [1.0, 2.0, 2.0, 4.0, 3.0, f64::NAN, 4.0, 8.0]; // the second series is twice the first
/// let options = PcaOptions {
///     count: ComponentCount::Fixed(1),
///     max_components: 1,
///     tolerance: 1e-12,
///     max_iterations: 500,
/// };
/// let found = pca(&values, 4, 2, &options)?;
/// assert!(found.converged && (found.eigenvalues[0] - 2.0).abs() < 0.01);
/// # Ok::<(), macrograd_linear::LinearError>(())
/// ```
pub fn pca(values: &[f64], rows: usize, series: usize, options: &PcaOptions) -> Result<Pca, LinearError> {
    check(values, rows, series, options)?;
    let missing: Vec<usize> = (0..values.len()).filter(|&at| values[at].is_nan()).collect();
    // Complete values are not copied: the first touch of fresh memory costs as much as the Gram product.
    let mut filled = Cow::Borrowed(values);
    let mut moments = Moments::of(values, series);
    if !missing.is_empty() {
        for &at in &missing {
            filled.to_mut()[at] = moments.mean[at % series];
        }
        moments = Moments::of(&filled, series);
    }
    let mut found = Components::of(&moments.standardised(&filled), rows, series, options);
    let (mut iterations, mut converged) = (0, missing.is_empty());
    let mut common = if converged {
        Vec::new()
    } else {
        found.common(rows, series)
    };
    while !converged && iterations < options.max_iterations {
        for &at in &missing {
            filled.to_mut()[at] = common[at] * moments.sd[at % series] + moments.mean[at % series];
        }
        moments = Moments::of(&filled, series);
        found = Components::of(&moments.standardised(&filled), rows, series, options);
        let before = std::mem::replace(&mut common, found.common(rows, series));
        let change: f64 = common.iter().zip(&before).map(|(new, old)| (new - old).powi(2)).sum();
        let size: f64 = before.iter().map(|x| x * x).sum();
        iterations += 1;
        converged = change <= options.tolerance * size;
    }
    Ok(Pca {
        components: found.count,
        factors: found.factors,
        loadings: found.loadings,
        eigenvalues: found.eigenvalues,
        criteria: found.criteria,
        mean: moments.mean,
        sd: moments.sd,
        iterations,
        converged,
    })
}

fn check(values: &[f64], rows: usize, series: usize, options: &PcaOptions) -> Result<(), LinearError> {
    if values.len() != rows * series {
        return Err(LinearError::ShapeMismatch {
            name: "values",
            expected: rows * series,
            actual: values.len(),
        });
    }
    if let Some(index) = values.iter().position(|x| x.is_infinite()) {
        return Err(LinearError::NotFinite { name: "values", index });
    }
    let most = rows.min(series);
    let wanted = match options.count {
        ComponentCount::Fixed(count) => count,
        ComponentCount::BaiNg(_) => options.max_components,
    };
    if wanted == 0 || wanted > most || options.max_components > most {
        return Err(LinearError::BadOption {
            name: "components",
            value: wanted.max(options.max_components) as f64,
            remedy: "give at least 1 and at most as many as there are rows and series",
        });
    }
    for j in 0..series {
        if (0..rows).filter(|t| !values[t * series + j].is_nan()).count() < 2 {
            return Err(LinearError::BadOption {
                name: "series with fewer than two values",
                value: j as f64,
                remedy: "leave it out",
            });
        }
    }
    Ok(())
}

/// Mean and SD of every series over the rows where it is observed.
struct Moments {
    mean: Vec<f64>,
    sd: Vec<f64>,
}

/// Sums over rows, skipping missing values: of ones and values; then of squares about the mean.
struct Sums<'s> {
    values: &'s [f64],
    /// `[series]`.
    count: &'s mut [f64],
    mean: &'s mut [f64],
    squares: &'s mut [f64],
}

impl Vectorise for Sums<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let series = self.mean.len();
        let (count, mean, squares) = (self.count, &mut self.mean[..series], &mut self.squares[..series]);
        for row in self.values.chunks_exact(series) {
            for at in 0..series {
                let missing = row[at].is_nan();
                count[at] += if missing { 0.0 } else { 1.0 };
                mean[at] += if missing { 0.0 } else { row[at] };
            }
        }
        for at in 0..series {
            mean[at] /= count[at];
        }
        for row in self.values.chunks_exact(series) {
            for at in 0..series {
                let apart = if row[at].is_nan() { 0.0 } else { row[at] - mean[at] };
                squares[at] += apart * apart;
            }
        }
    }
}

impl Moments {
    fn of(values: &[f64], series: usize) -> Self {
        let [mut count, mut mean, mut squares] = [0; 3].map(|_| vec![0.0; series]);
        active_isa().vectorise(Sums {
            values,
            count: &mut count,
            mean: &mut mean,
            squares: &mut squares,
        });
        let sd = squares
            .iter()
            .zip(&count)
            .map(|(sum, n)| match (sum / (n - 1.0)).sqrt() {
                sd if sd > 0.0 => sd,
                _ => 1.0,
            });
        let sd = sd.collect();
        Self { mean, sd }
    }

    fn standardised(&self, values: &[f64]) -> Vec<f64> {
        let series = self.mean.len();
        let mut out = values.to_vec();
        for row in out.chunks_exact_mut(series) {
            for ((x, mean), sd) in row.iter_mut().zip(&self.mean).zip(&self.sd) {
                *x = (*x - mean) / sd;
            }
        }
        out
    }
}

/// Components of complete standardised series.
struct Components {
    count: usize,
    factors: Vec<f64>,
    loadings: Vec<f64>,
    eigenvalues: Vec<f64>,
    criteria: Vec<f64>,
}

impl Components {
    fn of(x: &[f64], rows: usize, series: usize, options: &PcaOptions) -> Self {
        let matrix = MatRef::from_row_major_slice(x, rows, series);
        let tall = rows >= series;
        // The smaller of X'X and XX' has the same eigenvalues.
        let gram = gram(if tall { matrix.transpose() } else { matrix });
        let size = gram.nrows();
        let most = match options.count {
            ComponentCount::Fixed(count) => count,
            ComponentCount::BaiNg(_) => options.max_components,
        };
        let (values, vectors) = sorted_eigen(&gram, most);
        let total = dot(x, x);
        let criteria = bai_ng(&values, total, rows, series, options.max_components);
        let count = match options.count {
            ComponentCount::Fixed(count) => count,
            ComponentCount::BaiNg(criterion) => {
                let all = options.max_components + 1;
                let own = &criteria[criterion * all..(criterion + 1) * all];
                (1..all).fold(1, |best, k| if own[k] < own[best] { k } else { best })
            }
        };
        let n = series as f64;
        let mut loadings = vec![0.0; series * count];
        for k in 0..count {
            for j in 0..series {
                loadings[j * count + k] = if tall {
                    vectors[(j, k)] * n.sqrt()
                } else {
                    let along: f64 = (0..size).map(|t| x[t * series + j] * vectors[(t, k)]).sum();
                    along * (n / values[k]).sqrt()
                };
            }
            let largest = (0..series)
                .map(|j| loadings[j * count + k])
                .fold(0.0, |m: f64, v| if v.abs() > m.abs() { v } else { m });
            if largest < 0.0 {
                (0..series).for_each(|j| loadings[j * count + k] *= -1.0);
            }
        }
        let weights = MatRef::from_row_major_slice(&loadings, series, count);
        let scores: Mat<f64> = matrix * weights;
        let factors = (0..rows * count)
            .map(|at| scores[(at / count, at % count)] / n)
            .collect();
        let eigenvalues = values.iter().map(|value| value / (rows as f64 - 1.0)).collect();
        Self {
            count,
            factors,
            loadings,
            eigenvalues,
            criteria,
        }
    }

    /// Factors times loadings, `[row][series]`.
    fn common(&self, rows: usize, series: usize) -> Vec<f64> {
        let factors = MatRef::from_row_major_slice(&self.factors, rows, self.count);
        let loadings = MatRef::from_row_major_slice(&self.loadings, series, self.count);
        let product: Mat<f64> = factors * loadings.transpose();
        (0..rows * series)
            .map(|at| product[(at / series, at % series)])
            .collect()
    }
}

/// A A', both triangles, at the cost of one.
fn gram(a: MatRef<f64>) -> Mat<f64> {
    let size = a.nrows();
    let mut out = Mat::zeros(size, size);
    let (lower, whole) = (BlockStructure::TriangularLower, BlockStructure::Rectangular);
    matmul(
        out.as_mut(),
        lower,
        Accum::Replace,
        a,
        whole,
        a.transpose(),
        whole,
        1.0,
        Par::Seq,
    );
    for j in 0..size {
        for i in 0..j {
            out[(i, j)] = out[(j, i)];
        }
    }
    out
}

/// With fewer vectors than this share of the size, the others are not computed.
const FEW_VECTORS: f64 = 0.25;

/// Eigenvalues, descending, and at least `wanted` of their vectors in columns.
fn sorted_eigen(gram: &Mat<f64>, wanted: usize) -> (Vec<f64>, Mat<f64>) {
    let size = gram.nrows();
    if (wanted as f64) < FEW_VECTORS * size as f64 {
        let entries = (0..size * size).map(|at| gram[(at / size, at % size)]).collect();
        if let Some(found) = leading_eigen(entries, size, wanted, active_isa()) {
            let vectors = Mat::from_fn(size, wanted, |i, k| found.vectors[k * size + i]);
            return (found.values.iter().map(|value| value.max(0.0)).collect(), vectors);
        }
    }
    let Ok(eigen) = gram.self_adjoint_eigen(Side::Lower) else {
        // Does not happen for finite matrices; then nothing is known.
        return (vec![f64::NAN; size], Mat::zeros(size, size));
    };
    let values: Vec<f64> = eigen.S().column_vector().iter().copied().collect();
    let mut order: Vec<usize> = (0..size).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    let vectors = eigen.U();
    let sorted = Mat::from_fn(size, size, |i, k| vectors[(i, order[k])]);
    (order.iter().map(|&k| values[k].max(0.0)).collect(), sorted)
}

/// ICp1 to ICp3 of Bai and Ng (2002), 0 to `most` components: log V(k) + k g, V(k) = mean squared residual.
fn bai_ng(eigenvalues: &[f64], total: f64, rows: usize, series: usize, most: usize) -> Vec<f64> {
    let (t, n) = (rows as f64, series as f64);
    let rate = (n + t) / (n * t);
    let least = n.min(t);
    let penalties = [rate * (1.0 / rate).ln(), rate * least.ln(), least.ln() / least];
    let mut left = total;
    let variances: Vec<f64> = (0..=most)
        .map(|k| {
            if k > 0 {
                left -= eigenvalues[k - 1];
            }
            left / (n * t)
        })
        .collect();
    penalties
        .iter()
        .flat_map(|g| variances.iter().enumerate().map(move |(k, v)| v.ln() + k as f64 * g))
        .collect()
}

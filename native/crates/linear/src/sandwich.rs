use crate::Panel;
use crate::hac::{andrews_bandwidth, automatic_lags, bartlett, hac_covariance};
use crate::qr::PivotedQr;
use crate::small::{product, transpose};

/// How the covariance of the coefficients is estimated. n rows, k = rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Covariance<'a> {
    /// s^2 (X'X)^-1, s^2 = residual sum of squares / (n - k).
    Homoscedastic,
    /// Heteroscedasticity consistent (White 1980; MacKinnon and White 1985).
    Heteroscedastic(Leverage),
    /// Heteroscedasticity and autocorrelation consistent, Newey and West (1987).
    Hac {
        /// Lags of the Bartlett kernel; `None` = [`automatic_lags`] of the asset's observations.
        lags: Option<usize>,
        /// Multiply by n / (n - k).
        small_sample: bool,
    },
    /// As `Hac`, with the bandwidth of [`andrews_bandwidth`] from the scores of all columns but constant ones.
    HacAndrews {
        /// Multiply by n / (n - k).
        small_sample: bool,
    },
    /// Scores are summed within clusters of rows, as the dates of a stacked panel (Liang and Zeger 1986).
    Clustered {
        /// `[row]`, label of the row's cluster.
        clusters: &'a [u32],
        /// Multiply by G / (G - 1) (n - 1) / (n - k) for G clusters.
        small_sample: bool,
    },
}

/// What squared residuals are divided by, h = leverage of the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leverage {
    /// HC0: 1.
    Hc0,
    /// HC1: (n - k) / n.
    Hc1,
    /// HC2: 1 - h, unbiased under equal noise.
    Hc2,
    /// HC3: (1 - h)^2, near the jackknife.
    Hc3,
}

/// One asset's (weighted) rows after the fit.
pub(crate) struct Scores<'a> {
    pub panel: &'a Panel<'a>,
    pub qr: &'a PivotedQr,
    pub rows: &'a [usize],
    /// Square root of the weight of each of `rows`.
    pub roots: &'a [f64],
    /// Residuals times the roots.
    pub residuals: &'a [f64],
}

/// Covariance over the kept columns, `[kept][kept]`, and the degrees of freedom of a t test with it.
pub(crate) fn sandwich(scores: &Scores, kind: Covariance) -> (Vec<f64>, f64) {
    let (n, rank) = (scores.rows.len(), scores.qr.rank());
    let df = (n - rank) as f64;
    let correction = |small_sample: bool| if small_sample { n as f64 / df } else { 1.0 };
    match kind {
        Covariance::Homoscedastic => {
            let s2 = scores.residuals.iter().map(|e| e * e).sum::<f64>() / df;
            (scaled(outer(&scores.qr.r_inverse, None, rank), s2), df)
        }
        Covariance::Heteroscedastic(leverage) => {
            let factor = if leverage == Leverage::Hc1 { n as f64 / df } else { 1.0 };
            (
                scores.spread(&hac_covariance(&scores.corrected(leverage), rank, 0), factor),
                df,
            )
        }
        Covariance::Hac { lags, small_sample } => {
            let long_run = hac_covariance(&scores.raw(), rank, lags.unwrap_or_else(|| automatic_lags(n)));
            (scores.spread(&long_run, correction(small_sample)), df)
        }
        Covariance::HacAndrews { small_sample } => {
            let bandwidth = andrews_bandwidth(&scores.by_column());
            (
                scores.spread(&bartlett(&scores.raw(), rank, bandwidth), correction(small_sample)),
                df,
            )
        }
        Covariance::Clustered { clusters, small_sample } => {
            let sums = scores.cluster_sums(clusters);
            let count = (sums.len() / rank) as f64;
            let factor = if small_sample {
                count / (count - 1.0) * (n as f64 - 1.0) / df
            } else {
                1.0
            };
            (scores.spread(&hac_covariance(&sums, rank, 0), factor), count - 1.0)
        }
    }
}

impl Scores<'_> {
    /// u_t = q_t e_t in the orthonormal basis, `[row][kept]`: no cross-product of the raw design is formed.
    fn raw(&self) -> Vec<f64> {
        let (n, rank) = (self.rows.len(), self.qr.rank());
        (0..n * rank)
            .map(|at| self.qr.q[(at % rank) * n + at / rank] * self.residuals[at / rank])
            .collect()
    }

    fn corrected(&self, leverage: Leverage) -> Vec<f64> {
        let (n, rank) = (self.rows.len(), self.qr.rank());
        let mut scores = self.raw();
        for (row, score) in scores.chunks_exact_mut(rank).enumerate() {
            let h: f64 = (0..rank).map(|i| self.qr.q[i * n + row].powi(2)).sum();
            let divisor = match leverage {
                Leverage::Hc0 | Leverage::Hc1 => 1.0,
                Leverage::Hc2 => (1.0 - h).sqrt(),
                Leverage::Hc3 => 1.0 - h,
            };
            score.iter_mut().for_each(|u| *u /= divisor);
        }
        scores
    }

    /// x_tj e_t of every kept column that is not constant, `[column][row]`.
    fn by_column(&self) -> Vec<Vec<f64>> {
        let value = |row: usize, column: usize| self.panel.design_row(row)[column];
        let moves = |&column: &usize| {
            let first = value(self.rows[0], column);
            self.rows.iter().any(|&row| value(row, column) != first)
        };
        let column = |column: usize| {
            let rows = self.rows.iter().zip(self.roots).zip(self.residuals);
            rows.map(|((&row, root), e)| value(row, column) * root * e).collect()
        };
        self.qr.kept.iter().copied().filter(moves).map(column).collect()
    }

    /// Sums of scores, `[cluster][kept]`, clusters in order of first appearance.
    fn cluster_sums(&self, clusters: &[u32]) -> Vec<f64> {
        let rank = self.qr.rank();
        let mut places = std::collections::HashMap::new();
        let mut sums: Vec<f64> = Vec::new();
        for (score, &row) in self.raw().chunks_exact(rank).zip(self.rows) {
            let next = places.len();
            let place = *places.entry(clusters[row]).or_insert(next);
            if place == next {
                sums.resize((next + 1) * rank, 0.0);
            }
            let sum = &mut sums[place * rank..(place + 1) * rank];
            sum.iter_mut().zip(score).for_each(|(sum, u)| *sum += u);
        }
        sums
    }

    /// factor R^-1 S R^-T.
    fn spread(&self, middle: &[f64], factor: f64) -> Vec<f64> {
        scaled(outer(&self.qr.r_inverse, Some(middle), self.qr.rank()), factor)
    }
}

fn scaled(mut matrix: Vec<f64>, factor: f64) -> Vec<f64> {
    matrix.iter_mut().for_each(|value| *value *= factor);
    matrix
}

/// R^-1 M R^-T for a symmetric M (the identity when `None`).
fn outer(r_inverse: &[f64], middle: Option<&[f64]>, rank: usize) -> Vec<f64> {
    let transposed = transpose(r_inverse, rank);
    let left = match middle {
        Some(middle) => product(r_inverse, middle, rank),
        None => r_inverse.to_vec(),
    };
    product(&left, &transposed, rank)
}

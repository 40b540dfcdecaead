use super::ThresholdOptions;
use crate::Panel;
use crate::lanes::LANES;
use crate::qr::PivotedQr;

/// A direction of which less than this share of its length varies between the regimes cannot change at the threshold.
const SAME_IN_BOTH: f64 = 1e-10;

/// Thresholds that are tried, the same for all assets.
pub(super) struct Grid {
    /// `[variable][point]`, ascending.
    pub values: Vec<Vec<f64>>,
    /// `[variable]`: values lie between the points.
    pub thinned: Vec<bool>,
}

impl Grid {
    pub(super) fn new(panel: &Panel, options: &ThresholdOptions) -> Self {
        let complete = panel.complete_rows();
        let values = options.variables.chunks_exact(panel.rows.max(1)).map(|variable| {
            let mut seen: Vec<f64> = variable
                .iter()
                .zip(&complete)
                .filter_map(|(&q, &complete)| complete.then_some(q))
                .collect();
            seen.sort_by(f64::total_cmp);
            candidates(&seen, options)
        });
        let (values, thinned) = values.unzip();
        Self { values, thinned }
    }

    /// Points of all variables.
    pub(super) fn points(&self) -> usize {
        self.values.iter().map(Vec::len).sum()
    }

    /// Where the points of a variable start.
    pub(super) fn first_point(&self, variable: usize) -> usize {
        self.values[..variable].iter().map(Vec::len).sum()
    }

    /// Variable of a point, and its number among the points of that variable.
    pub(super) fn at(&self, point: usize) -> (usize, usize) {
        let mut left = point;
        for (variable, values) in self.values.iter().enumerate() {
            if left < values.len() {
                return (variable, left);
            }
            left -= values.len();
        }
        (0, 0)
    }
}

/// Values that leave at least the trimmed share of rows on either side, and whether some were left out.
fn candidates(sorted: &[f64], options: &ThresholdOptions) -> (Vec<f64>, bool) {
    let n = sorted.len();
    let least = (options.trimming * n as f64).ceil() as usize;
    // The last of equal values has all of them at or below it.
    let ends = (0..n).filter(|&at| at + 1 == n || sorted[at + 1] > sorted[at]);
    let all: Vec<f64> = ends
        .filter(|&at| at + 1 >= least.max(1) && n - (at + 1) >= least.max(1))
        .map(|at| sorted[at])
        .collect();
    if all.len() <= options.candidates {
        return (all, false);
    }
    let step = all.len() as f64 / options.candidates as f64;
    let spread = (0..options.candidates).map(|point| all[((point as f64 + 0.5) * step) as usize]);
    (spread.collect(), true)
}

/// What assets that miss the same rows share. n rows, k = rank of the design.
pub(super) struct System {
    /// Rows of the panel in use.
    pub rows: Vec<usize>,
    /// Rank of the design.
    pub rank: usize,
    qr: PivotedQr,
    /// `[row][rank]`, the orthonormal basis by rows.
    pub basis: Vec<f64>,
    /// `[variable]`.
    pub splits: Vec<Splits>,
}

/// The two regimes of one variable at every threshold.
pub(super) struct Splits {
    /// Rows in use, by ascending value of the variable.
    order: Vec<usize>,
    /// `[point]`: how many of them are at or below the threshold.
    pub cuts: Vec<usize>,
    /// `[point]`: factor of M - M M; `None` where a regime has too few rows.
    factors: Vec<Option<Factor>>,
}

/// Lower triangular factor of a positive semi-definite matrix, row-major; the diagonal holds inverses, 0 for a direction
/// without length.
pub(super) struct Factor(Vec<f64>);

/// Values of up to [`LANES`] assets or samples.
pub(super) type Lane = [f64; LANES];

impl System {
    pub(super) fn new(panel: &Panel, options: &ThresholdOptions, grid: &Grid, observed: &[bool]) -> Self {
        let rows: Vec<usize> = (0..panel.rows).filter(|&row| observed[row]).collect();
        let design = (0..panel.columns)
            .flat_map(|column| rows.iter().map(move |&row| panel.design_row(row)[column]))
            .collect();
        let qr = PivotedQr::new(design, rows.len(), panel.columns);
        let (n, rank) = (rows.len(), qr.rank());
        let basis: Vec<f64> = (0..n * rank).map(|at| qr.q[(at % rank) * n + at / rank]).collect();
        let variables = options.variables.chunks_exact(panel.rows.max(1));
        let splits = variables
            .zip(&grid.values)
            .map(|(variable, values)| Splits::new(variable, values, &rows, &basis, rank))
            .collect();
        Self {
            rows,
            rank,
            qr,
            basis,
            splits,
        }
    }

    /// Residuals of an asset without a threshold, `[row in use]`.
    pub(super) fn residuals(&self, panel: &Panel, asset: usize) -> Vec<f64> {
        let values: Vec<f64> = self.rows.iter().map(|&row| panel.value(row, asset)).collect();
        self.qr.residuals(&values)
    }

    /// Takes what the design explains off every lane, in place; returns what is left of the sums of squares.
    pub(super) fn project(&self, series: &mut [Lane]) -> Lane {
        let mut along = vec![[0.0; LANES]; self.rank];
        let width = self.rank.max(1);
        for (value, u) in series.iter().zip(self.basis.chunks_exact(width)) {
            for (along, u) in along.iter_mut().zip(u) {
                (0..LANES).for_each(|lane| along[lane] += u * value[lane]);
            }
        }
        let mut squares = [0.0; LANES];
        for (value, u) in series.iter_mut().zip(self.basis.chunks_exact(width)) {
            for (along, u) in along.iter().zip(u) {
                (0..LANES).for_each(|lane| value[lane] -= u * along[lane]);
            }
            (0..LANES).for_each(|lane| squares[lane] += value[lane] * value[lane]);
        }
        squares
    }

    /// By how much each point lowers the sums of squares of residuals, all variables after one another.
    pub(super) fn reductions(&self, residuals: &[Lane], out: &mut [Lane]) {
        let mut rest = out;
        for splits in &self.splits {
            let (own, later) = rest.split_at_mut(splits.cuts.len());
            splits.reductions(residuals, &self.basis, self.rank, own);
            rest = later;
        }
    }

    /// The regression with one threshold; `None` where a regime has too few rows.
    pub(super) fn apart(&self, variable: usize, point: usize, residuals: &[f64]) -> Option<Apart> {
        let splits = &self.splits[variable];
        let factor = splits.factors[point].as_ref()?;
        let u = |row: usize| &self.basis[row * self.rank..(row + 1) * self.rank];
        let lower = &splits.order[..splits.cuts[point]];
        let mut change = vec![0.0; self.rank];
        for &row in lower {
            let value = residuals[row];
            change.iter_mut().zip(u(row)).for_each(|(s, u)| *s += u * value);
        }
        factor.solve(&mut change);
        let moved: Vec<f64> = (0..self.rows.len()).map(|row| dot(u(row), &change)).collect();
        // What the change explains beyond the design: 1[lower] u'd - u'M d.
        let mut along = vec![0.0; self.rank];
        for &row in lower {
            along.iter_mut().zip(u(row)).for_each(|(a, u)| *a += u * moved[row]);
        }
        let mut left: Vec<f64> = (0..self.rows.len())
            .map(|row| residuals[row] + dot(u(row), &along))
            .collect();
        lower.iter().for_each(|&row| left[row] -= moved[row]);
        Some(Apart { moved, residuals: left })
    }
}

/// A regression with a threshold, `[row in use]` both.
pub(super) struct Apart {
    /// d'x: by how much the fitted value of the row would change with the regime.
    pub moved: Vec<f64>,
    /// What both regimes leave.
    pub residuals: Vec<f64>,
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

impl Splits {
    fn new(variable: &[f64], values: &[f64], rows: &[usize], basis: &[f64], rank: usize) -> Self {
        let q = |local: usize| variable[rows[local]];
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by(|&a, &b| q(a).total_cmp(&q(b)));
        let cuts: Vec<usize> = values
            .iter()
            .map(|&value| order.partition_point(|&local| q(local) <= value))
            .collect();
        let mut moment = vec![0.0; rank * rank];
        let mut next = 0;
        let mut factors = Vec::with_capacity(cuts.len());
        for &cut in &cuts {
            for &row in &order[next..cut] {
                let u = &basis[row * rank..(row + 1) * rank];
                for (out, a) in moment.chunks_exact_mut(rank.max(1)).zip(u) {
                    out.iter_mut().zip(u).for_each(|(out, b)| *out += a * b);
                }
            }
            next = cut;
            let enough = cut > rank && rows.len() - cut > rank;
            factors.push(enough.then(|| Factor::new(&moment, rank)));
        }
        Self { order, cuts, factors }
    }

    fn reductions(&self, residuals: &[Lane], basis: &[f64], rank: usize, out: &mut [Lane]) {
        let mut score = vec![[0.0; LANES]; rank];
        let mut work = score.clone();
        let mut next = 0;
        for ((&cut, factor), out) in self.cuts.iter().zip(&self.factors).zip(out) {
            for &row in &self.order[next..cut] {
                let value = &residuals[row];
                for (score, u) in score.iter_mut().zip(&basis[row * rank..(row + 1) * rank]) {
                    (0..LANES).for_each(|lane| score[lane] += u * value[lane]);
                }
            }
            next = cut;
            *out = factor
                .as_ref()
                .map_or([0.0; LANES], |factor| factor.quadratic(&score, &mut work));
        }
    }
}

impl Factor {
    /// Of M - M M.
    fn new(moment: &[f64], n: usize) -> Self {
        let mut a: Vec<f64> = (0..n * n)
            .map(|at| {
                let (i, j) = (at / n, at % n);
                let square: f64 = (0..n).map(|l| moment[i * n + l] * moment[l * n + j]).sum();
                moment[at] - square
            })
            .collect();
        for i in 0..n {
            let (above, row) = a.split_at_mut(i * n);
            for j in 0..i {
                let before = &above[j * n..j * n + n];
                let sum: f64 = row[..j].iter().zip(before).map(|(x, y)| x * y).sum();
                row[j] = (row[j] - sum) * before[j];
            }
            let rest = row[i] - row[..i].iter().map(|x| x * x).sum::<f64>();
            row[i] = if rest > SAME_IN_BOTH { 1.0 / rest.sqrt() } else { 0.0 };
        }
        Self(a)
    }

    /// |L^-1 s|^2, what lies in directions without length left out.
    fn quadratic(&self, score: &[Lane], work: &mut [Lane]) -> Lane {
        let n = score.len();
        let mut sum = [0.0; LANES];
        for (i, s) in score.iter().enumerate() {
            let row = &self.0[i * n..i * n + i + 1];
            let mut value = *s;
            for (l, before) in row[..i].iter().zip(&*work) {
                (0..LANES).for_each(|lane| value[lane] -= l * before[lane]);
            }
            let value = value.map(|value| value * row[i]);
            (0..LANES).for_each(|lane| sum[lane] += value[lane] * value[lane]);
            work[i] = value;
        }
        sum
    }

    /// x <- (L L')^-1 x.
    fn solve(&self, x: &mut [f64]) {
        let n = x.len();
        for i in 0..n {
            let row = &self.0[i * n..i * n + i + 1];
            let sum: f64 = row[..i].iter().zip(&*x).map(|(l, x)| l * x).sum();
            x[i] = (x[i] - sum) * row[i];
        }
        for i in (0..n).rev() {
            let sum: f64 = (i + 1..n).map(|j| self.0[j * n + i] * x[j]).sum();
            x[i] = (x[i] - sum) * self.0[i * n + i];
        }
    }
}

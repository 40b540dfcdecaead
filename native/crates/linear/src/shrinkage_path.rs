use macrograd_simd::Control;

use crate::panel::Group;
use crate::parallel::for_each;
use crate::qr::PivotedQr;
use crate::small::{cholesky, forward_substitute};
use crate::{LinearError, Panel};

/// Assets that one task works on with one factorisation.
const ASSETS_PER_TASK: usize = 32;

/// Sweeps of coordinate descent between attempts to solve for the active coefficients exactly.
const SWEEPS: usize = 10;

/// Attempts before the coefficients are taken as they are; each is exact once the active set has settled.
const MOST_ATTEMPTS: usize = 1000;

/// Slack of the optimality conditions, relative to the largest gradient: rounding of the compressed rows.
const SLACK: f64 = 1e-10;

/// What a path of estimates runs along, from most to least shrunk.
#[derive(Debug, Clone, Copy)]
pub enum Shrinkage<'a> {
    /// |y - Xb|^2 / (2 n) + alpha (rho |b|_1 + (1 - rho) |b|^2 / 2) for falling alpha (Zou and Hastie 2005; Friedman,
    /// Hastie and Tibshirani 2010). rho = 1 is the LASSO, 0 ridge.
    ElasticNet {
        /// rho.
        l1_ratio: f64,
        /// Falling penalties, the same for all assets; empty: `count` of them for each asset, evenly spaced in
        /// logarithms from the least that makes all coefficients zero (rho at least .001 for this) to `ratio` times it.
        alphas: &'a [f64],
        /// Penalties of an automatic path.
        count: usize,
        /// Last over first penalty of an automatic path.
        ratio: f64,
    },
    /// Least squares on the first 1, 2, ... directions.
    Directions {
        /// `[direction][shrunk column]`, as the loadings of principal components.
        directions: &'a [f64],
    },
    /// Partial least squares with 1, 2, ... up to this many components (Wold 1975; one response a time).
    PartialLeastSquares(usize),
}

/// Options of [`shrinkage_path`].
#[derive(Debug, Clone)]
pub struct ShrinkageOptions<'a> {
    /// Kind of path.
    pub kind: Shrinkage<'a>,
    /// Columns that are not shrunk: the constant, controls, marks.
    pub free_columns: Vec<usize>,
    /// Blocks of neighbouring rows that cross-validation leaves out in turn; below 2: none.
    pub folds: usize,
    /// Fewest observations for an estimate.
    pub min_observations: usize,
}

/// Paths of shrunk coefficients. N assets, P steps, K columns; an asset with too few observations has NaN.
#[derive(Debug, Clone)]
pub struct ShrinkagePath {
    /// P.
    pub steps: usize,
    /// `[asset][step][column]`.
    pub coefficients: Vec<f64>,
    /// `[asset][step]`: alpha, or number of components.
    pub parameters: Vec<f64>,
    /// `[asset][step]`: mean over folds of the mean squared error out of the fold; empty without folds.
    pub errors: Vec<f64>,
    /// `[asset]`, rows used.
    pub observations: Vec<u32>,
}

/// Coefficients of every asset along a path of shrinkage, and their block cross-validation.
///
/// Rows are compressed to the triangle R of X = QR and to Q'y, free columns first, so that the shrunk part needs only
/// the triangle's lower corner (Frisch-Waugh-Lovell) and no condition number is squared by projecting.
///
/// # Errors
/// `BadOption` for options out of range, `ShapeMismatch`, `Cancelled`.
pub fn shrinkage_path(
    panel: &Panel,
    options: &ShrinkageOptions,
    control: &Control,
) -> Result<ShrinkagePath, LinearError> {
    let shrunk: Vec<usize> = (0..panel.columns)
        .filter(|column| !options.free_columns.contains(column))
        .collect();
    let steps = check(panel, options, shrunk.len())?;
    let (n, k) = (panel.assets, panel.columns);
    let folds = if options.folds < 2 { 0 } else { options.folds };
    let order: Vec<usize> = options.free_columns.iter().chain(&shrunk).copied().collect();
    let mut tasks = panel
        .groups(0..n, ASSETS_PER_TASK)
        .into_iter()
        .map(|group| (group, Vec::new()))
        .collect::<Vec<(Group, Vec<AssetPath>)>>();
    let references: Vec<&mut (Group, Vec<AssetPath>)> = tasks.iter_mut().collect();
    for_each(
        references,
        control,
        |done| control.report(done),
        |(group, paths)| {
            *paths = group_paths(panel, options, group, &order, folds);
        },
    )?;
    let mut out = ShrinkagePath {
        steps,
        coefficients: vec![f64::NAN; n * steps * k],
        parameters: vec![f64::NAN; n * steps],
        errors: vec![f64::NAN; if folds > 0 { n * steps } else { 0 }],
        observations: vec![0; n],
    };
    for (group, paths) in tasks {
        let count = group.observed.iter().filter(|&&seen| seen).count();
        for (at, &asset) in group.assets.iter().enumerate() {
            out.observations[asset] = count as u32;
            let Some(path) = paths.get(at) else { continue };
            // A path with fewer directions than asked for ends early.
            for (step, b) in path.coefficients.chunks_exact(k).enumerate() {
                let own = &mut out.coefficients[(asset * steps + step) * k..];
                order.iter().zip(b).for_each(|(&column, b)| own[column] = *b);
                out.parameters[asset * steps + step] = path.parameters[step];
                if folds > 0 {
                    out.errors[asset * steps + step] = path.errors[step];
                }
            }
        }
    }
    Ok(out)
}

/// Number of steps.
fn check(panel: &Panel, options: &ShrinkageOptions, shrunk: usize) -> Result<usize, LinearError> {
    let bad = |name, value: f64, remedy| Err(LinearError::BadOption { name, value, remedy });
    if shrunk + options.free_columns.len() != panel.columns {
        return bad(
            "free_columns",
            options.free_columns.len() as f64,
            "give distinct columns of the design",
        );
    }
    match options.kind {
        Shrinkage::ElasticNet {
            l1_ratio,
            alphas,
            count,
            ratio,
        } => {
            if !(0.0..=1.0).contains(&l1_ratio) {
                return bad("l1_ratio", l1_ratio, "give a share from 0 to 1");
            }
            if alphas.iter().any(|&alpha| alpha < 0.0 || !alpha.is_finite()) {
                return bad("alphas", f64::NAN, "give penalties of at least 0");
            }
            if alphas.is_empty() && (count < 2 || !(ratio > 0.0 && ratio < 1.0)) {
                return bad(
                    "count",
                    count as f64,
                    "give at least two penalties and a ratio between 0 and 1",
                );
            }
            Ok(if alphas.is_empty() { count } else { alphas.len() })
        }
        Shrinkage::Directions { directions } => {
            if shrunk == 0 || directions.is_empty() || directions.len() % shrunk != 0 {
                return bad(
                    "directions",
                    directions.len() as f64,
                    "give as many weights a direction as shrunk columns",
                );
            }
            Ok(directions.len() / shrunk)
        }
        Shrinkage::PartialLeastSquares(count) => match count {
            0 => bad("components", 0.0, "give at least 1"),
            _ => Ok(count.min(shrunk)),
        },
    }
}

/// One asset's path; columns with the free ones first.
struct AssetPath {
    coefficients: Vec<f64>,
    parameters: Vec<f64>,
    errors: Vec<f64>,
}

/// Rows of a design compressed to their triangle.
struct Compressed {
    qr: PivotedQr,
    rows: Vec<usize>,
    /// Q'X, `[kept][column]`.
    r: Vec<f64>,
    columns: usize,
    /// Kept free columns: the first rows of R.
    free: usize,
    free_columns: usize,
}

impl Compressed {
    fn new(panel: &Panel, rows: Vec<usize>, order: &[usize], free_columns: usize) -> Self {
        let design: Vec<f64> = order
            .iter()
            .flat_map(|&column| rows.iter().map(move |&row| panel.design_row(row)[column]))
            .collect();
        let n = rows.len();
        let columns = order.len();
        let qr = PivotedQr::new(design.clone(), n, columns);
        let r =
            qr.q.chunks_exact(n.max(1))
                .flat_map(|basis| design.chunks_exact(n.max(1)).map(move |x| dot(basis, x)));
        let r = r.collect();
        let free = qr.kept.iter().filter(|&&column| column < free_columns).count();
        Self {
            qr,
            rows,
            r,
            columns,
            free,
            free_columns,
        }
    }

    fn target(&self, panel: &Panel, asset: usize) -> Vec<f64> {
        self.rows.iter().map(|&row| panel.value(row, asset)).collect()
    }

    /// Q'y.
    fn compress(&self, y: &[f64]) -> Vec<f64> {
        self.qr
            .q
            .chunks_exact(self.rows.len().max(1))
            .map(|basis| dot(basis, y))
            .collect()
    }

    /// Lower corner of R, `[row][shrunk column]`.
    fn corner(&self) -> Vec<f64> {
        let rows = self.r.chunks_exact(self.columns).skip(self.free);
        rows.flat_map(|row| row[self.free_columns..].to_vec()).collect()
    }

    /// Coefficients of all columns given those of the shrunk ones: back substitution in the free rows.
    fn complete(&self, c: &[f64], shrunk: &[f64]) -> Vec<f64> {
        let mut b = vec![0.0; self.columns];
        b[self.free_columns..].copy_from_slice(shrunk);
        for i in (0..self.free).rev() {
            let row = &self.r[i * self.columns..(i + 1) * self.columns];
            let own = self.qr.kept[i];
            b[own] = 0.0;
            b[own] = (c[i] - dot(row, &b)) / row[own];
        }
        b
    }
}

fn group_paths(
    panel: &Panel,
    options: &ShrinkageOptions,
    group: &Group,
    order: &[usize],
    folds: usize,
) -> Vec<AssetPath> {
    let rows: Vec<usize> = (0..panel.rows).filter(|&row| group.observed[row]).collect();
    if rows.len()
        < options
            .min_observations
            .max(options.free_columns.len() + 2)
            .max(2 * folds)
    {
        return Vec::new();
    }
    let free = options.free_columns.len();
    let all = Compressed::new(panel, rows.clone(), order, free);
    // Blocks as equal as can be, the longer ones first.
    let start = |fold: usize| fold * (rows.len() / folds.max(1)) + fold.min(rows.len() % folds.max(1));
    let splits: Vec<(Compressed, Vec<usize>)> = (0..folds)
        .map(|fold| {
            let held = start(fold)..start(fold + 1);
            let kept = rows
                .iter()
                .enumerate()
                .filter(|(at, _)| !held.contains(at))
                .map(|(_, &row)| row);
            (
                Compressed::new(panel, kept.collect(), order, free),
                rows[held.clone()].to_vec(),
            )
        })
        .collect();
    let path_of = |&asset: &usize| {
        let c = all.compress(&all.target(panel, asset));
        let parameters = parameters(&all, &c, options);
        let paths = solve(&all, &c, options, &parameters);
        let coefficients = paths.iter().flat_map(|shrunk| all.complete(&c, shrunk)).collect();
        let mut errors = vec![0.0; if folds > 0 { parameters.len() } else { 0 }];
        for (train, held) in &splits {
            let c = train.compress(&train.target(panel, asset));
            let solved = solve(train, &c, options, &parameters);
            for (step, error) in errors.iter_mut().enumerate() {
                let Some(shrunk) = solved.get(step) else {
                    *error = f64::NAN;
                    continue;
                };
                let b = train.complete(&c, shrunk);
                let squares: f64 = held
                    .iter()
                    .map(|&row| (panel.value(row, asset) - along(panel, row, order, &b)).powi(2))
                    .sum();
                *error += squares / held.len() as f64 / folds as f64;
            }
        }
        AssetPath {
            coefficients,
            parameters: parameters[..paths.len()].to_vec(),
            errors,
        }
    };
    group.assets.iter().map(path_of).collect()
}

fn along(panel: &Panel, row: usize, order: &[usize], b: &[f64]) -> f64 {
    let x = panel.design_row(row);
    order.iter().zip(b).map(|(&column, b)| x[column] * b).sum()
}

/// Penalties or numbers of components of an asset's path.
fn parameters(all: &Compressed, c: &[f64], options: &ShrinkageOptions) -> Vec<f64> {
    let shrunk = all.columns - all.free_columns;
    match options.kind {
        Shrinkage::ElasticNet {
            l1_ratio,
            alphas,
            count,
            ratio,
        } => {
            if !alphas.is_empty() {
                return alphas.to_vec();
            }
            let gradient = transposed_product(&all.corner(), &c[all.free..], shrunk);
            let largest = gradient.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
            let first = largest / (all.rows.len() as f64 * l1_ratio.max(1e-3));
            (0..count)
                .map(|step| first * ratio.powf(step as f64 / (count - 1) as f64))
                .collect()
        }
        Shrinkage::Directions { directions } => (1..=directions.len() / shrunk).map(|m| m as f64).collect(),
        Shrinkage::PartialLeastSquares(count) => (1..=count.min(shrunk)).map(|m| m as f64).collect(),
    }
}

/// Shrunk coefficients of every step.
fn solve(rows: &Compressed, c: &[f64], options: &ShrinkageOptions, parameters: &[f64]) -> Vec<Vec<f64>> {
    let (corner, c) = (rows.corner(), &c[rows.free..]);
    let shrunk = rows.columns - rows.free_columns;
    match options.kind {
        Shrinkage::ElasticNet { l1_ratio, .. } => {
            elastic_net(&corner, c, shrunk, rows.rows.len(), l1_ratio, parameters)
        }
        Shrinkage::Directions { directions } => nested_directions(&corner, c, shrunk, directions),
        Shrinkage::PartialLeastSquares(count) => partial_least_squares(&corner, c, shrunk, count.min(shrunk)),
    }
}

fn elastic_net(x: &[f64], y: &[f64], k: usize, rows: usize, l1_ratio: f64, alphas: &[f64]) -> Vec<Vec<f64>> {
    let n = rows as f64;
    let gradient: Vec<f64> = transposed_product(x, y, k).iter().map(|g| g / n).collect();
    let mut gram = vec![0.0; k * k];
    for row in x.chunks_exact(k.max(1)) {
        for i in 0..k {
            for j in 0..k {
                gram[i * k + j] += row[i] * row[j] / n;
            }
        }
    }
    let mut b = vec![0.0; k];
    let step = |&alpha: &f64| {
        let problem = Penalised {
            gram: &gram,
            gradient: &gradient,
            l1: alpha * l1_ratio,
            l2: alpha * (1.0 - l1_ratio),
        };
        problem.descend(&mut b);
        b.clone()
    };
    alphas.iter().map(step).collect()
}

/// b'Gb/2 - g'b + l1 |b|_1 + l2 |b|^2 / 2.
struct Penalised<'a> {
    gram: &'a [f64],
    gradient: &'a [f64],
    l1: f64,
    l2: f64,
}

impl Penalised<'_> {
    /// Coordinate descent from b until its active set solves the problem exactly.
    fn descend(&self, b: &mut [f64]) {
        for _ in 0..MOST_ATTEMPTS {
            if let Some(exact) = self.exact(b) {
                b.copy_from_slice(&exact);
                return;
            }
            (0..SWEEPS).for_each(|_| self.sweep(b));
        }
    }

    fn sweep(&self, b: &mut [f64]) {
        let k = b.len();
        for j in 0..k {
            let row = &self.gram[j * k..(j + 1) * k];
            let partial = self.gradient[j] - dot(row, b) + row[j] * b[j];
            let below = row[j] + self.l2;
            let size = (partial.abs() - self.l1).max(0.0);
            b[j] = if below > 0.0 {
                size.copysign(partial) / below
            } else {
                0.0
            };
        }
    }

    /// Solution on the active set of b with its signs, if it satisfies all optimality conditions. Without an absolute
    /// penalty all coefficients are active.
    fn exact(&self, b: &[f64]) -> Option<Vec<f64>> {
        let k = b.len();
        let active: Vec<usize> = (0..k).filter(|&j| self.l1 == 0.0 || b[j] != 0.0).collect();
        let size = active.len();
        let sign = |j: usize| if self.l1 == 0.0 { 0.0 } else { b[j].signum() };
        let mut factor = vec![0.0; size * size];
        for (i, &a) in active.iter().enumerate() {
            for (j, &c) in active.iter().enumerate() {
                factor[i * size + j] = self.gram[a * k + c] + if i == j { self.l2 } else { 0.0 };
            }
        }
        if !cholesky(&mut factor, size) {
            return None;
        }
        let mut solution: Vec<f64> = active.iter().map(|&j| self.gradient[j] - self.l1 * sign(j)).collect();
        forward_substitute(&factor, &mut solution);
        back_substitute(&factor, &mut solution);
        let mut exact = vec![0.0; k];
        for (&j, value) in active.iter().zip(solution) {
            if value * sign(j) < 0.0 {
                return None;
            }
            exact[j] = value;
        }
        let slack = SLACK * self.gradient.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
        let optimal = |j: usize| {
            let slope = self.gradient[j] - dot(&self.gram[j * k..(j + 1) * k], &exact);
            exact[j] != 0.0 || slope.abs() <= self.l1 + slack
        };
        (0..k).all(optimal).then_some(exact)
    }
}

/// x <- L^-T x.
fn back_substitute(l: &[f64], x: &mut [f64]) {
    let n = x.len();
    for i in (0..n).rev() {
        let sum: f64 = (i + 1..n).map(|j| l[j * n + i] * x[j]).sum();
        x[i] = (x[i] - sum) / l[i * n + i];
    }
}

/// Least squares on the first m directions for every m: their images are orthogonalised one after another.
fn nested_directions(x: &[f64], y: &[f64], k: usize, directions: &[f64]) -> Vec<Vec<f64>> {
    let mut basis: Vec<Vec<f64>> = Vec::new();
    // Coefficients that produce each basis vector.
    let mut weights: Vec<Vec<f64>> = Vec::new();
    let mut b = vec![0.0; k];
    let mut path = Vec::new();
    for direction in directions.chunks_exact(k) {
        let mut weight = direction.to_vec();
        let mut image = self::image(x, direction);
        let length = dot(&image, &image).sqrt();
        // Twice is enough (Parlett 1998): the second pass takes off what rounding of the first left.
        for _ in 0..2 {
            for (q, w) in basis.iter().zip(&weights) {
                let along = dot(q, &image);
                image.iter_mut().zip(q).for_each(|(x, q)| *x -= along * q);
                weight.iter_mut().zip(w).for_each(|(x, w)| *x -= along * w);
            }
        }
        let left = dot(&image, &image).sqrt();
        // A direction that adds nothing leaves the coefficients as they are.
        if left > crate::RANK_TOLERANCE * length {
            image.iter_mut().for_each(|x| *x /= left);
            weight.iter_mut().for_each(|x| *x /= left);
            let along = dot(&image, y);
            b.iter_mut().zip(&weight).for_each(|(b, w)| *b += along * w);
            basis.push(image);
            weights.push(weight);
        }
        // One step of refinement: what rounding left of y in the directions so far.
        let fitted = self::image(x, &b);
        let left: Vec<f64> = y.iter().zip(fitted).map(|(y, fitted)| y - fitted).collect();
        for (q, w) in basis.iter().zip(&weights) {
            let along = dot(q, &left);
            b.iter_mut().zip(w).for_each(|(b, w)| *b += along * w);
        }
        path.push(b.clone());
    }
    path
}

/// NIPALS for one response on the compressed rows; ends early when nothing of y is left to explain.
fn partial_least_squares(x: &[f64], y: &[f64], k: usize, count: usize) -> Vec<Vec<f64>> {
    let mut left = x.to_vec();
    let mut directions: Vec<f64> = Vec::new();
    for _ in 0..count {
        let mut weight = transposed_product(&left, y, k);
        let length = dot(&weight, &weight).sqrt();
        if length.is_nan() || length <= crate::RANK_TOLERANCE * dot(y, y).sqrt() {
            break;
        }
        weight.iter_mut().for_each(|w| *w /= length);
        let score = image(&left, &weight);
        let square = dot(&score, &score);
        let loading: Vec<f64> = transposed_product(&left, &score, k)
            .iter()
            .map(|p| p / square)
            .collect();
        for (row, t) in left.chunks_exact_mut(k).zip(&score) {
            row.iter_mut().zip(&loading).for_each(|(x, p)| *x -= t * p);
        }
        directions.extend(weight);
    }
    // The weights span the Krylov space in which the coefficients lie: least squares on their first m.
    nested_directions(x, y, k, &directions)
}

/// X w.
fn image(x: &[f64], w: &[f64]) -> Vec<f64> {
    x.chunks_exact(w.len().max(1)).map(|row| dot(row, w)).collect()
}

/// X'y.
fn transposed_product(x: &[f64], y: &[f64], k: usize) -> Vec<f64> {
    let mut out = vec![0.0; k];
    for (row, y) in x.chunks_exact(k.max(1)).zip(y) {
        out.iter_mut().zip(row).for_each(|(out, x)| *out += x * y);
    }
    out
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

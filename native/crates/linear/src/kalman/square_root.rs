//! Square-root form: factors S of covariances S S' are carried in place of the covariances, by reflections alone.
//!
//! Array form of Kailath, Sayed and Hassibi (2000, 12.3) with Potter's update of one measurement (Bierman 1977); the
//! exactly diffuse start has a factor of its own, which loses one column to every row that informs about it. Smoother: one
//! array gives the pull J of the next row's state and the factor of what stays unknown given it (Park and Kailath
//! 1995). Nothing is subtracted, so that digits are lost with the condition number and not with its square. Derivation:
//! docs/derivations/square_root_filter.md.

use super::KalmanModel;
use super::recursion::{Gains, Recursion, Step, dot};
use crate::Panel;

/// A row informs about a diffuse direction when more than this share of its squared length lies in it. Factors know
/// directions to some 10^-15, squares of lengths to 10^-30.
const DIFFUSE_TOLERANCE: f64 = 1e-20;

/// What is left of a row after the rows before it counts as 0 below this share of it.
const NEGLIGIBLE: f64 = 1e-15;

/// Columns of a factor, K entries each.
type Factor = Vec<Vec<f64>>;

/// Factors of every row, given data up to it.
pub(super) struct Factors<'a> {
    model: &'a KalmanModel,
    k: usize,
    finite: Vec<Factor>,
    /// Of the rows that are diffuse.
    diffuse: Vec<Factor>,
}

/// What the smoother finds.
pub(super) struct Pulls {
    /// `[row][column][column]`: J, by which the state follows what is learnt about the next row's.
    pub pulls: Vec<f64>,
    /// `[row][column][column]`, given all data.
    pub covariance: Vec<f64>,
}

impl<'a> Factors<'a> {
    /// Filters: the recursion in the form that the states read, and its factors.
    pub(super) fn filter(
        panel: &'a Panel<'a>,
        observed: &[bool],
        model: &'a KalmanModel,
        noise: Option<Vec<f64>>,
    ) -> (Recursion<'a>, Self) {
        let k = panel.columns;
        let mut own = Self {
            model,
            k,
            finite: Vec::with_capacity(panel.rows),
            diffuse: Vec::new(),
        };
        let mut found = Gains::default();
        let (mut finite, mut diffuse) = own.start();
        for (row, &seen) in observed.iter().enumerate() {
            if row > 0 {
                finite = own.advanced(&finite);
                triangularise(&mut finite, k);
            }
            let was_diffuse = !diffuse.is_empty();
            let variance = noise.as_ref().map_or(1.0, |noise| noise[row]);
            let (step, gain) = if seen {
                observe(&mut finite, &mut diffuse, panel.design_row(row), variance)
            } else {
                (Step::Missing, vec![0.0; k])
            };
            found.steps.push(step);
            found.gains.extend(gain);
            found.filtered.extend(squared(&finite, k));
            if was_diffuse {
                found.diffuse.extend(squared(&diffuse, k));
                found.diffuse_rows = row + 1;
                own.diffuse.push(diffuse.clone());
            }
            own.finite.push(finite.clone());
        }
        (Recursion::from_gains(panel, model, noise, found), own)
    }

    /// Smooths, from the last row to the first.
    pub(super) fn smooth(&self) -> Pulls {
        let (k, rows) = (self.k, self.finite.len());
        let mut out = Pulls {
            pulls: vec![0.0; rows * k * k],
            covariance: vec![0.0; rows * k * k],
        };
        let mut later: Factor = self.finite.last().cloned().unwrap_or_default();
        for row in (0..rows).rev() {
            if row + 1 < rows {
                let (pull, mut rest) = self.pull(row);
                rest.extend(later.iter().map(|column| crate::small::apply(&pull, column)));
                triangularise(&mut rest, k);
                later = rest;
                out.pulls[row * k * k..(row + 1) * k * k].copy_from_slice(&pull);
            }
            out.covariance[row * k * k..(row + 1) * k * k].copy_from_slice(&squared(&later, k));
        }
        out
    }

    /// Factors of the first row, before its return is seen: finite, diffuse.
    fn start(&self) -> (Factor, Factor) {
        let unit = |j: usize, size: f64| (0..self.k).map(|i| if i == j { size } else { 0.0 }).collect();
        let (mut finite, mut diffuse) = (Factor::new(), Factor::new());
        for (j, &variance) in self.model.initial_variance.iter().enumerate() {
            if variance.is_infinite() {
                diffuse.push(unit(j, 1.0));
            } else {
                finite.push(unit(j, variance.sqrt()));
            }
        }
        (finite, diffuse)
    }

    /// [T S, Q^(1/2)]: the next row's finite factor, with more columns than needed.
    fn advanced(&self, finite: &Factor) -> Factor {
        let carried = |column: &Vec<f64>| {
            column
                .iter()
                .zip(&self.model.transition)
                .map(|(s, phi)| s * phi)
                .collect()
        };
        let steps = self.model.step_variance.iter().enumerate();
        let steps = steps.map(|(j, q)| (0..self.k).map(|i| if i == j { q.sqrt() } else { 0.0 }).collect());
        finite.iter().map(carried).chain(steps).collect()
    }

    /// J of a row, row-major, and the factor of its state given the next one.
    ///
    /// With U spanning the diffuse directions and W the others, M = [T S, Q^(1/2)] and C = [S, 0]: reflections bring
    /// [W'M; C - U U'M] to [L, 0; G L, B]; J = U U' + G W'.
    fn pull(&self, row: usize) -> (Vec<f64>, Factor) {
        let k = self.k;
        let none = Factor::new();
        let [along, across] = bases(self.diffuse.get(row).unwrap_or(&none), k);
        let (now, next) = (&self.finite[row], self.advanced(&self.finite[row]));
        let known = across.len();
        let mut array: Factor = next
            .iter()
            .enumerate()
            .map(|(at, next)| {
                let mut left = now.get(at).cloned().unwrap_or_else(|| vec![0.0; k]);
                for u in &along {
                    let share = dot(u, next);
                    left.iter_mut().zip(u).for_each(|(left, u)| *left -= share * u);
                }
                across.iter().map(|w| dot(w, next)).chain(left).collect()
            })
            .collect();
        let pivots = reflect_rows(&mut array, known);
        let mut pull = vec![0.0; k * k];
        for i in 0..k {
            let mut g = vec![0.0; pivots.len()];
            for (at, &pivot) in pivots.iter().enumerate().rev() {
                let later = g[at + 1..].iter().zip(&pivots[at + 1..]);
                let rest: f64 = later.map(|(g, &row)| g * array[at][row]).sum();
                g[at] = (array[at][known + i] - rest) / array[at][pivot];
            }
            let out = &mut pull[i * k..(i + 1) * k];
            let told = g.iter().zip(pivots.iter().map(|&row| &across[row]));
            for (weight, basis) in told.chain(along.iter().map(|u| (&u[i], u))) {
                out.iter_mut()
                    .zip(basis)
                    .for_each(|(out, basis)| *out += weight * basis);
            }
        }
        let rest = array
            .split_off(pivots.len())
            .into_iter()
            .map(|column| column[known..].to_vec());
        (pull, rest.collect())
    }
}

/// Takes in one return: how, and the gain.
fn observe(finite: &mut Factor, diffuse: &mut Factor, x: &[f64], noise: f64) -> (Step, Vec<f64>) {
    let infinite: Vec<f64> = diffuse.iter().map(|column| dot(x, column)).collect();
    let variance = dot(&infinite, &infinite);
    if variance > DIFFUSE_TOLERANCE * dot(x, x) {
        reflect(diffuse, &infinite);
        let fixed = diffuse.remove(0);
        let along = dot(x, &fixed);
        let gain: Vec<f64> = fixed.iter().map(|u| u / along).collect();
        for column in finite.iter_mut() {
            let share = dot(x, column);
            column.iter_mut().zip(&gain).for_each(|(s, gain)| *s -= gain * share);
        }
        finite.push(gain.iter().map(|gain| gain * noise.sqrt()).collect());
        triangularise(finite, x.len());
        return (Step::Diffuse { variance }, gain);
    }
    let along: Vec<f64> = std::iter::once(noise.sqrt())
        .chain(finite.iter().map(|column| dot(x, column)))
        .collect();
    let variance = dot(&along, &along);
    finite.insert(0, vec![0.0; x.len()]);
    reflect(finite, &along);
    // The reflected row is (-sqrt F, 0): its first entry was positive.
    let scaled = finite.remove(0);
    let gain = scaled.iter().map(|own| -own / variance.sqrt()).collect();
    (Step::Regular { variance }, gain)
}

/// Reflects columns so that a row of the array with the entries `along` has its first alone: columns (I - 2 w w' / w'w).
fn reflect(columns: &mut [Vec<f64>], along: &[f64]) {
    let length = dot(along, along).sqrt();
    if length == 0.0 {
        return;
    }
    let mut w = along.to_vec();
    w[0] += length.copysign(along[0]);
    let factor = 2.0 / dot(&w, &w);
    let mut sum = vec![0.0; columns[0].len()];
    for (column, w) in columns.iter().zip(&w) {
        sum.iter_mut().zip(column).for_each(|(sum, s)| *sum += w * s);
    }
    for (column, w) in columns.iter_mut().zip(&w) {
        column.iter_mut().zip(&sum).for_each(|(s, sum)| *s -= factor * w * sum);
    }
}

/// Brings the first rows of an array to lower echelon form; returns the row of every column that is left in them. A row that
/// earlier rows determine (a state known exactly among them) takes no column.
fn reflect_rows(columns: &mut Factor, rows: usize) -> Vec<usize> {
    let mut pivots = Vec::with_capacity(rows);
    for row in 0..rows {
        let all: Vec<f64> = columns.iter().map(|column| column[row]).collect();
        let along = &all[pivots.len()..];
        let left = &mut columns[pivots.len()..];
        if dot(along, along) <= NEGLIGIBLE * NEGLIGIBLE * dot(&all, &all) {
            left.iter_mut().for_each(|column| column[row] = 0.0);
            continue;
        }
        reflect(left, along);
        left[1..].iter_mut().for_each(|column| column[row] = 0.0);
        pivots.push(row);
    }
    pivots
}

/// A factor of the same covariance with k columns at most.
fn triangularise(columns: &mut Factor, k: usize) {
    if columns.len() > k {
        let rank = reflect_rows(columns, k).len();
        columns.truncate(rank);
    }
}

/// S S', row-major.
fn squared(columns: &Factor, k: usize) -> Vec<f64> {
    let mut out = vec![0.0; k * k];
    for column in columns {
        for (row, a) in out.chunks_exact_mut(k).zip(column) {
            row.iter_mut().zip(column).for_each(|(out, b)| *out += a * b);
        }
    }
    out
}

/// Orthonormal columns that span a factor's columns, and those that span the rest.
fn bases(factor: &Factor, k: usize) -> [Factor; 2] {
    // Q' of the factor's QR is gathered by reflecting the identity's columns with it.
    let d = factor.len();
    let mut work: Factor = (0..k)
        .map(|i| {
            let unit = (0..k).map(|j| f64::from(u8::from(i == j)));
            factor.iter().map(|column| column[i]).chain(unit).collect()
        })
        .collect();
    let rank = reflect_rows(&mut work, d).len();
    let mut basis: Factor = work.into_iter().map(|column| column[d..].to_vec()).collect();
    let rest = basis.split_off(rank);
    [basis, rest]
}

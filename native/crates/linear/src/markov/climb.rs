use super::chain::{ergodic, from_logits, logit_gradient, to_logits};
use super::filter::{Inference, infer, log_density};
use super::starts::{lasting, start_weights};
use super::{MarkovModel, MarkovOptions};
use crate::maximise::maximise;
use crate::qr::PivotedQr;
use crate::small::{cholesky, forward_substitute, invert_spd};
use crate::{LinearError, Panel};

/// EM steps that every start gets, and those that the best get besides.
const FIRST_STEPS: usize = 25;
const MORE_STEPS: usize = 200;

/// Starts that are followed to the end.
const FOLLOWED: usize = 2;

/// EM ends where a step gains less than this: BFGS does the rest.
const EM_GAIN: f64 = 1e-6;

/// A regime's noise is not taken below this share of the noise of a regression without regimes: on a handful of rows the
/// likelihood has no bound.
const LEAST_NOISE: f64 = 1e-3;

/// Added to a regime's cross-products in units of one row, so that a regime without rows has coefficients.
const RIDGE: f64 = 1e-6;

/// Largest logarithm or coefficient (in residual SD for a design of unit variance) that is searched.
const SEARCHED: f64 = 60.0;

/// Step of the differences of the score that give the information.
const DIFFERENCE: f64 = 1e-5;

/// One asset's likelihood, on an orthogonal design of unit variance and returns in units of their residual SD, so that
/// one step size suits every parameter. k = rank.
pub(super) struct Climb<'a> {
    options: &'a MarkovOptions,
    qr: PivotedQr,
    columns: usize,
    /// Panel rows of the chain and where they lie among the rows in use.
    place: Vec<Option<usize>>,
    /// `[row in use][k]`.
    basis: Vec<f64>,
    /// `[row in use]`.
    values: Vec<f64>,
    /// Of a regression without regimes.
    residuals: Vec<f64>,
    scale: f64,
    /// Rows in use.
    n: usize,
}

/// Parameters on the scaled problem.
#[derive(Clone)]
struct Point {
    /// `[regime][k]`.
    b: Vec<f64>,
    /// `[regime]`.
    noise: Vec<f64>,
    /// `[from][to]`.
    transition: Vec<f64>,
}

impl<'a> Climb<'a> {
    /// `None` where the design explains everything or holds nothing.
    pub(super) fn new(panel: &Panel, options: &'a MarkovOptions, observed: &[bool], asset: usize) -> Option<Self> {
        let rows: Vec<usize> = (0..panel.rows).filter(|&row| observed[row]).collect();
        let design = (0..panel.columns)
            .flat_map(|column| rows.iter().map(move |&row| panel.design_row(row)[column]))
            .collect();
        let qr = PivotedQr::new(design, rows.len(), panel.columns);
        let (n, k) = (rows.len(), qr.rank());
        let values: Vec<f64> = rows.iter().map(|&row| panel.value(row, asset)).collect();
        let residuals = qr.residuals(&values);
        let scale = (residuals.iter().map(|e| e * e).sum::<f64>() / n as f64).sqrt();
        let size = values.iter().fold(0.0_f64, |m, y| m.max(y.abs()));
        if k == 0 || scale <= 1e-12 * size {
            return None;
        }
        let root = (n as f64).sqrt();
        let mut next = 0..n;
        Some(Self {
            options,
            basis: (0..n * k).map(|at| root * qr.q[(at % k) * n + at / k]).collect(),
            values: values.iter().map(|y| y / scale).collect(),
            residuals: residuals.iter().map(|e| e / scale).collect(),
            place: observed
                .iter()
                .map(|&seen| if seen { next.next() } else { None })
                .collect(),
            qr,
            columns: panel.columns,
            scale,
            n,
        })
    }

    /// Model, variances of its coefficients, and whether the score vanished with every regime holding its share.
    pub(super) fn run(&self) -> Option<(MarkovModel, Vec<f64>, bool)> {
        let r = self.options.regimes;
        let mut found: Vec<(f64, Point)> = (0..self.options.starts)
            .map(|number| {
                let weights = start_weights(number, &self.residuals, r, self.options.seed);
                let stays = if lasting(number) { 9.0 } else { 1.0 };
                let steps: Vec<f64> = (0..r * r)
                    .map(|at| if at / r == at % r { stays } else { 1.0 })
                    .collect();
                self.em(self.maximised(&weights, &steps), FIRST_STEPS)
            })
            .collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut best: Option<(f64, Point, bool)> = None;
        for (_, start) in found.into_iter().take(FOLLOWED) {
            let (_, point) = self.em(start, MORE_STEPS);
            let (value, point, converged) = self.polish(&point)?;
            let held = self.holds(&point);
            let better = best
                .as_ref()
                .is_none_or(|(other, _, other_held)| (held, value) > (*other_held, *other));
            if better {
                best = Some((value, point, converged && held));
            }
        }
        let (_, mut point, converged) = best?;
        self.order(&mut point);
        let variances = self.variances(&point);
        Some((self.unscaled(&point), variances, converged))
    }

    fn width(&self) -> usize {
        self.qr.rank()
    }

    /// Chain rows' log densities, 0 where missing.
    fn densities(&self, point: &Point) -> Vec<f64> {
        let mut out = Vec::with_capacity(self.place.len() * self.options.regimes);
        for place in &self.place {
            for regime in 0..self.options.regimes {
                out.push(place.map_or(0.0, |row| {
                    log_density(self.error(point, row, regime), point.noise[regime])
                }));
            }
        }
        out
    }

    fn error(&self, point: &Point, row: usize, regime: usize) -> f64 {
        let k = self.width();
        let pairs = self.basis[row * k..(row + 1) * k]
            .iter()
            .zip(&point.b[regime * k..(regime + 1) * k]);
        self.values[row] - pairs.map(|(x, b)| x * b).sum::<f64>()
    }

    fn infer(&self, point: &Point) -> Inference {
        infer(&self.densities(point), &point.transition, self.options.regimes)
    }

    /// Smoothed probabilities of the rows in use, `[row][regime]`.
    fn used(&self, inference: &Inference) -> Vec<f64> {
        let r = self.options.regimes;
        let rows = inference.smoothed.chunks_exact(r).zip(&self.place);
        rows.filter(|(_, place)| place.is_some())
            .flat_map(|(p, _)| p.to_vec())
            .collect()
    }

    /// EM steps, up to a number of them.
    fn em(&self, mut point: Point, steps: usize) -> (f64, Point) {
        let mut inference = self.infer(&point);
        for _ in 0..steps {
            let next = self.maximised(&self.used(&inference), &inference.steps);
            let there = self.infer(&next);
            let gain = there.log_likelihood - inference.log_likelihood;
            if gain.is_nan() || gain <= 0.0 {
                break;
            }
            (point, inference) = (next, there);
            if gain < EM_GAIN {
                break;
            }
        }
        (inference.log_likelihood, point)
    }

    /// The M-step: weighted least squares a regime, shares of steps.
    fn maximised(&self, weights: &[f64], steps: &[f64]) -> Point {
        let (k, r) = (self.width(), self.options.regimes);
        let mut b = Vec::with_capacity(r * k);
        let mut squares = vec![0.0; r];
        let mut totals = vec![0.0; r];
        for regime in 0..r {
            let mut gram = vec![0.0; k * k];
            let mut moment = vec![0.0; k];
            for (row, u) in self.basis.chunks_exact(k).enumerate() {
                let weight = weights[row * r + regime];
                totals[regime] += weight;
                for (i, a) in u.iter().enumerate() {
                    let scaled = weight * a;
                    moment[i] += scaled * self.values[row];
                    for (out, c) in gram[i * k..=i * k + i].iter_mut().zip(u) {
                        *out += scaled * c;
                    }
                }
            }
            (0..k).for_each(|i| gram[i * k + i] += RIDGE);
            if cholesky(&mut gram, k) {
                forward_substitute(&gram, &mut moment);
                for i in (0..k).rev() {
                    let sum: f64 = (i + 1..k).map(|j| gram[j * k + i] * moment[j]).sum();
                    moment[i] = (moment[i] - sum) / gram[i * k + i];
                }
            }
            b.extend(moment);
        }
        let mut point = Point {
            b,
            noise: vec![1.0; r],
            transition: from_logits(&vec![0.0; r * (r - 1)], r),
        };
        for row in 0..self.n {
            for regime in 0..r {
                squares[regime] += weights[row * r + regime] * self.error(&point, row, regime).powi(2);
            }
        }
        if self.options.switching_noise {
            point.noise = squares
                .iter()
                .zip(&totals)
                .map(|(s, w)| (s / w.max(1e-9)).max(LEAST_NOISE))
                .collect();
        } else {
            point
                .noise
                .fill((squares.iter().sum::<f64>() / self.n as f64).max(LEAST_NOISE));
        }
        for (out, row) in point.transition.chunks_exact_mut(r).zip(steps.chunks_exact(r)) {
            // A tenth of a step keeps every probability away from 0, where the logits end.
            let sum: f64 = row.iter().sum::<f64>() + 0.1 * r as f64;
            out.iter_mut()
                .zip(row)
                .for_each(|(out, step)| *out = (step + 0.1) / sum);
        }
        point
    }

    /// To the maximum of the likelihood itself, whose first row the EM steps leave aside.
    fn polish(&self, start: &Point) -> Option<(f64, Point, bool)> {
        let found = maximise(&self.pack(start), (-SEARCHED, SEARCHED), |at| {
            Ok::<_, LinearError>(self.score(&self.unpack(at)))
        });
        // The function never fails.
        let found = found.ok()?;
        Some((found.value, self.unpack(&found.at), found.converged))
    }

    /// Coefficients, logarithms of the noise, logits.
    fn pack(&self, point: &Point) -> Vec<f64> {
        let noises = if self.options.switching_noise {
            point.noise.len()
        } else {
            1
        };
        let mut out = point.b.clone();
        out.extend(point.noise[..noises].iter().map(|noise| noise.ln()));
        out.extend(to_logits(&point.transition, self.options.regimes));
        out
    }

    fn unpack(&self, at: &[f64]) -> Point {
        let r = self.options.regimes;
        let (b, rest) = at.split_at(r * self.width());
        let (noise, logits) = rest.split_at(if self.options.switching_noise { r } else { 1 });
        Point {
            b: b.to_vec(),
            noise: (0..r)
                .map(|regime| noise[regime % noise.len()].exp().max(LEAST_NOISE))
                .collect(),
            transition: from_logits(logits, r),
        }
    }

    /// Log-likelihood and its derivatives by the packed parameters: the expected derivatives of the complete data's
    /// (Fisher's identity).
    fn score(&self, point: &Point) -> (f64, Vec<f64>) {
        let (k, r) = (self.width(), self.options.regimes);
        let inference = self.infer(point);
        let weights = self.used(&inference);
        let mut by_b = vec![0.0; r * k];
        let mut by_noise = vec![0.0; r];
        for row in 0..self.n {
            for regime in 0..r {
                let weight = weights[row * r + regime];
                let noise = point.noise[regime];
                let error = self.error(point, row, regime);
                by_noise[regime] += 0.5 * weight * (error * error / noise - 1.0);
                let scale = weight * error / noise;
                let u = &self.basis[row * k..(row + 1) * k];
                by_b[regime * k..(regime + 1) * k]
                    .iter_mut()
                    .zip(u)
                    .for_each(|(g, u)| *g += scale * u);
            }
        }
        if !self.options.switching_noise {
            by_noise = vec![by_noise.iter().sum()];
        }
        let (law, z) = ergodic(&point.transition, r);
        let first: Vec<f64> = (0..r).map(|regime| inference.smoothed[regime] / law[regime]).collect();
        let by_probability: Vec<f64> = (0..r * r)
            .map(|at| {
                let (from, to) = (at / r, at % r);
                let start: f64 = (0..r).map(|j| z[to * r + j] * first[j]).sum();
                inference.steps[at] / point.transition[at] + law[from] * start
            })
            .collect();
        let mut gradient = by_b;
        gradient.extend(by_noise);
        gradient.extend(logit_gradient(&point.transition, &by_probability, r));
        (inference.log_likelihood, gradient)
    }

    /// Every regime holds its share of the returns, and its noise is not at the least.
    fn holds(&self, point: &Point) -> bool {
        let r = self.options.regimes;
        let weights = self.used(&self.infer(point));
        let least = (self.options.least_share * self.n as f64).max((self.width() + 1) as f64);
        (0..r).all(|regime| {
            let total: f64 = weights.iter().skip(regime).step_by(r).sum();
            total >= least && point.noise[regime] > 1.01 * LEAST_NOISE
        })
    }

    /// Regimes by ascending noise; with one noise by ascending length of the coefficients.
    fn order(&self, point: &mut Point) {
        let (k, r) = (self.width(), self.options.regimes);
        let size = |regime: usize| point.b[regime * k..(regime + 1) * k].iter().map(|b| b * b).sum::<f64>();
        let key = |regime: usize| {
            if self.options.switching_noise {
                point.noise[regime]
            } else {
                size(regime)
            }
        };
        let mut order: Vec<usize> = (0..r).collect();
        order.sort_by(|&a, &b| key(a).total_cmp(&key(b)));
        *point = Point {
            b: order
                .iter()
                .flat_map(|&at| point.b[at * k..(at + 1) * k].to_vec())
                .collect(),
            noise: order.iter().map(|&at| point.noise[at]).collect(),
            transition: (0..r * r)
                .map(|at| point.transition[order[at / r] * r + order[at % r]])
                .collect(),
        };
    }

    /// `[regime][column]`: of the coefficients, from the inverse of minus the derivative of the score.
    fn variances(&self, point: &Point) -> Vec<f64> {
        let at = self.pack(point);
        let p = at.len();
        let mut information = vec![0.0; p * p];
        for j in 0..p {
            let moved = |step: f64| {
                let mut there = at.clone();
                there[j] += step;
                self.score(&self.unpack(&there)).1
            };
            let (up, down) = (moved(DIFFERENCE), moved(-DIFFERENCE));
            for i in 0..p {
                let slope = (down[i] - up[i]) / (2.0 * DIFFERENCE);
                information[i * p + j] += 0.5 * slope;
                information[j * p + i] += 0.5 * slope;
            }
        }
        let mut out = vec![f64::NAN; self.options.regimes * self.columns];
        let Some(covariance) = invert_spd(&information, p) else {
            return out;
        };
        let k = self.width();
        let factor = self.scale * self.scale * self.n as f64;
        for regime in 0..self.options.regimes {
            for (i, &column) in self.qr.kept.iter().enumerate() {
                let row = &self.qr.r_inverse[i * k..(i + 1) * k];
                let mut sum = 0.0;
                for (a, x) in row.iter().enumerate() {
                    for (c, y) in row.iter().enumerate() {
                        sum += x * y * covariance[(regime * k + a) * p + regime * k + c];
                    }
                }
                out[regime * self.columns + column] = factor * sum;
            }
        }
        out
    }

    /// In the units of the panel: b = R^-1 (sqrt(n) s b*).
    fn unscaled(&self, point: &Point) -> MarkovModel {
        let k = self.width();
        let factor = self.scale * (self.n as f64).sqrt();
        let mut coefficients = vec![f64::NAN; self.options.regimes * self.columns];
        for (regime, b) in point.b.chunks_exact(k).enumerate() {
            for (i, &column) in self.qr.kept.iter().enumerate() {
                let pairs = self.qr.r_inverse[i * k..(i + 1) * k].iter().zip(b);
                coefficients[regime * self.columns + column] = factor * pairs.map(|(r, b)| r * b).sum::<f64>();
            }
        }
        MarkovModel {
            coefficients,
            noise: point
                .noise
                .iter()
                .map(|noise| noise * self.scale * self.scale)
                .collect(),
            transition: point.transition.clone(),
        }
    }
}

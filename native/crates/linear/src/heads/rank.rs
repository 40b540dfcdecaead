//! Heads that lie in few directions: a prior covariance of reduced rank, and its choice by validation.

use macrograd_simd::Control;

use super::estimation::{Prior, estimate};
use super::moments::Pattern;
use super::{HeadOptions, Rank, usable_patterns};
use crate::leading_eigen::leading_eigen;
use crate::parallel::{active_isa, for_each};
use crate::small::{cholesky, dot, invert_spd, product, transpose};
use crate::{LinearError, Panel};

/// Added to the features' correlations: directions that hardly occur in the features are not told from any other.
const LEAST_CORRELATION: f64 = 1e-6;

/// Errors of held-out rows, a sum of squares and their number, by rank from 0 and last by the full one.
type Errors = Vec<(f64, usize)>;

/// The directions in which the returns that heads explain differ most between assets: E[w w'] projected onto the `rank`
/// leading eigenvectors in the metric of the features, L^-T U U'L' with G = L L' and U those of L'E[w w']L.
pub(super) fn leading_part(second: &[f64], patterns: &[Pattern], rank: usize, k: usize) -> Option<Vec<f64>> {
    let mut gram = vec![0.0; k * k];
    let rows: f64 = patterns.iter().map(|pattern| pattern.freedom).sum();
    for pattern in patterns {
        gram.iter_mut().zip(&pattern.gram).for_each(|(sum, g)| *sum += g / rows);
    }
    (0..k).for_each(|j| gram[j * k + j] += LEAST_CORRELATION);
    let inverse = invert_spd(&gram, k)?;
    let mut lower = gram;
    if !cholesky(&mut lower, k) {
        return None;
    }
    (0..k * k).filter(|at| at % k > at / k).for_each(|at| lower[at] = 0.0);
    let turned = product(&product(&transpose(&lower, k), second, k), &lower, k);
    let eigen = leading_eigen(turned, k, rank.min(k), active_isa())?;
    // L^-T = G^-1 L.
    let back = product(&inverse, &lower, k);
    let mut out = vec![0.0; k * k];
    for (value, vector) in eigen.values.iter().zip(eigen.vectors.chunks_exact(k)) {
        let direction: Vec<f64> = back.chunks_exact(k).map(|row| dot(row, vector)).collect();
        for (row, left) in out.chunks_exact_mut(k).zip(&direction) {
            row.iter_mut()
                .zip(&direction)
                .for_each(|(out, right)| *out += value.max(0.0) * left * right);
        }
    }
    Some(out)
}

/// The least rank that predicts rows which were left out as well as the best one, and the root mean square errors `[rank]`, last that of the full one.
/// `None` for the full rank.
pub(super) fn validated(
    panel: &Panel,
    options: &HeadOptions,
    (most, folds): (usize, usize),
    control: &Control,
) -> Result<(Option<usize>, Vec<f64>), LinearError> {
    let ranks = most.min(panel.columns.saturating_sub(1)) + 1;
    let mut results: Vec<Result<Errors, LinearError>> = (0..folds).map(|_| Ok(Vec::new())).collect();
    for_each(
        results.iter_mut().enumerate().collect(),
        control,
        |done| control.report(done),
        |(fold, out)| {
            let held = fold * panel.rows / folds..(fold + 1) * panel.rows / folds;
            *out = errors_of(panel, options, held, ranks, control);
        },
    )?;
    let folds = results.into_iter().collect::<Result<Vec<Errors>, _>>()?;
    let squares: Vec<f64> = (0..=ranks)
        .map(|rank| {
            let (sum, count) = folds.iter().fold((0.0, 0), |(sum, count), errors| {
                (sum + errors[rank].0, count + errors[rank].1)
            });
            sum / count as f64
        })
        .collect();
    let mut best = 0;
    for (at, square) in squares.iter().enumerate() {
        if *square < squares[best] {
            best = at;
        }
    }
    let chosen = (0..best).find(|&rank| is_as_good(&folds, rank, best)).unwrap_or(best);
    let errors = squares.iter().map(|square| square.sqrt()).collect();
    Ok(((chosen < ranks).then_some(chosen), errors))
}

/// Whether a rank is worse than the best one by no more than the standard error of their difference over the blocks
/// (Breiman, Friedman, Olshen and Stone 1984): then the lower one is taken.
fn is_as_good(folds: &[Errors], rank: usize, best: usize) -> bool {
    let mean_square = |errors: &Errors, rank: usize| errors[rank].0 / errors[rank].1 as f64;
    let gaps: Vec<f64> = folds
        .iter()
        .map(|errors| mean_square(errors, rank) - mean_square(errors, best))
        .filter(|gap| !gap.is_nan())
        .collect();
    let n = gaps.len() as f64;
    let mean = gaps.iter().sum::<f64>() / n;
    let spread = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / (n - 1.0);
    mean <= (spread / n).sqrt()
}

/// Errors on `held` of heads from the other rows, at every rank.
fn errors_of(
    panel: &Panel,
    options: &HeadOptions,
    held: std::ops::Range<usize>,
    ranks: usize,
    control: &Control,
) -> Result<Errors, LinearError> {
    let mut returns = panel.returns.to_vec();
    returns[held.start * panel.assets..held.end * panel.assets].fill(f64::NAN);
    let train = Panel {
        returns: &returns,
        ..*panel
    };
    let (patterns, leading) = usable_patterns(&train, options);
    if patterns.is_empty() {
        return Ok(vec![(0.0, 0); ranks + 1]);
    }
    let quiet = control.for_part(1);
    let full = estimate(&patterns[..leading], options, &quiet)?;
    let mut errors = Vec::with_capacity(ranks + 1);
    for rank in 0..ranks {
        let reduced = full.reduced(&patterns[..leading], options, rank, &quiet)?;
        errors.push(held_error(panel, &patterns, &reduced, held.clone()));
    }
    errors.push(held_error(panel, &patterns, &full, held));
    Ok(errors)
}

fn held_error(panel: &Panel, patterns: &[Pattern], prior: &Prior, held: std::ops::Range<usize>) -> (f64, usize) {
    let (mut sum, mut count) = (0.0, 0);
    for pattern in patterns {
        let heads = prior.posterior(pattern).heads(prior);
        for ((local, &asset), head) in pattern.assets.iter().enumerate().zip(&heads) {
            let offset = pattern.offset(local, head);
            for row in held.clone() {
                let error = panel.value(row, asset) - offset - dot(head, panel.design_row(row));
                // A missing return or feature.
                if !error.is_nan() {
                    sum += error * error;
                    count += 1;
                }
            }
        }
    }
    (sum, count)
}

/// Checks of [`Rank`].
pub(super) fn check(options: &HeadOptions) -> Result<(), LinearError> {
    let bad = |value: usize, remedy| {
        let value = value as f64;
        Err(LinearError::BadOption {
            name: "rank",
            value,
            remedy,
        })
    };
    match options.rank {
        Rank::Full => Ok(()),
        _ if options.ridge => bad(
            0,
            "a ridge has one variance a block and no directions: use the empirical-Bayes prior",
        ),
        Rank::Validated { folds, .. } if folds < 2 => bad(folds, "validate on 2 blocks or more"),
        _ => Ok(()),
    }
}

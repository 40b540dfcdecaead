use std::sync::Mutex;

use macrograd_simd::{Control, Vectorise};

use super::KalmanModel;
use super::path::Sums;
use super::recursion::{Recursion, Smoothed};
use super::states::{Backward, States};
use crate::lanes::LANES;
use crate::panel::Group;
use crate::parallel::{active_isa, for_each};
use crate::{LinearError, Panel};

/// Log-likelihood of all assets together and its derivatives, each asset's noise variance at its maximum.
#[derive(Debug, Clone, PartialEq)]
pub struct KalmanLikelihood {
    /// Sum over assets.
    pub log_likelihood: f64,
    /// `[column]`: derivative by the step variance.
    pub step_score: Vec<f64>,
    /// `[column]`: derivative by the initial variance; 0 where it is infinite.
    pub initial_score: Vec<f64>,
}

/// Pooled profile likelihood of all assets with more returns than diffuse coefficients.
///
/// The score is exact (Koopman and Shephard 1992): half the sum over rows of r_t^2 / s^2 - N_t, from one backward pass.
///
/// # Errors
/// `ShapeMismatch` or `BadOption` for a model that does not fit, `Cancelled`.
pub fn kalman_likelihood(
    panel: &Panel,
    model: &KalmanModel,
    control: &Control,
) -> Result<KalmanLikelihood, LinearError> {
    model.check(panel)?;
    pooled(panel, &panel.groups(0..panel.assets, usize::MAX), model, control)
}

/// The likelihood over some patterns of missing rows.
pub(crate) fn pooled(
    panel: &Panel,
    groups: &[Group],
    model: &KalmanModel,
    control: &Control,
) -> Result<KalmanLikelihood, LinearError> {
    let k = panel.columns;
    let diffuse = model.initial_variance.iter().filter(|x| x.is_infinite()).count();
    let count = |group: &Group| group.observed.iter().filter(|&&seen| seen).count();
    let groups: Vec<&Group> = groups.iter().filter(|group| count(group) > diffuse).collect();
    let parts: Vec<Mutex<Option<KalmanLikelihood>>> = groups.iter().map(|_| Mutex::new(None)).collect();
    for_each(
        groups.into_iter().zip(&parts).collect(),
        control,
        |_| (),
        |(group, slot)| {
            let part = of_pattern(panel, group, model);
            *slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(part);
        },
    )?;
    // Summed in the order of the patterns, so that no bit depends on which thread was first.
    let mut total = KalmanLikelihood {
        log_likelihood: 0.0,
        step_score: vec![0.0; k],
        initial_score: vec![0.0; k],
    };
    for part in parts {
        let Some(part) = part.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) else {
            continue;
        };
        total.log_likelihood += part.log_likelihood;
        for (total, part) in total.step_score.iter_mut().zip(&part.step_score) {
            *total += part;
        }
        for (total, part) in total.initial_score.iter_mut().zip(&part.initial_score) {
            *total += part;
        }
    }
    Ok(total)
}

fn of_pattern(panel: &Panel, group: &Group, model: &KalmanModel) -> KalmanLikelihood {
    let k = panel.columns;
    let recursion = Recursion::lean(panel, &group.observed, model);
    let sums = Sums::of(&recursion);
    let Smoothed {
        step_information,
        initial_information,
        ..
    } = recursion.smooth(false);
    let mut out = KalmanLikelihood {
        log_likelihood: 0.0,
        step_score: vec![0.0; k],
        initial_score: vec![0.0; k],
    };
    for assets in group.assets.chunks(LANES) {
        let lanes = Assets {
            panel,
            assets,
            recursion: &recursion,
            sums: &sums,
            initial_mean: &model.initial_mean,
        };
        match assets {
            [_] => lanes.add_to::<1>(&mut out),
            _ => lanes.add_to::<LANES>(&mut out),
        }
    }
    let assets = group.assets.len() as f64;
    for j in 0..k {
        out.step_score[j] -= 0.5 * assets * step_information[j];
        out.initial_score[j] -= 0.5 * assets * initial_information[j];
        if model.initial_variance[j].is_infinite() {
            out.initial_score[j] = 0.0;
        }
    }
    out
}

/// Some assets of a pattern.
struct Assets<'a> {
    panel: &'a Panel<'a>,
    assets: &'a [usize],
    recursion: &'a Recursion<'a>,
    sums: &'a Sums,
    initial_mean: &'a [f64],
}

impl Assets<'_> {
    /// Adds their likelihood, and the part of the score that their returns have.
    fn add_to<const N: usize>(&self, out: &mut KalmanLikelihood) {
        let states = States::<N>::filter(self.panel, self.assets, self.recursion, self.initial_mean);
        let mut inverse = [0.0; N];
        for (inverse, &squares) in inverse.iter_mut().zip(&states.squares).take(self.assets.len()) {
            let noise = self.sums.noise(squares);
            out.log_likelihood += self.sums.log_likelihood(squares, noise);
            *inverse = 1.0 / noise;
        }
        active_isa().vectorise(Squares {
            states: &states,
            inverse: &inverse,
            out,
        });
    }
}

/// Adds half of r^2 / s^2, summed over assets and rows, to the scores.
struct Squares<'s, 'a, const N: usize> {
    states: &'s States<'a, N>,
    /// `[lane]`: 1 / s^2; 0 without an asset.
    inverse: &'s [f64; N],
    out: &'s mut KalmanLikelihood,
}

impl<const N: usize> Vectorise for Squares<'_, '_, N> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { states, inverse, out } = self;
        let mut back = Backward::new(states);
        for row in (0..states.errors.len()).rev() {
            back.absorb(row);
            let scores = if row > 0 {
                &mut out.step_score
            } else {
                &mut out.initial_score
            };
            for (score, r) in scores.iter_mut().zip(&back.r0) {
                for lane in 0..N {
                    *score += 0.5 * r[lane] * r[lane] * inverse[lane];
                }
            }
        }
    }
}

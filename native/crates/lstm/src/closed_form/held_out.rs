//! The error of heads on rows that were left out.

use faer::MatRef;
use macrograd_simd::Isa;

use super::dense::inner;
use super::groups::{Block, BlockScratch, GroupReturns, ScaledRows};
use super::likelihood::Likelihood;
use super::pool::Pool;
use super::prior::Prior;
use super::tall::Tall;

/// Rows that a member leaves out, to score heads that were conditioned on the others.
pub struct HeldOut {
    groups: Vec<HeldOutGroup>,
    observations: f64,
    pool: Pool,
}

struct HeldOutGroup {
    /// Rows of the held-out features.
    rows: Vec<usize>,
    assets: usize,
    /// Group mean, less its mean over the training rows.
    mean: Vec<f64>,
    deviations: Option<HeldOutDeviations>,
}

struct HeldOutDeviations {
    /// S between held-out and training rows.
    block: Block,
    trace: f64,
    scratch: BlockScratch,
    /// Its product with P: `[direction][row]`.
    applied: Tall,
}

impl HeldOut {
    /// For heads conditioned on the rows `training`, to be scored on the rows `held_out` (both ascending), under a
    /// prior of the sizes of `prior`. Groups without a training row are not scored.
    #[must_use]
    pub fn new(isa: Isa, groups: &[GroupReturns], training: &[usize], held_out: &[usize], prior: &Prior) -> Self {
        let (size, rank) = (prior.features(), prior.rank());
        let groups: Vec<_> = groups
            .iter()
            .map(|group| HeldOutGroup::new(isa, group, training, held_out, rank))
            .collect();
        let observations = groups.iter().map(|g| g.rows.len() * g.assets).sum::<usize>() as f64;
        let columns = size.max(rank);
        Self {
            groups,
            observations,
            pool: Pool::new(held_out.len().max(columns), columns),
        }
    }

    /// Mean squared error of standardised returns on the held-out rows, whose features are `features` `[row][feature]`;
    /// `likelihood` is that of the training rows, as last conditioned. NaN if nothing is observed on the held-out rows.
    pub fn mean_squared_error(&mut self, features: MatRef<'_, f64>, likelihood: &Likelihood) -> f64 {
        let (groups, pool) = (self.groups.iter_mut(), &self.pool);
        let total: f64 = groups
            .enumerate()
            .filter(|(_, group)| !group.rows.is_empty())
            .map(|(index, group)| group.squared_error(features, likelihood, index, pool))
            .sum();
        total / self.observations
    }
}

impl HeldOutGroup {
    fn new(isa: Isa, returns: &GroupReturns, training: &[usize], held_out: &[usize], rank: usize) -> Self {
        let positions = |rows: &[usize]| -> (Vec<usize>, Vec<usize>) {
            returns
                .rows
                .iter()
                .enumerate()
                .filter_map(|(own, row)| rows.binary_search(row).ok().map(|position| (own, position)))
                .unzip()
        };
        let (centre, _) = positions(training);
        let (own, rows) = if centre.is_empty() {
            Default::default()
        } else {
            positions(held_out)
        };
        let roots: Vec<f64> = centre.iter().map(|&i| returns.roots[i]).collect();
        let training = ScaledRows {
            rows: &centre,
            roots: &roots,
        };
        // What is left out is scored as it is, whatever its rows weigh.
        let held_out = ScaledRows {
            rows: &own,
            roots: &vec![1.0; own.len()],
        };
        let level = training.mean(|i| returns.mean[i]);
        let deviations = returns
            .deviations
            .as_ref()
            .filter(|_| !own.is_empty())
            .map(|moment| HeldOutDeviations {
                block: moment.centred_block(isa, held_out, training),
                trace: moment.centred_trace(held_out, training),
                scratch: BlockScratch::default(),
                applied: Tall::zeros(own.len(), rank),
            });
        Self {
            mean: own.iter().map(|&i| returns.mean[i] - level).collect(),
            rows,
            assets: returns.assets,
            deviations,
        }
    }

    fn squared_error(&mut self, features: MatRef<'_, f64>, likelihood: &Likelihood, index: usize, pool: &Pool) -> f64 {
        let posterior = likelihood.posterior();
        let state = &posterior.groups[index];
        let (feature_mean, _, projected) = likelihood.group_features(index);
        let centred = pool.with_entries(self.rows.len(), features.ncols(), |i, k| {
            features[(self.rows[i], k)] - feature_mean[k]
        });
        let fitted = pool.times_vector(centred.as_ref(), &posterior.mean_head(state, pool));
        let mean: f64 = self.mean.iter().zip(&*fitted).map(|(y, f)| (y - f) * (y - f)).sum();
        let deviations = match (&mut self.deviations, &state.deviations) {
            (Some(held), Some(known)) => {
                held.block.apply(projected, &mut held.scratch, &mut held.applied);
                let here = pool.product(centred.as_ref(), posterior.basis.as_ref());
                // P_v M2^-1 / v2, the linear map from P'dev to fitted values.
                let mut map = pool.product(here.as_ref(), known.shrink.inverse.as_ref());
                *map *= faer::Scale(1.0 / posterior.noise_variance);
                let square = pool.product(map.as_ref(), known.square.as_ref());
                held.trace - 2.0 * inner(map.as_ref(), held.applied.view()) + inner(square.as_ref(), map.as_ref())
            }
            _ => 0.0,
        };
        self.assets as f64 * mean + deviations
    }
}

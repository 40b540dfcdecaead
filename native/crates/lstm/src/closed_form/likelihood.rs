//! The marginal likelihood of all returns with the heads integrated out, and its gradient.
//! Derivation, with all names: docs/derivations/closed_form_heads.md.

use faer::{Mat, MatRef};
use macrograd_simd::Isa;

use super::dense::{Spd, dot, times_vector_into};
use super::group_posterior::{DeviationPosterior, GroupPosterior, Slopes};
use super::groups::{Block, BlockScratch, GroupReturns, ScaledRows};
use super::packed::{Coefficients, combine};
use super::pool::Pool;
use super::prior::{Gradient, Prior};
use super::tall::{Tall, centre, dots};
use crate::error::LstmError;

/// Returns of one group on the rows of a fit, and room for the products that are long in rows.
struct Group {
    /// Rows of the feature matrix that belong to the group.
    rows: Vec<usize>,
    /// What each row is multiplied by after its weighted mean was taken off; none where all weigh the same.
    roots: Option<Vec<f64>>,
    assets: usize,
    /// The group mean's own square, y'y.
    target_square: f64,
    deviations: Option<Deviations>,
    /// Mean of the features over the rows.
    feature_mean: Vec<f64>,
    /// R, centred over the rows: `[feature][row]`.
    centred: Tall,
    /// P = R B: `[direction][row]`.
    projected: Tall,
    /// `[U | y]`: U = S P, none in a group of one, and `sqrt(N)` times the centred group mean: `[column][row]`.
    responses: Tall,
    /// dL/dR before it is spread back: `[feature][row]`.
    d_centred: Tall,
    coefficients: Coefficients,
}

struct Deviations {
    block: Block,
    trace: f64,
    scratch: BlockScratch,
}

/// What the data say about all heads, given features and prior.
pub struct Posterior {
    pub(super) basis: Mat<f64>,
    pub(super) common_sd: Vec<f64>,
    pub(super) noise_variance: f64,
    pub(super) groups: Vec<GroupPosterior>,
    /// M^-1, the posterior covariance of eps.
    pub(super) common: Spd,
    /// beta, the posterior mean of eps.
    pub(super) beta: Vec<f64>,
    /// Negative log marginal likelihood, without `log 2 pi`, divided by the number of observed returns.
    pub loss: f64,
}

/// The likelihood of given returns as a function of features and prior.
pub struct Likelihood {
    groups: Vec<Group>,
    observations: f64,
    isa: Isa,
    /// As last conditioned.
    posterior: Posterior,
    /// Posterior precision of eps, and what its mean is that matrix's inverse times of.
    precision: Mat<f64>,
    right: Vec<f64>,
    pool: Pool,
}

impl Likelihood {
    /// For the returns of `groups` on the rows `rows` of the fit (ascending): row i of the features is `rows[i]`.
    ///
    /// # Errors
    /// [`LstmError::NoObservations`] if no return is observed on these rows; [`LstmError::Isa`].
    pub fn new(groups: &[GroupReturns], rows: &[usize], prior: &Prior) -> Result<Self, LstmError> {
        let isa = Isa::active()?;
        let groups: Vec<Group> = groups.iter().map(|group| Group::new(isa, group, rows, prior)).collect();
        let observations = groups.iter().map(|g| g.rows.len() * g.assets).sum::<usize>();
        if observations == 0 {
            return Err(LstmError::NoObservations);
        }
        let (size, rank) = (prior.features(), prior.rank());
        Ok(Self {
            posterior: Posterior::of_size(&groups, size, rank),
            groups,
            observations: observations as f64,
            isa,
            precision: Mat::zeros(size, size),
            right: vec![0.0; size],
            pool: Pool::new(size.max(rank), size.max(rank)),
        })
    }

    /// Conditions the heads on the returns; `features` is `[row][feature]`, not centred.
    ///
    /// # Errors
    /// [`LstmError::Diverged`] if features or prior are not finite.
    pub fn condition(&mut self, features: MatRef<'_, f64>, prior: &Prior) -> Result<&Posterior, LstmError> {
        let (posterior, pool) = (&mut self.posterior, &self.pool);
        posterior.noise_variance = prior.noise_variance();
        prior.write_basis(&mut posterior.basis);
        posterior.common_sd.clear();
        posterior.common_sd.extend(prior.common_sd());
        self.precision.fill(0.0);
        self.precision.diagonal_mut().fill(1.0);
        self.right.fill(0.0);
        let mut loss = 0.0;
        for (group, state) in self.groups.iter_mut().zip(&mut posterior.groups) {
            group.centre(self.isa, features);
            group.measure(self.isa, &posterior.basis, state);
            state.condition(&posterior.basis, &posterior.common_sd, prior, pool)?;
            loss += state.loss_given_common(&posterior.basis, posterior.noise_variance, pool);
            state.add_common(&posterior.common_sd, &mut self.precision, &mut self.right, pool);
        }
        let found = posterior.common.set(self.precision.as_ref(), pool);
        found.ok_or(LstmError::Diverged)?;
        times_vector_into(posterior.common.inverse.as_ref(), &self.right, &mut posterior.beta);
        loss += 0.5 * (posterior.common.log_determinant - dot(&self.right, &posterior.beta));
        posterior.loss = loss / self.observations;
        Ok(posterior)
    }

    /// What the data say, as last conditioned.
    #[must_use]
    pub fn posterior(&self) -> &Posterior {
        &self.posterior
    }

    /// What the rows of group `index` are multiplied by; none where all weigh the same.
    pub(super) fn group_roots(&self, index: usize) -> Option<&[f64]> {
        self.groups[index].roots.as_deref()
    }

    /// Group `index` as last conditioned: mean of its features, R centred and P = R B, all over its rows.
    pub(super) fn group_features(&self, index: usize) -> (&[f64], MatRef<'_, f64>, &Tall) {
        let group = &self.groups[index];
        (&group.feature_mean, group.centred.view(), &group.projected)
    }

    /// Gradient of the loss at the features and the prior, `prior`, that it was last conditioned with, into `gradient`.
    pub fn gradient(&mut self, prior: &Prior, gradient: &mut Gradient) {
        gradient.clear();
        let (posterior, pool) = (&self.posterior, &self.pool);
        let factors = prior.log_direct.len();
        let mut d_basis = pool.with_entries(prior.features(), prior.rank(), |_, _| 0.0);
        let (mut d_noise, mut d_shared) = (0.0, 0.0);
        for (group, state) in self.groups.iter_mut().zip(&posterior.groups) {
            let slopes = state.slopes(posterior, pool);
            group.add_feature_gradient(self.isa, &slopes, &mut gradient.features, self.observations);
            *d_basis += &*slopes.basis;
            for (total, part) in gradient.log_common.iter_mut().zip(&*slopes.log_common) {
                *total += part / self.observations;
            }
            d_noise += slopes.mean_variance + slopes.noise_variance;
            d_shared += state.assets as f64 * slopes.mean_variance;
        }
        for j in 0..factors {
            gradient.log_direct[j] = d_basis[(j, j)] * posterior.basis[(j, j)] / self.observations;
        }
        gradient
            .loadings
            .copy_from(d_basis.subcols(factors, prior.rank() - factors));
        gradient.loadings *= faer::Scale(1.0 / self.observations);
        gradient.log_noise = 2.0 * posterior.noise_variance * d_noise / self.observations;
        gradient.log_shared_noise = 2.0 * (2.0 * prior.log_shared_noise).exp() * d_shared / self.observations;
    }
}

impl Group {
    fn new(isa: Isa, returns: &GroupReturns, fit_rows: &[usize], prior: &Prior) -> Self {
        // Positions in the group's own rows, and in the feature matrix, of the rows that both have.
        let (own, rows): (Vec<usize>, Vec<usize>) = returns
            .rows
            .iter()
            .enumerate()
            .filter_map(|(own, row)| fit_rows.binary_search(row).ok().map(|position| (own, position)))
            .unzip();
        let scale = (returns.assets as f64).sqrt();
        let roots: Vec<f64> = own.iter().map(|&i| returns.roots[i]).collect();
        let scaled = ScaledRows {
            rows: &own,
            roots: &roots,
        };
        let mean = scaled.mean(|i| returns.mean[i]);
        let (count, size, rank) = (rows.len(), prior.features(), prior.rank());
        let deviations = returns
            .deviations
            .as_ref()
            .filter(|_| count > 0)
            .map(|moment| Deviations {
                block: moment.centred_block(isa, scaled, scaled),
                trace: moment.centred_trace(scaled, scaled),
                scratch: BlockScratch::default(),
            });
        let before = if deviations.is_some() { rank } else { 0 };
        let mut responses = Tall::zeros(count, before + 1);
        for ((to, &i), root) in responses.column_mut(before).iter_mut().zip(&own).zip(&roots) {
            *to = root * scale * (returns.mean[i] - mean);
        }
        Self {
            target_square: dot(responses.column(before), responses.column(before)),
            rows,
            roots: roots.iter().any(|&root| root != 1.0).then_some(roots),
            assets: returns.assets,
            deviations,
            feature_mean: vec![0.0; size],
            centred: Tall::zeros(count, size),
            projected: Tall::zeros(count, rank),
            responses,
            d_centred: Tall::zeros(count, size),
            coefficients: Coefficients::default(),
        }
    }

    fn centre(&mut self, isa: Isa, features: MatRef<'_, f64>) {
        for k in 0..features.ncols() {
            let from = features.col(k);
            for (to, &row) in self.centred.column_mut(k).iter_mut().zip(&self.rows) {
                *to = from[row];
            }
        }
        match &self.roots {
            None => centre(isa, &mut self.centred, &mut self.feature_mean),
            Some(roots) => centre_weighted(roots, &mut self.centred, &mut self.feature_mean),
        }
    }

    /// Room for what the data will say about it.
    fn posterior(&self, size: usize, rank: usize) -> GroupPosterior {
        GroupPosterior {
            assets: self.assets,
            rows: self.rows.len(),
            target_square: self.target_square,
            gram: Mat::zeros(size, size),
            gram_basis: Mat::zeros(size, rank),
            seen: Mat::zeros(size, self.responses.columns()),
            mean_variance: f64::NAN,
            mean: Spd::identity(rank),
            pull: Mat::zeros(size, size),
            deviations: self.deviations.as_ref().map(|deviations| DeviationPosterior {
                shrink: Spd::identity(rank),
                square: Mat::zeros(rank, rank),
                trace: deviations.trace,
            }),
        }
    }

    /// What is long in rows: P = R B, U = S P, and the products that `state` holds of them.
    fn measure(&mut self, isa: Isa, basis: &Mat<f64>, state: &mut GroupPosterior) {
        self.coefficients.prepare(basis.nrows(), basis.ncols());
        self.coefficients.set(0, columns(basis));
        combine(isa, &[&self.centred], &self.coefficients, &mut self.projected);
        if let Some(deviations) = &mut self.deviations {
            deviations
                .block
                .apply(&self.projected, &mut deviations.scratch, &mut self.responses);
        }
        dots(isa, &self.centred, &self.centred, true, &mut state.gram);
        dots(isa, &self.centred, &self.responses, false, &mut state.seen);
    }

    /// dL/dR = R W + U V + y t', through the adjoint of centring, and added to the rows of `d_features`.
    fn add_feature_gradient(&mut self, isa: Isa, slopes: &Slopes<'_>, d_features: &mut Mat<f64>, observations: f64) {
        let size = slopes.features.nrows();
        self.coefficients.prepare(size + self.responses.columns(), size);
        self.coefficients.set(0, columns(&slopes.features));
        if let Some(applied) = &slopes.applied {
            self.coefficients.set(size, columns(applied));
        }
        let last = size + self.responses.columns() - 1;
        self.coefficients.set(last, slopes.target.chunks(1));
        combine(
            isa,
            &[&self.centred, &self.responses],
            &self.coefficients,
            &mut self.d_centred,
        );
        match &self.roots {
            None => centre(isa, &mut self.d_centred, &mut self.feature_mean),
            Some(roots) => centre_weighted_adjoint(roots, &mut self.d_centred),
        }
        for k in 0..size {
            let mut to = d_features.col_mut(k);
            for (d, &row) in self.d_centred.column(k).iter().zip(&self.rows) {
                to[row] += d / observations;
            }
        }
    }
}

impl Posterior {
    fn of_size(groups: &[Group], size: usize, rank: usize) -> Self {
        Self {
            basis: Mat::zeros(size, rank),
            common_sd: vec![0.0; size],
            noise_variance: f64::NAN,
            groups: groups.iter().map(|group| group.posterior(size, rank)).collect(),
            common: Spd::identity(size),
            beta: vec![0.0; size],
            loss: f64::NAN,
        }
    }
}

/// Takes the weighted mean off every column and multiplies the rows by the roots of their weights.
fn centre_weighted(roots: &[f64], values: &mut Tall, means: &mut [f64]) {
    let total = dot(roots, roots);
    for (k, mean) in means.iter_mut().enumerate() {
        let column = values.column_mut(k);
        *mean = column.iter().zip(roots).map(|(x, root)| root * root * x).sum::<f64>() / total;
        column
            .iter_mut()
            .zip(roots)
            .for_each(|(x, root)| *x = root * (*x - *mean));
    }
}

/// The adjoint of [`centre_weighted`]: `x_t` becomes `root_t x_t` less `root_t^2` times the sum of those over the total weight.
fn centre_weighted_adjoint(roots: &[f64], values: &mut Tall) {
    let total = dot(roots, roots);
    for k in 0..values.columns() {
        let column = values.column_mut(k);
        let pull = dot(column, roots) / total;
        column
            .iter_mut()
            .zip(roots)
            .for_each(|(x, root)| *x = root * (*x - root * pull));
    }
}

/// The columns of a matrix of small algebra.
fn columns(a: &Mat<f64>) -> impl Iterator<Item = &[f64]> {
    (0..a.ncols()).map(|j| a.col_as_slice(j))
}

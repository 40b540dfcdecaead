//! The marginal likelihood of all returns with the heads integrated out, and its gradient.
//! Derivation, with all names: docs/derivations/closed_form_heads.md.

use faer::{Accum, Mat, MatRef};
use macrograd_simd::Isa;

use super::dense::{
    Spd, add_outer, dot, identity_plus, inner, multiply, product, times_vector, trace, transposed_times_vector,
};
use super::groups::{Block, BlockScratch, GroupReturns};
use super::prior::{Gradient, Prior};
use super::tall::{Coefficients, Tall, centre, combine, dots};
use crate::error::LstmError;

/// Returns of one group on the rows of a fit, and room for the products that are long in rows.
struct Group {
    /// Rows of the feature matrix that belong to the group.
    rows: Vec<usize>,
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

/// What the data say about one group, given features and prior: small matrices only.
pub(super) struct GroupPosterior {
    pub(super) assets: usize,
    rows: usize,
    target_square: f64,
    /// G = R'R and G B.
    pub(super) gram: Mat<f64>,
    gram_basis: Mat<f64>,
    /// q = R'y.
    pub(super) cross: Vec<f64>,
    /// v1 and (I + B'GB / v1)^-1.
    pub(super) mean_variance: f64,
    pub(super) mean: Spd,
    /// J = (I - B M1^-1 B'G / v1) D.
    pub(super) pull: Mat<f64>,
    pub(super) deviations: Option<DeviationPosterior>,
}

pub(super) struct DeviationPosterior {
    /// (I + B'GB / v2)^-1.
    pub(super) shrink: Spd,
    /// Q = P'SP.
    pub(super) square: Mat<f64>,
    /// R'U.
    features_applied: Mat<f64>,
    trace: f64,
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
        Ok(Self {
            groups,
            observations: observations as f64,
            isa,
        })
    }

    /// Conditions the heads on the returns; `features` is `[row][feature]`, not centred.
    ///
    /// # Errors
    /// [`LstmError::Diverged`] if features or prior are not finite.
    pub fn condition(&mut self, features: MatRef<'_, f64>, prior: &Prior) -> Result<Posterior, LstmError> {
        let basis = prior.basis();
        let common_sd = prior.common_sd();
        let size = prior.features();
        let mut precision = Mat::<f64>::identity(size, size);
        let mut right = vec![0.0; size];
        let mut groups = Vec::with_capacity(self.groups.len());
        let mut loss = 0.0;
        for group in &mut self.groups {
            group.centre(self.isa, features);
            let posterior = group.condition(self.isa, &basis, &common_sd, prior)?;
            loss += posterior.loss_given_common(&basis, prior.noise_variance());
            posterior.add_common(&common_sd, &mut precision, &mut right);
            groups.push(posterior);
        }
        let common = Spd::new(precision.as_ref()).ok_or(LstmError::Diverged)?;
        let beta = times_vector(common.inverse.as_ref(), &right);
        loss += 0.5 * (common.log_determinant - dot(&right, &beta));
        Ok(Posterior {
            basis,
            common_sd,
            noise_variance: prior.noise_variance(),
            groups,
            common,
            beta,
            loss: loss / self.observations,
        })
    }

    /// Group `index` as last conditioned: mean of its features, R centred and P = R B, all over its rows.
    pub(super) fn group_features(&self, index: usize) -> (&[f64], MatRef<'_, f64>, &Tall) {
        let group = &self.groups[index];
        (&group.feature_mean, group.centred.view(), &group.projected)
    }

    /// Gradient of the loss at the features and prior that `posterior` was made with, into `gradient`.
    pub fn gradient(&mut self, posterior: &Posterior, prior: &Prior, gradient: &mut Gradient) {
        gradient.clear();
        let factors = prior.log_direct.len();
        let mut d_basis = Mat::<f64>::zeros(prior.features(), prior.rank());
        let (mut d_noise, mut d_shared) = (0.0, 0.0);
        for (group, state) in self.groups.iter_mut().zip(&posterior.groups) {
            let slopes = state.slopes(posterior);
            group.add_feature_gradient(self.isa, &slopes, &mut gradient.features, self.observations);
            d_basis += &slopes.basis;
            for (total, part) in gradient.log_common.iter_mut().zip(&slopes.log_common) {
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
        let mean = own.iter().map(|&i| returns.mean[i]).sum::<f64>() / own.len().max(1) as f64;
        let (count, size, rank) = (rows.len(), prior.features(), prior.rank());
        let deviations = returns
            .deviations
            .as_ref()
            .filter(|_| count > 0)
            .map(|moment| Deviations {
                block: moment.centred_block(isa, &own, &own),
                trace: moment.centred_trace(&own, &own),
                scratch: BlockScratch::default(),
            });
        let before = if deviations.is_some() { rank } else { 0 };
        let mut responses = Tall::zeros(count, before + 1);
        for (to, &i) in responses.column_mut(before).iter_mut().zip(&own) {
            *to = scale * (returns.mean[i] - mean);
        }
        Self {
            target_square: dot(responses.column(before), responses.column(before)),
            rows,
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
        centre(isa, &mut self.centred, &mut self.feature_mean);
    }

    fn condition(
        &mut self,
        isa: Isa,
        basis: &Mat<f64>,
        common_sd: &[f64],
        prior: &Prior,
    ) -> Result<GroupPosterior, LstmError> {
        let (size, rank) = (basis.nrows(), basis.ncols());
        self.coefficients.prepare(size, rank);
        self.coefficients.set(0, columns(basis));
        combine(isa, &[&self.centred], &self.coefficients, &mut self.projected);
        if let Some(deviations) = &mut self.deviations {
            deviations
                .block
                .apply(&self.projected, &mut deviations.scratch, &mut self.responses);
        }
        let mut gram = Mat::zeros(size, size);
        dots(isa, &self.centred, &self.centred, true, &mut gram);
        let mut seen = Mat::zeros(size, self.responses.columns());
        dots(isa, &self.centred, &self.responses, false, &mut seen);

        let gram_basis = product(gram.as_ref(), basis.as_ref());
        let projected_gram = product(basis.transpose(), gram_basis.as_ref());
        let mean_variance = prior.mean_noise_variance(self.assets);
        let mean = Spd::new(identity_plus(projected_gram.as_ref(), 1.0 / mean_variance).as_ref())
            .ok_or(LstmError::Diverged)?;
        let noise_variance = prior.noise_variance();
        let deviations = match &self.deviations {
            None => None,
            Some(deviations) => {
                let features_applied = seen.subcols(0, rank).to_owned();
                let precision = identity_plus(projected_gram.as_ref(), 1.0 / noise_variance);
                Some(DeviationPosterior {
                    shrink: Spd::new(precision.as_ref()).ok_or(LstmError::Diverged)?,
                    square: product(basis.transpose(), features_applied.as_ref()),
                    features_applied,
                    trace: deviations.trace,
                })
            }
        };
        let shrunk = product(mean.inverse.as_ref(), gram_basis.transpose());
        let taken = product(basis.as_ref(), shrunk.as_ref());
        let pull = Mat::from_fn(gram.nrows(), gram.ncols(), |i, j| {
            (f64::from(u8::from(i == j)) - taken[(i, j)] / mean_variance) * common_sd[j]
        });
        Ok(GroupPosterior {
            assets: self.assets,
            rows: self.rows.len(),
            target_square: self.target_square,
            cross: seen.col(seen.ncols() - 1).iter().copied().collect(),
            gram,
            gram_basis,
            mean_variance,
            mean,
            pull,
            deviations,
        })
    }

    /// dL/dR = R W + U V + y t', centred, and added to the rows of `d_features`.
    fn add_feature_gradient(&mut self, isa: Isa, slopes: &Slopes, d_features: &mut Mat<f64>, observations: f64) {
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
        centre(isa, &mut self.d_centred, &mut self.feature_mean);
        for k in 0..size {
            let mut to = d_features.col_mut(k);
            for (d, &row) in self.d_centred.column(k).iter().zip(&self.rows) {
                to[row] += d / observations;
            }
        }
    }
}

/// The columns of a matrix of small algebra.
fn columns(a: &Mat<f64>) -> impl Iterator<Item = &[f64]> {
    (0..a.ncols()).map(|j| a.col_as_slice(j))
}

/// Gradient of one group's part of the loss (not yet divided by the observations).
struct Slopes {
    /// dL/dR = R `features` + U `applied` + y `target`'.
    features: Mat<f64>,
    applied: Option<Mat<f64>>,
    target: Vec<f64>,
    basis: Mat<f64>,
    log_common: Vec<f64>,
    mean_variance: f64,
    noise_variance: f64,
}

impl GroupPosterior {
    /// The group's part of the loss but for the two terms of the common head.
    fn loss_given_common(&self, basis: &Mat<f64>, noise_variance: f64) -> f64 {
        let (t, v1) = (self.rows as f64, self.mean_variance);
        let projected = transposed_times_vector(basis.as_ref(), &self.cross);
        let explained = dot(&projected, &times_vector(self.mean.inverse.as_ref(), &projected)) / v1;
        let mean = 0.5 * (t * v1.ln() + self.mean.log_determinant + (self.target_square - explained) / v1);
        let deviations = self.deviations.as_ref().map_or(0.0, |d| {
            let v2 = noise_variance;
            let explained = inner(d.shrink.inverse.as_ref(), d.square.as_ref()) / v2;
            0.5 * ((self.assets - 1) as f64 * (t * v2.ln() + d.shrink.log_determinant) + (d.trace - explained) / v2)
        });
        mean + deviations
    }

    /// Adds X'C1^-1 X = N D G J / v1 to `precision` and X'C1^-1 y = sqrt(N) J'q / v1 to `right`.
    fn add_common(&self, common_sd: &[f64], precision: &mut Mat<f64>, right: &mut [f64]) {
        let n = self.assets as f64;
        let pulled = product(self.gram.as_ref(), self.pull.as_ref());
        for j in 0..precision.ncols() {
            for i in 0..precision.nrows() {
                precision[(i, j)] += n * common_sd[i] * pulled[(i, j)] / self.mean_variance;
            }
        }
        let cross = transposed_times_vector(self.pull.as_ref(), &self.cross);
        for (total, part) in right.iter_mut().zip(cross) {
            *total += n.sqrt() * part / self.mean_variance;
        }
    }

    fn slopes(&self, posterior: &Posterior) -> Slopes {
        let (n, v1) = (self.assets as f64, self.mean_variance);
        let basis = posterior.basis.as_ref();
        let (m1, common) = (self.mean.inverse.as_ref(), posterior.common.inverse.as_ref());

        // e = (y - R gamma) / v1 and R'e.
        let head: Vec<f64> = posterior
            .beta
            .iter()
            .zip(&posterior.common_sd)
            .map(|(b, d)| n.sqrt() * d * b)
            .collect();
        let left: Vec<f64> = subtract(&self.cross, &times_vector(self.gram.as_ref(), &head));
        let shrunk = times_vector(m1, &transposed_times_vector(basis, &left));
        let gamma: Vec<f64> = times_vector(basis, &shrunk)
            .iter()
            .zip(&head)
            .map(|(w, h)| h + w / v1)
            .collect();
        let residual: Vec<f64> = subtract(&self.cross, &times_vector(self.gram.as_ref(), &gamma))
            .iter()
            .map(|x| x / v1)
            .collect();

        // dL/dX = R `to_common` - e beta';  dL/dP = R `to_projected` + U `applied` - e `projected_residual`'.
        let to_common = scaled(product(self.pull.as_ref(), common), n.sqrt() / v1);
        let mut to_projected = product(basis, scaled(m1.to_owned(), 1.0 / v1).as_ref());
        let pulled_basis = product(self.pull.transpose(), self.gram_basis.as_ref());
        multiply(
            to_projected.as_mut(),
            Accum::Add,
            to_common.as_ref(),
            pulled_basis.as_ref(),
            -n.sqrt() / v1,
        );
        let projected_residual = transposed_times_vector(basis, &residual);
        let (applied, noise_variance) = match &self.deviations {
            None => (None, 0.0),
            Some(d) => {
                let (on_basis, applied, noise) = d.slopes(n - 1.0, self.rows as f64, posterior.noise_variance);
                multiply(to_projected.as_mut(), Accum::Add, basis, on_basis.as_ref(), 1.0);
                (Some(applied), noise)
            }
        };

        // R'dP and R'dX.
        let mut d_basis = product(self.gram.as_ref(), to_projected.as_ref());
        add_outer(d_basis.as_mut(), &residual, &projected_residual, -1.0);
        if let (Some(d), Some(applied)) = (&self.deviations, &applied) {
            multiply(
                d_basis.as_mut(),
                Accum::Add,
                d.features_applied.as_ref(),
                applied.as_ref(),
                1.0,
            );
        }
        let gram_common = product(self.gram.as_ref(), to_common.as_ref());
        let log_common = (0..head.len())
            .map(|k| {
                let d_x = gram_common[(k, k)] - residual[k] * posterior.beta[k];
                n.sqrt() * posterior.common_sd[k] * d_x
            })
            .collect();

        // dL/dR = dL/dP B' + sqrt(N) dL/dX D, with e written out as (y - R gamma) / v1.
        let mut features = product(to_projected.as_ref(), basis.transpose());
        for k in 0..features.ncols() {
            for i in 0..features.nrows() {
                features[(i, k)] += n.sqrt() * to_common[(i, k)] * posterior.common_sd[k];
            }
        }
        let target: Vec<f64> = times_vector(basis, &projected_residual)
            .iter()
            .zip(&head)
            .map(|(p, h)| -(p + h) / v1)
            .collect();
        add_outer(features.as_mut(), &gamma, &target, -1.0);

        Slopes {
            features,
            applied: applied.map(|a| product(a.as_ref(), basis.transpose())),
            target,
            mean_variance: self.mean_variance_slope(posterior, &gamma),
            noise_variance,
            basis: d_basis,
            log_common,
        }
    }

    /// dL/dv1 = (tr C1^-1 - N tr(M^-1 J'G J) / v1^2 - e'e) / 2.
    fn mean_variance_slope(&self, posterior: &Posterior, gamma: &[f64]) -> f64 {
        let (n, v1) = (self.assets as f64, self.mean_variance);
        let rank = self.mean.inverse.nrows() as f64;
        let precision = (self.rows as f64 - rank + trace(self.mean.inverse.as_ref())) / v1;
        let pulled = product(self.gram.as_ref(), self.pull.as_ref());
        let spread = product(self.pull.as_ref(), posterior.common.inverse.as_ref());
        let common = n * inner(pulled.as_ref(), spread.as_ref()) / (v1 * v1);
        let gram_gamma = times_vector(self.gram.as_ref(), gamma);
        let residual_square = self.target_square - 2.0 * dot(gamma, &self.cross) + dot(gamma, &gram_gamma);
        0.5 * (precision - common - residual_square / (v1 * v1))
    }
}

impl DeviationPosterior {
    /// Coefficients of dL/dP = P c1 + U c2 (as c1, c2), and dL/dv2, for `count` deviations over `rows` rows.
    fn slopes(&self, count: f64, rows: f64, v2: f64) -> (Mat<f64>, Mat<f64>, f64) {
        let inverse = self.shrink.inverse.as_ref();
        let shrunk_square = product(inverse, self.square.as_ref());
        let twice = product(shrunk_square.as_ref(), inverse);
        let on_projected = Mat::from_fn(inverse.nrows(), inverse.ncols(), |i, j| {
            count * inverse[(i, j)] / v2 + twice[(i, j)] / (v2 * v2 * v2)
        });
        let on_applied = scaled(inverse.to_owned(), -1.0 / (v2 * v2));
        let precision = (rows - inverse.nrows() as f64 + trace(inverse)) / v2;
        // tr((M2^-1 + M2^-2) Q) from M2^-1 Q and M2^-1 Q M2^-1.
        let explained = trace(shrunk_square.as_ref()) + trace(twice.as_ref());
        let noise = 0.5 * (count * precision - (self.trace - explained / v2) / (v2 * v2));
        (on_projected, on_applied, noise)
    }
}

fn scaled(mut a: Mat<f64>, factor: f64) -> Mat<f64> {
    a *= faer::Scale(factor);
    a
}

fn subtract(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(x, y)| x - y).collect()
}

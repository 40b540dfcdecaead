//! What one group's returns say about its heads, in small matrices alone: the loss's part, and its slopes.
//! Derivation, with all names: docs/derivations/closed_form_heads.md.

use faer::{Accum, Mat, MatRef, Scale};

use super::dense::{Spd, add_outer, dot, identity_plus, inner, multiply, trace};
use super::likelihood::Posterior;
use super::pool::{Lent, Pool};
use super::prior::Prior;
use crate::error::LstmError;

/// What the data say about one group, given features and prior: small matrices only.
pub(super) struct GroupPosterior {
    pub(super) assets: usize,
    pub(super) rows: usize,
    pub(super) target_square: f64,
    /// G = R'R and G B.
    pub(super) gram: Mat<f64>,
    pub(super) gram_basis: Mat<f64>,
    /// `[R'U | q]`, q = R'y; no U in a group of one.
    pub(super) seen: Mat<f64>,
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
    pub(super) trace: f64,
}

/// Gradient of one group's part of the loss (not yet divided by the observations).
pub(super) struct Slopes<'a> {
    /// dL/dR = R `features` + U `applied` + y `target`'.
    pub features: Lent<'a, Mat<f64>>,
    pub applied: Option<Lent<'a, Mat<f64>>>,
    pub target: Lent<'a, Vec<f64>>,
    pub basis: Lent<'a, Mat<f64>>,
    pub log_common: Lent<'a, Vec<f64>>,
    pub mean_variance: f64,
    pub noise_variance: f64,
}

impl GroupPosterior {
    /// q = R'y.
    pub fn cross(&self) -> &[f64] {
        self.seen.col_as_slice(self.seen.ncols() - 1)
    }

    /// R'U.
    fn features_applied(&self) -> MatRef<'_, f64> {
        self.seen.subcols(0, self.seen.ncols() - 1)
    }

    /// From `gram` and `seen` to all else.
    pub fn condition(
        &mut self,
        basis: &Mat<f64>,
        common_sd: &[f64],
        prior: &Prior,
        pool: &Pool,
    ) -> Result<(), LstmError> {
        let (size, rank) = (basis.nrows(), basis.ncols());
        let shrink = |spd: &mut Spd, projected_gram: MatRef<'_, f64>, variance: f64| {
            let precision = pool.with_entries(rank, rank, identity_plus(projected_gram, 1.0 / variance));
            spd.set(precision.as_ref(), pool).ok_or(LstmError::Diverged)
        };
        let replace = |out: &mut Mat<f64>, a, b| multiply(out.as_mut(), Accum::Replace, a, b, 1.0);
        replace(&mut self.gram_basis, self.gram.as_ref(), basis.as_ref());
        let projected_gram = pool.product(basis.transpose(), self.gram_basis.as_ref());
        let mean_variance = prior.mean_noise_variance(self.assets);
        self.mean_variance = mean_variance;
        shrink(&mut self.mean, projected_gram.as_ref(), mean_variance)?;
        if let Some(deviations) = &mut self.deviations {
            let features_applied = self.seen.subcols(0, rank);
            shrink(&mut deviations.shrink, projected_gram.as_ref(), prior.noise_variance())?;
            replace(&mut deviations.square, basis.transpose(), features_applied);
        }
        let shrunk = pool.product(self.mean.inverse.as_ref(), self.gram_basis.transpose());
        let taken = pool.product(basis.as_ref(), shrunk.as_ref());
        for j in 0..size {
            for i in 0..size {
                let unit = f64::from(u8::from(i == j));
                self.pull[(i, j)] = (unit - taken[(i, j)] / mean_variance) * common_sd[j];
            }
        }
        Ok(())
    }

    /// The group's part of the loss but for the two terms of the common head.
    pub fn loss_given_common(&self, basis: &Mat<f64>, noise_variance: f64, pool: &Pool) -> f64 {
        let (t, v1) = (self.rows as f64, self.mean_variance);
        let projected = pool.transposed_times_vector(basis.as_ref(), self.cross());
        let explained = dot(&projected, &pool.times_vector(self.mean.inverse.as_ref(), &projected)) / v1;
        let mean = 0.5 * (t * v1.ln() + self.mean.log_determinant + (self.target_square - explained) / v1);
        let deviations = self.deviations.as_ref().map_or(0.0, |d| {
            let v2 = noise_variance;
            let explained = inner(d.shrink.inverse.as_ref(), d.square.as_ref()) / v2;
            0.5 * ((self.assets - 1) as f64 * (t * v2.ln() + d.shrink.log_determinant) + (d.trace - explained) / v2)
        });
        mean + deviations
    }

    /// Adds X'C1^-1 X = N D G J / v1 to `precision` and X'C1^-1 y = sqrt(N) J'q / v1 to `right`.
    pub fn add_common(&self, common_sd: &[f64], precision: &mut Mat<f64>, right: &mut [f64], pool: &Pool) {
        let n = self.assets as f64;
        let pulled = pool.product(self.gram.as_ref(), self.pull.as_ref());
        for j in 0..precision.ncols() {
            for i in 0..precision.nrows() {
                precision[(i, j)] += n * common_sd[i] * pulled[(i, j)] / self.mean_variance;
            }
        }
        let cross = pool.transposed_times_vector(self.pull.as_ref(), self.cross());
        for (total, part) in right.iter_mut().zip(&*cross) {
            *total += n.sqrt() * part / self.mean_variance;
        }
    }

    pub fn slopes<'a>(&self, posterior: &Posterior, pool: &'a Pool) -> Slopes<'a> {
        let (n, v1) = (self.assets as f64, self.mean_variance);
        let basis = posterior.basis.as_ref();
        let (m1, common) = (self.mean.inverse.as_ref(), posterior.common.inverse.as_ref());
        let gram = self.gram.as_ref();

        // e = (y - R gamma) / v1 and R'e.
        let scaled_sd = posterior.common_sd.iter().map(|d| n.sqrt() * d);
        let head = pool.vector(posterior.beta.iter().zip(scaled_sd).map(|(b, d)| d * b));
        let left = pool.subtract(self.cross(), &pool.times_vector(gram, &head));
        let shrunk = pool.times_vector(m1, &pool.transposed_times_vector(basis, &left));
        let own = pool.times_vector(basis, &shrunk);
        let gamma = pool.vector(own.iter().zip(&*head).map(|(w, h)| h + w / v1));
        let mut residual = pool.subtract(self.cross(), &pool.times_vector(gram, &gamma));
        residual.iter_mut().for_each(|x| *x /= v1);

        // dL/dX = R `to_common` - e beta';  dL/dP = R `to_projected` + U `applied` - e `projected_residual`'.
        let mut to_common = pool.product(self.pull.as_ref(), common);
        *to_common *= Scale(n.sqrt() / v1);
        let mut to_projected = pool.product(basis, pool.scaled(m1, 1.0 / v1).as_ref());
        let pulled_basis = pool.product(self.pull.transpose(), self.gram_basis.as_ref());
        multiply(
            to_projected.as_mut(),
            Accum::Add,
            to_common.as_ref(),
            pulled_basis.as_ref(),
            -n.sqrt() / v1,
        );
        let projected_residual = pool.transposed_times_vector(basis, &residual);
        let (applied, noise_variance) = match &self.deviations {
            None => (None, 0.0),
            Some(d) => {
                let (on_basis, applied, noise) = d.slopes(n - 1.0, self.rows as f64, posterior.noise_variance, pool);
                multiply(to_projected.as_mut(), Accum::Add, basis, on_basis.as_ref(), 1.0);
                (Some(applied), noise)
            }
        };

        // R'dP and R'dX.
        let mut d_basis = pool.product(gram, to_projected.as_ref());
        add_outer(d_basis.as_mut(), &residual, &projected_residual, -1.0);
        if let Some(applied) = &applied {
            multiply(
                d_basis.as_mut(),
                Accum::Add,
                self.features_applied(),
                applied.as_ref(),
                1.0,
            );
        }
        let gram_common = pool.product(gram, to_common.as_ref());
        let log_common = pool.vector((0..head.len()).map(|k| {
            let d_x = gram_common[(k, k)] - residual[k] * posterior.beta[k];
            n.sqrt() * posterior.common_sd[k] * d_x
        }));

        // dL/dR = dL/dP B' + sqrt(N) dL/dX D, with e written out as (y - R gamma) / v1.
        let mut features = pool.product(to_projected.as_ref(), basis.transpose());
        for k in 0..features.ncols() {
            for i in 0..features.nrows() {
                features[(i, k)] += n.sqrt() * to_common[(i, k)] * posterior.common_sd[k];
            }
        }
        let spread = pool.times_vector(basis, &projected_residual);
        let target = pool.vector(spread.iter().zip(&*head).map(|(p, h)| -(p + h) / v1));
        add_outer(features.as_mut(), &gamma, &target, -1.0);

        Slopes {
            features,
            applied: applied.map(|a| pool.product(a.as_ref(), basis.transpose())),
            target,
            mean_variance: self.mean_variance_slope(posterior, &gamma, pool),
            noise_variance,
            basis: d_basis,
            log_common,
        }
    }

    /// dL/dv1 = (tr C1^-1 - N tr(M^-1 J'G J) / v1^2 - e'e) / 2.
    fn mean_variance_slope(&self, posterior: &Posterior, gamma: &[f64], pool: &Pool) -> f64 {
        let (n, v1) = (self.assets as f64, self.mean_variance);
        let rank = self.mean.inverse.nrows() as f64;
        let precision = (self.rows as f64 - rank + trace(self.mean.inverse.as_ref())) / v1;
        let pulled = pool.product(self.gram.as_ref(), self.pull.as_ref());
        let spread = pool.product(self.pull.as_ref(), posterior.common.inverse.as_ref());
        let common = n * inner(pulled.as_ref(), spread.as_ref()) / (v1 * v1);
        let gram_gamma = pool.times_vector(self.gram.as_ref(), gamma);
        let residual_square = self.target_square - 2.0 * dot(gamma, self.cross()) + dot(gamma, &gram_gamma);
        0.5 * (precision - common - residual_square / (v1 * v1))
    }
}

impl DeviationPosterior {
    /// Coefficients of dL/dP = P c1 + U c2 (as c1, c2), and dL/dv2, for `count` deviations over `rows` rows.
    fn slopes<'a>(
        &self,
        count: f64,
        rows: f64,
        v2: f64,
        pool: &'a Pool,
    ) -> (Lent<'a, Mat<f64>>, Lent<'a, Mat<f64>>, f64) {
        let inverse = self.shrink.inverse.as_ref();
        let shrunk_square = pool.product(inverse, self.square.as_ref());
        let twice = pool.product(shrunk_square.as_ref(), inverse);
        let on_projected = pool.with_entries(inverse.nrows(), inverse.ncols(), |i, j| {
            count * inverse[(i, j)] / v2 + twice[(i, j)] / (v2 * v2 * v2)
        });
        let on_applied = pool.scaled(inverse, -1.0 / (v2 * v2));
        let precision = (rows - inverse.nrows() as f64 + trace(inverse)) / v2;
        // tr((M2^-1 + M2^-2) Q) from M2^-1 Q and M2^-1 Q M2^-1.
        let explained = trace(shrunk_square.as_ref()) + trace(twice.as_ref());
        let noise = 0.5 * (count * precision - (self.trace - explained / v2) / (v2 * v2));
        (on_projected, on_applied, noise)
    }
}

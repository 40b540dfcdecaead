//! Posterior means and covariances of the heads.

use faer::{Mat, MatRef};

use super::dense::{dot, eigen, inner, product, times_vector, transposed_times_vector};
use super::group_posterior::GroupPosterior;
use super::likelihood::{Likelihood, Posterior};
use super::own_noise::{Own, Shared, estimate};
use super::patterns::{Pattern, Returns};
use super::pool::{Lent, Pool};
use crate::error::LstmError;

/// Whose residual variance the heads are conditioned with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noise {
    /// The one of the trained prior for all assets.
    Pooled,
    /// Each asset's own, with its own share in the residual of its group.
    Own,
}

/// The heads of all assets, given features and returns.
#[derive(Debug, Clone, PartialEq)]
pub struct Heads {
    /// Posterior means, `[asset][feature]`; NaN for an asset without returns.
    pub values: Vec<f64>,
    /// Level of the prediction, one an asset: the asset's mean less the head on the mean features, both over its rows.
    /// The standardised prediction is `features' head + intercept`.
    pub intercepts: Vec<f64>,
    /// Covariance C of the mean head of each group, `[group][feature][feature]`, in the order of the patterns.
    pub covariances: Vec<f64>,
    /// Directions u in which the heads of a group deviate, `[group][direction][feature]`.
    pub bases: Vec<f64>,
    /// v, `[asset][1 + direction]`, NaN without returns: the head of asset i in group g has the covariance
    /// `v_i0 C_g + sum over p of v_ip u_gp u_gp'`.
    pub variances: Vec<f64>,
    /// Residual variance that each asset's head was conditioned with; NaN without returns.
    pub noise: Vec<f64>,
    /// Share of each asset in the residual of its group, 0 in a group of one; NaN without returns.
    pub shares: Vec<f64>,
}

/// What the heads of one group start from.
struct Centre {
    /// Mean head and its covariance.
    head: Vec<f64>,
    covariance: Mat<f64>,
    /// U: B rotated so that `U'GU` is diagonal, `[feature][direction]`.
    basis: Mat<f64>,
    /// `u_p' G C G u_p`, and `tr(G C)`.
    squares: Vec<f64>,
    spread: f64,
    shared: Shared,
}

impl Likelihood {
    /// Heads of every asset, for the patterns and returns that the likelihood was made of, on the rows `rows`, as last
    /// conditioned.
    ///
    /// # Errors
    /// [`LstmError::Diverged`] if the features are not finite.
    pub fn heads(
        &self,
        returns: Returns<'_>,
        rows: &[usize],
        patterns: &[Pattern],
        noise: Noise,
    ) -> Result<Heads, LstmError> {
        let posterior = self.posterior();
        let size = posterior.common_sd.len();
        let width = 1 + posterior.basis.ncols();
        let mut heads = Heads {
            values: vec![f64::NAN; returns.assets * size],
            intercepts: vec![f64::NAN; returns.assets],
            covariances: Vec::with_capacity(patterns.len() * size * size),
            bases: Vec::with_capacity(patterns.len() * size * (width - 1)),
            variances: vec![f64::NAN; returns.assets * width],
            noise: vec![f64::NAN; returns.assets],
            shares: vec![f64::NAN; returns.assets],
        };
        let (mut centres, mut own) = (Vec::with_capacity(patterns.len()), Vec::new());
        for (index, (pattern, group)) in patterns.iter().zip(&posterior.groups).enumerate() {
            let used: Vec<usize> = rows
                .iter()
                .copied()
                .filter(|row| pattern.rows.binary_search(row).is_ok())
                .collect();
            let (_, centred, _) = self.group_features(index);
            let data = AssetReturns::new(returns, &used, pattern, self.group_roots(index));
            let mut centre = posterior.centre(group, used.len())?;
            let residual = centre.residual(centred, &data);
            centre.shared.common_cross =
                transposed_times_vector(centre.basis.as_ref(), &transposed_times_vector(centred, &residual));
            centre.shared.common_square = dot(&residual, &residual);
            own.extend(centre.own(centred, &data, &residual).map(|one| (index, one)));
            for (&asset, level) in pattern.assets.iter().zip(&data.levels) {
                heads.intercepts[asset] = *level;
            }
            let square = size * size;
            heads
                .covariances
                .extend((0..square).map(|i| centre.covariance[(i / size, i % size)]));
            heads
                .bases
                .extend((0..square / size * (width - 1)).map(|i| centre.basis[(i % size, i / size)]));
            centres.push(centre);
        }
        if noise == Noise::Own {
            let shared: Vec<&Shared> = centres.iter().map(|c| &c.shared).collect();
            estimate(&shared, &mut own);
        }
        let assets = patterns.iter().flat_map(|pattern| &pattern.assets);
        for (&asset, (index, own)) in assets.zip(&own) {
            let centre = &centres[*index];
            let head = &mut heads.values[asset * size..(asset + 1) * size];
            centre.write_head(own, head);
            let (feature_mean, _, _) = self.group_features(*index);
            heads.intercepts[asset] -= dot(head, feature_mean);
            centre.write_variances(own, &mut heads.variances[asset * width..(asset + 1) * width]);
            heads.noise[asset] = own.variance;
            heads.shares[asset] = own.share;
        }
        Ok(heads)
    }
}

impl Posterior {
    /// Mean over the assets of one group of their heads.
    pub(super) fn mean_head<'a>(&self, group: &GroupPosterior, pool: &'a Pool) -> Lent<'a, Vec<f64>> {
        let root = (group.assets as f64).sqrt();
        let common = pool.vector(self.common_head());
        let explained = pool.times_vector(group.gram.as_ref(), &common);
        let left = pool.vector(group.cross().iter().zip(&*explained).map(|(q, g)| q / root - g));
        let shrunk = pool.times_vector(
            group.mean.inverse.as_ref(),
            &pool.transposed_times_vector(self.basis.as_ref(), &left),
        );
        let own = pool.times_vector(self.basis.as_ref(), &shrunk);
        pool.vector(own.iter().zip(&*common).map(|(w, mu)| mu + w / group.mean_variance))
    }

    /// `mu_hat = D beta`.
    fn common_head(&self) -> impl Iterator<Item = f64> + '_ {
        self.beta.iter().zip(&self.common_sd).map(|(b, d)| b * d)
    }

    /// `J M^-1 J' + B M1^-1 B' / N`, the covariance of the mean head of one group.
    fn mean_covariance(&self, group: &GroupPosterior) -> Mat<f64> {
        let own = sandwich(self.basis.as_ref(), group.mean.inverse.as_ref());
        sandwich(group.pull.as_ref(), self.common.inverse.as_ref()) + own * faer::Scale(1.0 / group.assets as f64)
    }

    /// A group of one has no mean apart from its asset's: its head starts from the common one.
    fn centre(&self, group: &GroupPosterior, rows: usize) -> Result<Centre, LstmError> {
        let (head, covariance, variance) = if group.assets > 1 {
            let head = self.mean_head(group, &Pool::default()).to_vec();
            let mean = (head, self.mean_covariance(group));
            (mean.0, mean.1, self.noise_variance)
        } else {
            let scaled = Mat::from_fn(self.common_sd.len(), self.common_sd.len(), |i, j| {
                self.common_sd[i] * self.common.inverse[(i, j)] * self.common_sd[j]
            });
            (self.common_head().collect(), scaled, group.mean_variance)
        };
        let gram = group.gram.as_ref();
        let (squares, rotation) =
            eigen(product(self.basis.transpose(), product(gram, self.basis.as_ref()).as_ref()).as_ref())
                .ok_or(LstmError::Diverged)?;
        let basis = product(self.basis.as_ref(), rotation.as_ref());
        let reach = product(gram, basis.as_ref());
        let moved = product(covariance.as_ref(), reach.as_ref());
        Ok(Centre {
            squares: (0..basis.ncols()).map(|p| column_product(&reach, &moved, p)).collect(),
            spread: inner(gram, covariance.as_ref()).max(f64::MIN_POSITIVE),
            shared: Shared {
                rows: rows as f64,
                assets: group.assets as f64,
                variance,
                squares,
                common_square: 0.0,
                common_cross: vec![0.0; basis.ncols()],
            },
            head,
            covariance,
            basis,
        })
    }
}

impl Centre {
    /// f: what the mean head leaves of the group's mean; 0 for a group of one.
    fn residual(&self, centred: MatRef<'_, f64>, data: &AssetReturns) -> Vec<f64> {
        let count = data.values.ncols();
        if count == 1 {
            return vec![0.0; data.values.nrows()];
        }
        let fitted = times_vector(centred, &self.head);
        (0..data.values.nrows())
            .map(|i| (0..count).map(|j| data.values[(i, j)]).sum::<f64>() / count as f64 - fitted[i])
            .collect()
    }

    /// Every asset's data against the mean head, with the variance that the prior expects.
    fn own(&self, centred: MatRef<'_, f64>, data: &AssetReturns, residual: &[f64]) -> impl Iterator<Item = Own> {
        let fitted = times_vector(centred, &self.head);
        let mut left = data.values.clone();
        for j in 0..left.ncols() {
            left.col_mut(j).iter_mut().zip(&fitted).for_each(|(y, f)| *y -= f);
        }
        let cross = product(centred.transpose(), left.as_ref());
        let along = product(self.basis.transpose(), cross.as_ref());
        let common_cross = transposed_times_vector(left.as_ref(), residual);
        let share = if left.ncols() > 1 { 1.0 } else { 0.0 };
        let variance = self.shared.variance;
        (0..left.ncols()).map(move |j| Own {
            cross: along.col(j).iter().copied().collect(),
            common_cross: common_cross[j],
            square: left.col(j).squared_norm_l2(),
            variance,
            share,
        })
    }

    /// `c_i = head + sum over p of weight_p u_p`.
    fn write_head(&self, own: &Own, out: &mut [f64]) {
        out.copy_from_slice(&self.head);
        for p in 0..self.basis.ncols() {
            let weight = own.weight(&self.shared, p);
            out.iter_mut()
                .zip(self.basis.col(p).iter())
                .for_each(|(c, u)| *c += weight * u);
        }
    }

    /// See [`Heads::variances`]. The mean head reaches asset i through `T = I - (1 - lambda) U diag(1 / (s^2 + d)) U'G`;
    /// `T C T'` is taken as C times its average over the rows, `tr(G T C T') / tr(G C)`.
    fn write_variances(&self, own: &Own, out: &mut [f64]) {
        let apart = 1.0 - own.share;
        let mut kept = 1.0;
        for (p, &d) in self.shared.squares.iter().enumerate() {
            let precision = 1.0 / (own.variance + d);
            let taken = apart * precision;
            kept += self.squares[p] * taken * (taken * d - 2.0) / self.spread;
            out[1 + p] = own.left(&self.shared) * own.variance * precision;
        }
        out[0] = kept.max(0.0);
    }
}

/// Returns of a group's assets on its rows, each centred.
struct AssetReturns {
    /// `[row][asset]`.
    values: Mat<f64>,
    /// Mean of each asset.
    levels: Vec<f64>,
}

impl AssetReturns {
    fn new(returns: Returns<'_>, rows: &[usize], pattern: &Pattern, roots: Option<&[f64]>) -> Self {
        let root = |i: usize| roots.map_or(1.0, |roots| roots[i]);
        let value = |i: usize, j: usize| returns.values[rows[i] * returns.assets + pattern.assets[j]];
        let weight = |i: usize| root(i) * root(i);
        let total: f64 = (0..rows.len()).map(weight).sum();
        let levels: Vec<f64> = (0..pattern.assets.len())
            .map(|j| (0..rows.len()).map(|i| weight(i) * value(i, j)).sum::<f64>() / total)
            .collect();
        Self {
            values: Mat::from_fn(rows.len(), levels.len(), |i, j| root(i) * (value(i, j) - levels[j])),
            levels,
        }
    }
}

fn column_product(a: &Mat<f64>, b: &Mat<f64>, column: usize) -> f64 {
    a.col(column).iter().zip(b.col(column).iter()).map(|(x, y)| x * y).sum()
}

/// `a middle a'`.
fn sandwich(a: MatRef<'_, f64>, middle: MatRef<'_, f64>) -> Mat<f64> {
    product(product(a, middle).as_ref(), a.transpose())
}

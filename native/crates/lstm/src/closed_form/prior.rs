//! What the likelihood knows of the heads before it sees returns.

use faer::Mat;

/// Prior of the heads and size of the noise: `c_i = mu + B w_i` (docs/derivations/closed_form_heads.md).
#[derive(Debug, Clone, PartialEq)]
pub struct Prior {
    /// `a`, one a factor: log SD of the deviations of the heads on the factors themselves.
    pub log_direct: Vec<f64>,
    /// `A`, `[feature][rank]`: directions in which heads deviate together.
    pub loadings: Mat<f64>,
    /// `lam`, one a feature: log SD of the common head `mu`.
    pub log_common: Vec<f64>,
    /// `log s2`: log SD of an asset's own residual, in SDs of its return.
    pub log_noise: f64,
    /// `log c`: log SD of the residual that all assets share.
    pub log_shared_noise: f64,
}

impl Prior {
    /// Number of features K.
    #[must_use]
    pub fn features(&self) -> usize {
        self.log_common.len()
    }

    /// Number of columns P of `B`: factors, then rank.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.log_direct.len() + self.loadings.ncols()
    }

    /// `B = [diag(exp a); 0 | A]`, `[feature][rank]`.
    #[must_use]
    pub fn basis(&self) -> Mat<f64> {
        let mut basis = Mat::zeros(self.features(), self.rank());
        self.write_basis(&mut basis);
        basis
    }

    /// Writes [`Prior::basis`] to a matrix of its size.
    pub(super) fn write_basis(&self, basis: &mut Mat<f64>) {
        let factors = self.log_direct.len();
        basis.fill(0.0);
        for (j, log_sd) in self.log_direct.iter().enumerate() {
            basis[(j, j)] = log_sd.exp();
        }
        let mut loadings = basis.subcols_mut(factors, self.loadings.ncols());
        loadings.copy_from(self.loadings.as_ref());
    }

    /// `D`, SD of the common head, one a feature.
    pub fn common_sd(&self) -> impl Iterator<Item = f64> + '_ {
        self.log_common.iter().map(|log| log.exp())
    }

    /// Variance of the deviations' noise, `v2`.
    #[must_use]
    pub fn noise_variance(&self) -> f64 {
        (2.0 * self.log_noise).exp()
    }

    /// Variance of the noise in `sqrt(N)` times the mean of N assets, `v1 = s2^2 + N c^2`.
    #[must_use]
    pub fn mean_noise_variance(&self, assets: usize) -> f64 {
        self.noise_variance() + assets as f64 * (2.0 * self.log_shared_noise).exp()
    }
}

/// Gradient of the loss with respect to the features and the prior; fields as in [`Prior`].
#[derive(Debug, Clone)]
pub struct Gradient {
    /// `[row][feature]`.
    pub features: Mat<f64>,
    /// With respect to `a`.
    pub log_direct: Vec<f64>,
    /// With respect to `A`.
    pub loadings: Mat<f64>,
    /// With respect to `lam`.
    pub log_common: Vec<f64>,
    /// With respect to `log s2`.
    pub log_noise: f64,
    /// With respect to `log c`.
    pub log_shared_noise: f64,
}

impl Gradient {
    /// Zeros for `rows` rows of features and a prior of the given shape.
    #[must_use]
    pub fn zeros(rows: usize, prior: &Prior) -> Self {
        Self {
            features: Mat::zeros(rows, prior.features()),
            log_direct: vec![0.0; prior.log_direct.len()],
            loadings: Mat::zeros(prior.features(), prior.loadings.ncols()),
            log_common: vec![0.0; prior.features()],
            log_noise: 0.0,
            log_shared_noise: 0.0,
        }
    }

    pub(super) fn clear(&mut self) {
        self.features.fill(0.0);
        self.log_direct.fill(0.0);
        self.loadings.fill(0.0);
        self.log_common.fill(0.0);
        self.log_noise = 0.0;
        self.log_shared_noise = 0.0;
    }
}

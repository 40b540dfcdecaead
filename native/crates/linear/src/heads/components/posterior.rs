//! Posterior of the coefficients given components and prior variances.

use faer::{Mat, MatRef};

use super::climb::{State, inverse};
use super::{Moments, multiply, times};

/// Coefficients of a pattern's assets given the rest.
pub(super) struct Posterior {
    /// E[H'H] of the features that coefficients multiply.
    pub gram: Mat<f64>,
    pub v1: Mat<f64>,
    pub v2: Mat<f64>,
    pub noise: f64,
    /// Mean over assets.
    pub shared: Vec<f64>,
    /// Its deviation from mu.
    pub deviation: Vec<f64>,
    /// V1 G / v1.
    pub pull: Mat<f64>,
    /// `[feature][coefficient]`.
    pub loadings: Mat<f64>,
}

/// Sums over a pattern's assets: of the mean, times the number of assets, and of the independent deviations from it.
pub(super) struct Second {
    pub mean: Mat<f64>,
    pub deviations: Mat<f64>,
}

impl State {
    pub(super) fn posterior(&self, pattern: &Moments) -> Posterior {
        let loadings = self.loadings();
        let gram = self.gram(pattern, &loadings);
        let noise = self.own_noise + pattern.assets * self.common_noise;
        let n = gram.nrows();
        let shrunk = |noise: f64| {
            let sum = Mat::from_fn(n, n, |i, j| gram[(i, j)] / noise + self.precision[(i, j)]);
            // A sum of a positive definite and a semi-definite matrix; fails only on overflow.
            inverse(sum.as_ref()).unwrap_or_else(|| Mat::from_fn(n, n, |_, _| f64::NAN))
        };
        let v1 = shrunk(noise);
        let v2 = if pattern.assets > 1.0 {
            shrunk(self.own_noise)
        } else {
            Mat::zeros(n, n)
        };
        let seen = times(loadings.transpose(), &pattern.mean);
        let fitted = times(gram.as_ref(), &self.mean);
        let rest: Vec<f64> = seen.iter().zip(&fitted).map(|(b, f)| (b - f) / noise).collect();
        let deviation = times(v1.as_ref(), &rest);
        let mut pull = multiply(v1.as_ref(), gram.as_ref());
        pull.col_iter_mut().for_each(|c| c.iter_mut().for_each(|x| *x /= noise));
        Posterior {
            shared: self.mean.iter().zip(&deviation).map(|(m, w)| m + w).collect(),
            deviation,
            gram,
            v1,
            v2,
            noise: self.own_noise,
            pull,
            loadings,
        }
    }

    /// Covariance of an asset's coefficients on the features of the fit: of its scores, and of the components' shapes.
    pub(super) fn covariance(&self, pattern: &Moments, posterior: &Posterior, loadings: MatRef<'_, f64>) -> Mat<f64> {
        let n = posterior.v1.nrows();
        let around = self.around_mean(posterior);
        let scores = Mat::from_fn(n, n, |i, j| {
            around[(i, j)] + posterior.v1[(i, j)] / pattern.assets + (1.0 - 1.0 / pattern.assets) * posterior.v2[(i, j)]
        });
        let mut out = multiply(multiply(loadings, scores.as_ref()).as_ref(), loadings.transpose());
        let Second { mean, deviations } = self.second(pattern, posterior);
        let (features, own) = (self.theta.nrows(), self.own);
        for a in 0..self.theta.ncols() {
            for c in 0..self.theta.ncols() {
                let at = (own + a, own + c);
                let square = (mean[at] + deviations[at] / pattern.share) / pattern.assets;
                for i in 0..features {
                    for j in 0..features {
                        out[(own + i, own + j)] += square * self.shape[(a * features + i, c * features + j)];
                    }
                }
            }
        }
        out
    }

    /// E[H'H]: own features, and components with what is not known of them.
    fn gram(&self, pattern: &Moments, loadings: &Mat<f64>) -> Mat<f64> {
        let (features, own) = (self.theta.nrows(), self.own);
        let mut out = multiply(
            multiply(loadings.transpose(), pattern.gram.as_ref()).as_ref(),
            loadings.as_ref(),
        );
        let inner = pattern.gram.submatrix(own, own, features, features);
        for a in 0..self.theta.ncols() {
            for c in 0..=a {
                let part = self.shape.submatrix(a * features, c * features, features, features);
                let more: f64 = (0..features)
                    .map(|j| {
                        inner
                            .col(j)
                            .iter()
                            .zip(part.col(j).iter())
                            .map(|(x, y)| x * y)
                            .sum::<f64>()
                    })
                    .sum();
                out[(own + a, own + c)] += more;
                if a != c {
                    out[(own + c, own + a)] += more;
                }
            }
        }
        out
    }

    /// (I - Q) M (I - Q)', M the covariance of mu.
    fn around_mean(&self, posterior: &Posterior) -> Mat<f64> {
        let n = self.mean.len();
        let keep = Mat::from_fn(n, n, |i, j| f64::from(u8::from(i == j)) - posterior.pull[(i, j)]);
        multiply(
            multiply(keep.as_ref(), self.mean_covariance.as_ref()).as_ref(),
            keep.transpose(),
        )
    }

    /// E of coefficients' outer products: N times the mean's, and the deviations' summed.
    pub(super) fn second(&self, pattern: &Moments, posterior: &Posterior) -> Second {
        let n = self.mean.len();
        let (assets, shared) = (pattern.assets, &posterior.shared);
        let around = self.around_mean(posterior);
        let mean = Mat::from_fn(n, n, |i, j| {
            assets * (shared[i] * shared[j] + around[(i, j)]) + posterior.v1[(i, j)]
        });
        let half = multiply(posterior.loadings.as_ref(), posterior.v2.as_ref());
        let squares = multiply(
            multiply(half.transpose(), pattern.spread.as_ref()).as_ref(),
            half.as_ref(),
        );
        let deviations = Mat::from_fn(n, n, |i, j| {
            squares[(i, j)] / posterior.noise.powi(2) + pattern.deviations() * posterior.v2[(i, j)]
        });
        Second { mean, deviations }
    }
}

impl Posterior {
    /// `[coefficient]` of an asset, from its deviation's moments with the features of the fit.
    pub(super) fn scores(&self, state: &State, deviation: &[f64]) -> Vec<f64> {
        let seen = times(self.loadings.transpose(), deviation);
        let own = times(self.v2.as_ref(), &seen);
        self.shared
            .iter()
            .zip(&own)
            .map(|(shared, own)| shared + own / state.own_noise)
            .collect()
    }
}

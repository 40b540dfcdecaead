//! Every asset's own residual variance and its own share in the residual of its group, by empirical Bayes.
//! Derivation: docs/derivations/closed_form_heads.md, "An asset's own noise".

/// Rounds between the assets and what they have in common; the figures settle to about 1e-4 within ten.
const ROUNDS: usize = 12;
/// Smallest residual variance of a standardised return: features are float32, about 1e-7 of their size each.
const VARIANCE_FLOOR: f64 = 1e-8;
/// Standard errors by which the dispersion of the shares must exceed chance before any differs from 1.
const SHARE_EVIDENCE: f64 = 2.0;

/// What all assets of one group share, in the directions `u_p` in which `P'P` is diagonal.
pub(super) struct Shared {
    /// Observed rows.
    pub rows: f64,
    /// Assets N.
    pub assets: f64,
    /// Residual variance that the trained prior expects.
    pub variance: f64,
    /// Eigenvalues d of `B'GB`.
    pub squares: Vec<f64>,
    /// `f'f` of the group's residual f, 0 for a group of one, which has none apart from its asset's.
    pub common_square: f64,
    /// `u_p'R'f`.
    pub common_cross: Vec<f64>,
}

/// One asset's data against the mean head of its group, and what is estimated from them.
#[derive(Debug, Clone)]
pub(super) struct Own {
    /// `u_p'R'r`, r = the asset's centred return less what the mean head explains.
    pub cross: Vec<f64>,
    /// `f'r`.
    pub common_cross: f64,
    /// `r'r`.
    pub square: f64,
    /// Residual variance s_i^2.
    pub variance: f64,
    /// Share lambda_i in the group's residual.
    pub share: f64,
}

/// What is common to the residuals of all assets.
struct Pool {
    /// Prior variance of the shares around 1.
    share_variance: f64,
    /// Centre of the variances, as a multiple of [`Shared::variance`].
    centre: f64,
    /// Observations that the centre is worth; infinite where the variances differ by chance alone.
    strength: f64,
}

impl Own {
    /// Posterior mean of the asset's deviation along `u_p`.
    pub fn weight(&self, shared: &Shared, p: usize) -> f64 {
        (self.cross[p] - self.share * shared.common_cross[p]) / (self.variance + shared.squares[p])
    }

    /// Share of the prior and noise variance that is left when lambda times the group's mean is taken off:
    /// `1 - lambda (2 - lambda) / N`.
    pub fn left(&self, shared: &Shared) -> f64 {
        1.0 - self.share * (2.0 - self.share) / shared.assets
    }

    /// Least-squares share given the deviation.
    fn plain_share(&self, shared: &Shared) -> f64 {
        let taken: f64 = (0..self.cross.len())
            .map(|p| self.weight(shared, p) * shared.common_cross[p])
            .sum();
        (self.common_cross - taken) / shared.common_square
    }

    /// Residual variance at the present deviation and share as a multiple of the expected one, and its degrees of
    /// freedom.
    fn plain_variance(&self, shared: &Shared) -> (f64, f64) {
        let mut sum = self.square - 2.0 * self.share * self.common_cross + self.share.powi(2) * shared.common_square;
        let mut used = 1.0;
        for (p, d) in shared.squares.iter().enumerate() {
            let weight = self.weight(shared, p);
            let target = self.cross[p] - self.share * shared.common_cross[p];
            sum += weight * (weight * d - 2.0 * target);
            used += d / (self.variance + d);
        }
        let degrees = (shared.rows - used).max(1.0);
        let variance = (sum / degrees / self.left(shared)).max(VARIANCE_FLOOR);
        (variance / shared.variance, degrees)
    }
}

/// Estimates variances and shares of all assets, each given as its group and its data.
pub(super) fn estimate(groups: &[&Shared], assets: &mut [(usize, Own)]) {
    for _ in 0..ROUNDS {
        let pool = Pool::of(groups, assets);
        for (group, own) in assets.iter_mut() {
            let shared = groups[*group];
            if shared.common_square > 0.0 {
                let weight = pool.share_variance * shared.common_square;
                own.share = (weight * own.plain_share(shared) + own.variance) / (weight + own.variance);
            }
            let (plain, degrees) = own.plain_variance(shared);
            let trust = degrees / (degrees + pool.strength);
            own.variance = shared.variance * (pool.centre + trust * (plain - pool.centre));
        }
    }
}

impl Pool {
    /// Moments over assets: of the shares, less their sampling variance; of log variances (Smyth 2004, section 6.2).
    fn of(groups: &[&Shared], assets: &[(usize, Own)]) -> Self {
        // Of each share, how far it is from 1 and its sampling variance, squares both.
        let (mut excess, mut chance_square, mut count) = (0.0, 0.0, 0.0);
        for (group, own) in assets.iter().filter(|(group, _)| groups[*group].common_square > 0.0) {
            let shared = groups[*group];
            let sampling = own.variance / shared.common_square;
            excess += (own.plain_share(shared) - 1.0).powi(2) - sampling;
            chance_square += sampling * sampling;
            count += 1.0;
        }
        // If all shares were 1, the sum would have the variance 2 sum of sampling^2.
        let share_variance = (excess - SHARE_EVIDENCE * (2.0 * chance_square).sqrt()) / f64::max(count, 1.0);
        let ratios: Vec<(f64, f64)> = assets
            .iter()
            .map(|(group, own)| own.plain_variance(groups[*group]))
            .collect();
        let logs: Vec<f64> = ratios.iter().map(|(ratio, _)| ratio.ln()).collect();
        let chance = ratios.iter().map(|(_, degrees)| 1.0 / degrees).sum::<f64>() / ratios.len().max(1) as f64;
        let (log_centre, dispersion) = moments(&logs);
        // Var log chi^2_n, about 2/n + 2/n^2; E log(chi^2_n / n), about -1/n.
        let strength = inverse_log_variance(dispersion - 2.0 * chance * (1.0 + chance)) * 2.0;
        Self {
            share_variance: share_variance.max(0.0),
            centre: (log_centre + chance - 1.0 / strength).exp(),
            strength,
        }
    }
}

/// Mean and sample variance; 0 where there are too few numbers for one.
fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    if values.is_empty() {
        return (0.0, 0.0);
    }
    let mean = values.iter().sum::<f64>() / count;
    let square: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    (mean, square / (count - 1.0).max(1.0))
}

/// x > 0 with `1/x + 1/(2x^2) = value`, nearly the variance of the log of a gamma variable of shape x; infinite for a value
/// that is not positive.
fn inverse_log_variance(value: f64) -> f64 {
    if value > 0.0 {
        (1.0 + (1.0 + 2.0 * value).sqrt()) / (2.0 * value)
    } else {
        f64::INFINITY
    }
}

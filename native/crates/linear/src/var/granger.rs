use super::Var;
use crate::LinearError;
use crate::small::invert_spd;
use crate::special::f_upper;

/// Test that the lags of some series do not enter the equations of others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Granger {
    /// Wald statistic over its number of restrictions.
    pub f: f64,
    /// Restrictions: order x causing x caused.
    pub restrictions: usize,
    /// Second degrees of freedom: series x (rows - regressors).
    pub df: usize,
    /// P(F > f).
    pub p_value: f64,
}

/// Wald test of "the lags of `causing` do not help to predict `caused`" (Luetkepohl 2005, 3.6.1).
///
/// # Errors
/// `BadOption` for a series out of range, an empty list or an order of 0.
pub fn granger(fit: &Var, causing: &[usize], caused: &[usize]) -> Result<Granger, LinearError> {
    let (k, p, width) = (fit.series, fit.order, fit.regressors());
    if let Some(&series) = causing.iter().chain(caused).find(|&&series| series >= k) {
        return Err(LinearError::BadOption {
            name: "series",
            value: series as f64,
            remedy: "give indexes below the number of series",
        });
    }
    let restrictions = p * causing.len() * caused.len();
    if restrictions == 0 {
        return Err(LinearError::BadOption {
            name: "restrictions",
            value: 0.0,
            remedy: "give an order of at least 1, a causing and a caused series",
        });
    }
    // One entry a restriction: equation, regressor, coefficient.
    let mut tested = Vec::with_capacity(restrictions);
    for &equation in caused {
        for lag in 0..p {
            for &from in causing {
                let value = fit.coefficients[(lag * k + equation) * k + from];
                tested.push((equation, 1 + lag * k + from, value));
            }
        }
    }
    let covariance: Vec<f64> = tested
        .iter()
        .flat_map(|&(a, i, _)| {
            let entry = move |&(b, j, _): &(usize, usize, f64)| {
                fit.residual_covariance[a * k + b] * fit.regressor_inverse[i * width + j]
            };
            tested.iter().map(entry)
        })
        .collect();
    let wald = invert_spd(&covariance, restrictions).map_or(f64::NAN, |inverse| {
        let pairs = tested
            .iter()
            .enumerate()
            .flat_map(|(i, x)| tested.iter().enumerate().map(move |(j, y)| (i, j, x.2 * y.2)));
        pairs
            .map(|(i, j, product)| inverse[i * restrictions + j] * product)
            .sum()
    });
    let df = k * (fit.observations - width);
    let f = wald / restrictions as f64;
    Ok(Granger {
        f,
        restrictions,
        df,
        p_value: f_upper(f, restrictions as f64, df as f64),
    })
}

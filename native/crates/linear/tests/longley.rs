//! NIST StRD Longley: the classic near-collinear regression; certified to 15 digits.

use macrograd_linear::{Covariance, OlsOptions, Panel, Reference, ols};
use macrograd_simd::Control;

/// QR keeps 15 - log10(condition) digits and a few more lost in the certificate's last digits; condition (scaled) 4e4.
const RELATIVE: f64 = 1e-10;

const EMPLOYED: [f64; 16] = [
    60323., 61122., 60171., 61187., 63221., 63639., 64989., 63761., 66019., 67857., 68169., 66513., 68655., 69564.,
    69331., 70551.,
];

/// Deflator, GNP, unemployed, armed forces, population, year.
const REGRESSORS: [[f64; 6]; 16] = [
    [83.0, 234289., 2356., 1590., 107608., 1947.],
    [88.5, 259426., 2325., 1456., 108632., 1948.],
    [88.2, 258054., 3682., 1616., 109773., 1949.],
    [89.5, 284599., 3351., 1650., 110929., 1950.],
    [96.2, 328975., 2099., 3099., 112075., 1951.],
    [98.1, 346999., 1932., 3594., 113270., 1952.],
    [99.0, 365385., 1870., 3547., 115094., 1953.],
    [100.0, 363112., 3578., 3350., 116219., 1954.],
    [101.2, 397469., 2904., 3048., 117388., 1955.],
    [104.6, 419180., 2822., 2857., 118734., 1956.],
    [108.4, 442769., 2936., 2798., 120445., 1957.],
    [110.8, 444546., 4681., 2637., 121950., 1958.],
    [112.6, 482704., 3813., 2552., 123366., 1959.],
    [114.2, 502601., 3931., 2514., 125368., 1960.],
    [115.7, 518173., 4806., 2572., 127852., 1961.],
    [116.9, 554894., 4007., 2827., 130081., 1962.],
];

const COEFFICIENTS: [f64; 7] = [
    -3482258.63459582,
    15.0618722713733,
    -0.358191792925910e-1,
    -2.02022980381683,
    -1.03322686717359,
    -0.511041056535807e-1,
    1829.15146461355,
];

const STANDARD_ERRORS: [f64; 7] = [
    890420.383607373,
    84.9149257747669,
    0.334910077722432e-1,
    0.488399681651699,
    0.214274163161675,
    0.226073200069370,
    455.478499142212,
];

#[test]
fn longley_is_solved_to_ten_certified_digits() {
    let design: Vec<f64> = REGRESSORS
        .iter()
        .flat_map(|row| std::iter::once(1.0).chain(*row))
        .collect();
    let panel = Panel::new(&design, &EMPLOYED, 16, 7, 1).expect("valid");
    let options = OlsOptions {
        covariance: Covariance::Homoscedastic,
        weights: None,
        reference: Reference::StudentT,
        min_observations: 8,
    };
    let fit = ols(&panel, &options, &Control::with_threads(1)).expect("runs");
    for j in 0..7 {
        let error = (fit.coefficients[j] / COEFFICIENTS[j] - 1.0).abs();
        assert!(error < RELATIVE, "coefficient {j}: {error:e}");
        let se = fit.covariance[j * 7 + j].sqrt();
        assert!((se / STANDARD_ERRORS[j] - 1.0).abs() < RELATIVE, "error {j}: {se}");
    }
    let residual_sd = fit.residual_variance[0].sqrt();
    assert!((residual_sd / 304.854_073_561_965 - 1.0).abs() < RELATIVE);
    assert!(fit.condition[0] > 1e4 && fit.condition[0].is_finite());
}

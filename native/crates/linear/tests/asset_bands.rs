//! Bands of assets' responses against their point estimates and against worlds whose responses are known.

mod support;

use macrograd_linear::{
    AssetEquations, AssetSample, Bands, BootstrapOptions, Impulse, PivotedQr, RegimeRule, Resampling, ResponseOptions,
    StateResponseOptions, Statistic, Var, asset_bootstrap_bands, asset_responses, state_asset_responses, threshold_var,
    var,
};
use macrograd_simd::Control;
use support::Lcg;

/// The same least squares by one QR and by another.
const SAME: f64 = 1e-10;

const K: usize = 2;
/// Rows of factors in the equations: today's and the one before.
const LAGS: usize = 2;
/// Coefficients of the assets, `[asset][lag][series]`.
const B: [[f64; 4]; 3] = [[1.0, 0.5, 0.3, 0.0], [-0.5, 0.2, 0.0, 0.4], [0.0, 0.0, 0.0, 0.0]];
const OPTIONS: ResponseOptions = ResponseOptions {
    horizon: 4,
    impulse: Impulse::Generalised,
    cumulative: false,
};

fn bootstrap(resampling: Resampling, draws: usize) -> BootstrapOptions {
    BootstrapOptions {
        resampling,
        statistic: Statistic::Responses,
        draws,
        seed: 7,
        level: 0.9,
    }
}

/// Two factors, y_t = A y_{t-1} + u_t with Cov u = [1 .5; .5 1], and three assets whose noise has a common part.
fn world(rows: usize, seed: u64) -> (Vec<f64>, Vec<f64>) {
    let mut random = Lcg(seed);
    let (mut y, mut returns) = (vec![0.0; K], Vec::new());
    for t in 1..=rows {
        let (a, b) = (random.normal(), random.normal());
        let before = [y[(t - 1) * K], y[(t - 1) * K + 1]];
        y.push(0.5 * before[0] + 0.1 * before[1] + a);
        y.push(0.2 * before[0] + 0.4 * before[1] + 0.5 * a + 0.75_f64.sqrt() * b);
        let common = random.normal();
        for b in &B {
            let x = [y[t * K], y[t * K + 1], before[0], before[1]];
            let mean: f64 = b.iter().zip(x).map(|(b, x)| b * x).sum();
            returns.push(0.1 + mean + common + random.normal());
        }
    }
    (y.split_off(K), returns)
}

/// Generalised response of every asset, `[asset][horizon][shock]`, from the coefficients that the world has.
fn truth() -> Vec<f64> {
    let fit = Var {
        series: K,
        order: 1,
        observations: 1,
        intercept: vec![0.0; K],
        coefficients: vec![0.5, 0.1, 0.2, 0.4],
        residual_covariance: vec![1.0, 0.5, 0.5, 1.0],
        regressor_inverse: vec![0.0; 9],
        regressor_factor: vec![0.0; 9],
        residuals: vec![0.0; K],
        roots: Vec::new(),
        condition: 1.0,
    };
    exact(&fit, &B.concat())
}

fn exact(fit: &Var, coefficients: &[f64]) -> Vec<f64> {
    let equations = AssetEquations {
        coefficients,
        covariance: &vec![0.0; B.len() * (LAGS * K).pow(2)],
        assets: B.len(),
        lags: LAGS,
    };
    asset_responses(fit, &equations, &OPTIONS, &Control::with_threads(1))
        .expect("valid")
        .values
}

fn bands(y: &[f64], returns: &[f64], resampling: Resampling, draws: usize, threads: usize) -> Bands {
    let fit = var(y, y.len() / K, K, 1).expect("fits");
    let sample = AssetSample {
        returns,
        assets: B.len(),
        lags: LAGS,
    };
    let control = Control::with_threads(threads);
    asset_bootstrap_bands(y, &fit, &sample, &OPTIONS, &bootstrap(resampling, draws), &control).expect("bands")
}

#[test]
fn values_are_the_responses_of_the_equations_and_lie_inside_their_bands() {
    let (y, returns) = world(300, 3);
    let rows = y.len() / K;
    // Constant, then [lag][series], by column.
    let mut design = vec![1.0; rows - 1];
    for (lag, series) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        design.extend((1..rows).map(|t| y[(t - lag) * K + series]));
    }
    let qr = PivotedQr::new(design, rows - 1, 5);
    let coefficients: Vec<f64> = (0..B.len())
        .flat_map(|asset| {
            let own: Vec<f64> = (1..rows).map(|t| returns[t * B.len() + asset]).collect();
            qr.solve(&own)[1..].to_vec()
        })
        .collect();
    let expected = exact(&var(&y, rows, K, 1).expect("fits"), &coefficients);
    for resampling in [Resampling::Residual, Resampling::Wild, Resampling::Block(12)] {
        let found = bands(&y, &returns, resampling, 199, 2);
        for (at, expected) in expected.iter().enumerate() {
            assert!((found.values[at] - expected).abs() < SAME, "{at}");
            assert!(found.lo[at] < found.hi[at] && found.lo[at] < *expected && *expected < found.hi[at]);
        }
    }
}

#[test]
fn bands_cover_known_responses_as_often_as_they_say() {
    let truth = truth();
    let worlds = 80;
    for resampling in [Resampling::Residual, Resampling::Block(16)] {
        let mut inside = 0;
        for world_seed in 0..worlds {
            let (y, returns) = world(240, 100 + world_seed);
            let found = bands(&y, &returns, resampling, 199, 2);
            inside += (0..truth.len())
                .filter(|&at| found.lo[at] <= truth[at] && truth[at] <= found.hi[at])
                .count();
        }
        let covered = inside as f64 / (worlds as usize * truth.len()) as f64;
        println!("{resampling:?} covers {covered}");
        // Nominal .90. Of a world's 30 responses some 6 are independent: 3 binomial errors of 480 draws are .04;
        // percentile bands of short samples and 199 draws lose some hundredths, blocks more than rows.
        assert!((0.82..0.95).contains(&covered), "{resampling:?}: {covered}");
    }
}

#[test]
fn threads_change_no_bit_missing_returns_widen_bands_and_too_few_rows_have_none() {
    let (y, mut returns) = world(240, 5);
    let whole = bands(&y, &returns, Resampling::Residual, 99, 1);
    assert_eq!(bands(&y, &returns, Resampling::Residual, 99, 2).lo, whole.lo);
    // The second asset lacks two of three rows, the third all but four.
    for row in 0..240 {
        if row % 3 != 0 {
            returns[row * 3 + 1] = f64::NAN;
        }
        if row >= 4 {
            returns[row * 3 + 2] = f64::NAN;
        }
    }
    let holed = bands(&y, &returns, Resampling::Residual, 99, 2);
    let size = whole.values.len() / 3;
    for at in 0..size {
        // Companions in a matrix product change the order of its sums.
        assert!((holed.values[at] - whole.values[at]).abs() < SAME && (holed.hi[at] - whole.hi[at]).abs() < SAME);
    }
    let width = |found: &Bands| (size..size + K).map(|at| found.hi[at] - found.lo[at]).sum::<f64>();
    // A third of the rows: 1.7 times the standard error of a response at once.
    assert!(width(&holed) > 1.3 * width(&whole));
    assert!(
        holed.values[2 * size..]
            .iter()
            .chain(&holed.lo[2 * size..])
            .all(|x| x.is_nan())
    );
}

/// A factor whose shocks last above 0 and die below, and two assets: one with slopes 1 below and -1 above, one with .5.
fn regime_world(rows: usize, seed: u64) -> (Vec<f64>, Vec<f64>) {
    let mut random = Lcg(seed);
    let (mut y, mut returns) = (vec![0.0], Vec::new());
    for t in 1..=rows {
        let above = y[t - 1] > 0.0;
        y.push(if above { 0.7 } else { 0.2 } * y[t - 1] + random.normal());
        let slope = if above { -1.0 } else { 1.0 };
        returns.extend([slope * y[t] + random.normal(), 0.5 * y[t] + random.normal()]);
    }
    (y.split_off(1), returns)
}

#[test]
fn responses_by_regime_tell_slopes_of_either_sign_apart_and_cover_them() {
    let rule = RegimeRule {
        variable: 0,
        delay: 1,
        threshold: 0.0,
    };
    let options = StateResponseOptions {
        horizon: 2,
        cumulative: false,
        size: 1.0,
        histories: 40,
        futures: 5,
        draws: 99,
        seed: 1,
        level: 0.9,
    };
    let (steps, worlds) = (3, 30);
    let mut inside = 0;
    for seed in 0..worlds {
        let (y, returns) = regime_world(300, 50 + seed);
        let fit = threshold_var(&y, 300, 1, 1, rule).expect("fits");
        let sample = AssetSample {
            returns: &returns,
            assets: 2,
            lags: 1,
        };
        let run = |threads| {
            state_asset_responses(&y, &fit, &sample, &options, &Control::with_threads(threads)).expect("responses")
        };
        let (found, used) = run(2);
        assert_eq!(used, 99);
        if seed == 0 {
            assert_eq!(run(1).0.hi, found.hi);
        }
        // `[asset][regime][horizon][shock]`; at once, a shock of one SD (1) moves an asset by its slope there.
        for (asset, slopes) in [[1.0, -1.0], [0.5, 0.5]].iter().enumerate() {
            for (regime, slope) in slopes.iter().enumerate() {
                let at = (asset * 2 + regime) * steps;
                inside += usize::from(found.lo[at] <= *slope && *slope <= found.hi[at]);
            }
        }
        assert!(found.lo[0] > 0.0 && found.hi[steps] < 0.0, "{seed}");
    }
    let covered = inside as f64 / (4 * worlds as usize) as f64;
    println!("by regime covers {covered}");
    // Nominal .90, three binomial errors of 120 draws .08; the threshold is held.
    assert!((0.80..0.98).contains(&covered), "{covered}");
}

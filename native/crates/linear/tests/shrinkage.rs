//! Empirical Bayes: the posterior against its definition, and what it buys on simulated cross-sections.

use macrograd_linear::{
    CrossSection, EwmOptions, MovingErrors, Panel, Path, PathRange, RollingOptions, ewm_path, ewm_prior,
    ewm_strength_errors, rolling_ols, rolling_prior,
};
use macrograd_simd::Control;

/// Two ways of conditioning a joint normal in float64, with a flat prior 10^4 wider than the data's precision.
const POSTERIOR: f64 = 1e-8;

/// The estimating equation of a prior variance is solved to 1e-10 of it.
const SPREAD: f64 = 1e-8;

/// Deterministic standard normals: sums of 12 uniforms of a 64-bit linear congruential generator.
struct Noise(u64);

impl Noise {
    fn uniform(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

struct World {
    design: Vec<f64>,
    returns: Vec<f64>,
    betas: Vec<f64>,
    rows: usize,
    columns: usize,
    assets: usize,
}

/// Constant and three factors; beta ~ N(mean, spread^2); residual half common, half own.
fn world(seed: u64, rows: usize, assets: usize, mean: f64, spread: f64, holes: bool) -> World {
    let columns = 4;
    let mut noise = Noise(seed);
    let mut design = Vec::new();
    for _ in 0..rows {
        design.push(1.0);
        design.extend((1..columns).map(|_| noise.normal()));
    }
    let betas: Vec<f64> = (0..assets * columns)
        .map(|at| {
            if at % columns == 0 {
                0.1
            } else {
                mean + spread * noise.normal()
            }
        })
        .collect();
    let mut returns = Vec::new();
    for row in 0..rows {
        let common = noise.normal();
        for asset in 0..assets {
            let x = &design[row * columns..(row + 1) * columns];
            let b = &betas[asset * columns..(asset + 1) * columns];
            let fitted: f64 = x.iter().zip(b).map(|(x, b)| x * b).sum();
            let late = holes && asset % 3 == 1 && row < rows / 2;
            returns.push(if late {
                f64::NAN
            } else {
                fitted + common + noise.normal()
            });
        }
    }
    World {
        design,
        returns,
        betas,
        rows,
        columns,
        assets,
    }
}

fn options() -> EwmOptions {
    EwmOptions {
        half_life: 60.0,
        min_observations: 24,
        variances: true,
        errors: MovingErrors::Homoscedastic,
        free_columns: vec![0],
    }
}

/// As informative as a half-life of 60 rows.
fn rolling_options() -> RollingOptions {
    RollingOptions {
        window: 120,
        min_observations: 24,
        variances: true,
        errors: MovingErrors::Homoscedastic,
        free_columns: vec![0],
    }
}

/// The two moving regressions that have a cross-section.
#[derive(Debug, Clone, Copy)]
enum Form {
    Weighted,
    Rolling,
}

impl Form {
    fn plain(self, panel: &Panel, range: &PathRange, control: &Control) -> Path {
        match self {
            Self::Weighted => ewm_path(panel, &options(), None, range, control),
            Self::Rolling => rolling_ols(panel, &rolling_options(), None, range, control),
        }
        .expect("runs")
    }

    fn shrunk(self, panel: &Panel, range: &PathRange, control: &Control) -> Path {
        match self {
            Self::Weighted => {
                let prior = ewm_prior(panel, &options(), control).expect("runs");
                ewm_path(panel, &options(), Some(&prior), range, control)
            }
            Self::Rolling => {
                let prior = rolling_prior(panel, &rolling_options(), control).expect("runs");
                rolling_ols(panel, &rolling_options(), Some(&prior), range, control)
            }
        }
        .expect("runs")
    }
}

fn panel(world: &World) -> Panel<'_> {
    Panel::new(&world.design, &world.returns, world.rows, world.columns, world.assets).expect("valid")
}

fn last_row(world: &World) -> PathRange {
    PathRange {
        rows: world.rows - 1..world.rows,
        assets: 0..world.assets,
    }
}

fn root_mean_square(world: &World, estimates: &[f64]) -> f64 {
    let slopes = (0..estimates.len()).filter(|at| at % world.columns != 0);
    let errors: Vec<f64> = slopes.map(|at| (estimates[at] - world.betas[at]).powi(2)).collect();
    (errors.iter().sum::<f64>() / errors.len() as f64).sqrt()
}

fn scores(form: Form, world: &World) -> (f64, f64) {
    let panel = panel(world);
    let control = Control::with_threads(2);
    let plain = form.plain(&panel, &last_row(world), &control);
    let shrunk = form.shrunk(&panel, &last_row(world), &control);
    (
        root_mean_square(world, &plain.coefficients),
        root_mean_square(world, &shrunk.coefficients),
    )
}

#[test]
fn shrinkage_removes_most_error_where_assets_are_alike_and_harms_nowhere() {
    for form in [Form::Weighted, Form::Rolling] {
        // Pure noise: both levels shrink to zero. Alike: the spread is below the sampling error. Far apart: nothing to gain.
        let (mut noise, mut alike, mut apart) = (0.0, 0.0, 0.0);
        for seed in 1..=8 {
            let ratio = |mean, spread| {
                let (plain, shrunk) = scores(form, &world(seed, 300, 60, mean, spread, true));
                shrunk / plain / 8.0
            };
            noise += ratio(0.0, 0.0);
            alike += ratio(0.5, 0.03);
            apart += ratio(0.5, 2.0);
        }
        println!("{form:?}: noise {noise:.3}, alike {alike:.3}, apart {apart:.3}");
        assert!(noise < 0.5, "{form:?}, pure noise: {noise}");
        assert!(alike < 0.85, "{form:?}, alike: {alike}");
        assert!(apart < 1.01, "{form:?}, far apart: {apart}");
    }
}

/// Share of nominal 90 % intervals that hold the truth, over 40 worlds.
fn coverage(form: Form, mean: f64, spread: f64) -> f64 {
    let (mut inside, mut total) = (0.0, 0.0);
    for seed in 1..=40 {
        let world = world(seed, 240, 24, mean, spread, true);
        let path = form.shrunk(&panel(&world), &last_row(&world), &Control::with_threads(2));
        for at in (0..world.betas.len()).filter(|at| at % world.columns != 0) {
            let off = (path.coefficients[at] - world.betas[at]).abs();
            inside += f64::from(off < 1.645 * path.variances[at].sqrt());
            total += 1.0;
        }
    }
    inside / total
}

#[test]
fn nominal_ninety_percent_intervals_cover_in_every_kind_of_cross_section() {
    for form in [Form::Weighted, Form::Rolling] {
        for (mean, spread) in [(0.0, 0.0), (0.5, 0.03), (0.5, 0.3), (0.0, 0.3), (0.5, 2.0)] {
            let coverage = coverage(form, mean, spread);
            println!("{form:?}, mean {mean} spread {spread}: {coverage:.3}");
            // 40 worlds x 3 factors of common error: a standard error near 2.5 % where the common residual rules. Where the
            // truth is exactly zero the intervals are too wide, on purpose.
            assert!(coverage > 0.83, "{form:?}, mean {mean}, spread {spread}: {coverage}");
        }
    }
}

/// `golden/rolling_posterior.txt`: numpy conditions the joint normal of an asset's coefficients, its estimate and the
/// market's, with missing returns, at two dates.
#[test]
fn rolling_posteriors_equal_the_joint_normal_written_out_by_numpy() {
    let mut lines = include_str!("golden/rolling_posterior.txt").lines().skip(1);
    let mut next = || -> Vec<f64> {
        let words = lines.next().expect("a line").split_whitespace().skip(1);
        words.map(|word| word.parse().expect("a number")).collect()
    };
    let sizes: Vec<usize> = next().iter().map(|&size| size as usize).collect();
    let (design, returns) = (next(), next());
    let (k, assets) = (sizes[1], sizes[2]);
    let panel = Panel::new(&design, &returns, sizes[0], k, assets).expect("valid");
    let options = RollingOptions {
        window: sizes[3],
        ..rolling_options()
    };
    let control = Control::with_threads(1);
    let prior = rolling_prior(&panel, &options, &control).expect("runs");
    for _ in 0..2 {
        let row = next()[0] as usize;
        let spreads = next();
        let found = prior.tau2[row * k..(row + 1) * k].iter().chain([&prior.gamma2[row]]);
        for (found, expected) in found.zip(spreads) {
            assert!(
                (found - expected).abs() < SPREAD * expected.abs().max(1e-3),
                "{found} {expected}"
            );
        }
        let range = PathRange {
            rows: row..row + 1,
            assets: 0..assets,
        };
        let path = rolling_ols(&panel, &options, Some(&prior), &range, &control).expect("runs");
        for asset in 0..assets {
            let expected = next();
            let own = asset * k..(asset + 1) * k;
            let found = path.coefficients[own.clone()].iter().chain(&path.variances[own]);
            for (found, expected) in found.zip(expected) {
                assert!(
                    (found - expected).abs() < POSTERIOR,
                    "{row} {asset}: {found} {expected}"
                );
            }
        }
    }
}

#[test]
fn between_asset_spread_is_recovered_under_a_common_residual() {
    let world = world(5, 600, 200, 0.5, 0.2, false);
    let prior = ewm_prior(&panel(&world), &options(), &Control::with_threads(1)).expect("runs");
    for j in 1..4 {
        let spread = prior.tau2[(world.rows - 1) * 4 + j].sqrt();
        // 200 assets: the spread's own standard error is near 5 % before sampling noise.
        assert!((spread - 0.2).abs() < 0.05, "column {j}: {spread}");
    }
}

/// With a spread prior of nearly zero variance and no market, the posterior is the prior mean, zero; with a huge one it
/// is the estimate; in between, for one regressor, the textbook weight.
#[test]
fn one_regressor_without_a_market_has_the_textbook_posterior() {
    let mut noise = Noise(9);
    let rows = 80;
    let design: Vec<f64> = (0..rows).map(|_| noise.normal()).collect();
    let returns: Vec<f64> = design.iter().map(|x| 0.4 * x + noise.normal()).collect();
    let panel = Panel::new(&design, &returns, rows, 1, 1).expect("valid");
    let options = EwmOptions {
        errors: MovingErrors::Homoscedastic,
        free_columns: Vec::new(),
        ..options()
    };
    let control = Control::with_threads(1);
    let range = PathRange {
        rows: rows - 1..rows,
        assets: 0..1,
    };
    let plain = ewm_path(&panel, &options, None, &range, &control).expect("runs");
    for gamma2 in [1e-6, 0.01, 0.3, 1e3] {
        let prior = CrossSection {
            market: returns.clone(),
            tau2: vec![0.0; rows],
            gamma2: vec![gamma2; rows],
            tau2_error: vec![0.0; rows],
            gamma2_error: vec![0.0; rows],
            assets: vec![1; rows],
        };
        let post = ewm_path(&panel, &options, Some(&prior), &range, &control).expect("runs");
        let (b, v) = (plain.coefficients[0], plain.variances[0]);
        assert!((post.coefficients[0] - b * gamma2 / (gamma2 + v)).abs() < POSTERIOR);
        assert!((post.variances[0] - v * gamma2 / (gamma2 + v)).abs() < POSTERIOR * v);
    }
}

/// One regressor, balanced panel: beta_i given (b_i, b_m) from the 2 x 2 joint normal written out.
#[test]
fn posterior_matches_the_joint_normal_written_out() {
    let mut noise = Noise(21);
    let (rows, assets) = (90, 6);
    let design: Vec<f64> = (0..rows).map(|_| noise.normal()).collect();
    let mut returns = Vec::new();
    for x in &design {
        let common = noise.normal();
        returns.extend((0..assets).map(|asset| (0.3 + 0.1 * asset as f64) * x + common + noise.normal()));
    }
    let panel = Panel::new(&design, &returns, rows, 1, assets).expect("valid");
    let options = EwmOptions {
        errors: MovingErrors::Homoscedastic,
        free_columns: Vec::new(),
        ..options()
    };
    let control = Control::with_threads(1);
    let range = PathRange {
        rows: rows - 1..rows,
        assets: 0..assets,
    };
    let mut prior = ewm_prior(&panel, &options, &control).expect("runs");
    prior.tau2_error.fill(0.0);
    prior.gamma2_error.fill(0.0);
    let shrunk = ewm_path(&panel, &options, Some(&prior), &range, &control).expect("runs");

    let weight = |row: usize| (-((rows - 1 - row) as f64) / 60.0).exp2();
    let sum = |f: &dyn Fn(usize) -> f64| (0..rows).map(|row| weight(row) * f(row)).sum::<f64>();
    let gram = sum(&|row| design[row] * design[row]);
    let squared: f64 = (0..rows).map(|row| (weight(row) * design[row]).powi(2)).sum();
    let sandwich = squared / gram / gram;
    let trace = sum(&|_| 1.0) - squared / gram;
    let slope = |y: &dyn Fn(usize) -> f64| sum(&|row| design[row] * y(row)) / gram;
    let market = |row: usize| prior.market[row];
    let b_m = slope(&market);
    let residual = |y: &dyn Fn(usize) -> f64, b: f64| (0..rows).map(|row| y(row) - b * design[row]).collect::<Vec<_>>();
    let e_m = residual(&market, b_m);
    let s_mm = sum(&|row| e_m[row] * e_m[row]) / trace;
    let (tau2, gamma2) = (prior.tau2[rows - 1], prior.gamma2[rows - 1]);
    for asset in 0..assets {
        let own = |row: usize| returns[row * assets + asset];
        let b = slope(&own);
        let e = residual(&own, b);
        let (s_ii, s_im) = (
            sum(&|row| e[row] * e[row]) / trace,
            sum(&|row| e[row] * e_m[row]) / trace,
        );
        let shared = gamma2 + tau2 / assets as f64;
        let (total, a, c, d) = (
            gamma2 + tau2,
            gamma2 + tau2 + s_ii * sandwich,
            shared + s_im * sandwich,
            shared + s_mm * sandwich,
        );
        let determinant = a * d - c * c;
        let (gain_own, gain_market) = (
            (total * d - shared * c) / determinant,
            (shared * a - total * c) / determinant,
        );
        let mean = gain_own * b + gain_market * b_m;
        let variance = total - gain_own * total - gain_market * shared;
        assert!((shrunk.coefficients[asset] - mean).abs() < POSTERIOR, "asset {asset}");
        assert!(
            (shrunk.variances[asset] - variance).abs() < POSTERIOR * total,
            "asset {asset}"
        );
    }
}

#[test]
fn an_asset_without_noise_keeps_its_exact_exposure_among_noisy_ones() {
    let mut world = world(13, 200, 30, 0.5, 0.2, false);
    for row in 0..world.rows {
        let x = &world.design[row * 4..row * 4 + 4];
        world.returns[row * 30] = 0.1 - 3.0 * x[1] + 0.2 * x[3];
    }
    let panel = panel(&world);
    let control = Control::with_threads(1);
    let prior = ewm_prior(&panel, &options(), &control).expect("runs");
    let path = ewm_path(&panel, &options(), Some(&prior), &last_row(&world), &control).expect("runs");
    for (b, exact) in path.coefficients.iter().zip([0.1, -3.0, 0.0, 0.2]) {
        assert!((b - exact).abs() < POSTERIOR, "{b}");
    }
}

#[test]
fn errors_of_every_strength_are_those_of_the_paths_that_it_shrinks() {
    /// Sums of some thousand squares in another order.
    const ORDER: f64 = 1e-11;
    let world = world(31, 200, 40, 0.3, 0.5, true);
    let panel = panel(&world);
    let control = Control::with_threads(1);
    let rows = 110..199;
    let strengths = [1.0, 4.0, 16.0];
    let found = ewm_strength_errors(&panel, &options(), &strengths, rows.clone(), &control).expect("runs");
    let prior = ewm_prior(&panel, &options(), &control).expect("runs");
    for (strength, found) in strengths.iter().zip(found) {
        let divided = |values: &[f64]| values.iter().map(|value| value / strength).collect();
        let sharper = CrossSection {
            tau2: divided(&prior.tau2),
            gamma2: divided(&prior.gamma2),
            ..prior.clone()
        };
        let range = PathRange {
            rows: rows.clone(),
            assets: 0..world.assets,
        };
        let path = ewm_path(&panel, &options(), Some(&sharper), &range, &control).expect("runs");
        let mut sum = 0.0;
        for asset in 0..world.assets {
            for (local, row) in rows.clone().enumerate() {
                let at = (asset * rows.len() + local) * world.columns;
                let b = &path.coefficients[at..at + world.columns];
                let x = &world.design[(row + 1) * world.columns..(row + 2) * world.columns];
                let fitted: f64 = x.iter().zip(b).map(|(x, b)| x * b).sum();
                let error = world.returns[(row + 1) * world.assets + asset] - fitted;
                if error.is_finite() {
                    sum += error * error;
                }
            }
        }
        assert!((found / sum - 1.0).abs() < ORDER, "strength {strength}: {found}, {sum}");
    }
    let beyond = ewm_strength_errors(&panel, &options(), &strengths, 0..200, &control);
    assert!(beyond.is_err(), "the last row has no next one");
    let other = ewm_strength_errors(&panel, &options(), &strengths, rows.clone(), &Control::with_threads(2));
    let one = ewm_strength_errors(&panel, &options(), &strengths, rows, &control);
    assert_eq!(one.expect("runs"), other.expect("runs"));
}

#[test]
fn threads_change_no_bit() {
    let world = world(3, 200, 150, 0.2, 0.3, true);
    let panel = panel(&world);
    let run = |threads| {
        let control = Control::with_threads(threads);
        let prior = ewm_prior(&panel, &options(), &control).expect("runs");
        let path = ewm_path(&panel, &options(), Some(&prior), &PathRange::all(&panel), &control).expect("runs");
        let bits: Vec<u64> = path
            .coefficients
            .iter()
            .chain(&path.variances)
            .map(|x| x.to_bits())
            .collect();
        bits
    };
    assert!(run(1) == run(3));
}

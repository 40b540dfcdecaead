//! Heads on learned components against numpy over rows and assets, and what they find where few shapes act.

mod support;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use macrograd_linear::{
    ComponentOptions, HeadOptions, LinearError, Panel, PooledHeads, Rank, component_heads, pooled_heads,
};
use macrograd_simd::Control;
use support::Lcg;

/// 30 steps of inverses of well-conditioned matrices up to 10 x 10, in other coordinates.
const SAME: f64 = 1e-7;

fn golden(name: &str) -> Vec<f64> {
    include_str!("golden/components.txt")
        .lines()
        .find_map(|line| line.strip_prefix(name).and_then(|rest| rest.strip_prefix(' ')))
        .expect("in the file")
        .split_whitespace()
        .map(|x| x.parse().expect("a number"))
        .collect()
}

fn fit(panel: &Panel, options: &ComponentOptions) -> PooledHeads {
    component_heads(panel, options, &Control::with_threads(1)).expect("fits")
}

#[test]
fn heads_variances_and_noise_equal_sums_over_rows_and_assets_with_missing_returns() {
    let (design, returns) = (golden("design"), golden("returns"));
    let panel = Panel::new(&design, &returns, 70, 7, 18).expect("valid");
    let options = ComponentOptions {
        group: vec![0, 1, 1, 0, 2, 2, 2],
        scale: vec![1.0, 0.7, 0.7, 1.0, 1.0, 1.3, 1.0],
        components: 2,
        max_steps: 30,
        min_observations: 20,
    };
    let fit = fit(&panel, &options);
    assert_eq!(fit.steps, 30);
    let close = |got: f64, want: f64| assert!((got - want).abs() < SAME, "{got} {want}");
    fit.heads.iter().zip(golden("heads")).for_each(|(&a, b)| close(a, b));
    let variances = golden("variances");
    for pattern in 0..2 {
        (0..7).for_each(|j| close(fit.covariance[pattern * 49 + j * 8], variances[pattern * 7 + j]));
    }
    let noise = golden("noise");
    close(fit.noise.0, noise[0]);
    close(fit.noise.1, noise[1]);
}

const ROWS: usize = 200;
const ASSETS: usize = 60;
const OWN: usize = 3;
const FEATURES: usize = OWN + 24;

/// Three own features; of four groups of six features one profile matters, times a score of each asset.
struct World {
    design: Vec<f64>,
    returns: Vec<f64>,
    truth: Vec<f64>,
}

fn world(seed: u64) -> World {
    let mut random = Lcg(seed);
    let design: Vec<f64> = (0..ROWS * FEATURES).map(|_| random.normal()).collect();
    let mut truth = vec![0.0; ASSETS * FEATURES];
    for head in truth.chunks_exact_mut(FEATURES) {
        head[..OWN].iter_mut().for_each(|h| *h = 0.2 * random.normal());
        let score = 0.2 + 0.3 * random.normal();
        for (j, h) in head[OWN + 6..OWN + 12].iter_mut().enumerate() {
            *h = score * [0.2, 0.5, 0.7, 0.4, 0.1, -0.2][j];
        }
    }
    let mut returns = vec![f64::NAN; ROWS * ASSETS];
    for row in 0..ROWS {
        for asset in 0..ASSETS {
            let x = &design[row * FEATURES..(row + 1) * FEATURES];
            let head = &truth[asset * FEATURES..(asset + 1) * FEATURES];
            let noise = 0.8 * random.normal();
            if asset % 4 != 0 || row % 3 != 1 {
                returns[row * ASSETS + asset] = noise + x.iter().zip(head).map(|(x, c)| x * c).sum::<f64>();
            }
        }
    }
    World { design, returns, truth }
}

fn options() -> ComponentOptions {
    ComponentOptions {
        group: (0..FEATURES)
            .map(|j| if j < OWN { 0 } else { 1 + (j - OWN) as u32 / 6 })
            .collect(),
        scale: vec![1.0; FEATURES],
        components: 2,
        max_steps: 150,
        min_observations: 20,
    }
}

fn error(fit: &PooledHeads, world: &World, features: std::ops::Range<usize>) -> f64 {
    let each = fit.heads.iter().zip(&world.truth).enumerate();
    let own = each.filter(|(at, _)| features.contains(&(at % FEATURES)));
    let squares: f64 = own.map(|(_, (a, b))| (a - b).powi(2)).sum();
    (squares / (ASSETS * features.len()) as f64).sqrt()
}

/// Ten sectors of six assets: of a noise of variance .64 the sector's is all but .14, and no feature of a group has an effect.
#[test]
fn what_sectors_do_together_is_no_shape() {
    for seed in [6, 7, 8] {
        let mut random = Lcg(seed);
        let design: Vec<f64> = (0..ROWS * FEATURES).map(|_| random.normal()).collect();
        let slopes: Vec<f64> = (0..ASSETS * OWN).map(|_| 0.2 * random.normal()).collect();
        let mut returns = vec![0.0; ROWS * ASSETS];
        for row in 0..ROWS {
            let sectors: Vec<f64> = (0..10).map(|_| 0.5_f64.sqrt() * random.normal()).collect();
            for asset in 0..ASSETS {
                let own = slopes[asset * OWN..(asset + 1) * OWN].iter();
                let explained: f64 = own.zip(&design[row * FEATURES..]).map(|(b, x)| b * x).sum();
                returns[row * ASSETS + asset] = explained + sectors[asset % 10] + 0.14_f64.sqrt() * random.normal();
            }
        }
        let panel = Panel::new(&design, &returns, ROWS, FEATURES, ASSETS).expect("valid");
        let heads = fit(&panel, &options()).heads;
        let of_groups = heads.chunks_exact(FEATURES).flat_map(|head| &head[OWN..]);
        let square: f64 = of_groups.map(|h| h * h).sum::<f64>() / (ASSETS * (FEATURES - OWN)) as f64;
        // A regression of each asset errs by .8 / sqrt(200) = .057 a coefficient.
        assert!(square.sqrt() < 0.0057, "{}", square.sqrt());
    }
}

#[test]
fn a_shared_profile_is_found_and_groups_without_effect_are_left_out() {
    for seed in [3, 4, 5] {
        let world = world(seed);
        let panel = Panel::new(&world.design, &world.returns, ROWS, FEATURES, ASSETS).expect("valid");
        let fit = fit(&panel, &options());
        let plain = pooled_heads(
            &panel,
            &HeadOptions {
                block: options().group,
                ridge: false,
                correlation: 0.5,
                max_steps: 150,
                min_observations: 20,
                rank: Rank::Full,
            },
            &Control::with_threads(1),
        )
        .expect("fits");
        // Heads on the profile: 60 scores and 6 shares from 12,000 returns, instead of 360 heads.
        let profile = OWN + 6..OWN + 12;
        assert!(
            error(&fit, &world, profile.clone()) < 0.7 * error(&plain, &world, profile),
            "seed {seed}"
        );
        // 18 heads of nothing: less than a quarter of what regressions of every asset's own have, .8 / sqrt(200) = .057.
        for nothing in [OWN..OWN + 6, OWN + 12..FEATURES] {
            assert!(
                error(&fit, &world, nothing.clone()) < 0.014,
                "{}",
                error(&fit, &world, nothing)
            );
        }
    }
}

#[test]
fn nominal_intervals_of_the_profile_cover() {
    let (mut inside, mut count) = (0, 0);
    for seed in 11..17 {
        let world = world(seed);
        let panel = Panel::new(&world.design, &world.returns, ROWS, FEATURES, ASSETS).expect("valid");
        let fit = fit(&panel, &options());
        for asset in 0..ASSETS {
            let pattern = usize::try_from(fit.pattern[asset]).expect("estimated");
            for j in OWN + 6..OWN + 12 {
                let variance = fit.covariance[(pattern * FEATURES + j) * FEATURES + j];
                let off = fit.heads[asset * FEATURES + j] - world.truth[asset * FEATURES + j];
                inside += usize::from(off.abs() < 1.645 * variance.sqrt());
                count += 1;
            }
        }
    }
    let coverage = f64::from(inside as u32) / f64::from(count as u32);
    // Nominal .90. Six shapes and 360 scores; variational posteriors leave out that shape and scores go together.
    assert!((0.82..=0.97).contains(&coverage), "{coverage}");
}

#[test]
fn neither_order_nor_units_of_features_matter_and_nothing_depends_on_threads() {
    let world = world(8);
    let panel = Panel::new(&world.design, &world.returns, ROWS, FEATURES, ASSETS).expect("valid");
    let first = fit(&panel, &options());
    let turned: Vec<usize> = (0..FEATURES).rev().collect();
    let design: Vec<f64> = (0..ROWS * FEATURES)
        .map(|at| 2.0 * world.design[at / FEATURES * FEATURES + turned[at % FEATURES]])
        .collect();
    let base = options();
    let other = ComponentOptions {
        group: turned.iter().map(|&j| base.group[j]).collect(),
        scale: vec![0.5; FEATURES],
        ..base
    };
    let panel = Panel::new(&design, &world.returns, ROWS, FEATURES, ASSETS).expect("valid");
    let second = component_heads(&panel, &other, &Control::with_threads(2)).expect("fits");
    for asset in 0..ASSETS {
        // Own coefficients start from a variance per unit, which the estimation forgets but for its last steps.
        for (at, &j) in turned.iter().enumerate() {
            let (a, b) = (
                first.heads[asset * FEATURES + j],
                2.0 * second.heads[asset * FEATURES + at],
            );
            assert!((a - b).abs() < 2e-3, "{a} {b}");
        }
    }
}

#[test]
fn wrong_options_are_refused_and_too_few_returns_are_left_out() {
    let world = world(8);
    let panel = Panel::new(&world.design, &world.returns, ROWS, FEATURES, ASSETS).expect("valid");
    let refused = |options: ComponentOptions| component_heads(&panel, &options, &Control::with_threads(1)).is_err();
    assert!(refused(ComponentOptions {
        components: 0,
        ..options()
    }));
    assert!(refused(ComponentOptions {
        components: 25,
        ..options()
    }));
    assert!(refused(ComponentOptions {
        group: vec![1; FEATURES],
        ..options()
    }));
    assert!(refused(ComponentOptions {
        scale: vec![0.0; FEATURES],
        ..options()
    }));
    assert!(refused(ComponentOptions {
        scale: vec![1.0; 2],
        ..options()
    }));
    let few = ComponentOptions {
        min_observations: ROWS - 10,
        ..options()
    };
    let fit = fit(&panel, &few);
    assert!((0..ASSETS).all(|asset| (fit.pattern[asset] < 0) == (asset % 4 == 0)));
    let control = Control::with_threads(1).stopped_by(Arc::new(AtomicBool::new(true)));
    let stopped = component_heads(&panel, &options(), &control);
    assert!(matches!(stopped, Err(LinearError::Cancelled)));
}

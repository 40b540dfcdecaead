//! Float64 on dense grids and random bit patterns, against [`crate::double_double`], which is itself held to numbers of
//! 50 digits (test/reference/activations_golden.py).

use macrograd_simd::{Isa, Real};

use crate::double_double::{Double, sigmoid_of_half, tanh};
use crate::one_lane::OneLane;
use crate::support::{Activations, Worst, is_fused, isas};

const GOLDEN: &str = include_str!("golden.txt");
/// A reference is no reference unless it is far finer than what it judges: 2^-53 = 1.1e-16.
const REFERENCE_BOUND: f64 = 1e-29;

/// Stated bounds, in units of the last place.
const TANH_ULPS: f64 = 4.0;
const SIGMOID_ULPS: f64 = 4.0;
/// Below this sigmoid(2 x) stays what it is there, 9.9e-305.
const SIGMOID_LIMIT: f64 = 350.0;

/// Distance of float64 numbers at the magnitude of `exact`.
fn ulp(exact: f64) -> f64 {
    let exponent = (exact.to_bits() >> 52) & 0x7ff;
    if exponent > 52 {
        f64::from_bits((exponent - 52) << 52)
    } else {
        f64::from_bits(1 << exponent.saturating_sub(1))
    }
}

/// splitmix64 (Steele, Lea and Flood 2014).
fn random_pattern(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Positive numbers: evenly to where tanh is 1, by magnitude over all there are, random patterns, and ends of ranges.
fn points() -> Vec<f64> {
    // Miri is a thousand times slower.
    const COUNT: u32 = if cfg!(miri) { 400 } else { 100_000 };
    let even = (0..COUNT).map(|i| 25.0 * f64::from(i) / f64::from(COUNT));
    let wide = (0..COUNT / 4).map(|i| 400.0 * f64::from(i) / f64::from(COUNT / 4));
    let magnitudes = (0..COUNT).map(|i| 10_f64.powf(-20.0 + 23.0 * f64::from(i) / f64::from(COUNT)));
    let mut state = 1;
    let patterns = (0..COUNT).map(|_| f64::from_bits(random_pattern(&mut state) >> 1));
    let mut state = 2;
    // Exponents from 2^-40 to 2^9: where the functions do something.
    let ordinary = (0..COUNT).map(|_| {
        let pattern = random_pattern(&mut state);
        f64::from_bits((1023 - 40 + (pattern >> 52) % 49) << 52 | pattern >> 12)
    });
    let ends = [
        0.0,
        5e-324,
        f64::MIN_POSITIVE,
        f64::EPSILON,
        1.0,
        349.9,
        350.0,
        f64::MAX,
        f64::INFINITY,
    ];
    let all = even
        .chain(wide)
        .chain(magnitudes)
        .chain(patterns)
        .chain(ordinary)
        .chain(ends);
    let mut all: Vec<f64> = all.filter(|x| !x.is_nan()).collect();
    all.sort_unstable_by(f64::total_cmp);
    all
}

fn ulps(actual: f64, exact: Double) -> f64 {
    exact.minus(actual).abs() / ulp(exact.high)
}

#[test]
fn reference_equals_numbers_of_fifty_digits() {
    let mut lines = 0;
    for line in GOLDEN.lines().filter(|line| !line.starts_with('#')) {
        let numbers: Vec<f64> = line
            .split(' ')
            .map(|hex| f64::from_bits(u64::from_str_radix(hex, 16).expect("sixteen digits")))
            .collect();
        let [x, tanh_high, tanh_low, sigmoid_high, sigmoid_low] = numbers[..] else {
            panic!("five numbers a line: {line}");
        };
        for (found, high, low) in [
            (tanh(x), tanh_high, tanh_low),
            (sigmoid_of_half(x), sigmoid_high, sigmoid_low),
        ] {
            let error = ((found.high - high) + (found.low - low)).abs();
            assert!(
                error <= REFERENCE_BOUND * high.abs(),
                "{x:e}: {found:?}, not {high:e} + {low:e}"
            );
        }
        lines += 1;
    }
    assert!(lines > 100, "{lines} lines");
}

#[test]
fn float64_keeps_its_bounds_on_grids_and_random_patterns() {
    let x = points();
    let negative: Vec<f64> = x.iter().map(|x| -x).collect();
    let exact: Vec<[Double; 3]> = x
        .iter()
        .map(|&x| [tanh(x), sigmoid_of_half(x), sigmoid_of_half(-x)])
        .collect();
    for isa in isas() {
        let (above, below) = (Activations::of(&x, isa), Activations::of(&negative, isa));
        let (mut worst_tanh, mut worst_sigmoid) = (Worst::default(), Worst::default());
        for (index, &[tanh, upper, lower]) in exact.iter().enumerate() {
            let at = x[index];
            assert_eq!(
                above.tanh[index].to_bits(),
                (-below.tanh[index]).to_bits(),
                "tanh at {at:e}"
            );
            assert!((0.0..=1.0).contains(&above.tanh[index]), "tanh {at:e}");
            assert!((0.5..=1.0).contains(&above.sigmoid[index]), "sigmoid {at:e}");
            assert!((0.0..=0.5).contains(&below.sigmoid[index]), "sigmoid -{at:e}");
            worst_tanh.see(ulps(above.tanh[index], tanh), at);
            worst_sigmoid.see(ulps(above.sigmoid[index], upper), at);
            worst_sigmoid.see(ulps(below.sigmoid[index], lower), -at);
        }
        println!(
            "{isa:?}: tanh {worst_tanh:?}, sigmoid {worst_sigmoid:?}, {} points",
            2 * x.len()
        );
        assert!(worst_tanh.value <= TANH_ULPS, "tanh on {isa:?}: {worst_tanh:?}");
        assert!(
            worst_sigmoid.value <= SIGMOID_ULPS,
            "sigmoid on {isa:?}: {worst_sigmoid:?}"
        );
    }
}

#[test]
fn float64_keeps_zeros_denormals_infinities_and_nan_as_stated() {
    for isa in isas() {
        let tiny = [0.0, -0.0, 5e-324, -5e-324, f64::MIN_POSITIVE, -1e-310];
        let found = Activations::of(&tiny, isa);
        assert_eq!(found.tanh.map_bits(), tiny.to_vec().map_bits(), "{isa:?}");
        assert!(found.sigmoid.iter().all(|&y| y == 0.5), "{isa:?}");

        let huge = [f64::INFINITY, 1e300, -1e300, f64::NEG_INFINITY];
        let found = Activations::of(&huge, isa);
        let floor = sigmoid_of_half(-SIGMOID_LIMIT).high;
        assert_eq!(found.tanh, [1.0, 1.0, -1.0, -1.0], "{isa:?}");
        assert_eq!(found.sigmoid[..2], [1.0, 1.0], "{isa:?}");
        for &low in &found.sigmoid[2..] {
            assert!(ulps(low, Double::new(floor)) <= SIGMOID_ULPS, "{low:e} on {isa:?}");
        }

        let found = Activations::of(&[f64::NAN, -f64::NAN], isa);
        assert!(found.tanh.iter().chain(&found.sigmoid).all(|y| y.is_nan()), "{isa:?}");
    }
}

/// Bits of numbers, since 0 and -0 are equal as numbers.
trait MapBits {
    fn map_bits(&self) -> Vec<u64>;
}

impl MapBits for Vec<f64> {
    fn map_bits(&self) -> Vec<u64> {
        self.iter().map(|x| x.to_bits()).collect()
    }
}

#[test]
fn fused_instruction_sets_have_the_bits_of_one_fused_lane() {
    let lanes = |isa: Isa, x: &[f64]| {
        let found = Activations::of(x, isa);
        (found.tanh.map_bits(), found.sigmoid.map_bits())
    };
    let x: Vec<f64> = points().into_iter().step_by(7).flat_map(|x| [x, -x]).collect();
    let alone =
        |function: fn(OneLane, f64) -> f64| -> Vec<u64> { x.iter().map(|&x| function(OneLane, x).to_bits()).collect() };
    let expected = (alone(f64::tanh_lanes), alone(f64::sigmoid_of_half_lanes));
    for isa in isas().into_iter().filter(|&isa| is_fused(isa)) {
        assert!(lanes(isa, &x) == expected, "{isa:?}");
    }
}

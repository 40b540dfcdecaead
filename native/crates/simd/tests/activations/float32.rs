//! Float32 over all bit patterns, against the standard library's float64 functions (whose own error, some 1e-16, is far
//! below what is measured).

use std::ops::Range;

use macrograd_simd::{Control, Isa, IsaName, Real, parallel_for_each};

use crate::one_lane::OneLane;
use crate::support::{Activations, Worst, is_fused, isas};

/// Stated bounds. Found by the exhaustive run and rounded up, so that they hold for every float32 there is.
const TANH_ULPS: f64 = 7.0;
/// sigmoid(2 x) >= 1/2.
const UPPER_SIGMOID_ULPS: f64 = 4.0;
/// sigmoid(2 x) < 1/2: in units of the last place of numbers just below 1, as what is small has no digits of its own.
const LOWER_SIGMOID_UNITS: f64 = 4.0;
/// How far a larger x may give a smaller result, in units of the last place.
const TANH_DROP_ULPS: f64 = 10.0;
const SIGMOID_DROP_UNITS: f64 = 6.0;
/// 2^-24: half the distance of 1 to the next float32 above it.
const UNIT: f64 = 1.0 / (1 << 24) as f64;

/// Patterns of numbers that are not negative, NaN with them: the sign is the other half of all patterns.
const PATTERNS: u32 = 1 << 31;
/// Patterns of one item of work.
const BLOCK: u32 = 1 << 20;

/// Distance of float32 numbers at the magnitude of `exact`.
fn ulp(exact: f64) -> f64 {
    let exponent = ((exact.to_bits() >> 52) & 0x7ff).max(1023 - 126);
    f64::from_bits((exponent - 23) << 52)
}

/// What a set of points has shown.
#[derive(Debug, Clone, Copy, Default)]
struct Findings {
    tanh: Worst,
    upper_sigmoid: Worst,
    lower_sigmoid: Worst,
    tanh_drop: Worst,
    sigmoid_drop: Worst,
    points: u64,
}

impl Findings {
    fn merge(&mut self, other: &Self) {
        self.tanh.merge(other.tanh);
        self.upper_sigmoid.merge(other.upper_sigmoid);
        self.lower_sigmoid.merge(other.lower_sigmoid);
        self.tanh_drop.merge(other.tanh_drop);
        self.sigmoid_drop.merge(other.sigmoid_drop);
        self.points += other.points;
    }

    fn assert_within_bounds(&self, isa: Isa) {
        assert!(self.tanh.value <= TANH_ULPS, "tanh on {isa:?}: {:?}", self.tanh);
        assert!(
            self.upper_sigmoid.value <= UPPER_SIGMOID_ULPS,
            "sigmoid >= 1/2 on {isa:?}: {:?}",
            self.upper_sigmoid
        );
        assert!(
            self.lower_sigmoid.value <= LOWER_SIGMOID_UNITS,
            "sigmoid < 1/2 on {isa:?}: {:?}",
            self.lower_sigmoid
        );
        assert!(
            self.tanh_drop.value <= TANH_DROP_ULPS && self.sigmoid_drop.value <= SIGMOID_DROP_UNITS,
            "falls on {isa:?}: {:?}, {:?}",
            self.tanh_drop,
            self.sigmoid_drop
        );
    }
}

/// Checks x and -x for ascending x >= 0 that are no NaN.
fn examine(x: &[f32], isas: &[Isa]) -> Vec<Findings> {
    let exact: Vec<(f64, f64, f64)> = x
        .iter()
        .map(|&x| {
            let e = (-2.0 * f64::from(x)).exp();
            (f64::from(x).tanh(), 1.0 / (1.0 + e), e / (1.0 + e))
        })
        .collect();
    let negative: Vec<f32> = x.iter().map(|x| -x).collect();
    isas.iter()
        .map(|&isa| {
            let (above, below) = (Activations::of(x, isa), Activations::of(&negative, isa));
            let mut found = Findings {
                points: 2 * x.len() as u64,
                ..Findings::default()
            };
            let mut largest = (0.0_f32, 0.0_f32, 1.0_f32);
            for (index, &(tanh, upper, lower)) in exact.iter().enumerate() {
                let at = f64::from(x[index]);
                let (t, u, l) = (above.tanh[index], above.sigmoid[index], below.sigmoid[index]);
                assert!(
                    t.to_bits() == (-below.tanh[index]).to_bits(),
                    "tanh is not odd at {at:e}"
                );
                assert!((0.0..=1.0).contains(&t), "tanh {at:e} = {t}");
                assert!((0.5..=1.0).contains(&u), "sigmoid {at:e} = {u}");
                assert!((0.0..=0.5).contains(&l), "sigmoid -{at:e} = {l}");
                found.tanh.see((f64::from(t) - tanh).abs() / ulp(tanh), at);
                found.upper_sigmoid.see((f64::from(u) - upper).abs() / UNIT, at);
                found.lower_sigmoid.see((f64::from(l) - lower).abs() / UNIT, at);
                largest = (largest.0.max(t), largest.1.max(u), largest.2.min(l));
                found.tanh_drop.see(f64::from(largest.0 - t) / ulp(tanh), at);
                let drop = f64::from(largest.1 - u).max(f64::from(l - largest.2));
                found.sigmoid_drop.see(drop / UNIT, at);
            }
            found
        })
        .collect()
}

fn from_patterns(patterns: impl Iterator<Item = u32>) -> Vec<f32> {
    patterns.map(f32::from_bits).filter(|x| !x.is_nan()).collect()
}

/// Patterns at which something changes, and their neighbours.
fn special_patterns() -> Vec<u32> {
    const NEIGHBOURS: u32 = if cfg!(miri) { 4 } else { 64 };
    let places = [
        0.0,
        f32::MIN_POSITIVE,
        1e-10,
        2.4e-4,
        0.5,
        1.0,
        8.99,
        9.0,
        9.02,
        88.0,
        f32::MAX,
    ];
    let around = |x: f32| x.to_bits().saturating_sub(NEIGHBOURS)..=x.to_bits() + NEIGHBOURS;
    let mut all: Vec<u32> = places.into_iter().flat_map(around).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[test]
fn float32_keeps_its_bounds_on_a_sample_of_all_patterns_and_around_special_ones() {
    // A prime, so that low bits of all kinds occur.
    const STRIDE: usize = 4_099;
    let isas = isas();
    let special = from_patterns(special_patterns().into_iter());
    let sample = from_patterns((0..PATTERNS).step_by(STRIDE));
    let (special, sample) = (examine(&special, &isas), examine(&sample, &isas));
    for ((isa, mut found), sample) in isas.into_iter().zip(special).zip(sample) {
        found.merge(&sample);
        found.assert_within_bounds(isa);
    }
}

/// All 2^32 patterns on every instruction set of the processor, on all cores; wide portable vectors are left out, whose
/// lanes are those of the narrow ones.
#[test]
#[ignore = "minutes: docs/kernel-checks.md"]
fn float32_keeps_its_bounds_on_every_pattern() {
    let mut isas = isas();
    isas.retain(|isa| isa.name() != IsaName::Portable16);
    let control = Control::default();
    let mut found = vec![vec![Findings::default(); isas.len()]; control.threads()];
    let blocks = (0..PATTERNS / BLOCK).map(|block| block * BLOCK..(block + 1) * BLOCK);
    parallel_for_each(&control, blocks, &mut found, |found, patterns: Range<u32>| {
        // Neighbouring blocks share a point, so that nothing falls between them unseen.
        let start = patterns.start.saturating_sub(1);
        let x = from_patterns(start..patterns.end);
        if !x.is_empty() {
            let seen = examine(&x, &isas);
            found.iter_mut().zip(&seen).for_each(|(all, one)| all.merge(one));
        }
        assert_nan_stays(patterns, &isas);
    })
    .expect("nobody stops it");
    let total = |index: usize| {
        let mut all = Findings::default();
        found.iter().for_each(|thread| all.merge(&thread[index]));
        all
    };
    let totals: Vec<_> = isas
        .iter()
        .enumerate()
        .map(|(index, &isa)| (isa, total(index)))
        .collect();
    totals.iter().for_each(|total| println!("{total:?}"));
    totals.iter().for_each(|(isa, all)| all.assert_within_bounds(*isa));
}

fn assert_nan_stays(patterns: impl Iterator<Item = u32>, isas: &[Isa]) {
    let x: Vec<f32> = patterns
        .filter(|&pattern| f32::from_bits(pattern).is_nan())
        .flat_map(|pattern| [f32::from_bits(pattern), f32::from_bits(pattern | PATTERNS)])
        .collect();
    for &isa in isas {
        let Activations { tanh, sigmoid } = Activations::of(&x, isa);
        assert!(
            tanh.iter().chain(&sigmoid).all(|y| y.is_nan()),
            "a NaN is lost on {isa:?}"
        );
    }
}

#[test]
fn float32_keeps_zeros_denormals_infinities_and_nan_as_stated() {
    assert_nan_stays([0x7f80_0001, 0x7fc0_0000, 0x7fff_ffff].into_iter(), &isas());
    for isa in isas() {
        let denormals = from_patterns(1..=if cfg!(miri) { 8 } else { 4_096 })
            .into_iter()
            .chain([f32::MIN_POSITIVE]);
        let tiny: Vec<f32> = denormals.flat_map(|x| [x, -x]).chain([0.0, -0.0]).collect();
        let found = Activations::of(&tiny, isa);
        let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&found.tanh), bits(&tiny), "tanh of what is tiny on {isa:?}");
        assert!(
            found.sigmoid.iter().all(|&y| y == 0.5),
            "sigmoid of what is tiny on {isa:?}"
        );

        let huge = [f32::INFINITY, f32::MAX, 20.0, f32::NEG_INFINITY, f32::MIN, -20.0];
        let found = Activations::of(&huge, isa);
        assert_eq!(found.tanh, [1.0, 1.0, 1.0, -1.0, -1.0, -1.0], "{isa:?}");
        assert_eq!(found.sigmoid, [1.0, 1.0, 1.0, 0.0, 0.0, 0.0], "{isa:?}");
    }
}

#[test]
fn fused_instruction_sets_have_the_bits_of_one_fused_lane() {
    // Miri is a thousand times slower.
    const STRIDE: usize = if cfg!(miri) { 16_411_001 } else { 16_411 };
    let sample = (0..=u32::MAX).step_by(STRIDE);
    let x = from_patterns(sample.chain(special_patterns()));
    let tanh: Vec<u32> = x.iter().map(|&x| f32::tanh_lanes(OneLane, x).to_bits()).collect();
    let sigmoid: Vec<u32> = x
        .iter()
        .map(|&x| f32::sigmoid_of_half_lanes(OneLane, x).to_bits())
        .collect();
    for isa in isas().into_iter().filter(|&isa| is_fused(isa)) {
        let found = Activations::of(&x, isa);
        assert!(
            found.tanh.iter().map(|y| y.to_bits()).eq(tanh.iter().copied()),
            "{isa:?}"
        );
        assert!(
            found.sigmoid.iter().map(|y| y.to_bits()).eq(sigmoid.iter().copied()),
            "{isa:?}"
        );
    }
}

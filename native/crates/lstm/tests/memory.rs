//! What `estimate_memory` foretells against what an allocator counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use macrograd_lstm::train::{Targets, TrainOptions, TrainingData, train};
use macrograd_lstm::{
    Head, LstmShape, LstmWeights, MemorySizes, MemoryUse, Sequences, estimate_memory, jacobian, predict,
};
use macrograd_simd::{Control, Isa};

/// Counts bytes that are held, and the most that ever were.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: passes every call on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(held, Ordering::Relaxed);
        // SAFETY: the caller's layout, as the trait asks.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's pointer and layout, as the trait asks.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Most bytes that `work` held beyond what was held before.
fn peak_of(work: impl FnOnce()) -> usize {
    let before = HELD.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    work();
    MOST.load(Ordering::Relaxed) - before
}

/// Share of the estimate that lists of work, threads and short-lived copies of weights may take beside it, and their
/// least size.
const SLACK: f64 = 0.1;
const SMALL: f64 = 300e3;

fn assert_foretold(measured: usize, sizes: MemorySizes, work: MemoryUse) {
    let isa = Isa::active().expect("an instruction set");
    let foretold = estimate_memory::<f32>(sizes, work, isa).total() as f64;
    let error = (measured as f64 - foretold).abs();
    assert!(
        error <= SLACK * foretold + SMALL,
        "{work:?}: {foretold} foretold, {measured} measured, for {sizes:?}"
    );
}

// One test, as others would allocate beside it.
#[test]
fn memory_is_as_foretold() {
    for (hidden_size, layers, batch_size, sequence_length, threads) in [
        (64, 1, 4096, 24, 1),
        (32, 3, 1500, 60, 2),
        (200, 2, 64, 12, 1),
        (16, 1, 60_000, 12, 2),
    ] {
        let shape = LstmShape {
            input_size: 12,
            hidden_size,
            layers,
        };
        let sizes = MemorySizes {
            shape,
            outputs: 2,
            batch_size,
            sequence_length,
            threads,
        };
        let weights = LstmWeights::from_flat(shape, &vec![0.1_f32; shape.parameter_count()]).expect("sizes fit");
        let head = Head::new(hidden_size, vec![0.1; 2 * hidden_size], vec![0.0; 2]).expect("sizes fit");
        let input = vec![0.5; batch_size * sequence_length * 12];
        let windows = Sequences::new(&input, batch_size, sequence_length);
        let control = Control::with_threads(threads);
        let mut outputs = vec![0.0; 2 * batch_size];
        let forward = peak_of(|| predict(&weights, &head, &windows, &mut outputs, &control).expect("valid"));
        assert_foretold(forward, sizes, MemoryUse::Forward);
        let mut out = vec![0.0; 2 * input.len()];
        let derivatives = peak_of(|| jacobian(&weights, &head, &windows, None, &mut out, &control).expect("valid"));
        assert_foretold(derivatives, sizes, MemoryUse::Jacobian);
        let (mut weights, mut head) = (weights, head);
        let data = TrainingData {
            sequences: windows,
            targets: Targets { values: &outputs },
        };
        let options = TrainOptions {
            epochs: 1,
            batch_size,
            ..TrainOptions::default()
        };
        let trained = || drop(train(&mut weights, &mut head, &data, None, &options, &control).expect("valid"));
        assert_foretold(peak_of(trained), sizes, MemoryUse::Training);
    }
}

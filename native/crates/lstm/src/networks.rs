//! Many networks of their own, each with its own data: trained and differentiated in one call. Threads take the next
//! network when they are done with one; a network's results do not depend on which thread that was.

use macrograd_simd::{Control, Real, parallel_for_each};

use crate::columns::InputColumns;
use crate::error::{LstmError, check_length};
use crate::head::Head;
use crate::model::Workspace;
use crate::sequences::Sequences;
use crate::train::{SquaredError, TrainOptions, Trained, TrainingData, train_in};
use crate::weights::LstmWeights;

/// An LSTM and its head.
#[derive(Debug, Clone, PartialEq)]
pub struct Network<T> {
    /// Of the LSTM.
    pub weights: LstmWeights<T>,
    /// Its head.
    pub head: Head<T>,
}

/// Trains every network on its own data, in place. Network i trains as [`crate::train::train`] does with seed
/// `options.seed + i`, to the same bits, for any number of threads.
///
/// What befalls one network (no observation, divergence) is its own entry of the result and leaves the others alone.
///
/// # Errors
/// [`LstmError::ShapeMismatch`] when there are not as many data sets as networks, [`LstmError::BadOption`],
/// [`LstmError::Isa`], [`LstmError::Cancelled`].
pub fn train_each<T: Real>(
    networks: &mut [Network<T>],
    data: &[TrainingData<'_, T>],
    options: &TrainOptions,
    control: &Control,
) -> Result<Vec<Result<Trained, LstmError>>, LstmError> {
    check_length("data sets", data.len(), networks.len())?;
    options.validate()?;
    control.isa()?;
    let (mut scratch, inner) = spread::<Option<SquaredError<T>>>(control, networks.len());
    let mut results: Vec<_> = networks.iter().map(|_| Err(LstmError::Cancelled)).collect();
    let work: Vec<_> = networks.iter_mut().zip(data).zip(&mut results).enumerate().collect();
    parallel_for_each(
        control,
        work.into_iter(),
        &mut scratch,
        |buffers, (index, ((network, data), result))| {
            let own = TrainOptions {
                seed: options.seed.wrapping_add(index as u64),
                ..*options
            };
            *result = train_in(
                buffers,
                (&mut network.weights, &mut network.head),
                data,
                None,
                &own,
                &inner,
            );
        },
    )?;
    control.check()?;
    Ok(results)
}

/// Writes the wanted columns of every network's Jacobian to `out`, one network's [batch_size, outputs, columns] after
/// another; as [`crate::jacobian_columns`] does for each, to the same bits.
///
/// # Errors
/// As [`crate::jacobian_columns`], for the first network that is refused; [`LstmError::ShapeMismatch`] when there are
/// not as many batches as networks.
pub fn jacobian_each<T: Real>(
    networks: &[Network<T>],
    sequences: &[Sequences<'_, T>],
    columns: InputColumns,
    out: &mut [T],
    control: &Control,
) -> Result<(), LstmError> {
    check_length("batches", sequences.len(), networks.len())?;
    let sizes = networks.iter().zip(sequences).map(|(network, batch)| {
        let width = columns.count(batch.sequence_length, network.weights.shape().input_size);
        batch.batch_size * network.head.outputs * width
    });
    let sizes: Vec<usize> = sizes.collect();
    check_length("jacobians", out.len(), sizes.iter().sum())?;
    let (mut scratch, inner) = spread::<Workspace<T>>(control, networks.len());
    let mut results = vec![Ok(()); networks.len()];
    let mut rest = out;
    let mut work = Vec::with_capacity(networks.len());
    for (((network, batch), size), result) in networks.iter().zip(sequences).zip(sizes).zip(&mut results) {
        let (own, others) = rest.split_at_mut(size);
        rest = others;
        work.push((network, batch, own, result));
    }
    parallel_for_each(
        control,
        work.into_iter(),
        &mut scratch,
        |workspace, (network, batch, out, result)| {
            *result = workspace.jacobian_columns(&network.weights, &network.head, batch, columns, None, out, &inner);
        },
    )?;
    control.check()?;
    results.into_iter().collect()
}

/// Scratch spaces for the threads, and the control of one item's work: threads that find no item of their own help
/// inside the items.
fn spread<W: Default>(control: &Control, items: usize) -> (Vec<W>, Control) {
    let threads = control.threads().min(items.max(1));
    let scratch = (0..threads).map(|_| W::default()).collect();
    (scratch, control.for_part(control.threads() / threads))
}

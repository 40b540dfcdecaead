//! The loop over epochs and mini-batches.

use macrograd_simd::{Control, Real};

use super::dropout::Dropout;
use super::options::TrainOptions;
use super::squared_error::{SquaredError, Targets};
use crate::closed_form::Random;
use crate::directional::{JacobianPenalty, jacobian_penalty};
use crate::error::LstmError;
use crate::head::Head;
use crate::model::Workspace;
use crate::networks::Network;
use crate::optim::{Adam, AdamOptions, ParameterGroup, clip_global_norm, cosine_schedule};
use crate::sequences::Sequences;
use crate::weights::LstmWeights;

/// Windows and what they should give.
#[derive(Debug, Clone, Copy)]
pub struct TrainingData<'a, T> {
    /// [rows, sequence_length, input_size].
    pub sequences: Sequences<'a, T>,
    /// [rows, outputs]; NaN = missing.
    pub targets: Targets<'a, T>,
}

/// What training did.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// Mean training loss of every epoch, under input noise and dropout if there were any, without penalties.
    pub training_loss: Vec<f64>,
    /// Validation loss after every epoch; empty without validation rows.
    pub validation_loss: Vec<f64>,
    /// Epoch (from 0) whose parameters were kept: the best on the validation rows, else the last.
    pub best_epoch: usize,
}

/// Trains `weights` and `head` in place. The same bits for any number of threads.
///
/// # Errors
/// [`LstmError::BadOption`], [`LstmError::NoObservations`], [`LstmError::Diverged`], and as [`crate::predict`]; after an
/// error the parameters are those of the last whole step.
pub fn train<T: Real>(
    weights: &mut LstmWeights<T>,
    head: &mut Head<T>,
    training: &TrainingData<'_, T>,
    validation: Option<&TrainingData<'_, T>>,
    options: &TrainOptions,
    control: &Control,
) -> Result<Trained, LstmError> {
    train_in(&mut None, (weights, head), training, validation, options, control)
}

/// As [`train`], with buffers that are kept for the next call; they are dropped after an error.
pub(crate) fn train_in<T: Real>(
    buffers: &mut Option<SquaredError<T>>,
    (weights, head): (&mut LstmWeights<T>, &mut Head<T>),
    training: &TrainingData<'_, T>,
    validation: Option<&TrainingData<'_, T>>,
    options: &TrainOptions,
    control: &Control,
) -> Result<Trained, LstmError> {
    options.validate()?;
    training.sequences.validate(weights.shape())?;
    if training.targets.observed() == 0 {
        return Err(LstmError::NoObservations);
    }
    let loss = match buffers.take() {
        Some(kept) if kept.fits(weights, head) => kept,
        _ => SquaredError::new(weights, head)?,
    };
    let mut state = State::new(weights, head, options, loss);
    let mut trained = Trained {
        training_loss: Vec::with_capacity(options.epochs),
        validation_loss: Vec::with_capacity(options.epochs),
        best_epoch: 0,
    };
    let mut best = (f64::INFINITY, state.parameters.clone());
    let mut order = Vec::new();
    let mut evaluation = Evaluation::default();
    let rows = training.sequences.batch_size;
    let steps = options.epochs * rows.div_ceil(options.batch_size);
    for epoch in 0..options.epochs {
        state.order(rows, options, &mut order);
        let mut sum = 0.0;
        for batch in order.chunks(options.batch_size) {
            sum += state.step(weights, head, training, batch, options, steps, control)? * batch.len() as f64;
        }
        trained.training_loss.push(sum / rows as f64);
        control.report((epoch + 1) as f64 / options.epochs as f64);
        let Some(validation) = validation else {
            trained.best_epoch = epoch;
            continue;
        };
        let loss = evaluation.mean_squared_error(weights, head, validation, control)?;
        trained.validation_loss.push(loss);
        if loss < best.0 {
            best.0 = loss;
            best.1.clone_from(&state.parameters);
            trained.best_epoch = epoch;
        } else if options.patience > 0 && epoch - trained.best_epoch >= options.patience {
            break;
        }
    }
    if best.0.is_finite() {
        state.parameters = best.1;
        state.write(weights, head);
    }
    *buffers = Some(state.loss);
    Ok(trained)
}

/// Buffers of the passes over the validation rows.
struct Evaluation<T> {
    workspace: Workspace<T>,
    outputs: Vec<T>,
}

impl<T: Real> Default for Evaluation<T> {
    fn default() -> Self {
        Self {
            workspace: Workspace::default(),
            outputs: Vec::new(),
        }
    }
}

impl<T: Real> Evaluation<T> {
    /// Mean squared error over the observed targets.
    fn mean_squared_error(
        &mut self,
        weights: &LstmWeights<T>,
        head: &Head<T>,
        data: &TrainingData<'_, T>,
        control: &Control,
    ) -> Result<f64, LstmError> {
        let Self { workspace, outputs } = self;
        outputs.resize(data.targets.values.len(), T::ZERO);
        workspace.predict(weights, head, &data.sequences, outputs, control)?;
        let residuals = outputs.iter().zip(data.targets.values).filter(|(_, y)| !y.is_nan());
        let sum: f64 = residuals.map(|(x, y)| (x.to_f64() - y.to_f64()).powi(2)).sum();
        Ok(sum / data.targets.observed().max(1) as f64)
    }
}

/// What lives from step to step. Parameters are kept in float64, [LSTM | head weight | head bias], so that small steps
/// are not lost; kernels get them rounded.
struct State<T> {
    parameters: Vec<f64>,
    gradient: Vec<f64>,
    adam: Adam,
    loss: SquaredError<T>,
    random: Random,
    dropout: Dropout<T>,
    input: Vec<T>,
    targets: Vec<T>,
    steps: usize,
}

impl<T: Real> State<T> {
    fn new(weights: &LstmWeights<T>, head: &Head<T>, options: &TrainOptions, loss: SquaredError<T>) -> Self {
        let all = weights.arrays().chain([&head.weight[..], &head.bias]);
        let parameters: Vec<f64> = all.flatten().map(|x| x.to_f64()).collect();
        let head_start = weights.shape().parameter_count();
        let lstm = ParameterGroup {
            range: 0..head_start,
            learning_rate: options.learning_rate,
            weight_decay: options.weight_decay,
        };
        let head_group = ParameterGroup {
            range: head_start..parameters.len(),
            learning_rate: options.head_learning_rate,
            weight_decay: 0.0,
        };
        Self {
            gradient: Vec::with_capacity(parameters.len()),
            adam: Adam::new(parameters.len(), vec![lstm, head_group], AdamOptions::default()),
            loss,
            random: Random::new(options.seed, 0),
            dropout: Dropout::new(options.dropout, options.seed),
            parameters,
            input: Vec::new(),
            targets: Vec::new(),
            steps: 0,
        }
    }

    /// Rows in the order of an epoch: shuffled if there are several batches. Where the penalty compares neighbours, whole
    /// runs of rows are shuffled; the first run takes what is left over, so that it ends the epoch's last batch.
    fn order(&mut self, rows: usize, options: &TrainOptions, order: &mut Vec<usize>) {
        let size = options.batch_size;
        order.clear();
        if size >= rows {
            order.extend(0..rows);
        } else if options.variation_penalty == 0.0 {
            order.extend(0..rows);
            self.shuffle(order);
        } else {
            let left = rows % size;
            let mut runs: Vec<usize> = (0..rows / size).collect();
            self.shuffle(&mut runs);
            order.extend(
                runs.into_iter()
                    .flat_map(|run| left + run * size..left + (run + 1) * size),
            );
            order.extend(0..left);
        }
    }

    /// Random order (Fisher and Yates).
    fn shuffle(&mut self, order: &mut [usize]) {
        for index in (1..order.len()).rev() {
            order.swap(index, (self.random.uniform() * (index + 1) as f64) as usize);
        }
    }

    /// One step on the given rows; returns their loss before it.
    #[allow(
        clippy::too_many_arguments,
        reason = "the model, the data and how to learn, each with its own owner"
    )]
    fn step(
        &mut self,
        weights: &mut LstmWeights<T>,
        head: &mut Head<T>,
        data: &TrainingData<'_, T>,
        rows: &[usize],
        options: &TrainOptions,
        steps: usize,
        control: &Control,
    ) -> Result<f64, LstmError> {
        let length = data.sequences.sequence_length;
        // A batch of all rows stands in their order already.
        let as_it_is = rows.len() == data.sequences.batch_size && options.input_noise == 0.0;
        if !as_it_is {
            self.gather(weights.shape().input_size, head.outputs, data, rows);
        }
        let mut batch = if as_it_is { data.sequences.input } else { &self.input };
        let penalties = self.penalties(
            (weights, head),
            &Sequences::new(batch, rows.len(), length),
            options,
            control,
        )?;
        let mut values = data.targets.values;
        if !as_it_is {
            self.add_noise(options.input_noise);
            (batch, values) = (&self.input, &self.targets);
        }
        let sequences = Sequences::new(batch, rows.len(), length);
        let mask = self.dropout.draw(rows.len(), weights.shape().hidden_size);
        let loss = self
            .loss
            .evaluate((weights, head), &sequences, Targets { values }, mask, control)?;
        self.gradient.clear();
        let all = self
            .loss
            .weights
            .arrays()
            .chain([&self.loss.head.weight[..], &self.loss.head.bias]);
        all.for_each(|values| self.gradient.extend(values.iter().map(|x| x.to_f64())));
        for (weight, Network { weights, head }) in &penalties {
            let all = weights.arrays().chain([&head.weight[..], &head.bias]);
            let sums = self.gradient.iter_mut().zip(all.flatten());
            sums.for_each(|(sum, x)| *sum += weight * x.to_f64());
        }
        clip_global_norm(&mut self.gradient, options.clip_norm);
        let schedule = if options.cosine {
            cosine_schedule(self.steps, steps)
        } else {
            1.0
        };
        self.adam.step(&mut self.parameters, &self.gradient, schedule);
        self.steps += 1;
        if !self.parameters.iter().all(|x| x.is_finite()) {
            return Err(LstmError::Diverged);
        }
        self.write(weights, head);
        Ok(loss)
    }

    /// Gradients of the penalties that the options ask for, each with its weight. They look at the windows without noise.
    fn penalties(
        &self,
        (weights, head): (&LstmWeights<T>, &Head<T>),
        windows: &Sequences<'_, T>,
        options: &TrainOptions,
        control: &Control,
    ) -> Result<Vec<(f64, Network<T>)>, LstmError> {
        let wanted = [
            (JacobianPenalty::Size, options.size_penalty),
            (JacobianPenalty::Variation, options.variation_penalty),
        ];
        let wanted = wanted.into_iter().filter(|&(_, weight)| weight > 0.0);
        wanted
            .map(|(penalty, weight)| {
                let mut gradient = Network {
                    weights: LstmWeights::zeros(weights.shape())?,
                    head: head.clone(),
                };
                let out = (&mut gradient.weights, &mut gradient.head);
                jacobian_penalty((weights, head), windows, penalty, out, control)?;
                Ok((weight, gradient))
            })
            .collect()
    }

    /// Copies rows of inputs and targets.
    fn gather(&mut self, input_size: usize, outputs: usize, data: &TrainingData<'_, T>, rows: &[usize]) {
        let width = data.sequences.sequence_length * input_size;
        self.input.clear();
        self.targets.clear();
        // Growing bit by bit would hold half as much again.
        self.input.reserve_exact(rows.len() * width);
        self.targets.reserve_exact(rows.len() * outputs);
        for &row in rows {
            self.input
                .extend_from_slice(&data.sequences.input[row * width..][..width]);
            self.targets
                .extend_from_slice(&data.targets.values[row * outputs..][..outputs]);
        }
    }

    fn add_noise(&mut self, noise: f64) {
        if noise > 0.0 {
            self.input
                .iter_mut()
                .for_each(|x| *x += T::from_f64(noise * self.random.normal()));
        }
    }

    /// Rounds the parameters into the model.
    fn write(&self, weights: &mut LstmWeights<T>, head: &mut Head<T>) {
        let all = weights.arrays_mut().chain([&mut head.weight[..], &mut head.bias]);
        let mut parameters = &self.parameters[..];
        for values in all {
            let (own, rest) = parameters.split_at(values.len());
            values.iter_mut().zip(own).for_each(|(out, &x)| *out = T::from_f64(x));
            parameters = rest;
        }
    }
}

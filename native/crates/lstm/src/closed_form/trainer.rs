//! Training of one member: full-batch Adam on the marginal likelihood, kept where left-out rows are explained best.
//! The encoder runs in float32, everything else in float64; one thread, so that a member's bits are its own.

use macrograd_simd::{Control, Isa, Real};

use super::cell::Cell;
use super::dense::{Spd, identity_plus, transposed_times_vector};
use super::features::Features;
use super::groups::GroupReturns;
use super::held_out::HeldOut;
use super::inputs::Inputs;
use super::likelihood::Likelihood;
use super::options::Options;
use super::parameters::{LOG_NOISE_START, Layout};
use super::prior::{Gradient, Prior};
use super::random::Random;
use crate::error::LstmError;
use crate::optim::{Adam, AdamOptions, ParameterGroup, clip_global_norm, cosine_schedule};

/// What all members learn from.
pub struct TrainingData<'a> {
    /// Inputs of the rows of the fit.
    pub inputs: Inputs<'a>,
    /// Leading columns of the window that get input noise; flags after them do not.
    pub noisy_columns: usize,
    /// Returns by pattern of missing ones.
    pub groups: &'a [GroupReturns],
    /// Sizes.
    pub layout: Layout,
}

impl TrainingData<'_> {
    /// The same for units of another kind.
    #[must_use]
    pub fn with_cell(&self, cell: Cell) -> Self {
        Self {
            layout: Layout { cell, ..self.layout },
            ..*self
        }
    }
}

/// What one member has learned.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// Parameters at the smallest validation error, laid out by [`Layout`].
    pub parameters: Vec<f64>,
    /// That error: mean squared error of standardised returns on the left-out rows. NaN without such returns.
    pub validation_error: f64,
    /// Steps done before it stopped.
    pub steps: usize,
}

/// The loss of given rows as a function of all parameters.
pub struct Objective<'a, T> {
    features: Features<'a, T>,
    likelihood: Likelihood,
    layout: Layout,
    prior: Prior,
    prior_gradient: Gradient,
}

impl<'a, T: Real> Objective<'a, T> {
    /// For the rows `rows`, ascending.
    ///
    /// # Errors
    /// [`LstmError::NoObservations`], [`LstmError::ZeroSize`].
    pub fn new(data: &'a TrainingData<'a>, rows: &[usize], lookback: usize) -> Result<Self, LstmError> {
        let layout = data.layout;
        let prior = layout.prior(&vec![0.0; layout.parameter_count()]);
        Ok(Self {
            features: Features::new(&data.inputs, layout, rows, lookback)?,
            likelihood: Likelihood::new(data.groups, rows, &prior)?,
            prior_gradient: Gradient::zeros(rows.len(), &prior),
            prior,
            layout,
        })
    }

    /// The loss at `flat`, with its gradient into `gradient`; penalties are not in it.
    ///
    /// # Errors
    /// [`LstmError::Diverged`], and those of the encoder.
    pub fn loss(&mut self, flat: &[f64], gradient: &mut [f64]) -> Result<f64, LstmError> {
        self.layout.read_prior(flat, &mut self.prior);
        let features = self.features.compute(flat)?;
        let loss = self.likelihood.condition(features, &self.prior)?.loss;
        self.likelihood.gradient(&self.prior, &mut self.prior_gradient);
        self.layout.write_prior_gradient(&self.prior_gradient, gradient);
        self.features
            .backward(self.prior_gradient.features.as_ref(), gradient)?;
        Ok(loss)
    }
}

/// Scores parameters on left-out rows: heads from the training rows, inputs without noise.
struct Validation<'a> {
    training: Features<'a, f32>,
    held_out: Features<'a, f32>,
    returns: HeldOut,
    layout: Layout,
    prior: Prior,
}

impl<'a> Validation<'a> {
    fn new(
        data: &'a TrainingData<'a>,
        training: &[usize],
        held_out: &[usize],
        lookback: usize,
    ) -> Result<Self, LstmError> {
        let (layout, isa) = (data.layout, Isa::active()?);
        let prior = layout.prior(&vec![0.0; layout.parameter_count()]);
        Ok(Self {
            training: Features::new(&data.inputs, layout, training, lookback)?,
            held_out: Features::new(&data.inputs, layout, held_out, lookback)?,
            returns: HeldOut::new(isa, data.groups, training, held_out, &prior),
            layout,
            prior,
        })
    }

    /// `likelihood` is that of the training rows, conditioned anew.
    fn error(&mut self, flat: &[f64], likelihood: &mut Likelihood) -> Result<f64, LstmError> {
        self.layout.read_prior(flat, &mut self.prior);
        likelihood.condition(self.training.compute(flat)?, &self.prior)?;
        let held_out = self.held_out.compute(flat)?;
        Ok(self.returns.mean_squared_error(held_out, likelihood))
    }
}

/// Trains member `member` with the given lookback; `progress` is called after every step with the steps done.
///
/// # Errors
/// [`LstmError::NoObservations`], [`LstmError::Diverged`], [`LstmError::Cancelled`].
pub fn train_member(
    data: &TrainingData<'_>,
    options: &Options,
    member: usize,
    lookback: usize,
    control: &Control,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Trained, LstmError> {
    let mut training = MemberTraining::new(data, options, member, lookback)?;
    while training.advance(control, progress)? {}
    Ok(training.finish())
}

/// A member between two validations: it can wait there while other members have the thread.
pub struct MemberTraining<'a> {
    data: &'a TrainingData<'a>,
    options: &'a Options,
    random: Random,
    flat: Vec<f64>,
    gradient: Vec<f64>,
    objective: Objective<'a, f32>,
    validation: Validation<'a>,
    adam: Adam,
    /// Steps if nothing ends it early.
    total: usize,
    best: Trained,
    checks_without_gain: usize,
}

impl<'a> MemberTraining<'a> {
    /// Before the first step.
    ///
    /// # Errors
    /// [`LstmError::NoObservations`], [`LstmError::Diverged`].
    pub fn new(
        data: &'a TrainingData<'a>,
        options: &'a Options,
        member: usize,
        lookback: usize,
    ) -> Result<Self, LstmError> {
        let layout = data.layout;
        let (rows, held_out) = options.split(data.inputs.rows, member);
        // One stream a member and lookback: members of another number never change a member's numbers.
        let mut random = Random::new(options.seed, ((member as u64) << 32) | lookback as u64);
        let log_shared_noise = shared_noise_start(data, &rows);
        let flat = layout.initial(lookback, log_shared_noise, options.start_scale, &mut random);
        let mut objective = Objective::<f32>::new(data, &rows, lookback)?;
        let mut validation = Validation::new(data, &rows, &held_out, lookback)?;
        Ok(Self {
            data,
            options,
            random,
            gradient: vec![0.0; flat.len()],
            adam: Adam::new(flat.len(), parameter_groups(&layout, options), AdamOptions::default()),
            total: options.steps_for(lookback),
            best: Trained {
                validation_error: validation.error(&flat, &mut objective.likelihood)?,
                parameters: flat.clone(),
                steps: 0,
            },
            flat,
            objective,
            validation,
            checks_without_gain: 0,
        })
    }

    /// Trains up to and with the next validation, or to the end; false once it is done. `progress` is called after every
    /// step with the steps done.
    ///
    /// # Errors
    /// [`LstmError::Diverged`], [`LstmError::Cancelled`].
    pub fn advance(&mut self, control: &Control, progress: &(dyn Fn(usize) + Sync)) -> Result<bool, LstmError> {
        while self.best.steps < self.total {
            control.check()?;
            self.step()?;
            progress(self.best.steps);
            if self.best.steps.is_multiple_of(self.options.check_every) {
                return Ok(self.keep_best()? && self.best.steps < self.total);
            }
        }
        Ok(false)
    }

    /// Steps that are left if nothing ends it early.
    #[must_use]
    pub fn steps_left(&self) -> usize {
        self.total - self.best.steps
    }

    /// What it has learned.
    #[must_use]
    pub fn finish(self) -> Trained {
        self.best
    }

    fn step(&mut self) -> Result<(), LstmError> {
        let (data, options) = (self.data, self.options);
        self.objective
            .features
            .perturb(data.noisy_columns, options.input_noise, &mut self.random);
        self.objective.loss(&self.flat, &mut self.gradient)?;
        options.penalties.add(&data.layout, &self.flat, &mut self.gradient);
        clip_global_norm(&mut self.gradient, options.clip);
        let schedule = cosine_schedule(self.best.steps, self.total);
        self.adam.step(&mut self.flat, &self.gradient, schedule);
        self.best.steps += 1;
        Ok(())
    }

    /// Keeps the parameters where left-out rows are explained best; false once too many checks brought no gain.
    fn keep_best(&mut self) -> Result<bool, LstmError> {
        let error = self.validation.error(&self.flat, &mut self.objective.likelihood)?;
        let best = &mut self.best;
        // Without left-out returns the error is NaN, and the last parameters are kept.
        if error.is_nan() || error < best.validation_error {
            self.checks_without_gain = if best.validation_error - error < self.options.min_gain {
                self.checks_without_gain + 1
            } else {
                0
            };
            best.validation_error = error;
            best.parameters.copy_from_slice(&self.flat);
        } else {
            self.checks_without_gain += 1;
        }
        Ok(error.is_nan() || self.checks_without_gain < self.options.patience)
    }
}

fn parameter_groups(layout: &Layout, options: &Options) -> Vec<ParameterGroup> {
    let group = |range, learning_rate| ParameterGroup {
        range,
        learning_rate,
        weight_decay: 0.0,
    };
    let heads = layout.ranges()[1].start..layout.parameter_count();
    vec![
        group(layout.learned_encoder(), options.encoder_learning_rate),
        group(heads, options.learning_rate),
    ]
}

/// Start of `log c`: the variance of the group means that a regression on z leaves, beyond what independent residuals
/// of the assets account for; at least a quarter of that, so that it can grow.
fn shared_noise_start(data: &TrainingData<'_>, rows: &[usize]) -> f64 {
    let own_variance = (2.0 * LOG_NOISE_START).exp();
    let (mut total, mut floor, mut weight) = (0.0, 0.0, 0.0);
    for group in data.groups {
        let used: Vec<usize> = (0..group.rows.len())
            .filter(|&i| rows.binary_search(&group.rows[i]).is_ok())
            .collect();
        let count = (used.len() * group.assets) as f64;
        let own = own_variance / group.assets as f64;
        total += count * (residual_variance(data, group, &used) - own).max(0.0);
        floor += count * 0.25 * own;
        weight += count;
    }
    0.5 * (total.max(floor) / weight.max(1.0)).max(f64::MIN_POSITIVE).ln()
}

/// Variance that a least-squares regression of the group's mean on z leaves, on the rows `used` of the group.
fn residual_variance(data: &TrainingData<'_>, group: &GroupReturns, used: &[usize]) -> f64 {
    let factors = data.inputs.factor_count;
    let count = used.len() as f64;
    let centred = |value: &dyn Fn(usize) -> f64| -> Vec<f64> {
        let mean = used.iter().map(|&i| value(i)).sum::<f64>() / count;
        used.iter().map(|&i| value(i) - mean).collect()
    };
    let y = centred(&|i| group.mean[i]);
    let columns: Vec<Vec<f64>> = (0..factors)
        .map(|f| centred(&|i| data.inputs.factors[group.rows[i] * factors + f]))
        .collect();
    let x = faer::Mat::from_fn(used.len(), factors, |i, f| columns[f][i]);
    let gram = super::dense::product(x.transpose(), x.as_ref());
    let cross = transposed_times_vector(x.as_ref(), &y);
    let square: f64 = y.iter().map(|v| v * v).sum();
    // A ridge of 1 beside a Gram matrix of order `count`: defined for collinear factors too.
    let shifted = faer::Mat::from_fn(factors, factors, identity_plus(gram.as_ref(), 1.0));
    let explained = Spd::new(shifted.as_ref()).map_or(0.0, |spd| {
        super::dense::dot(&cross, &super::dense::times_vector(spd.inverse.as_ref(), &cross))
    });
    let degrees = (count - 1.0 - factors as f64).max(1.0);
    ((square - explained) / degrees).max(0.0)
}

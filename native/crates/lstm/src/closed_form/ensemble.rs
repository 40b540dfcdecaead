//! The whole fit: the members that won, their heads on all rows.

use macrograd_simd::{Control, parallel_for_each};

use super::cell::Cell;
use super::contest::contest;
use super::dense::dot;
use super::features::Features;
use super::groups::GroupReturns;
use super::heads::{Heads, Noise};
use super::inputs::{Inputs, LAG_COUNT, lag_basis};
use super::likelihood::Likelihood;
use super::options::Options;
use super::parameters::Layout;
use super::patterns::{Pattern, Returns, group_by_pattern};
use super::prior::Prior;
use super::readout::FeatureMap;
use super::trainer::{Trained, TrainingData};
use super::walk_fit::{WalkGroups, WalkSource, Walks, fit_walks};
use crate::error::{LstmError, check_length};

/// One member as it is used.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Its map from inputs to features.
    pub map: FeatureMap<f32>,
    /// Heads on all rows of the fit.
    pub heads: Heads,
    /// Mean squared error of standardised returns on the rows that it left out.
    pub validation_error: f64,
    /// Steps that it trained.
    pub steps: usize,
    /// How its heads walk, where they do; `heads` are then those after the last row.
    pub walks: Option<Walks>,
    /// Where heads walk: the ones that stand still, on the training rows.
    pub standing: Option<Heads>,
}

/// Result of a fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// Sizes of all members.
    pub layout: Layout,
    /// Window length that was kept.
    pub lookback: usize,
    /// The members with that lookback.
    pub members: Vec<Member>,
    /// Level of each asset's standardised prediction where the features are at their mean, averaged over members: not 0
    /// when the asset is observed on some rows only.
    pub offsets: Vec<f64>,
    /// Group of each asset, in the order of the heads' covariances; -1 for an asset without returns.
    pub asset_group: Vec<i32>,
    /// Cell that was kept; the members' maps are plain LSTMs whatever it is.
    pub cell: Cell,
    /// Validation error of each lookback that was tried, averaged over members: mean squared error of standardised
    /// returns on left-out rows.
    pub validation_errors: Vec<f64>,
    /// Returns that merged patterns left out of the fit.
    pub dropped_observations: usize,
    /// Groups of the walks, where heads walk.
    pub walk_groups: Option<WalkGroups>,
    /// Group of each asset in the heads that stand still, where heads walk.
    pub standing_group: Option<Vec<i32>>,
}

/// Fits an ensemble; `noisy_columns` as in [`TrainingData`]. The same bits for any number of threads.
///
/// # Errors
/// [`LstmError`] for wrong sizes or options, values that are not finite, no observed return, or a stop by the caller.
pub fn fit(
    inputs: Inputs<'_>,
    noisy_columns: usize,
    returns: Returns<'_>,
    options: &Options,
    control: &Control,
) -> Result<Fit, LstmError> {
    options.validate()?;
    inputs.validate()?;
    check_length("returns", returns.values.len(), inputs.rows * returns.assets)?;
    let (all_inputs, all_returns) = (inputs, returns);
    let inputs = inputs.first(options.train_rows.map_or(inputs.rows, |rows| rows.min(inputs.rows)));
    let returns = Returns {
        values: &returns.values[..inputs.rows * returns.assets],
        ..returns
    };
    let patterns = group_by_pattern(returns, inputs.rows, options.max_patterns);
    if patterns.is_empty() {
        return Err(LstmError::NoObservations);
    }
    let groups: Vec<GroupReturns> = patterns
        .iter()
        .map(|pattern| GroupReturns::on(returns, pattern, control))
        .collect::<Result<_, _>>()?;
    let groups = match &options.row_roots {
        None => groups,
        Some(roots) => weighted(groups, roots, inputs.rows)?,
    };
    let data = TrainingData {
        inputs,
        noisy_columns,
        groups: &groups,
        layout: Layout {
            window_size: inputs.window_size,
            hidden_size: options.hidden_size,
            factors: inputs.factor_count,
            filters: options.form.filters(options.filters),
            rank: options.rank,
            cell: Cell::Lstm,
            form: options.form,
        },
    };
    let winner = contest(&data, options, control)?;
    let data = data.with_cell(winner.cell);
    let lookback = winner.lookback;
    let mut members = all_heads(&data, &winner.members, lookback, returns, &patterns, control)?;
    let member_offsets = offsets(&members, returns.assets);
    let walk_groups = if options.walk {
        let all = group_by_pattern(all_returns, all_inputs.rows, options.max_patterns);
        let priors: Vec<Prior> = winner
            .members
            .iter()
            .map(|member| {
                let (layout, parameters) = data.layout.plain(&member.parameters);
                layout.prior(&parameters)
            })
            .collect();
        Some(walk_members(
            &mut members,
            &priors,
            (all_inputs, all_returns),
            inputs.rows,
            &all,
            control,
        )?)
    } else {
        None
    };
    let standing = asset_groups(&patterns, returns.assets);
    let observed = returns.values.iter().filter(|x| !x.is_nan()).count();
    let used: usize = patterns.iter().map(|p| p.rows.len() * p.assets.len()).sum();
    Ok(Fit {
        layout: data.layout,
        lookback,
        offsets: member_offsets,
        members,
        asset_group: walk_groups
            .as_ref()
            .map_or_else(|| standing.clone(), |groups| groups.asset_group.clone()),
        standing_group: walk_groups.is_some().then_some(standing),
        walk_groups,
        validation_errors: winner.validation_errors,
        cell: winner.cell,
        dropped_observations: observed - used,
    })
}

/// The groups with roots of weights whose mean over the rows is 1, so that noise and penalties keep their scale.
fn weighted(groups: Vec<GroupReturns>, roots: &[f64], rows: usize) -> Result<Vec<GroupReturns>, LstmError> {
    check_length("row_roots", roots.len(), rows)?;
    if let Some(&value) = roots.iter().find(|root| !(root.is_finite() && **root > 0.0)) {
        return Err(LstmError::BadOption {
            name: "row_roots",
            value,
            wanted: "finite and positive",
        });
    }
    let scale = (rows as f64 / dot(roots, roots)).sqrt();
    let roots: Vec<f64> = roots.iter().map(|root| scale * root).collect();
    Ok(groups.into_iter().map(|group| group.weighted(&roots)).collect())
}

/// Heads of all members, one member an item of work.
fn all_heads(
    data: &TrainingData<'_>,
    trained: &[Trained],
    lookback: usize,
    returns: Returns<'_>,
    patterns: &[Pattern],
    control: &Control,
) -> Result<Vec<Member>, LstmError> {
    let mut members: Vec<Result<Member, LstmError>> = vec![Err(LstmError::Cancelled); trained.len()];
    // Progress was that of the training.
    let part = control.for_part(control.threads());
    let mut threads = vec![(); part.threads()];
    parallel_for_each(
        &part,
        members.iter_mut().zip(trained),
        &mut threads,
        |(), (member, trained)| {
            *member = with_heads(data, trained, lookback, returns, patterns);
        },
    )?;
    members.into_iter().collect()
}

fn with_heads(
    data: &TrainingData<'_>,
    trained: &Trained,
    lookback: usize,
    returns: Returns<'_>,
    patterns: &[Pattern],
) -> Result<Member, LstmError> {
    let rows: Vec<usize> = (0..data.inputs.rows).collect();
    // Heads, exports and stored models know plain LSTMs alone.
    let (layout, parameters) = data.layout.plain(&trained.parameters);
    let prior = layout.prior(&parameters);
    let mut features = Features::<f32>::new(&data.inputs, layout, &rows, lookback)?;
    let mut likelihood = Likelihood::new(data.groups, &rows, &prior)?;
    likelihood.condition(features.compute(&parameters)?, &prior)?;
    Ok(Member {
        map: feature_map(&layout, &parameters, lookback, features.means())?,
        heads: likelihood.heads(returns, &rows, patterns, Noise::Own)?,
        validation_error: trained.validation_error,
        steps: trained.steps,
        walks: None,
        standing: None,
    })
}

/// Lets the heads of all members walk through all rows; groups by the mean noise over members.
fn walk_members(
    members: &mut [Member],
    priors: &[Prior],
    (inputs, returns): (Inputs<'_>, Returns<'_>),
    train_rows: usize,
    patterns: &[Pattern],
    control: &Control,
) -> Result<WalkGroups, LstmError> {
    let ratio = |asset: usize| {
        let own = members
            .iter()
            .zip(priors)
            .map(|(m, prior)| m.heads.noise[asset] / prior.noise_variance());
        own.sum::<f64>() / priors.len() as f64
    };
    let ratios: Vec<f64> = (0..returns.assets).map(ratio).collect();
    let groups = WalkGroups::new(patterns, &ratios, inputs.rows);
    for (member, prior) in members.iter_mut().zip(priors) {
        control.check()?;
        let features = member.map.compute(&inputs, 0..inputs.rows, control)?;
        let source = WalkSource {
            features: &features,
            feature_mean: &member.map.feature_mean,
            returns,
            groups: &groups,
            prior,
            train_rows,
        };
        member.standing = Some(member.heads.clone());
        member.walks = Some(fit_walks(&source, &mut member.heads));
    }
    Ok(groups)
}

/// The learned map with lag filters written out: `sum over bumps of LB[lag, bump] V[(bump, factor), filter]`.
fn feature_map(
    layout: &Layout,
    flat: &[f64],
    lookback: usize,
    feature_mean: Vec<f64>,
) -> Result<FeatureMap<f32>, LstmError> {
    let (basis, filters) = (lag_basis(), layout.filters(flat));
    let mut lag_filters = Vec::with_capacity(LAG_COUNT * layout.factors * layout.filters);
    for bumps in basis {
        for factor in 0..layout.factors {
            for filter in 0..layout.filters {
                let weights = bumps
                    .iter()
                    .enumerate()
                    .map(|(b, height)| height * filters[(b * layout.factors + factor, filter)]);
                lag_filters.push(weights.sum());
            }
        }
    }
    Ok(FeatureMap {
        lookback,
        weights: layout.encoder_weights(flat)?,
        lag_filters,
        lag_count: if layout.filters == 0 { 0 } else { LAG_COUNT },
        filters: layout.filters,
        form: layout.form,
        feature_mean,
    })
}

fn offsets(members: &[Member], assets: usize) -> Vec<f64> {
    let count = members.len() as f64;
    (0..assets)
        .map(|asset| {
            let level = |member: &Member| {
                let size = member.map.feature_mean.len();
                let head = &member.heads.values[asset * size..(asset + 1) * size];
                member.heads.intercepts[asset] + dot(head, &member.map.feature_mean)
            };
            members.iter().map(level).sum::<f64>() / count
        })
        .collect()
}

fn asset_groups(patterns: &[Pattern], assets: usize) -> Vec<i32> {
    let mut out = vec![-1; assets];
    for (group, pattern) in (0..).zip(patterns) {
        pattern.assets.iter().for_each(|&asset| out[asset] = group);
    }
    out
}

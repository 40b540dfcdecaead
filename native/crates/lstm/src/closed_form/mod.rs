//! The pooled LSTM whose heads are integrated out: one encoder for all assets, trained on the marginal likelihood
//! of all returns; heads are posterior means. Derivation: docs/derivations/closed_form_heads.md.

mod cell;
mod contest;
mod dense;
mod ensemble;
mod features;
mod groups;
mod head_readout;
mod heads;
mod held_out;
mod inputs;
mod likelihood;
mod options;
mod own_noise;
mod parameters;
mod patterns;
mod penalty;
mod prior;
mod random;
mod readout;
mod tall;
mod trainer;
mod walk;
mod walk_fit;
mod walk_readout;

pub use cell::Cell;
pub use ensemble::{Fit, Member, fit};
pub use groups::{GroupReturns, SecondMoment};
pub use head_readout::{AssetScale, HeadCovariance, MemberHeads, SPREAD_WEIGHT, exposures, predictions};
pub use heads::{Heads, Noise};
pub use held_out::HeldOut;
pub use inputs::{BUMPS, Inputs, LAG_COUNT, lag_basis};
pub use likelihood::{Likelihood, Posterior};
pub use options::Options;
pub use parameters::Layout;
pub use patterns::{Pattern, Returns, group_by_pattern};
pub use penalty::Penalties;
pub use prior::{Gradient, Prior};
pub(crate) use random::Random;
pub use readout::{FeatureMap, JacobianForm, JacobianRequest};
pub use trainer::{Objective, Trained, TrainingData, train_member};
pub use walk::WalkModel;
pub use walk_fit::{WalkGroups, Walks};
pub use walk_readout::{WalkMember, WalkRequest, walk_exposures};

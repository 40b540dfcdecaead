//! The pooled LSTM whose heads are integrated out: one encoder for all assets, trained on the marginal likelihood
//! of all returns; heads are posterior means. Derivation: docs/derivations/closed_form_heads.md.

mod dense;
mod groups;
mod likelihood;
mod prior;

pub use groups::{GroupReturns, Pattern, Returns, SecondMoment, group_by_pattern};
pub use likelihood::{Likelihood, Posterior};
pub use prior::{Gradient, Prior};

//! Traditional regressions in float64.

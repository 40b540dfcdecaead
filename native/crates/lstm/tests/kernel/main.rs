//! The LSTM kernel against its reference, and the reference against PyTorch.

mod exposures;
mod fast;
mod golden;
mod onnx_nodes;
mod refusals;
mod second;
mod support;
mod train;

//! Entries of the LSTM kernel: forward, backward, Jacobian.

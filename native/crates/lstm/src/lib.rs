//! LSTM kernel: forward, backward, Jacobian and trainers.

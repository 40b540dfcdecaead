//! Instruction-set tokens, vector operations and activations.

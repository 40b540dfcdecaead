"""Keras on XLA (its JAX back end)."""

import os

import work

chosen = work.options()
os.environ["KERAS_BACKEND"] = "jax"
if chosen.threads == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax  # noqa: E402  (after its flags are set)
import keras  # noqa: E402


def model(sizes):
    """Keras has the gate order of PyTorch (i, f, c, o) and one bias."""
    arrays = work.data(sizes)
    network = keras.Sequential(
        [
            keras.layers.Input((sizes.steps, sizes.inputs), batch_size=sizes.batch),
            keras.layers.LSTM(sizes.hidden),
            keras.layers.Dense(1),
        ]
    )
    network.layers[0].set_weights([arrays.weight_ih.T, arrays.weight_hh.T, arrays.bias_ih + arrays.bias_hh])
    network.layers[1].set_weights([arrays.heads.T, arrays.heads[:, 0] * 0])
    return network, arrays


def forward(sizes):
    network, arrays = model(sizes)
    variables = [[v.value for v in network.trainable_variables], [v.value for v in network.non_trainable_variables]]
    call = jax.jit(lambda x: network.stateless_call(*variables, x, training=False)[0])
    x = jax.numpy.asarray(arrays.input)
    return lambda: jax.block_until_ready(call(x)), lambda y: y


def train(sizes):
    network, arrays = model(sizes)
    network.compile(optimizer=keras.optimizers.Adam(work.LEARNING_RATE, epsilon=1e-8), loss="mse", jit_compile=True)
    first = float(network.train_on_batch(arrays.input, arrays.targets[:, None]))
    # Its one bias moves half as far as PyTorch's two, so that only the first loss is comparable.
    return lambda: network.train_on_batch(arrays.input, arrays.targets[:, None]), lambda _: [first]


def jacobian(sizes):
    network, arrays = model(sizes)
    variables = [[v.value for v in network.trainable_variables], [v.value for v in network.non_trainable_variables]]
    call = jax.jit(jax.grad(lambda x: network.stateless_call(*variables, x, training=False)[0].sum()))
    x = jax.numpy.asarray(arrays.input)
    return lambda: jax.block_until_ready(call(x)), lambda j: j


if __name__ == "__main__":
    sizes = work.QUICK if chosen.quick else work.FULL
    work.measure(
        "Keras on XLA",
        chosen,
        [
            ("W1", "W1a forward", 7, lambda: forward(sizes["W1"])),
            ("W1", "W1b forward+backward+Adam", 7, lambda: train(sizes["W1"])),
            ("W1", "W1c forward+Jacobian", 7, lambda: jacobian(sizes["W1"])),
        ],
    )

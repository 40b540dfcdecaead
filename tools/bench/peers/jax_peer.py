"""JAX: lax.scan over steps, and lax.map over networks (vmap over them takes several times as long)."""

import os

import work

chosen = work.options()
if chosen.threads == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax  # noqa: E402  (after its flags are set)
import jax.numpy as jnp  # noqa: E402


def last_hidden(parameters, x):
    """x [batch, steps, inputs] -> [batch, hidden]."""
    weight_ih, weight_hh, bias_ih, bias_hh = parameters
    from_input = jnp.swapaxes(x @ weight_ih.T, 0, 1) + bias_ih + bias_hh

    def step(state, a):
        h, c = state
        i, f, g, o = jnp.split(a + h @ weight_hh.T, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    zeros = jnp.zeros((x.shape[0], weight_hh.shape[1]), x.dtype)
    return jax.lax.scan(step, (zeros, zeros), from_input)[0][0]


def model(parameters, x):
    *encoder, weight, bias = parameters
    return last_hidden(encoder, x) @ weight[0] + bias


def parameters_of(arrays):
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "heads")
    lead = arrays.heads.shape[:-2]
    return [jnp.asarray(getattr(arrays, name)) for name in names] + [jnp.zeros(lead)]


def adam(parameters, gradient, state, count):
    first, second = state
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradient)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradient)
    rate = work.LEARNING_RATE / (1 - 0.9**count)
    root = 1 / jnp.sqrt(1 - 0.999**count)
    move = lambda p, m, v: p - rate * m / (jnp.sqrt(v) * root + 1e-8)
    return jax.tree.map(move, parameters, first, second), (first, second)


def training(x, y, parameters, steps):
    """Losses of `steps` steps of Adam."""

    def step(carry, count):
        parameters, state = carry
        loss, gradient = jax.value_and_grad(lambda p: jnp.mean((model(p, x) - y) ** 2))(parameters)
        return adam(parameters, gradient, state, count), loss

    zeros = jax.tree.map(jnp.zeros_like, parameters)
    return jax.lax.scan(step, (parameters, (zeros, zeros)), jnp.arange(1.0, steps + 1))[1]


def ready(function, *arguments):
    compiled = jax.jit(function)
    return lambda: jax.block_until_ready(compiled(*arguments))


def forward(sizes):
    arrays = work.data(sizes)
    return ready(model, parameters_of(arrays), jnp.asarray(arrays.input)), lambda y: y


def train(sizes):
    arrays = work.data(sizes)
    parameters, x, y = parameters_of(arrays), jnp.asarray(arrays.input), jnp.asarray(arrays.targets)
    losses = ready(lambda: training(x, y, parameters, work.TRAIN_STEPS))()

    def one(parameters, state, count):
        loss, gradient = jax.value_and_grad(lambda p: jnp.mean((model(p, x) - y) ** 2))(parameters)
        return loss, adam(parameters, gradient, state, count)

    zeros = jax.tree.map(jnp.zeros_like, parameters)
    return ready(one, parameters, (zeros, zeros), 1.0), lambda _: losses


def jacobian(sizes):
    arrays = work.data(sizes)
    parameters, x = parameters_of(arrays), jnp.asarray(arrays.input)
    return ready(lambda x: jax.grad(lambda x: model(parameters, x).sum())(x), x), lambda j: j


def shared(sizes):
    arrays = work.data(sizes)
    *encoder, heads, _ = parameters_of(arrays)
    x = jnp.asarray(arrays.input)

    def exposures(x, heads):
        _, pull = jax.vjp(lambda x: last_hidden(encoder, x), x)
        units = jnp.broadcast_to(jnp.eye(sizes.hidden)[:, None], (sizes.hidden, sizes.batch, sizes.hidden))
        hidden = jax.vmap(pull)(units)[0].reshape(sizes.hidden, sizes.batch, -1)
        return jnp.einsum("ah,htc->tac", heads, hidden)

    return ready(exposures, x, heads), lambda j: j


def train_networks(sizes):
    arrays = work.data(sizes)
    x, y = jnp.asarray(arrays.input), jnp.asarray(arrays.targets)
    parameters = parameters_of(arrays)
    each = lambda one: training(one[0], one[1], one[2], sizes.epochs)
    return ready(lambda x, y, p: jax.lax.map(each, (x, y, p)), x, y, parameters), lambda losses: losses


def differentiate_networks(sizes):
    arrays = work.data(sizes)
    parameters, x = parameters_of(arrays), jnp.asarray(arrays.input)
    each = lambda one: jax.grad(lambda x: model(one[1], x).sum())(one[0])
    return ready(lambda x, p: jax.lax.map(each, (x, p)), x, parameters), lambda j: j


def main():
    sizes = work.QUICK if chosen.quick else work.FULL
    workloads = [
        ("W1", "W1a forward", 7, lambda: forward(sizes["W1"])),
        ("W1", "W1b forward+backward+Adam", 7, lambda: train(sizes["W1"])),
        ("W1", "W1c forward+Jacobian", 7, lambda: jacobian(sizes["W1"])),
        ("W2", "W2 shared encoder", 5, lambda: shared(sizes["W2"])),
        ("W3", "W3t networks, training", 2, lambda: train_networks(sizes["W3"])),
        ("W3", "W3j networks, Jacobian", 3, lambda: differentiate_networks(sizes["W3"])),
    ]
    work.measure("JAX", chosen, workloads)


if __name__ == "__main__":
    main()

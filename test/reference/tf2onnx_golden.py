"""Golden file of the import of a Keras network: what tf2onnx itself writes.

    python test/reference/tf2onnx_golden.py      (with tensorflow, tf2onnx and safetensors installed)

Reads packages/pipeline/test/golden/import/state_dict.safetensors (test/reference/import_golden.py), builds the same
network of two LSTM layers and a dense one in Keras, and writes it as tf2onnx.onnx beside, so that expected.json holds
for it too. Written with tensorflow 2.21.0, keras 3.15.1, tf2onnx 1.17.0; the weights are the seed.
"""

import json
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf2onnx
from safetensors.numpy import load_file

FOLDER = Path(__file__).parents[2] / "packages" / "pipeline" / "test" / "golden" / "import"
LAYERS = 2
# float32 in TensorFlow against autograd's float64.
TOLERANCE = 1e-6


def layer_weights(tensors, layer):
    """Keras has the gates i, f, c, o as PyTorch has i, f, g, o, transposed, and one bias."""
    own = {name: tensors[f"lstm.{name}_l{layer}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
    return [own["weight_ih"].T, own["weight_hh"].T, own["bias_ih"] + own["bias_hh"]]


def main():
    tensors = load_file(FOLDER / "state_dict.safetensors")
    expected = json.loads((FOLDER / "expected.json").read_text())
    features = tensors["lstm.weight_ih_l0"].shape[1]
    hidden = tensors["lstm.weight_hh_l0"].shape[1]
    outputs = len(tensors["fc.bias"])
    network = tf.keras.Sequential(
        [tf.keras.layers.Input((None, features))]
        + [tf.keras.layers.LSTM(hidden, return_sequences=layer + 1 < LAYERS) for layer in range(LAYERS)]
        + [tf.keras.layers.Dense(outputs)]
    )
    for layer in range(LAYERS):
        network.layers[layer].set_weights(layer_weights(tensors, layer))
    network.layers[LAYERS].set_weights([tensors["fc.weight"].T, tensors["fc.bias"]])
    x = np.reshape(expected["input"], (expected["batch"], expected["steps"], features)).astype(np.float32)
    error = np.abs(network(x).numpy().ravel() - expected["output"]).max()
    assert error < TOLERANCE, f"the Keras network differs by {error}"
    signature = [tf.TensorSpec([None, None, features], tf.float32, name="x")]
    tf2onnx.convert.from_function(
        tf.function(lambda x: network(x), input_signature=signature),
        input_signature=signature,
        opset=15,
        output_path=str(FOLDER / "tf2onnx.onnx"),
    )


if __name__ == "__main__":
    main()

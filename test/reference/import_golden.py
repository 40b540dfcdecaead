"""Golden files of the import of foreign LSTMs: the same network as PyTorch, tf2onnx and a state dict write it.

    python test/reference/import_golden.py

Writes packages/pipeline/test/golden/import: torch.onnx (PyTorch's exporter), tf2onnx.onnx (the graph that tf2onnx
writes for Keras layers, built here with onnx.helper), state_dict.safetensors, the six LSTM node cases of the onnx
package with their weights as initializers, and expected.json: input, output and Jacobian of the network by autograd in
float64, inputs and outputs of the node cases.
"""

import json
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.backend.test.case.node import lstm as node_cases
from safetensors.torch import save_file

SEED = 20260922
OUT = Path(__file__).parents[2] / "packages" / "pipeline" / "test" / "golden" / "import"
FEATURES, HIDDEN, LAYERS, OUTPUTS, BATCH, STEPS = 3, 5, 2, 2, 4, 6


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = torch.nn.LSTM(FEATURES, HIDDEN, LAYERS, batch_first=True)
        self.fc = torch.nn.Linear(HIDDEN, OUTPUTS)

    def forward(self, x):
        return self.fc(self.lstm(x)[0][:, -1])


def gates_iofc(tensor):
    i, f, g, o = tensor.detach().numpy().reshape(4, HIDDEN, -1)
    return np.concatenate([i, o, f, g])[None]


def tf2onnx_style(network):
    """Transpose, LSTM nodes from zero states made of shapes, squeezed outputs, MatMul and Add."""
    nodes = [
        helper.make_node("Transpose", ["x"], ["sequence_0"], perm=[1, 0, 2]),
        helper.make_node("Shape", ["x"], ["x_shape"]),
        helper.make_node("Slice", ["x_shape", "start", "stop", "first_axis"], ["batch"]),
        helper.make_node("Concat", ["one", "batch", "units"], ["state_shape"], axis=0),
        helper.make_node("ConstantOfShape", ["state_shape"], ["state"]),
    ]
    ints = {"start": [0], "stop": [1], "first_axis": [0], "one": [1], "units": [HIDDEN], "axis_1": [1], "axis_0": [0]}
    constants = [numpy_helper.from_array(np.array(v, np.int64), k) for k, v in ints.items()]
    for layer in range(LAYERS):
        own = {k: getattr(network.lstm, f"{k}_l{layer}") for k in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
        bias = np.concatenate([gates_iofc(own[k])[..., 0] for k in ("bias_ih", "bias_hh")], axis=1)
        arrays = {"W": gates_iofc(own["weight_ih"]), "R": gates_iofc(own["weight_hh"]), "B": bias}
        constants += [numpy_helper.from_array(np.ascontiguousarray(v), f"{k}_{layer}") for k, v in arrays.items()]
        inputs = [f"sequence_{layer}", f"W_{layer}", f"R_{layer}", f"B_{layer}", "", "state", "state"]
        nodes.append(
            helper.make_node(
                "LSTM", inputs, [f"Y_{layer}", f"H_{layer}"], hidden_size=HIDDEN, direction="forward",
                activations=["Sigmoid", "Tanh", "Tanh"],
            )
        )
        nodes.append(helper.make_node("Squeeze", [f"Y_{layer}", "axis_1"], [f"sequence_{layer + 1}"]))
    constants.append(numpy_helper.from_array(np.ascontiguousarray(network.fc.weight.detach().numpy().T), "kernel"))
    constants.append(numpy_helper.from_array(network.fc.bias.detach().numpy(), "bias"))
    nodes.append(helper.make_node("Squeeze", [f"H_{LAYERS - 1}", "axis_0"], ["last"]))
    nodes.append(helper.make_node("MatMul", ["last", "kernel"], ["product"]))
    nodes.append(helper.make_node("Add", ["product", "bias"], ["y"]))
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "tf2onnx", [value("x", ["b", "t", FEATURES])], [value("y", ["b", OUTPUTS])], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)


def node_case(export):
    """One node case of the onnx package as a model of one input, its other inputs as initializers."""
    caught = {}
    original = node_cases.expect
    node_cases.expect = lambda node, inputs, outputs, name: caught.update(node=node, inputs=inputs, outputs=outputs, name=name)
    try:
        export()
    finally:
        node_cases.expect = original
    node, inputs, outputs = caught["node"], caught["inputs"], caught["outputs"]
    names = [name for name in node.input if name]
    value = lambda name, array: helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape)
    constants = [
        numpy_helper.from_array(np.asarray(array, np.int32 if name == "sequence_lens" else np.float32), name)
        for name, array in zip(names[1:], inputs[1:])
    ]
    results = [name for name in node.output if name]
    graph = helper.make_graph(
        [node], caught["name"], [value(names[0], inputs[0])], [value(n, o) for n, o in zip(results, outputs)], constants
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    last = outputs[results.index("Y_h")] if "Y_h" in results else outputs[0]
    batchwise = any(a.name == "layout" and a.i == 1 for a in node.attribute)
    x = inputs[0] if batchwise else inputs[0].transpose(1, 0, 2)
    case = {"batch": x.shape[0], "steps": x.shape[1], "input": x.ravel().tolist(), "last": last.ravel().tolist()}
    return caught["name"], model, case


def main():
    torch.manual_seed(SEED)
    network = Network().eval()
    OUT.mkdir(parents=True, exist_ok=True)
    x = torch.randn(BATCH, STEPS, FEATURES)
    dynamic = {"x": {0: "batch", 1: "time"}}
    torch.onnx.export(network, (x,), str(OUT / "torch.onnx"), dynamo=False, input_names=["x"], dynamic_axes=dynamic)
    onnx.save(tf2onnx_style(network), OUT / "tf2onnx.onnx")
    save_file(network.state_dict(), OUT / "state_dict.safetensors")
    double = Network().double()
    double.load_state_dict(network.state_dict())
    x = x.double()
    jacobian = torch.stack([torch.autograd.functional.jacobian(double, one[None])[0, :, 0] for one in x])
    cases = {}
    for name in ("defaults", "initial_bias", "peepholes", "batchwise", "reverse", "bidirectional"):
        title, model, case = node_case(getattr(node_cases.LSTM, f"export_{name}"))
        onnx.save(model, OUT / f"{title}.onnx")
        cases[title] = case
    expected = {
        "generator": f"test/reference/import_golden.py, torch {torch.__version__}, onnx {onnx.__version__}",
        "seed": SEED,
        "batch": BATCH,
        "steps": STEPS,
        "input": x.ravel().tolist(),
        "output": double(x).detach().ravel().tolist(),
        "jacobian": jacobian.ravel().tolist(),
        "node_cases": cases,
    }
    (OUT / "expected.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    main()

"""Golden files of the import of foreign LSTMs: the same network as PyTorch, tf2onnx and a state dict write it.

    python test/reference/import_golden.py

Writes packages/pipeline/test/golden/import: torch.onnx and torch_dynamo.onnx (PyTorch's two exporters),
state_dict.safetensors, the six LSTM node cases of the onnx package with their weights as initializers, and
expected.json: input, output and Jacobian of the network by autograd in float64, inputs and outputs of the node cases.
tf2onnx_golden.py adds the same network as Keras and tf2onnx write it.
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


def save_by_dynamo(network, x, path):
    """PyTorch's newer exporter (it needs onnxscript), without the stack traces that it keeps of every node."""
    program = torch.onnx.export(
        network, (x,), dynamo=True, input_names=["x"], dynamic_shapes={"x": {0: torch.export.Dim("batch")}}
    )
    model = program.model_proto
    for node in model.graph.node:
        node.ClearField("metadata_props")
    for field in ("metadata_props", "value_info"):
        model.graph.ClearField(field)
    onnx.save(model, path)


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
    save_by_dynamo(network, x, OUT / "torch_dynamo.onnx")
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

"""ONNX Runtime: the forward pass as one LSTM node."""

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import work


def graph(arrays, sizes):
    """Gates in the order of ONNX (i, o, f, c); layout 0: time first."""
    h = sizes.hidden
    reorder = np.concatenate([np.arange(h) + k * h for k in (0, 3, 1, 2)])
    constants = {
        "w": arrays.weight_ih[reorder][None],
        "r": arrays.weight_hh[reorder][None],
        "b": np.concatenate([arrays.bias_ih[reorder], arrays.bias_hh[reorder]])[None],
        "head": np.ascontiguousarray(arrays.heads.T),
        "axes": np.array([0], dtype=np.int64),
    }
    nodes = [
        helper.make_node("Transpose", ["x"], ["by_step"], perm=[1, 0, 2]),
        helper.make_node("LSTM", ["by_step", "w", "r", "b"], ["", "last"], hidden_size=h),
        helper.make_node("Squeeze", ["last", "axes"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "head"], ["y"]),
    ]
    shape = [sizes.batch, sizes.steps, sizes.inputs]
    built = helper.make_graph(
        nodes,
        "lstm",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [sizes.batch, 1])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(built, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()


def forward(sizes, threads):
    arrays = work.data(sizes)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads, settings.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(graph(arrays, sizes), settings, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": arrays.input})[0], lambda y: y


if __name__ == "__main__":
    chosen = work.options()
    sizes = work.QUICK if chosen.quick else work.FULL
    work.measure("ONNX Runtime", chosen, [("W1", "W1a forward", 7, lambda: forward(sizes["W1"], chosen.threads))])

"""tanh x and sigmoid(2 x) to 50 digits (mpmath), each as the sum of two float64s: what the test suite's double-double
reference is held to.

Run: python activations_golden.py > ../../native/crates/simd/tests/activations/golden.txt

A line: bit patterns in hexadecimal of x, of both parts of tanh x and of both parts of sigmoid(2 x).
"""
import random
import struct

import mpmath

SEED = 7
mpmath.mp.dps = 50


def bits(x):
    return format(struct.unpack("<Q", struct.pack("<d", x))[0], "016x")


def parts(exact):
    high = float(exact)
    return [high, float(exact - mpmath.mpf(high))]


def line(x):
    exact = mpmath.mpf(x)
    tanh, sigmoid = mpmath.tanh(exact), 1 / (1 + mpmath.exp(-2 * exact))
    return " ".join(bits(number) for number in [x, *parts(tanh), *parts(sigmoid)])


random.seed(SEED)
fixed = [1e-300, 1e-9, 1e-3, 0.25, 0.2500001, 0.5, 1.0, 2.0, 9.0, 18.5, 22.0, 100.0, 300.0, 349.0]
drawn = [10 ** random.uniform(-6, 2.5) for _ in range(50)]
print(f"# test/reference/activations_golden.py, mpmath {mpmath.__version__}, seed {SEED}")
for x in fixed + drawn:
    print(line(x))
    print(line(-x))

#!/usr/bin/env python3
"""A trainer for Consilium: logistic regression by stochastic gradient descent, with NumPy alone.

Reads one frame from stdin and writes one to stdout; docs/analyses/train.md, "Other trainers", has
the format. Parameters are a weight for each column of x, then the intercept.
"""
import json
import sys

import numpy


def read_frame(stream):
    size = int.from_bytes(stream.read(8), "little")
    blob = stream.read(size)
    start = 8 + int.from_bytes(blob[:8], "little")
    head = json.loads(blob[8:start])
    settings = head.pop("__metadata__")
    tensors = {}
    for name, entry in head.items():
        begin, end = entry["data_offsets"]
        numbers = numpy.frombuffer(blob[start + begin:start + end], "<f4")
        tensors[name] = numbers.reshape(entry["shape"]).astype(float)
    return settings, tensors


def write_frame(stream, tensors):
    head, data = {}, b""
    for name, numbers in tensors.items():
        numbers = numpy.asarray(numbers, "<f4")
        entry = {"dtype": "F32", "shape": numbers.shape}
        head[name] = dict(entry, data_offsets=[len(data), len(data) + numbers.nbytes])
        data += numbers.tobytes()
    text = json.dumps(head).encode()
    sizes = [8 + len(text) + len(data), len(text)]
    stream.write(b"".join(size.to_bytes(8, "little") for size in sizes) + text + data)


def with_ones(x):
    return numpy.hstack([x, numpy.ones((len(x), 1))])


def mean_loss(w, x, y):
    logits = with_ones(x) @ w
    return numpy.mean(numpy.logaddexp(0, logits) - y * logits)


def learn(w, x, y, settings):
    random = numpy.random.default_rng([int(settings["seed"]), int(settings["round"])])
    x, rate, l2 = with_ones(x), float(settings["learning_rate"]), float(settings["l2"])
    for _ in range(int(settings["epochs"])):
        order = random.permutation(len(y))
        for first in range(0, len(y), int(settings["batch_size"])):
            batch = order[first:first + int(settings["batch_size"])]
            error = 1 / (1 + numpy.exp(-(x[batch] @ w))) - y[batch]
            w = w - rate * (x[batch].T @ error / len(batch) + l2 * numpy.append(w[:-1], 0))
    return w


settings, given = read_frame(sys.stdin.buffer)
w, x, y = given["parameters"], given["x"], given["y"]
if len(w) != x.shape[1] + 1 or settings["outcome_kind"] != "yes_no":
    sys.exit("this trainer needs a yes/no outcome and parameters = %d" % (x.shape[1] + 1))
reply = {"loss": [mean_loss(w, x, y)]}
if len(given.get("y_held_out", [])) > 0:
    reply["held_out_loss"] = [mean_loss(w, given["x_held_out"], given["y_held_out"])]
if settings["task"] == "train":
    reply["parameters"] = learn(w, x, y, settings)
write_frame(sys.stdout.buffer, reply)

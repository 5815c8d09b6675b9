#!/usr/bin/env python3
"""A trainer for Consilium: logistic regression by stochastic gradient descent, with NumPy alone.

Parameters are a weight for each column of x, then the intercept. What comes from stdin and goes to
stdout: docs/analyses/train.md, "Other trainers".
"""
import json, sys, numpy

frame = sys.stdin.buffer.read(int.from_bytes(sys.stdin.buffer.read(8), "little"))
tensors = 8 + int.from_bytes(frame[:8], "little")
head, given, reply = json.loads(frame[8:tensors]), {}, {}
settings = head.pop("__metadata__")
for name, entry in head.items():
    begin, end = (tensors + offset for offset in entry["data_offsets"])
    given[name] = numpy.frombuffer(frame[begin:end], "<f4").reshape(entry["shape"]).astype(float)
w = given["parameters"]
if len(w) != given["x"].shape[1] + 1 or settings["outcome_kind"] != "yes_no":
    sys.exit("needs a yes/no outcome and parameters = %d" % (given["x"].shape[1] + 1))
for part in "_held_out", "":
    if len(given.get("y" + part, [])) > 0:
        x, y = numpy.insert(given["x" + part], len(w) - 1, 1, axis=1), given["y" + part]
        reply[(part + "_loss")[1:]] = [numpy.mean(numpy.logaddexp(0, x @ w) - y * (x @ w))]
if settings["task"] == "train":
    random = numpy.random.default_rng([int(settings["seed"]), int(settings["round"])])
    rate, l2, size = (float(settings[key]) for key in ("learning_rate", "l2", "batch_size"))
    for _ in range(int(settings["epochs"])):
        for batch in numpy.split(random.permutation(len(y)), range(int(size), len(y), int(size))):
            error = 1 / (1 + numpy.exp(-(x[batch] @ w))) - y[batch]
            w = w - rate * (x[batch].T @ error / len(batch) + l2 * numpy.append(w[:-1], 0))
    reply["parameters"] = w
head, data = {}, b""
for name, numbers in reply.items():
    data, begin = data + numpy.asarray(numbers, "<f4").tobytes(), len(data)
    head[name] = {"dtype": "F32", "shape": [len(numbers)], "data_offsets": [begin, len(data)]}
head = json.dumps(head).encode()
sizes = [8 + len(head) + len(data), len(head)]
sys.stdout.buffer.write(b"".join(size.to_bytes(8, "little") for size in sizes) + head + data)

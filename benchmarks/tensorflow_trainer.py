"""A process that trains networks of SpectralTools, as it is told on its input, line by line.

Started by :mod:`benchmarks.tensorflow`. It needs TensorFlow and SpectralTools, nothing of this
project and no torch.
"""

import json
import sys
from importlib.metadata import version
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras
from spectraltools import Spectral


def main(examples: str, threads: int) -> None:
    """Answer each line, of JSON, with a line.

    ``{"hidden": …}`` makes a network of the settings; ``{}`` trains it. The first answer, the
    versions, comes unasked.

    Args:
        examples: file of ``inputs``, shape (n, pixels), and ``targets``, shape (n,).
        threads: that TensorFlow computes on.
    """
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    found = np.load(examples)
    inputs, targets = found["inputs"], found["targets"]
    answer({name: version(name) for name in ("tensorflow", "tf_keras", "spectraltools")})
    for line in sys.stdin:
        if told := json.loads(line):
            settings, network = told, build(inputs.shape[1], told)
        else:
            network.fit(
                inputs,
                targets,
                batch_size=settings["batch_size"],
                epochs=settings["epochs"],
                verbose=0,
            )
        answer({})


def build(inputs: int, settings: dict[str, Any]) -> tf_keras.Sequential:
    """The paper's network: no biases, a softmax at the end, Adam."""
    network = tf_keras.Sequential([tf_keras.layers.InputLayer((inputs,))])
    for width in settings["hidden"]:
        network.add(layer(width, settings["activation"], settings))
    network.add(layer(settings["classes"], "softmax", settings))
    network.compile(
        optimizer=tf_keras.optimizers.Adam(settings["learning_rate"]),
        loss="sparse_categorical_crossentropy",
    )
    return network


def layer(width: int, activation: str, settings: dict[str, Any]) -> Any:
    """A plain or a spectral layer."""
    if settings["layers"] == "direct":
        return tf_keras.layers.Dense(width, activation, use_bias=False)
    return Spectral(width, activation, is_base_trainable=settings["trains"] == "both")


def answer(found: dict[str, str]) -> None:
    """Write a line for whoever waits."""
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

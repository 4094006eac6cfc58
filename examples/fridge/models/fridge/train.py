"""python models/fridge/train.py: trains, converts, prints what the int8 model gets right. A minute."""

from __future__ import annotations

import fridge
import keras
import numpy as np

from sim.convert import convert

keras.utils.set_random_seed(1)
x, y = fridge.examples(1, 200)
test_x, test_y = fridge.examples(2, 60)
k = keras.layers
model = keras.Sequential(
    [keras.Input((fridge.CARD["window"],)), k.Dense(16, activation="relu"), k.Dense(12, activation="relu"),
     k.Dense(len(fridge.LABELS), activation="softmax")]
)  # fmt: skip
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
counts = np.bincount(y)
model.fit(x, y, epochs=12, batch_size=128, verbose=2, class_weight={i: len(y) / n / 3 for i, n in enumerate(counts)})
print("test:", model.evaluate(test_x, test_y, verbose=0)[1])
print("each:", [float((model.predict(test_x[test_y == i], verbose=0).argmax(1) == i).mean()) for i in range(3)])
chosen = np.random.default_rng(0).choice(len(x), 500, replace=False)
result = convert(model, x[chosen], out=fridge.HERE / "fridge.tflite")
print(result.inputs[0], result.errors[0], sep="\n")

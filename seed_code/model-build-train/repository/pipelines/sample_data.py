"""Made-up rows shaped like the abalone data, so that the first push trains a model with nothing to download.

The published data set (4,177 measured animals, UCI Machine Learning Repository) is not part of this repository. These
rows have its columns, ranges and difficulty, and are the same for the same arguments on every machine.
"""

import math
import random

COLUMNS = "sex,length,diameter,height,whole_weight,shucked_weight,viscera_weight,shell_weight,rings"
PUBLISHED_ROWS = 4177


def sample_csv(rows: int = PUBLISHED_ROWS, seed: int = 1) -> str:
    """Return CSV text with a header."""
    generator = random.Random(seed)  # noqa: S311 - made-up measurements, not a secret
    return "\n".join([COLUMNS, *(_row(generator) for _ in range(rows))]) + "\n"


def _row(generator: random.Random) -> str:
    rings = min(29, max(1, round(generator.gammavariate(9.4, 1.06))))
    grown = 1 - math.exp(-0.24 * rings)
    length = 0.66 * grown * generator.gauss(1, 0.06)
    diameter = 0.80 * length * generator.gauss(1, 0.02)
    height = 0.275 * length * generator.gauss(1, 0.06)
    whole = 5.9 * length**3 * generator.gauss(1, 0.08)
    shucked = 0.46 * whole * generator.gauss(1, 0.07) * (1 - 0.010 * (rings - 10))
    viscera = 0.22 * whole * generator.gauss(1, 0.10)
    shell = 0.27 * whole * generator.gauss(1, 0.07) * (1 + 0.022 * (rings - 10))
    infant = generator.random() < 1 / (1 + math.exp(rings - 8))
    sex = "I" if infant else generator.choice("FM")
    measures = (length, diameter, height, whole, shucked, viscera, shell)
    return ",".join([sex, *(f"{max(value, 0.001):.4f}" for value in measures), str(rings)])

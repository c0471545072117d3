"""One training job of a tuning job: the same training, where the image's script mode and not a command starts it.

Script mode hands the hyperparameters over as arguments, too; they are in SageMaker's file as in any other job.
"""

import sys

from abalone import train

if __name__ == "__main__":
    sys.exit(train.main([]))

import hashlib

from pipelines.sample_data import PUBLISHED_ROWS, sample_csv


def test_the_sample_is_the_same_on_every_machine():
    # The key under which it is uploaded carries this hash: another text would start needless executions.
    digest = hashlib.sha256(sample_csv().encode()).hexdigest()
    assert digest == "34d57c550064f8e23ae9960d56d6669aa2949863a5d572611bdb4228b40f6f33"


def test_the_sample_has_as_many_rows_as_the_published_data_and_depends_on_the_seed():
    assert len(sample_csv().splitlines()) == PUBLISHED_ROWS + 1
    assert sample_csv(50, seed=1) != sample_csv(50, seed=2)

"""docs/aws-plugin.md is what the contract says, and tells how to take back all that a stack leaves behind."""

import re

from tests.contract.page import PAGE, page, retained
from tests.contract.rows import rows


def test_the_page_is_what_the_rows_say() -> None:
    assert PAGE.read_text() == page(), "run `make docs`"


def test_each_type_that_is_retained_has_its_import_id() -> None:
    section = PAGE.read_text().partition("## Taking back")[2].partition("## Calls")[0]
    told = dict(re.findall(r"^\| (aws:\S+) \| `([^`]+)`", section, re.MULTILINE))
    assert told.keys() == retained()
    assert told == {kind: rows()[kind].import_id for kind in retained()}
    assert {"aws:s3/bucket:Bucket", "aws:kms/key:Key", "aws:codecommit/repository:Repository"} <= told.keys()

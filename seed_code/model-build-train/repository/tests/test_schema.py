import numpy as np
import pytest

from abalone import schema

HEADER = ",".join(schema.COLUMNS)
ROW = "M,0.455,0.365,0.095,0.514,0.2245,0.101,0.15,15"


def test_rows_without_a_header_are_read_in_the_published_order(raw):
    features, labels = schema.read_labelled(raw(f"{ROW}\n{ROW}\n"))
    assert features.shape == (2, 8)
    assert features[0].tolist() == ["M", 0.455, 0.365, 0.095, 0.514, 0.2245, 0.101, 0.15]
    assert labels.tolist() == [15, 15]


def test_a_header_puts_the_columns_in_order_and_leaves_others_out(raw):
    header = ",".join(["id", *reversed(schema.COLUMNS)])
    row = ",".join(["7", *reversed(ROW.split(","))])
    features, labels = schema.read_labelled(raw(f"{header}\n{row}\n"))
    assert features[0].tolist() == ["M", 0.455, 0.365, 0.095, 0.514, 0.2245, 0.101, 0.15]
    assert labels.tolist() == [15]


def test_several_files_are_read_in_the_order_of_their_names(raw):
    _, labels = schema.read_labelled(raw(ROW, ROW.replace(",15", ",9"), ROW))
    assert labels.tolist() == [15, 9, 15]


def test_what_is_written_is_read_again(tmp_path):
    features = np.array([["F", 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]], dtype=object)
    schema.write_labelled(tmp_path / "deep" / "x.csv", features, np.array([4.0]))
    again, labels = schema.read_labelled(tmp_path / "deep")
    assert again.tolist() == features.tolist()
    assert labels.tolist() == [4.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "part-0.csv: the file is empty; expected rows of sex, length"),
        ("\n\n", "part-0.csv: the file is empty"),
        (f"{HEADER}\n", "part-0.csv: there is a header but no row below it"),
        (f"{HEADER.replace(',height', '')}\n", "part-0.csv: missing column height; the header has sex, length"),
        (
            f"{HEADER.replace(',height', '').replace(',rings', '')}\n{ROW}\n",
            "part-0.csv: missing columns height, rings; the header has",
        ),
        (f"{HEADER},sex\n{ROW},M\n", "part-0.csv: column sex stands more than once"),
        ("M,0.4,0.3\n", "part-0.csv: line 1 has 3 columns, expected 9: sex, length"),
        (f"{ROW}\n{ROW},1\n", "part-0.csv: line 2 has 10 columns, expected 9"),
        (f"{HEADER}\n{ROW}\n{ROW.replace('0.095', 'nan')}\n", "line 3, column height: 'nan' is not a finite number"),
        (ROW.replace("0.095", ""), "line 1, column height: an empty value is not a finite number of 0 or more"),
        (ROW.replace("0.095", "-1"), "line 1, column height: '-1' is not a finite number of 0 or more"),
        (ROW.replace("0.095", "inf"), "line 1, column height: 'inf' is not"),
        (ROW.replace("M,", "X,"), "line 1, column sex: 'X' is none of F, I, M"),
        (ROW.replace(",15", ",old"), "line 1, column rings: 'old' is not a finite number"),
    ],
)
def test_rows_that_cannot_be_used_are_named(raw, text, message):
    with pytest.raises(schema.DataError) as caught:
        schema.read_labelled(raw(text))
    assert message in str(caught.value)


def test_only_the_first_faults_are_listed(raw):
    with pytest.raises(schema.DataError, match=r"line 5, column sex: 'X' is none of F, I, M; and 3 more$"):
        schema.read_labelled(raw("\n".join([ROW.replace("M,", "X,")] * 8)))


def test_a_folder_without_csv_files_is_refused(tmp_path):
    with pytest.raises(schema.DataError, match=r"there is no \.csv file; point the InputDataUrl parameter"):
        schema.read_labelled(tmp_path)


def test_a_file_that_is_not_text_is_refused(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"M,\xff\xfe")
    with pytest.raises(schema.DataError, match=r"a\.csv: not a UTF-8 text file"):
        schema.read_labelled(tmp_path)

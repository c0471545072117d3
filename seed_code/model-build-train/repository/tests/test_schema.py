import bz2
import gzip
import lzma

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


def test_a_file_that_is_not_text_is_refused(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"M,\xff\xfe")
    with pytest.raises(schema.DataError, match=r"a\.csv: not a UTF-8 text file"):
        schema.read_labelled(tmp_path)


@pytest.mark.parametrize(
    "name",
    ["abalone.data", "rows.CSV", "part-00000", "2024/01/rows.csv", "rows.txt", "rows.tsv", "deep/ROWS.CSV.GZ"],
)
def test_every_file_below_the_prefix_is_read(tmp_path, name):
    for number, path in enumerate(("first.csv", name), start=1):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        content = ROW.replace(",15", f",{number}").encode()
        file.write_bytes(gzip.compress(content) if path.endswith("GZ") else content)
    _, labels = schema.read_labelled(tmp_path)
    assert sorted(labels.tolist()) == [1, 2]


@pytest.mark.parametrize(("ending", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)])
def test_compressed_files_are_read_and_broken_ones_named(tmp_path, ending, pack):
    (tmp_path / f"rows.csv{ending}").write_bytes(pack(ROW.encode()))
    assert schema.read_labelled(tmp_path)[1].tolist() == [15]
    (tmp_path / f"rows.csv{ending}").write_bytes(pack(ROW.encode())[:-6])
    with pytest.raises(schema.DataError, match=f"rows.csv{ending}: cannot be read"):
        schema.read_labelled(tmp_path)


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
@pytest.mark.parametrize("header", [True, False])
def test_other_delimiters_are_read(raw, delimiter, header):
    text = f"{HEADER}\n{ROW}\n" if header else f"{ROW}\n"
    features, labels = schema.read_labelled(raw(text.replace(",", delimiter)))
    assert (features[0][0], labels.tolist()) == ("M", [15])


def test_what_would_be_left_out_is_named_and_nothing_is_read(raw, capsys):
    directory = raw(ROW)
    (directory / "_SUCCESS").touch()
    assert schema.read_labelled(directory)[1].tolist() == [15]
    assert capsys.readouterr().out == "empty, so not read: _SUCCESS\n"
    (directory / "old").mkdir()
    (directory / "old/rows.parquet").write_bytes(b"PAR1")
    (directory / "abalone.names").write_text("about the data")
    (directory / "rows.zip").write_bytes(b"PK")
    with pytest.raises(schema.DataError, match=r"^abalone\.names, old/rows\.parquet, rows\.zip: not read, since only"):
        schema.read_labelled(directory)


def test_a_prefix_without_files_is_named(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(schema.DataError, match="there is no file; point the InputDataUrl parameter at CSV data"):
        schema.read_labelled(tmp_path)


def test_missing_values_are_taken_where_they_may_be_and_written_again(raw, tmp_path):
    text = f"{ROW}\n{ROW.replace('0.095', '')}\n{ROW.replace('0.455', 'NaN')}\n{ROW.replace('M', 'na')}\n"
    features, labels = schema.read_labelled(raw(text), missing=True)
    assert schema.missing_counts(features) == {"sex": 1, "length": 1, "height": 1}
    schema.write_labelled(tmp_path / "again" / "x.csv", features, labels)
    again, _ = schema.read_labelled(tmp_path / "again", missing=True)
    assert schema.missing_counts(again) == {"sex": 1, "length": 1, "height": 1}


def test_a_label_is_never_missing(raw):
    with pytest.raises(schema.DataError, match="line 1, column rings: an empty value is not"):
        schema.read_labelled(raw(ROW.replace(",15", ",")), missing=True)

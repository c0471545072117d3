"""What a version brings is told by paths: all that matters, and no more than anybody reads or a state should keep."""

from components.packaging import Changes
from components.packaging.release_changes import MOST_CHARACTERS, MOST_ENTRIES, MOST_TOLD, listed


def test_added_changed_and_removed_files_are_told_apart() -> None:
    before = {"template.yaml": "1", "repository/a.py": "1", "repository/b.py": "1"}
    after = {"template.yaml": "2", "repository/b.py": "1", "repository/c.py": "1"}
    assert str(Changes.between(before, after)) == (
        "Changed: template.yaml. Added: repository/c.py. Removed: repository/a.py."
    )
    assert str(Changes.between(after, after)).startswith("No file changed")


def test_many_files_are_told_by_the_first_of_them_and_their_number() -> None:
    after = {f"repository/{number:04}.py": "1" for number in range(5000)}
    told = str(Changes.between({}, after))
    assert told.startswith("Added: repository/0000.py, repository/0001.py")
    assert told.endswith(f"and {5000 - MOST_TOLD:,} more.")


def test_the_longest_paths_that_there_are_fit_into_a_description() -> None:
    before = {f"old/{number}{'x' * 4000}": "1" for number in range(30)}
    after = {f"new/{number}{'x' * 4000}": "1" for number in range(30)}
    both = {f"both/{number}{'x' * 4000}": "1" for number in range(30)}
    told = str(Changes.between({**before, **both}, {**after, **dict.fromkeys(both, "2")}))
    assert len(told) < MOST_CHARACTERS + 200
    assert all(kind in told for kind in ("Added: new/", "Changed: both/", "Removed: old/"))


def test_few_files_are_listed_one_by_one() -> None:
    digests = {"template.yaml": "a" * 16, "repository/deep/in/it.py": "b" * 16}
    assert listed(digests) == {"template.yaml": "a" * 8, "repository/deep/in/it.py": "b" * 8}


def test_of_many_files_the_deepest_are_listed_by_folder_and_each_still_counts() -> None:
    digests = {"template.yaml": "a" * 16, "repository/README.md": "a" * 16} | {
        f"repository/data/{folder}/{number}.csv": "c" * 16 for folder in range(3) for number in range(5000)
    }
    before = listed(digests)
    folders = [f"repository/data/{folder}/" for folder in range(3)]
    assert list(before) == ["repository/README.md", *folders, "template.yaml"]
    after = listed({**digests, "repository/data/1/4999.csv": "d" * 16})
    assert Changes.between(before, after).changed == ("repository/data/1/",)


def test_a_list_has_no_more_entries_than_a_state_should_keep() -> None:
    flat = {f"repository/{number}.csv": "c" * 16 for number in range(MOST_ENTRIES)}
    assert list(listed({**flat, "template.yaml": "a" * 16})) == ["repository/", "template.yaml"]
    assert len(listed(flat)) == MOST_ENTRIES

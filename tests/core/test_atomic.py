import os

import pytest

from assistant.atomic import replace_file, replace_files_in, write_text


def test_a_file_appears_whole(tmp_path):
    target = tmp_path / "new" / "report.txt"
    write_text(target, "你好")
    assert target.read_text(encoding="utf-8") == "你好"
    assert [path.name for path in target.parent.iterdir()] == ["report.txt"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "report.txt"
    write_text(target, "old")
    with pytest.raises(RuntimeError), replace_file(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["report.txt"]


def test_the_result_follows_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "file", "text")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_files_that_belong_together_are_replaced_together(tmp_path):
    write_text(tmp_path / "kept.txt", "other")
    for run in ("first", "second"):
        with replace_files_in(tmp_path) as folder:
            for name in ("a.txt", "b.txt"):
                (folder / name).write_text(run)
    with pytest.raises(KeyboardInterrupt), replace_files_in(tmp_path) as folder:
        (folder / "a.txt").write_text("third")
        raise KeyboardInterrupt
    content = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert content == {"kept.txt": "other", "a.txt": "second", "b.txt": "second"}


def test_a_folder_that_was_made_for_files_that_failed_goes_away(tmp_path):
    with pytest.raises(RuntimeError), replace_files_in(tmp_path / "new"):
        raise RuntimeError
    assert not (tmp_path / "new").exists()

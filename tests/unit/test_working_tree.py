"""Writing into a repository: no link leads us out of it."""

import os
import subprocess
from pathlib import Path

import pytest

from tokenguard.errors import InputError
from tokenguard.usecases.working_tree import WorkingTree


@pytest.fixture
def tree(tmp_path: Path) -> WorkingTree:
    root = tmp_path / "repository"
    root.mkdir()
    subprocess.run(["git", "init", "-q", str(root)], check=True, timeout=30)
    return WorkingTree(root, os.environ)


def test_a_file_is_written_below_new_folders_and_read_back(tree: WorkingTree) -> None:
    assert tree.read("a/b/c.txt") is None
    tree.write("a/b/c.txt", "text")
    assert tree.read("a/b/c.txt") == "text"


def test_not_even_a_folder_is_made_behind_a_link(tree: WorkingTree, tmp_path: Path, words) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tree.root / "linked").symlink_to(outside)
    with pytest.raises(InputError) as caught:
        tree.write("linked/folder/file", "text")
    words(caught.value)
    with pytest.raises(InputError) as caught:
        tree.read("linked/folder/file")
    words(caught.value)
    assert not list(outside.iterdir())

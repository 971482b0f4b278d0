"""A local store in a directory whose name is not UTF-8, and a user without a home directory."""

import os
from pathlib import Path

import pytest

from tokenguard import places
from tokenguard.errors import InputError
from tokenguard.files import expanded
from tokenguard.shell.store_url import local_directory
from tokenguard.stores.local.database import connect
from tokenguard.stores.local.layout import StoreDirectory

NO_UTF8 = os.fsdecode(b"a\xff")


def test_the_address_of_a_store_names_its_directory_again(tmp_path):
    directory = tmp_path / NO_UTF8
    assert local_directory(StoreDirectory(directory).url) == directory


def test_a_database_is_opened_whatever_its_name(tmp_path):
    path = tmp_path / NO_UTF8
    path.touch()
    connect(path).close()


@pytest.mark.parametrize("kind", [places.CONFIG, places.STATE])
@pytest.mark.parametrize("home", ["~", "here", ""])
def test_a_user_without_a_home_has_no_place_in_the_working_directory(monkeypatch, kind, home):
    """A repository could hold a directory `~` with a configuration, which names programs."""
    monkeypatch.setattr(os.path, "expanduser", lambda _path: home)
    assert Path(places.place(kind)).is_absolute()
    assert places.home_dir().is_absolute()


def test_a_path_below_no_home_is_refused(monkeypatch):
    with pytest.raises(InputError):
        expanded("~no-such-user/x")

"""What every place must do, whoever keeps it: read one field, replace it by compare-and-set, leave the others alone."""

from abc import ABC, abstractmethod
from typing import Any

import pytest

from tests.fakes.world import canary
from tokenguard.domain.secret import Secret
from tokenguard.errors import Conflict, InputError
from tokenguard.ports.external_fields import ExternalField

OTHERS: dict[str, Any] = {
    "zone": "eu", "count": 7, "ratio": 1.5, "on": True, "off": False, "none": None, "empty": "", "text": 'ü \u2028 "\\',
    "nested": {"b": [1, {"c": None}], "a": {}}, "list": [],
}  # fmt: skip


class PlaceContract(ABC):
    """Subclasses say how an entry comes to be, what a stranger does to it, and what is in it."""

    forgets = False
    """Whether what was deleted is gone for good there."""

    @abstractmethod
    def put(self, fields: dict[str, Any]) -> None: ...

    @abstractmethod
    def remove(self) -> None: ...

    @abstractmethod
    def fields(self) -> dict[str, Any]: ...

    @abstractmethod
    def place(self, field: str = "token") -> ExternalField: ...

    def test_what_is_not_there_is_nothing(self):
        assert self.place().read() is None
        self.put(OTHERS)
        assert self.place().read() is None
        assert self.place("none").read() is None

    def test_only_what_was_deleted_has_a_way_back(self):
        assert self.place().absence() is None
        self.put({"token": canary()})
        assert self.place().absence() is None
        self.remove()
        assert self.place().read() is None
        gone = self.place().absence()
        assert self.forgets or (gone is not None and gone.message != "" and gone.hint != "")

    def test_a_field_is_read_and_replaced_and_the_others_stay(self):
        old, new = canary(), canary()
        self.put({**OTHERS, "token": old})
        held = self.place().read()
        assert held is not None
        assert held.text.reveal() == old
        self.place().replace(held.version, Secret(new))
        assert self.fields() == {**OTHERS, "token": new}
        again = self.place().read()
        assert again is not None
        assert again.text.reveal() == new
        assert again.version != held.version

    def test_replacing_by_the_same_text_makes_a_new_version(self):
        value = canary()
        self.put({"token": value})
        held = self.place().read()
        assert held is not None
        self.place().replace(held.version, held.text)
        again = self.place().read()
        assert again is not None
        assert again.version != held.version
        assert again.text == held.text

    def test_a_version_is_met_once(self):
        first, second, third = canary(), canary(), canary()
        self.put({"token": first, "zone": "eu"})
        held = self.place().read()
        assert held is not None
        self.place().replace(held.version, Secret(second))
        with pytest.raises(Conflict):
            self.place().replace(held.version, Secret(third))
        assert self.fields() == {"token": second, "zone": "eu"}

    def test_a_strangers_write_between_is_a_conflict_and_stays(self):
        self.put({"token": canary(), "zone": "eu"})
        held = self.place().read()
        assert held is not None
        theirs = {"token": held.text.reveal(), "zone": "us"}
        self.put(theirs)
        with pytest.raises(Conflict):
            self.place().replace(held.version, Secret(canary()))
        assert self.fields() == theirs

    def test_an_entry_that_was_deleted_is_nothing_and_is_not_brought_back(self):
        self.put({"token": canary()})
        held = self.place().read()
        assert held is not None
        self.remove()
        assert self.place().read() is None
        with pytest.raises(Exception) as caught:
            self.place().replace(held.version, Secret(canary()))
        assert type(caught.value).__module__.startswith("tokenguard.")
        assert self.place().read() is None

    @pytest.mark.parametrize("field", ["count", "nested", "list", "on"])
    def test_what_is_not_text_is_refused(self, field):
        self.put(OTHERS)
        with pytest.raises(InputError):
            self.place(field).read()

    def test_a_field_may_have_any_name(self):
        name = "a b/c#d%e'\"ü"
        self.put({name: "before", "token": "x"})
        held = self.place(name).read()
        assert held is not None
        self.place(name).replace(held.version, Secret("after"))
        assert self.fields() == {name: "after", "token": "x"}

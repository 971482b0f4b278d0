"""`[people]` names a CSV file: `person-left` and `offboard` know people by all their names, and bad files are refused."""

import csv
import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenguard.domain.people import Directory, Person
from tokenguard.errors import InputError
from tokenguard.inventory.people_file import read_people

NAME, OTHER = "video/app/prod/upload", "video/app/dev/upload"
OURS = "person,logins,active\nkim,kim@example.com;kim-gh,false\nalex,alex@example.com,true\n"
SCIM = (
    "id,externalId,userName,displayName,emails.value,emails.type,active\n"
    "2819c223,e-701,kim,Kim Doe,kim@example.com,work,false\n2819c224,e-702,alex,Alex Roe,alex@example.com,work,true\n"
)
GITHUB = "login,name,tfa_enabled,role,saml_name_id\nkim-gh,kim,true,member,kim@example.com\nalex,Alex Roe,true,admin,alex@x\n"


OKTA = "login,email,status\n" + "".join(
    f"{status.lower()},{status.lower()}@example.com,{status}\n"
    for status in (
        "STAGED", "PROVISIONED", "ACTIVE", "RECOVERY", "PASSWORD_EXPIRED", "LOCKED_OUT", "SUSPENDED", "DEPROVISIONED",
    )
)  # fmt: skip


def test_the_states_of_a_directory_s_users_say_who_has_left():
    found = read_people(OKTA.encode(), source="okta.csv")
    assert {each.name for each in found if each.left} == {"suspended", "deprovisioned"}


@pytest.fixture
def people(cli, tmp_path):
    def write(text, more=""):
        data = text if isinstance(text, bytes) else text.encode()
        (tmp_path / "people.csv").write_bytes(data)
        (tmp_path / "config.toml").write_text(f'[people]\nfile = "people.csv"\n{more}')
        cli.environ["TOKENGUARD_CONFIG"] = str(tmp_path / "config.toml")

    return write


def left(cli):
    found = cli("check", "--format", "json").document["violations"]
    return {each["token"]: each["fix"] for each in found if each["rule"] == "person-left"}


@pytest.mark.parametrize("text", [OURS, SCIM], ids=["ours", "scim"])
@pytest.mark.parametrize("name", ["kim", "KIM", "kim@example.com"])
def test_a_person_who_is_not_active_has_left_under_each_of_their_names(cli, people, text, name):
    people(text)
    cli.add(NAME, "--made-by", name)
    cli.add(OTHER, "--made-by", "alex")
    assert left(cli) == {NAME: f"tokenguard rotate {NAME}"}
    assert cli("rotate", NAME).code == 0
    assert left(cli) == {}


def test_offboard_finds_what_a_person_made_under_another_name(cli, people):
    people(OURS)
    cli.add(NAME, "--made-by", "kim-gh", "--account", "Kim@example.com")
    cli.add(OTHER, "--made-by", "alex", "--deputy", "kim@example.com")
    planned = cli("offboard", "kim", "--plan", "--format", "json").document["tokens"]
    assert {each["name"]: each["roles"] for each in planned} == {NAME: ["made_by", "account"], OTHER: ["deputy"]}
    cli.refused("offboard", "kim", "--to", "kim-gh", "--yes")
    assert cli("offboard", "kim-gh", "--to", "alex", "--yes").code == 0
    assert left(cli) == {}


def test_a_person_who_has_left_takes_over_nothing(cli, people):
    people(OURS + "sam,sam@example.com,false\n")
    cli.add(NAME, "--made-by", "kim")
    cli.refused("offboard", "kim", "--to", "sam@example.com", "--yes")


def test_who_is_missing_has_left_only_if_the_file_is_complete(cli, people):
    people(GITHUB)
    cli.add(NAME, "--made-by", "jo")
    cli.add(OTHER, "--made-by", "kim", "--account", "shared-login")
    assert left(cli) == {}
    people(GITHUB, "complete = true\n")
    assert set(left(cli)) == {NAME}


def test_an_export_without_people_says_nothing_of_anyone(cli, people):
    for more in ("", "complete = true\n"):
        people("person,active\n\n", more)
        cli.refused("check")
        cli.refused("offboard", "kim", "--plan")


def test_a_person_who_is_only_missing_is_told_apart_from_one_who_is_listed_as_having_left(cli, people):
    people(OURS, "complete = true\n")
    cli.add(NAME, "--made-by", "kim", "--deputy", "jo")
    found = cli("check", "--format", "json").document["violations"]
    (said,) = [each["text"] for each in found if each["rule"] == "person-left"]
    by_creator, _, by_deputy = said.partition("; ")
    assert ("people file" in by_creator, "people file" in by_deputy) == (False, True)


@pytest.mark.parametrize("name", ["kim", "Kim-GH", "KIM@EXAMPLE.COM"])
@pytest.mark.parametrize("option", ["--made-by", "--account"])
def test_a_selection_finds_each_spelling_of_a_name(cli, people, name, option):
    cli.add(NAME, option, name)
    cli.add(OTHER, option, "alex")

    def found(asked):
        return [each["name"] for each in cli("list", option, asked, "--format", "json").document["tokens"]]

    assert found(name.swapcase()) == [NAME]
    people(OURS)
    assert found("kim-gh") == [NAME]


def test_a_runner_s_identity_is_no_person_who_has_left():
    directory = Directory([Person(name="kim")], complete=True)
    assert [directory.has_left(each) for each in ("vault:entity:1", "social/admin", "env:X", "", "jo")] == [
        None, None, None, None, True,
    ]  # fmt: skip


def test_show_says_who_it_is_and_that_they_left(cli, people):
    people(OURS)
    cli.add(NAME, "--made-by", "kim-gh")
    assert "kim-gh (kim), has left" in cli("show", NAME).out


def test_a_byte_order_mark_quotes_and_line_ends_of_windows_are_read():
    text = b'\xef\xbb\xbf"userName","active"\r\n"kim","FALSE"\r\n\r\n"\'=x","true"\r\n'
    assert read_people(text, source="p.csv") == [Person(name="kim", left=True), Person(name="=x")]


ACCENTS = ["Jose\u0301", "JOS\u00c9", "jos\u00e9"]


@pytest.mark.parametrize("record", ACCENTS)
@pytest.mark.parametrize("listed", ACCENTS)
@pytest.mark.parametrize("column", ["person", "person,logins"])
def test_a_name_is_the_same_however_its_accent_is_encoded(listed, record, column):
    cells = listed if column == "person" else f"jo,{listed}"
    found = Directory(read_people(f"{column},active\n{cells},false\n".encode(), source="p.csv"))
    assert found.has_left(record) is True
    assert found.same(record, listed)
    with pytest.raises(InputError, match=r"^p\.csv:3: "):
        read_people(f"person\n{listed}\n{record}\n".encode(), source="p.csv")


SPACES = ("jo van dyk", "jo  van dyk", " Jo van\N{NO-BREAK SPACE}Dyk ", "JO VAN\N{IDEOGRAPHIC SPACE}DYK")


@pytest.mark.parametrize("record", SPACES)
@pytest.mark.parametrize("listed", SPACES)
def test_a_name_is_the_same_whatever_spaces_a_spreadsheet_put_into_it(listed, record):
    found = Directory([Person(name="kim", aliases=(listed,), left=True)])
    assert found.has_left(record) is True
    assert found.same(record, "kim")
    assert not found.same("jovandyk", listed)


ADDRESSES = {
    "with brackets": "emails[0].value,emails[0].type,emails[1].value,emails[1].type",
    "with points": "emails.0.value,emails.0.type,emails.1.value,emails.1.primary",
    "the type first": "emails.type,emails.value,emails[1].type,emails[1].value",
    "with a filter": 'emails[0].value,x,"emails[type eq ""home""].value",y',
}


@pytest.mark.parametrize("header", ADDRESSES.values(), ids=ADDRESSES)
def test_every_address_of_a_person_is_a_name_of_theirs_and_its_type_is_none(header):
    rows = [["kim@example.com", "work", "k@home.example", "home"], ["jo@example.com", "work", "j@home.example", "home"]]
    if header.startswith("emails.type"):
        rows = [[row[1], row[0], row[3], row[2]] for row in rows]
    text = f"userName,{header}\n" + "".join(f"{name},{','.join(row)}\n" for name, row in zip("kj", rows, strict=True))
    first, second = read_people(text.encode(), source="p.csv")
    assert first.aliases == ("kim@example.com", "k@home.example")
    assert second.aliases == ("jo@example.com", "j@home.example")


@pytest.mark.parametrize(
    ("active", "status", "has_left"),
    [
        ("", "suspended", True), ("", "active", False), ("", "", False), ("true", "suspended", True),
        ("false", "active", True), ("true", "PROVISIONED", False), ("true", "", False), ("false", "", True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("order", ["active,status", "status,active"])
def test_a_person_has_left_if_either_column_says_so(active, status, has_left, order):
    cells = (active, status) if order == "active,status" else (status, active)
    (found,) = read_people(f"person,{order}\nkim,{','.join(cells)}\n".encode(), source="p.csv")
    assert found.left is has_left


BAD = {
    "an unknown status where active is empty": (b"person,active,status\nkim,,maybe\n", "p.csv:2:3"),
    "a formula": (b"person,logins\nkim,=HYPERLINK(1)\n", "p.csv:2:2"),
    "a formula after blanks": (b"person\nkim\n  @x\n", "p.csv:3:1"),
    "a person twice": (b"person\nkim\nalex\nKIM\n", "p.csv:4"),
    "one login of two people": (b"person,logins\nkim,a@x\nalex,b@x;A@x\n", "p.csv:3"),
    "latin-1": (b"person,name\nkim,K\xefm\n", "p.csv:2:6"),
    "utf-16": ("person\nkim\n".encode("utf-16"), "p.csv:1:1"),
    "a NUL": (b"person\nki\0m\n", "p.csv:2"),
    "no column of people": (b"team,active\nvideo,true\n", "p.csv:1"),
    "nothing": (b"", "p.csv:1"),
    "a column twice": (b"person,active,Active\nkim,true,true\n", "p.csv:1:3"),
    "an empty name": (b"person,active\n,true\n", "p.csv:2:1"),
    "too few fields": (b"person,active\nkim\n", "p.csv:2"),
    "too many fields": (b"person\nkim,true\n", "p.csv:2"),
    "another word for active": (b"person,active\nkim,maybe\n", "p.csv:2:2"),
    "an open quote": (b'person\n"kim\n', "p.csv:2"),
    "a control character": (b"person\nk\x1b[31mim\n", "p.csv:2:1"),
    "a long name": (b"person\n" + b"k" * 300 + b"\n", "p.csv:2:1"),
}


@pytest.mark.parametrize(("data", "place"), BAD.values(), ids=BAD)
def test_a_bad_file_is_refused_with_line_and_column_and_without_its_content(data, place):
    with pytest.raises(InputError) as caught:
        read_people(data, source="p.csv")
    assert caught.value.message.startswith(f"{place}: "), caught.value.message
    assert "kim" not in caught.value.message.casefold()


def test_a_bad_file_stops_the_command_with_exit_2(cli, people):
    cli.add(NAME, "--made-by", "kim")
    people("person\nkim\nkim\n")
    cli.refused("check")
    people("x")
    cli.refused("offboard", "kim", "--plan")
    from pathlib import Path

    Path(cli.environ["TOKENGUARD_CONFIG"]).with_name("people.csv").unlink()
    cli.refused("check")


NAMES = st.text(st.characters(categories=["L", "N"], include_characters=" .@-_"), min_size=1, max_size=20).filter(
    lambda text: text.strip() == text and text[0] not in "=+-@|%'"
)


@given(
    st.lists(
        st.tuples(NAMES, NAMES, st.booleans()), min_size=1, max_size=6, unique_by=(lambda row: row[0].casefold(),)
    ),
    st.booleans(),
)
def test_what_was_written_is_what_is_read(rows, bom):
    names = [each.casefold() for row in rows for each in {row[0].casefold(), row[1].casefold()}]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["active", "person", "other", "email"])
    writer.writerows([str(active), name, "x", email] for name, email, active in rows)
    data = (b"\xef\xbb\xbf" if bom else b"") + out.getvalue().encode()
    if len(names) != len(set(names)):
        with pytest.raises(InputError):
            read_people(data, source="p.csv")
        return
    found = read_people(data, source="p.csv")
    assert [(each.name, each.left) for each in found] == [(name, not active) for name, _, active in rows]
    for name, email, active in rows:
        assert Directory(found).has_left(email) is (not active)
        assert Directory(found).same(name, email)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data):
    with suppress(InputError):
        assert all(each.name for each in read_people(data, source="p.csv"))


def test_a_report_says_whose_creator_has_left(cli, people):
    people(OURS)
    cli.add(NAME, "--made-by", "kim-gh")
    cli.add(OTHER, "--made-by", "alex")
    rows = list(csv.DictReader(io.StringIO(cli("report", "--format", "csv").out)))
    assert {row["token"]: row["creator has left"] for row in rows if row["token"]} == {NAME: "yes", OTHER: "no"}


def test_a_selection_by_person_finds_each_of_their_names(cli, people):
    people(OURS)
    cli.add(NAME, "--made-by", "kim-gh")
    cli.add(OTHER, "--made-by", "alex")
    for name in ("kim", "kim@example.com", "kim-gh"):
        listed = cli("list", "--made-by", name, "--format", "json").document["tokens"]
        assert [each["name"] for each in listed] == [NAME]
    assert cli("edit", "--where", "made-by=kim", "--deputy", "sam", "--yes").code == 0
    cli.refused("verify", "--made-by", "jo")

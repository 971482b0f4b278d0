"""The pages "migrating" and "a person leaves": every command of them, with exports in the vendors' documented formats."""

import base64
import json
import secrets

import pytest

from tests.integration.forked_commands import program as forked
from tests.integration.page import BIN, Page


def canary() -> str:
    return f"tgcanary-{secrets.token_hex(16)}"


def program(folder, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o700)


@pytest.fixture
def page(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)

    def made(name, **environ):
        key = tmp_path / "key"
        key.write_bytes(base64.b64encode(secrets.token_bytes(32)))
        key.chmod(0o600)
        page = Page(
            name, tmp_path, capfd, TOKENGUARD_STORE=f"local://{tmp_path}/store", TOKENGUARD_KEY_FILE=str(key),
            TOKENGUARD_CONFIG=str(tmp_path / "config.toml"), **environ,
        )  # fmt: skip
        (tmp_path / "config.toml").touch(mode=0o600)
        page.line("tokenguard init --no-input")
        return page

    return made


def names(page) -> set[str]:
    page.line("tokenguard list --format json")
    return {each["name"] for each in json.loads(page.output[: page.output.rindex("}") + 1])["tokens"]}


def test_the_page_on_migrating(page, openbao, tmp_path, monkeypatch):
    values = {name: canary() for name in ("infisical", "doppler", "vault", "wiki")}
    bin_ = tmp_path / "bin"
    program(
        bin_,
        "infisical",
        f"""for each; do case $each in --output-file=*) file=${{each#*=}};; esac; done
printf "LOG_LEVEL='info'\\nPUBLISHER_API_TOKEN='{values["infisical"]}'\\n" > "$file" """,
    )
    program(bin_, "doppler", f"""printf 'LOG_LEVEL="info"\\nPUBLISHER_API_TOKEN="{values["doppler"]}"\\n'""")
    (tmp_path / "wiki.csv").write_text(
        "name,provider,scope,environment,owner,purpose,value\n"
        f"video/wiki/prod/upload,manual,org:acme,prod,video,uploads,{values['wiki']}\n"
    )
    mount = openbao.new_mount()
    openbao.api("POST", f"{mount}/data/publisher/api", {"data": {"api_token": values["vault"], "level": "info"}})
    followed = page(
        "migrating.md",
        PATH=f"{bin_}:{forked('tokenguard').parent}:{BIN}:/usr/bin:/bin",
        VAULT_ADDR=openbao.url,
        VAULT_TOKEN=openbao.root_token,
    )
    written = []
    lines = list(followed.lines())
    for line in [*lines[3:], *lines[:3]]:  # the commands "after an import" come first on the page
        followed.line(line.replace("vault://kv/", f"vault://{mount}/"))
        written.append(followed.output)
    assert names(followed) == {
        "video/infisical/publisher-api-token",
        "video/doppler/publisher-api-token",
        "video/wiki/prod/upload",
        "video/vault/publisher/api",
    }
    assert not any(value in "".join(written) for value in values.values())
    kept = openbao.api("GET", f"{mount}/data/publisher/api").json()["data"]["data"]
    assert kept == {"api_token": values["vault"], "level": "info"}
    assert not list(tmp_path.glob("*.env")) + list(tmp_path.glob("wiki.csv"))


def test_the_page_on_a_person_who_leaves(page, sandbox, tmp_path):
    info = sandbox.info
    followed = page("person-leaves.md", ADMIN_KEY=info.admin_key)
    (tmp_path / "people.csv").write_text("person,logins,active\nkim,kim@example.com,true\nalex,,true\n")
    (tmp_path / "config.toml").write_text(
        f'[providers.autoposting]\nbase_url = "{info.autoposting_url}"\nadmin = "env:ADMIN_KEY"\ndeath_floor = 0.3\n'
        '[people]\nfile = "people.csv"\n'
    )
    add = (
        f"tokenguard add {{}} --provider autoposting --scope org:{info.org_id} --env prod --owner social --purpose posts"
        " --permission posts:read --no-consumers --issue --made-by {}"
    )
    followed.line(add.format("social/a/prod/posts", "kim"))
    followed.line(add.format("social/b/prod/posts", "kim@example.com"))
    followed.line(add.format("social/c/prod/posts", "alex"))
    for line in followed.lines():
        followed.line(line)
    text = (tmp_path / "kim.md").read_text()
    assert "2 tokens of 2 done" in text
    (tmp_path / "people.csv").write_text("person,logins,active\nkim,kim@example.com,false\nalex,,true\n")
    followed.line("tokenguard check --format json  # exit 0 or 1")
    assert "person-left" not in json.dumps(json.loads(followed.output[: followed.output.rindex("}") + 1])["violations"])

"""Made the frozen stores, once, with the package as of commit 76a420f. NEVER RUN AGAIN.

What it wrote is beside it and is never regenerated: it stands for the stores that people have. It is kept so that one
can see what is in them. It ran as `python -m tests.data.frozen.make_stores` in a work tree of that commit.
"""

# ruff: noqa: B023 - each is called before the loop goes on

import base64
import io
import os
import pwd
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.fakes import frozen_stores, vault_stores
from tests.fakes.frozen_stores import FROZEN, PREFIX, FrozenVendors, Surroundings
from tests.fakes.local_stores import KEY
from tests.fakes.secrets_manager.server import FakeAws
from tests.fakes.secrets_manager.stores import CREDENTIALS, client, place
from tests.fakes.world import AbsentOperator, Quiet, ScriptedOperator
from tests.integration.openbao import running
from tokenguard.cli.error_handler import run
from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.journal import Mode, Stage
from tokenguard.domain.names import TokenId, token_name
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Consumer, ConsumerKind, Record
from tokenguard.errors import TokenguardError
from tokenguard.rotation.engine import Engine
from tokenguard.rotation.session import Context
from tokenguard.shell.wiring import Wiring
from tokenguard.stores.adopted import adopting
from tokenguard.stores.aws.store import create_store as create_on_aws
from tokenguard.stores.local.store import create_store
from tokenguard.stores.vault.layout import VaultAddress

START = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
DAY = 86_400.0
SOLE = "https://{}.autoposting.example"
"""An address at which one token only is known: nothing can be compared with it."""


class Killed(BaseException):
    """The runner is gone."""


class Deadly:
    """A store whose runner can be killed right after a commit, or before or after a value is put."""

    def __init__(self, home: Any) -> None:
        self._home = home
        self.after: Callable[[Document], bool] = lambda _: False
        self.before_put = self.after_put = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._home, name)

    def commit(self, *arguments: Any) -> Snapshot:
        snapshot = self._home.commit(*arguments)
        if self.after(snapshot.document):
            raise Killed
        return snapshot

    def put_candidate(self, *arguments: Any) -> None:
        if self.before_put:
            raise Killed
        self._home.put_candidate(*arguments)
        if self.after_put:
            raise Killed


@dataclass
class Scene:
    """One store being filled."""

    around: Surroundings
    home: Any
    directory: Path

    def __post_init__(self) -> None:
        self.vendors = FrozenVendors(self.around.world)
        self.deadly = Deadly(adopting(self.home, lambda: self.around.places))
        self.count = 0

    # ---- means

    @property
    def clock(self) -> Any:
        return self.around.clock

    def engine(self, operator: Any = None) -> Engine:
        self.count += 1
        return Engine(
            Context(
                store=self.deadly, vendors=self.vendors, deliveries=self.around.deliveries,
                operator=operator or ScriptedOperator(self.around.world), progress=Quiet(), clock=self.clock,
                holder=f"frozenhost/1/{self.count:08x}",
            )
        )  # fmt: skip

    def cli(self, *arguments: str, stdin: str = "", codes: tuple[int, ...] = (0,)) -> None:
        sys.stdin = io.TextIOWrapper(io.BytesIO(stdin.encode()))
        sys.stdin.isatty = lambda: False  # type: ignore[method-assign]
        wiring = Wiring(environ={"NO_COLOR": "1", "CI": ""})
        wiring.clock, wiring.tty, wiring.places = self.clock, None, self.around.places
        wiring.store, wiring.store_url = adopting(_Kept(self.home), lambda: self.around.places), self.home.url
        wiring.vendors, wiring.deliveries = self.vendors, self.around.deliveries
        wiring.operator = ScriptedOperator(self.around.world)
        code = run(arguments, wiring)
        assert code in codes, (arguments, code)

    def record(self, name: str, provider: str = "autoposting", **more: Any) -> Record:
        known = {
            "scope": Scope("org", "d1") if provider in {"autoposting", "studio"} else Scope("drive", "d1"),
            "environment": "prod", "purpose": "posting", "owner": "video", "consumers": (),
            "base_url": self.vendors.provider(provider).base_url,
        }  # fmt: skip
        return Record(name=token_name(name), provider=provider, **{**known, **more})

    def add(self, name: str, provider: str = "autoposting", *, forget: bool = False, **more: Any) -> TokenId:
        """A live token; with `forget`, its provider's own id is not on record."""
        self.clock.sleep(3600)
        record = self.record(name, provider, **more)
        made = self.around.world.create(f"made-by-hand-{name.replace('/', '-')}", record.scope)
        value = Value.of(made.value)
        api = provider in {"autoposting", "studio"} and not forget
        from tokenguard.frozen import replace

        record = replace(record, provider_id=made.id if api else "", hint=_hint(made.value), label=made.label)
        if record.location.adopted:
            self.around.places.put(record.location.url, token=made.value, other="kept")
        probed = self.vendors.provider_of(record).capabilities.probe
        seen = self.vendors.provider_of(record).probe(value, record.scope) if probed else None
        return self.engine().add(record, value, seen=seen).id

    def killed(self, work: Callable[[], object], **when: Any) -> None:
        """Do it, and be killed there."""
        for name, value in when.items():
            setattr(self.deadly, name, value)
        try:
            work()
        except Killed:
            pass
        else:
            raise AssertionError(f"was not killed: {when}")
        finally:
            self.deadly.after, self.deadly.before_put, self.deadly.after_put = lambda _: False, False, False

    def at(self, work: Callable[[], object], mode: Mode, stage: Stage) -> None:
        """Be killed as soon as this stage is on record."""

        def there(document: Document) -> bool:
            journal = document.journal
            return journal is not None and (journal.mode, journal.stage) == (mode, stage)

        self.killed(work, after=there)

    def stopped(self, work: Callable[[], object]) -> None:
        """Do it; it stops with an error of ours."""
        try:
            work()
        except TokenguardError:
            return
        raise AssertionError("did not stop")

    def sole(self, what: str) -> TokenId:
        """The only token of its address."""
        return self.add(f"alone/app/prod/{what}", base_url=SOLE.format(what))

    def outage(self, work: Callable[[], object]) -> None:
        """401 to all meanwhile."""
        self.around.world.outage = True
        work()
        self.around.world.outage = False


class _Kept:
    """A store that a command may not close."""

    def __init__(self, home: Any) -> None:
        self._home = home

    def __getattr__(self, name: str) -> Any:
        return getattr(self._home, name)

    def close(self) -> None:
        pass


def _hint(value: str) -> str:
    return f"{value[:12]}...{value[-4:]}"


def dotenv(name: str) -> Consumer:
    return Consumer(ConsumerKind.DOTENV, f"/srv/{name}/.env#API_TOKEN")


# ---- what is in a store


def fill(scene: Scene) -> None:
    ordinary(scene)
    incomplete(scene)
    histories(scene)
    deaths(scene)
    interrupted_makings(scene)
    interrupted_rotations(scene)
    interrupted_ends(scene)
    waiting(scene)
    shared(scene)
    scene.clock.sleep(3600)


def ordinary(scene: Scene) -> None:
    """Active tokens of several providers, with and without declared consumers, due, overdue, pinned elsewhere."""
    person = Consumer(ConsumerKind.PERSON, "ops team")
    scene.add(
        "video/app/prod/post", consumers=(dotenv("app"), person), made_by="Ada", account="ada@video.example",
        deputy="platform", permissions=("posts:write", "usage:read"), scope_name="Video Organisation", notes="a note",
    )  # fmt: skip
    scene.add("video/app/prod/undeclared", consumers=None)
    scene.add("video/app/dev/none-declared", environment="dev")
    scene.add("video/app/prod/upload", "descript", consumers=(dotenv("upload"),), scope_name="Trailer Drive")
    scene.add("video/app/prod/undeclared-drive", "descript", consumers=None)
    scene.add("audio/app/prod/mix", "studio", owner="audio", consumers=(Consumer(ConsumerKind.COMMAND, "deploy"),))
    scene.add("audio/app/prod/faxes", "manual", owner="audio", due_at=START + timedelta(days=20))
    scene.add("video/app/prod/idless", forget=True)
    scene.add(
        "video/app/prod/elsewhere",
        consumers=(
            Consumer(ConsumerKind.GITHUB, "video/app#API_TOKEN"), Consumer(ConsumerKind.GITLAB, "video/app#API_TOKEN"),
            Consumer(ConsumerKind.VAULT, "kv/team/web#token", scene.around.places.server),
        ),
    )  # fmt: skip
    for what in ("adopted", "adopted-rotated"):
        scene.add(f"video/app/prod/{what}", location=scene.around.places.pinned(f"vault://kv/team/{what}#token"))
    scene.engine().rotate(_id(scene, "video/app/prod/adopted-rotated"), reason="yearly")
    scene.cli(
        "add", "video/app/prod/minter", "--provider", "autoposting", "--kind", "provider_admin", "--scope", "org:d1",
        "--env", "prod", "--owner", "platform", "--purpose", "minting", "--no-consumers", "--stdin",
        stdin=scene.around.world.create("admin", Scope("org", "d1")).value,
    )  # fmt: skip


def incomplete(scene: Scene) -> None:
    """Records with less than a token of the inventory has."""
    scene.cli(
        "add", "video/connector/prod/grant", "--provider", "descript", "--kind", "oauth_grant", "--scope", "drive:d1",
        "--env", "prod", "--owner", "video", "--purpose", "connector", "--no-consumers",
    )  # fmt: skip
    scene.cli(
        "add", "video/connector/prod/ci-secret", "--provider", "autoposting", "--scope", "org:d1", "--env", "prod",
        "--owner", "video", "--purpose", "ci", "--no-consumers", "--adopt", "github://video/app#CI_TOKEN",
    )  # fmt: skip
    listed = scene.directory / "found.csv"
    values = [scene.around.world.create(f"found-{number}", Scope("org", "d1")).value for number in range(3)]
    listed.write_text(
        "name,provider,value,scope,owner\n"
        + "".join(f"found/number-{n},autoposting,{value},,\n" for n, value in enumerate(values))
    )
    scene.cli("import", str(listed))
    listed.unlink()
    scene.at(lambda: scene.engine().issue(scene.record("video/new/prod/given-up")), Mode.ISSUE, Stage.STORED)
    scene.engine().abort(_id(scene, "video/new/prod/given-up"))


def histories(scene: Scene) -> None:
    """Rotated many times, edited, waived, verified, leaked."""
    many = scene.add("video/app/prod/often", consumers=(dotenv("often"),))
    for _ in range(6):
        scene.clock.sleep(DAY)
        scene.engine().rotate(many, reason="weekly")
    scene.clock.sleep(DAY / 2)
    scene.engine().reprobe(many)  # some are due by now, some are not
    scene.add("video/app/prod/edited")
    scene.cli("edit", "video/app/prod/edited", "--purpose", "thumbnails", "--deputy", "platform")
    scene.cli("verify", "video/app/prod/edited")
    scene.add("video/app/prod/waived")
    scene.cli(
        "fingerprints", "waive", "video/app/prod/waived", "--owner", "video", "--reason", "a public demo", "--until",
        (scene.clock.now() + timedelta(days=300)).date().isoformat(),
    )  # fmt: skip
    scene.add("video/app/prod/leaked")
    value = scene.deadly.read_live(_id(scene, "video/app/prod/leaked")).value.token.reveal()
    scene.cli("respond", "--stdin", "--reach", "pushed", stdin=value, codes=(1,))
    guided = scene.add("video/app/prod/guided", "descript", consumers=(dotenv("guided"),))
    scene.engine().rotate(guided, reason="yearly")
    leaked = scene.add("video/app/prod/was-leaked")
    scene.engine().rotate(leaked, compromised=True, reason="in a public repository")


def deaths(scene: Scene) -> None:
    """Deaths of every grade; with a control and without one; quarantines that are due, not due, and empty again."""
    for what in ("retired", "retired-confirmed"):
        scene.engine().retire(scene.add(f"video/app/prod/{what}"), reason="not needed")
    for what, end in (("retired", Engine.retire), ("rotated", Engine.rotate)):
        token = scene.add(f"audio/app/prod/asserted-{what}", "manual", owner="audio")
        scene.stopped(lambda: end(scene.engine(), token))
    for what in ("sole", "sole-confirmed"):
        scene.engine().retire(scene.sole(what), reason="not needed")
    living = scene.add("video/app/prod/retired-alive", "descript")  # a false death: 401 to all, and nothing was revoked
    scene.outage(lambda: scene.engine(ScriptedOperator(None, "alex")).retire(living))
    scene.clock.sleep(DAY + 60)
    scene.engine().reprobe(_id(scene, "video/app/prod/retired-confirmed"))
    scene.engine().reprobe(_id(scene, "alone/app/prod/sole-confirmed"))
    again = scene.add("video/app/prod/alive-again")
    scene.engine().rotate(again)
    _resurrect(scene, again)
    scene.clock.sleep(DAY + 60)
    scene.stopped(lambda: scene.engine().reprobe(again))
    busy = scene.add("video/app/prod/alive-again-busy", consumers=(dotenv("busy"),))
    scene.engine().rotate(busy)
    _resurrect(scene, busy)
    scene.clock.sleep(DAY + 60)
    scene.at(lambda: scene.engine().rotate(busy), Mode.PLANNED, Stage.VERIFIED)
    scene.stopped(lambda: scene.engine().reprobe(busy))
    sole = scene.sole("rotated")  # its new value is what its old one is compared with
    scene.engine().rotate(sole)


def interrupted_makings(scene: Scene) -> None:
    """The runner died while a first value was made or taken."""
    for stage in (Stage.OPEN, Stage.STORED, Stage.VERIFIED, Stage.PUBLISHED, Stage.CONSUMED):
        scene.at(
            lambda: scene.add(f"open/add/prod/{stage.value}", consumers=(dotenv(f"add-{stage.value}"),)),
            Mode.ADD,
            stage,
        )
    for stage in (Stage.OPEN, Stage.MINT, Stage.STORED, Stage.VERIFIED, Stage.PUBLISHED, Stage.CONSUMED):
        record = scene.record(f"open/issue/prod/{stage.value}", consumers=(dotenv(f"issue-{stage.value}"),))
        scene.at(lambda: scene.engine().issue(record), Mode.ISSUE, stage)
    lost, kept = scene.record("open/issue/prod/lost"), scene.record("open/issue/prod/kept")
    scene.killed(lambda: scene.engine().issue(lost), before_put=True)
    scene.killed(lambda: scene.engine().issue(kept), after_put=True)
    drive = scene.record("open/issue/prod/guided", "descript")
    scene.stopped(lambda: scene.engine(AbsentOperator()).issue(drive))


def interrupted_rotations(scene: Scene) -> None:
    """The runner died at each stage of a planned and of a compromised rotation."""
    for mode in (Mode.PLANNED, Mode.COMPROMISED):
        for stage in Stage:
            if stage in {Stage.DONE, Stage.ABORTING, Stage.ABORTED}:
                continue
            consumers = (dotenv(f"{mode.value}-{stage.value}"),)
            token = scene.add(f"open/{mode.value}/prod/{stage.value}", consumers=consumers)
            scene.at(
                lambda: scene.engine().rotate(token, compromised=mode is Mode.COMPROMISED, reason="a reason"),
                mode,
                stage,
            )
    for what, when in (("lost", {"before_put": True}), ("kept", {"after_put": True})):
        token = scene.add(f"open/planned/prod/{what}")
        scene.killed(lambda: scene.engine().rotate(token), **when)
    for stage in (Stage.MINT, Stage.PUBLISHED, Stage.REVOKE_INTENDED):
        token = scene.add(f"open/guided/prod/{stage.value}", "descript", consumers=(dotenv(f"guided-{stage.value}"),))
        scene.at(lambda: scene.engine().rotate(token), Mode.PLANNED, stage)
    adopted = scene.add(
        "open/adopted/prod/published", location=scene.around.places.pinned("vault://kv/team/open#token")
    )
    scene.at(lambda: scene.engine().rotate(adopted), Mode.PLANNED, Stage.PUBLISHED)
    aborting = scene.add("open/abort/prod/aborting", consumers=(dotenv("aborting"),))
    scene.at(lambda: scene.engine().rotate(aborting), Mode.PLANNED, Stage.CONSUMED)
    scene.at(lambda: scene.engine().abort(aborting), Mode.PLANNED, Stage.ABORTING)


def interrupted_ends(scene: Scene) -> None:
    """The runner died, or no proof could be had, while a token was being ended."""
    for stage in (Stage.OPEN, Stage.REVOKE_INTENDED, Stage.REVOKED, Stage.DEAD):
        token = scene.add(f"open/retire/prod/{stage.value}")
        scene.at(lambda: scene.engine().retire(token), Mode.RETIRE, stage)
    dead = scene.sole("dead-open")  # proven without a control, and not yet at its end
    scene.at(lambda: scene.engine().retire(dead), Mode.RETIRE, Stage.DEAD)
    settled = scene.sole("dead-settled")
    scene.killed(
        lambda: scene.engine().retire(settled),
        after=lambda document: document.journal is not None
        and document.journal.proof is not None and document.journal.stage is Stage.REVOKED,
    )  # fmt: skip
    for name, work in (
        ("open/unproven/prod/planned", lambda token: scene.engine().rotate(token)),
        ("open/unproven/prod/retire", lambda token: scene.engine().retire(token)),
    ):
        mode = Mode.PLANNED if name.endswith("planned") else Mode.RETIRE
        token = scene.add(name)
        scene.at(lambda: work(token), mode, Stage.REVOKED)
        scene.around.world.revoke_lag = DAY
        scene.stopped(lambda: scene.engine().resume(token))
        scene.around.world.revoke_lag = 0


def waiting(scene: Scene) -> None:
    """Stopped with a reason: what is missing is on record."""
    undeclared = scene.add("open/waiting/prod/undeclared", consumers=None)
    scene.stopped(lambda: scene.engine().rotate(undeclared))
    accepted = scene.add("open/waiting/prod/accepted-outage", consumers=None)
    scene.at(lambda: scene.engine().rotate(accepted, accept_outage=True), Mode.PLANNED, Stage.CONSUMED)
    deaf = scene.add("open/waiting/prod/deaf", consumers=(dotenv("deaf"),))
    scene.around.deliveries.delivery.deaf = True
    scene.stopped(lambda: scene.engine().rotate(deaf))
    scene.around.deliveries.delivery.deaf = False
    ops = scene.add("open/waiting/prod/person", consumers=(Consumer(ConsumerKind.PERSON, "ops team"),))
    scene.stopped(lambda: scene.engine(AbsentOperator()).rotate(ops))
    unknown = scene.add("open/waiting/prod/unknown")
    scene.at(lambda: scene.engine().rotate(unknown), Mode.PLANNED, Stage.STORED)
    scene.around.world.unknown = 99
    scene.stopped(lambda: scene.engine().resume(unknown))
    scene.around.world.unknown = 0


def shared(scene: Scene) -> None:
    """What the team shares."""
    policy = scene.directory / "team.yaml"
    policy.write_text("format: 1\nname: video\nextends: default\n")
    scene.cli("policy", "publish", str(policy))
    key = scene.directory / "publisher.key"
    code = scene.directory / "code"
    code.mkdir()
    (code / "public.py").write_text("print(1)\n")
    for _ in range(2):
        scene.cli("fingerprints", "publish", "--to-store", "--key-file", str(key), "--public-code", str(code))


def _id(scene: Scene, name: str) -> TokenId:
    found = scene.deadly.find(token_name(name))
    assert found is not None, name
    return found.id


def _resurrect(scene: Scene, token: TokenId) -> None:
    """The provider accepts the old value again."""
    old = scene.deadly.load(token).document.journal.old
    for made in scene.around.world.made.values():
        if made.id == old.provider_id:
            made.revoked_at = None


# ---- the three kinds


def main() -> None:
    os.uname = lambda: SimpleNamespace(nodename="frozenhost", sysname="Linux", release="", version="", machine="")  # type: ignore[assignment, return-value]
    pwd.getpwuid = lambda _: SimpleNamespace(pw_name="tester")  # type: ignore[assignment, return-value]
    os.environ.update(CREDENTIALS)
    for kind in frozen_stores.KINDS:
        (FROZEN / kind).mkdir()
        with tempfile.TemporaryDirectory() as made:
            {"local": local, "openbao": openbao, "aws": on_aws}[kind](Path(made))


def filled(kind: str, home: Any, around: Surroundings, directory: Path) -> None:
    fill(Scene(around, home, directory))
    frozen_stores.write(FROZEN / kind / "world.json.gz", around.dumped())


def local(directory: Path) -> None:
    frozen_stores.own_state_dir(directory / "state")
    around = Surroundings.fresh(START)
    home = create_store(directory / "store", [KEY], around.clock)
    filled("local", home, around, directory)
    home.close()
    shutil.copyfile(directory / "store" / "store.db", FROZEN / "local" / "store.db")
    shutil.copytree(directory / "state" / "anchors", FROZEN / "local" / "anchors")
    (FROZEN / "local" / "key").write_bytes(base64.b64encode(bytes(range(32))) + b"\n")


def openbao(directory: Path) -> None:
    frozen_stores.own_state_dir(directory / "state")
    with running() as server:
        mount = server.new_mount()
        around = Surroundings.fresh(START)
        home = vault_stores.made(
            VaultAddress(mount=mount, prefix=PREFIX),
            vault_stores.connection(server.url, server.root_token),
            sandbox=True,
        )
        filled("openbao", home, around, directory)
        home.close()
        frozen_stores.write(FROZEN / "openbao" / "content.json.gz", frozen_stores.export_openbao(server, mount, PREFIX))


def on_aws(directory: Path) -> None:
    frozen_stores.own_state_dir(directory / "state")
    with FakeAws() as aws:
        around = Surroundings.fresh(START)
        aws.service.now = lambda: around.clock.now().timestamp()
        home = create_on_aws(place(aws, PREFIX), client(aws), around.clock)
        filled("aws", home, around, directory)
        frozen_stores.write(FROZEN / "aws" / "content.json.gz", frozen_stores.export_aws(aws))


if __name__ == "__main__":
    main()

"""`audit verify`: recompute every chain against the records, and check every row of the store."""

from tokenguard.audit.chain import Checked
from tokenguard.cli.base import command, pass_wiring
from tokenguard.errors import Tampered
from tokenguard.shell.wiring import Wiring
from tokenguard.text import counted
from tokenguard.usecases.verify_store import AnchorNotes, check_whole, uncompared, watch_of, what_then


def _anchor(watch: AnchorNotes | None) -> dict[str, object]:
    if watch is None:
        return {}
    return {"anchor": {"since": watch.since.isoformat() if watch.since else None, "begun_now": watch.begun}}


@command("verify")
@pass_wiring
def verify(wiring: Wiring) -> None:
    """Verify the audit chains and the integrity of the whole store. Exit 6 names the first failure."""
    store = wiring.store
    checked: list[Checked] = []
    for each in check_whole(store):
        if not isinstance(each, Checked):
            raise Tampered(f"the store is damaged or was changed ({each.where}): {each.what}", hint=each.hint)
        checked.append(each)
        if each.broken is not None:
            raise Tampered(
                f"the audit chain of {each.whose} is broken at entry {each.broken.seq}: {each.broken.reason}",
                hint=what_then(store),
            )
    for chain in checked:
        if not chain.entries:
            wiring.progress.note(f"{chain.whose} was published before such items had an audit trail: publish it again")
    entries = sum(chain.entries for chain in checked)
    watch = watch_of(store)
    if watch is not None and watch.begun:
        wiring.progress.note(
            "this machine had no anchor of the store: a rollback to an older copy could not be detected until now"
        )
    if left := uncompared(store):
        wiring.progress.note(left)
    if wiring.screen.as_json:
        wiring.screen.document({"ok": True, "chains": len(checked), "entries": entries, **_anchor(watch)})
    else:
        held = counted(entries, "entry", "entries")
        wiring.screen.line(f"{held} in {counted(len(checked), 'chain')} verified; the store is intact")
        if watch is not None and watch.since is not None and not watch.begun:
            wiring.screen.line(
                f"this machine has checked the store for rollbacks since {watch.since:%Y-%m-%d %H:%M} UTC"
            )

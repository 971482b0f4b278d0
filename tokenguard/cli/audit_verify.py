"""`audit verify`: recompute every chain against the records, and check every row of the store."""

from dataclasses import replace

from tokenguard.audit.chain import Checked
from tokenguard.cli.base import command, pass_wiring
from tokenguard.errors import Tampered
from tokenguard.shell.wiring import Wiring
from tokenguard.text import pluralize
from tokenguard.usecases.verify_store import AnchorNotes, check_whole, fix_for_damage, uncompared, watch_of, wrong_time


def _anchor(watch: AnchorNotes | None) -> dict[str, object]:
    if watch is None:
        return {}
    return {"anchor": {"since": watch.since.isoformat() if watch.since else None, "begun_now": watch.begun}}


def _all_chains(wiring: Wiring) -> tuple[list[Checked], list[str]]:
    """Every chain, without its entries, and what is wrong with their times; raises Tampered at the first failure."""
    checked: list[Checked] = []
    wrong: list[str] = []
    for each in check_whole(wiring.store):
        if not isinstance(each, Checked):
            raise Tampered(f"the store is damaged or was changed ({each.where}): {each.what}", hint=each.hint)
        if each.broken is not None:
            raise Tampered(
                f"the audit chain of {each.whose} is broken at entry {each.broken.seq}: {each.broken.reason}",
                hint=fix_for_damage(wiring.store),
            )
        checked.append(replace(each, trail=()))
        wrong += [said] if (said := wrong_time(each, wiring.clock.now())) else []
    return checked, wrong


@command("verify")
@pass_wiring
def verify(wiring: Wiring) -> None:
    """Verify the audit chains and the integrity of the whole store. Exit 6 names the first failure."""
    store = wiring.store
    checked, wrong = _all_chains(wiring)
    for chain in checked:
        if not chain.entries:
            wiring.progress.note(f"{chain.whose} was published before such items had an audit trail: publish it again")
    for said in wrong:
        wiring.progress.note(said)
    entries = sum(chain.entries for chain in checked)
    watch = watch_of(store)
    if watch is not None and watch.begun:
        wiring.progress.note(
            "this machine had no anchor of the store: a rollback to an older copy could not be detected until now"
        )
    if left := uncompared(store):
        wiring.progress.note(left)
    times = {"wrong_times": wrong} if wrong else {}
    if wiring.screen.as_json:
        wiring.screen.document({"ok": True, "chains": len(checked), "entries": entries, **_anchor(watch), **times})
    else:
        held = pluralize(entries, "entry", "entries")
        wiring.screen.line(f"{held} in {pluralize(len(checked), 'chain')} verified; the store is intact")
        if watch is not None and watch.since is not None and not watch.begun:
            wiring.screen.line(
                f"this machine has checked the store for rollbacks since {watch.since:%Y-%m-%d %H:%M} UTC"
            )

"""`store`: the group of commands about a local store's keys and copies."""

from tokenguard.cli.base import group

COMMANDS = {
    "slots": ("tokenguard.cli.store_keys:slots", "List what opens the store."),
    "add-slot": ("tokenguard.cli.store_keys:add", "Let another key open the store too."),
    "remove-slot": ("tokenguard.cli.store_keys:remove", "Let a key open the store no more."),
    "rekey": ("tokenguard.cli.store_keys:rekey", "Seal everything anew, after a key or a copy of the store leaked."),
    "backup": ("tokenguard.cli.store_backup:backup", "Copy the store to a new file."),
    "restore": ("tokenguard.cli.store_restore:restore", "Put a backup in the place of the store."),
}


@group("store", COMMANDS)
def store() -> None:
    """Keys and backups of a local store."""

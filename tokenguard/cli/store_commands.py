"""`store`: the group of commands about a store's keys, copies and format."""

from tokenguard.cli.base import group

COMMANDS = {
    "slots": ("tokenguard.cli.store_keys:slots", "List the key slots that open the store."),
    "add-slot": ("tokenguard.cli.store_keys:add", "Add a key slot."),
    "remove-slot": ("tokenguard.cli.store_keys:remove", "Remove a key slot."),
    "rekey": ("tokenguard.cli.store_keys:rekey", "Re-encrypt the store after a key or a copy of it leaked."),
    "backup": ("tokenguard.cli.store_backup:backup", "Back up the store to a new file."),
    "upgrade": ("tokenguard.cli.store_upgrade:upgrade", "Upgrade the store in place, after an upgrade of tokenguard."),
    "restore": ("tokenguard.cli.store_restore:restore", "Restore the store from a backup."),
}


@group("store", COMMANDS)
def store() -> None:
    """Keys and backups of a local store; the upgrade of any store."""

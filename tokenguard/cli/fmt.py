"""`tokenguard fmt`: formats a manifest, or reports which files are not formatted."""

from pathlib import Path

import click

from tokenguard.cli.base import PATH_TEXT, command, pass_wiring
from tokenguard.errors import ExitCode
from tokenguard.file_replacement import check_kept, replace_kept
from tokenguard.files import not_written, shown
from tokenguard.provisioning.canonical import canonical
from tokenguard.provisioning.folder import Folder
from tokenguard.provisioning.layers import manifest_files
from tokenguard.provisioning.manifest_schema import schema
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases.load_manifest import DEFAULT_FILE, read_consumer


@command("fmt")
@click.argument("file", metavar="[FILE]", type=PATH_TEXT, default=DEFAULT_FILE)
@click.option("--check", "check_only", is_flag=True, help="Only report files that are not formatted; exit 1 if any.")
@click.option("--print-schema", is_flag=True, help="Print the JSON Schema of a manifest, for editors.")
@pass_wiring
def fmt(wiring: Wiring, file: str, *, check_only: bool, print_schema: bool) -> ExitCode:
    """Format the manifest FILE (tokens.yaml) and the files it includes. Comments stay with their keys.

    Keys are put in a fixed order and tokens are sorted by name, with two spaces per level. Values are left as written.
    An invalid file, or one whose meaning would change, is not modified.
    """
    if print_schema:
        wiring.flags.format = "json"
        wiring.screen.document(schema())
        return ExitCode.OK
    changed = _reordered(Path(file))
    if not check_only:
        for path in changed:
            check_kept(path)
        for path, data in changed.items():
            _write(path, data)
    if wiring.screen.as_json:
        wiring.screen.document({"changed": [str(path) for path in changed], "written": not check_only})
    else:
        for path in changed:
            wiring.screen.line(f"{shown(path)}: {'not formatted' if check_only else 'formatted'}")
    return ExitCode.FINDINGS if check_only and changed else ExitCode.OK


def _reordered(manifest: Path) -> dict[Path, bytes]:
    """The formatted content of each file that differs from it."""
    names = manifest_files(manifest, read_consumer)
    with Folder(manifest) as folder:
        held = {name: folder.read(name) for name in names}
    made = {name: canonical(data, source=name) for name, data in held.items()}
    return {manifest.parent / name: made[name] for name, data in held.items() if made[name] != data}


def _write(path: Path, data: bytes) -> None:
    try:
        replace_kept(path, data)
    except OSError as error:
        hint = "make it writable; the files listed before it are written"
        raise not_written(path, error, hint=hint) from None

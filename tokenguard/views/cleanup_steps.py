"""What is left to remove after a token is retired: its consumers still hold the dead value."""

from collections.abc import Iterator

from tokenguard.domain.token import Consumer, ConsumerKind, Record


def cleanup_steps(record: Record) -> Iterator[str]:
    """One line a consumer: where the dead value is, and how to remove it."""
    if record.consumers is None:
        yield "its consumers are not declared: remove the dead value where you configured it"
    for consumer in record.consumers or ():
        yield f"{consumer.shown} still holds the dead value: {_removal(consumer)}"


def _removal(consumer: Consumer) -> str:
    place, _, name = consumer.target.rpartition("#")
    match consumer.kind:
        case ConsumerKind.DOTENV:
            return f"remove the line {name} from {place}"
        case ConsumerKind.PERSON:
            return f"ask {consumer.target} to delete it"
        case ConsumerKind.COMMAND:
            return "remove it from the system that the command writes to"
        case ConsumerKind.GITHUB | ConsumerKind.GITLAB | ConsumerKind.KUBERNETES | ConsumerKind.DOPPLER:
            return f"delete the secret {name}" if name else "delete it there"
        case ConsumerKind.ONEPASSWORD | ConsumerKind.VAULT | ConsumerKind.AWS:
            return f"delete the field {name}" if name else "delete it there"

"""Which function answers for which rule of the catalogue."""

from collections.abc import Mapping

from tokenguard.policy.rule_answer import Check
from tokenguard.policy.rules import ageing, leaking, listing_rules, operations, ownership, shared_token_rules

CHECKS: Mapping[str, Check] = {
    "maximum-age": ageing.maximum_age,
    "age-unknown": ageing.age_is_known,
    "leaked": leaking.not_leaked,
    "late-due-date": ageing.late_due_date,
    "required-fields": ownership.fields,
    "responsible-people": ownership.fields,
    "person-left": ownership.person_left,
    "descriptive-name": ownership.descriptive_name,
    "one-purpose": shared_token_rules.one_purpose,
    "shared-value": shared_token_rules.shared_value,
    "shared-across-environments": shared_token_rules.shared_across_environments,
    "one-drive-per-context": shared_token_rules.one_drive_per_context,
    "tokens-per-scope": shared_token_rules.tokens_per_scope,
    "concurrency-limit": shared_token_rules.concurrency_limit,
    "never-verified": ageing.never_verified,
    "verified-lately": ageing.verified_lately,
    "value-alive": ageing.value_alive,
    "right-scope": ageing.right_scope,
    "scope-verified": ageing.scope_verified,
    "unused": listing_rules.unused,
    "expiry-missing": listing_rules.expiry_missing,
    "least-privilege": shared_token_rules.least_privilege,
    "session-kept": shared_token_rules.session_kept,
    "consumers-declared": operations.consumers_declared,
    "no-consumer": operations.no_consumer,
    "consumers-confirmed": operations.consumers_confirmed,
    "rotation-stuck": operations.rotation_stuck,
    "old-token-dead": operations.old_token_dead,
}
"""`orphan` is about tokens that have no record: `evaluation` asks it of the providers' lists."""

"""Which function answers for which rule about a repository."""

from collections.abc import Mapping

from tokenguard.policy.repository_answer import RepositoryCheck
from tokenguard.policy.rules import repository_agents, repository_ci, repository_files, repository_mcp, repository_urls

REPOSITORY_CHECKS: Mapping[str, RepositoryCheck] = {
    "env-file-tracked": repository_files.env_tracked,
    "env-file-ignored": repository_files.env_ignored,
    "secret-file-mode": repository_files.secret_modes,
    "vendor-credentials-mode": repository_files.vendor_credentials,
    "mcp-static-token": repository_mcp.static_tokens,
    "agent-reads-env": repository_agents.reads_env,
    "agent-hooks-off": repository_agents.hooks_off,
    "callback-url": repository_urls.callback,
    "presigned-lifetime": repository_urls.lifetime,
    "presigned-read-only": repository_urls.read_only,
    "presigned-reused": repository_urls.reused,
    "ci-long-lived-key": repository_ci.long_lived_keys,
    "ci-token-echoed": repository_ci.echoed_tokens,
}

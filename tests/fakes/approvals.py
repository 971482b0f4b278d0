"""An approver who has approved everything, for tests that are about something else."""

from datetime import UTC, datetime

from tokenguard.provisioning.approval import Approval, ApprovalVerdict
from tokenguard.provisioning.plan_model import Action


class EverythingApproved:
    """Stands where `shell.approvals.StoreApprovals` would."""

    def verdict(self, action: Action) -> ApprovalVerdict:
        day = datetime(2026, 11, 1, tzinfo=UTC)
        approval = Approval(plan="sha256:" + "0" * 64, store="", covers=(), by="user:tester", at=day, until=day)
        return ApprovalVerdict(approval=approval)

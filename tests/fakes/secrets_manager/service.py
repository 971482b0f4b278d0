"""The operations of Secrets Manager, by the rules that AWS documents."""

# ruff: noqa: N802 - the operations have the names that AWS gives them

import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from tests.fakes.secrets_manager import limits, listing
from tests.fakes.secrets_manager.security_tokens import ACCOUNT
from tests.fakes.secrets_manager.state import DAY, Kept, Refused, Shelf, Version
from tokenguard.sandbox.cited_routes import CitedRoute

Params = dict[str, Any]
_REFERENCE = "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_{}.html"
_SILENT = {
    "UpdateSecretVersionStage": "whether label moves are linearizable; here they are",
    "ListSecrets": "how long a change takes to be listed; sorting in older regions (`knows_sorting`)",
    "DescribeSecret": "how long a change takes to be read; here none",
}
OPERATIONS = {
    each: CitedRoute(f"POST /{each}", _REFERENCE.format(each), "2026-11-29", silent=_SILENT.get(each, ""))
    for each in (
        "CreateSecret", "PutSecretValue", "UpdateSecretVersionStage", "GetSecretValue", "BatchGetSecretValue",
        "DescribeSecret", "ListSecrets", "ListSecretVersionIds", "TagResource", "UntagResource", "DeleteSecret",
        "RestoreSecret",
    )
}  # fmt: skip
"""Each is an `X-Amz-Target`; what is not here is not known."""


class SecretsManager:
    """One region. Every method is an operation: parameters in, answer out, `Refused` for a documented error."""

    def __init__(self, region: str, now: Callable[[], float] = time.time) -> None:
        self.region = region
        self.now = now
        self.shelf = Shelf()
        self.versions_per_secret = 100
        self.knows_sorting = True
        """False: SortBy and SortOrder are not known yet, as in older regions and other implementations."""
        self._lock = threading.Lock()
        self._ticks = 0

    def call(self, operation: str, params: Params) -> Params:
        method = getattr(self, operation, None)
        if operation not in OPERATIONS or method is None:
            raise Refused("UnknownOperationException")
        with self._lock:
            answer: Params = method(params)
            return answer

    def CreateSecret(self, params: Params) -> Params:
        name, token = limits.name(params["Name"]), limits.request_token(params.get("ClientRequestToken"))
        content = limits.content(params, required=False)
        present = self.shelf.secrets.get(name)
        if present is not None:
            return self._created_again(present, token, content)
        tags = limits.tags(params.get("Tags", []), {})
        now = self._moment()
        self.shelf.writing(name)
        arn = f"arn:aws:secretsmanager:{self.region}:{ACCOUNT}:secret:{name}-{uuid.uuid4().hex[:6]}"
        kept = Kept(name, arn, now, now, description=params.get("Description", ""), kms_key=params.get("KmsKeyId"))
        kept.tags = tags
        if content:
            kept.versions[token] = Version(token, content, now, {"AWSCURRENT"})
        self.shelf.secrets[name] = kept
        return {"ARN": arn, "Name": name} | ({"VersionId": token} if content else {})

    def PutSecretValue(self, params: Params) -> Params:
        kept = self._alive(params)
        token = limits.request_token(params.get("ClientRequestToken"))
        content = limits.content(params, required=True)
        stages = limits.stages(params.get("VersionStages") or ["AWSCURRENT"])
        present = kept.versions.get(token)
        if present is not None:
            if present.content != content:
                raise Refused("ResourceExistsException")
            return self._version(kept, present)
        limits.labels(kept, set(stages))
        kept.prune(self.now(), self.versions_per_secret - 1)
        if len(kept.versions) >= self.versions_per_secret:
            raise Refused("LimitExceededException", "versions")
        self.shelf.writing(kept.name)
        kept.changed = self._moment()
        version = kept.versions[token] = Version(token, content, kept.changed)
        for stage in stages if len(kept.versions) > 1 else {*stages, "AWSCURRENT"}:
            kept.attach(stage, version)
        return self._version(kept, version)

    def UpdateSecretVersionStage(self, params: Params) -> Params:
        kept, stage = self._alive(params), limits.stages([params["VersionStage"]])[0]
        to, removed = params.get("MoveToVersionId"), params.get("RemoveFromVersionId")
        if to is None and removed is None:
            raise Refused("InvalidParameterException", "neither MoveToVersionId nor RemoveFromVersionId")
        for each in (to, removed):
            if each is not None and each not in kept.versions:
                raise Refused("ResourceNotFoundException")
        if to is None and stage == "AWSCURRENT":
            raise Refused("InvalidParameterException", "AWSCURRENT can only be moved")
        holder = kept.holder(stage)
        if (holder.id if holder else None) != removed and not (holder and holder.id == to and removed is None):
            raise Refused("InvalidParameterException", "the label is attached to another version")
        limits.labels(kept, {stage} if to else set())
        self.shelf.writing(kept.name)
        kept.changed = self._moment()
        if to is not None:
            kept.attach(stage, kept.versions[to])
        elif holder is not None:
            holder.stages.discard(stage)
        return {"ARN": kept.arn, "Name": kept.name}

    def GetSecretValue(self, params: Params) -> Params:
        kept = self._readable(params["SecretId"])
        stage, wanted = params.get("VersionStage"), params.get("VersionId")
        if wanted is None:
            version = kept.holder(stage or "AWSCURRENT")
        else:
            version = kept.versions.get(wanted)
            if version is not None and stage is not None and stage not in version.stages:
                raise Refused("InvalidRequestException", "VersionStage is not of VersionId")
        if version is None:
            raise Refused("ResourceNotFoundException")
        self._read(kept)
        return self._version(kept, version) | version.content | {"CreatedDate": version.created}

    def BatchGetSecretValue(self, params: Params) -> Params:
        ids, filters = params.get("SecretIdList"), params.get("Filters")
        if (ids is None) == (filters is None) or (ids is not None and "MaxResults" in params):
            raise Refused("InvalidParameterException", "SecretIdList or Filters")
        following = None
        if ids is None:
            found = [kept for kept in self._visible(params) if listing.matching(kept, listing.checked(filters or []))]
            page, following = listing.page(listing.ordered(found, {}), params, limits.MAX_BATCH)
            ids = [kept.name for kept in page]
        if not 1 <= len(ids) <= limits.MAX_BATCH and filters is None:
            raise Refused("ValidationException", "SecretIdList")
        values, errors = [], []
        for each in ids:
            try:
                values.append(self.GetSecretValue({"SecretId": each}))
            except Refused as refused:
                errors.append({"SecretId": each, "ErrorCode": refused.code, "Message": refused.message})
        return {"SecretValues": values, "Errors": errors} | ({"NextToken": following} if following else {})

    def DescribeSecret(self, params: Params) -> Params:
        answer = listing.listed(self.shelf.seen(params["SecretId"]))
        answer["VersionIdsToStages"] = answer.pop("SecretVersionsToStages")
        return answer

    def ListSecrets(self, params: Params) -> Params:
        if not self.knows_sorting and params.keys() & {"SortBy"}:
            raise Refused("ValidationException", "SortBy")
        filters = listing.checked(params.get("Filters", []))
        found = [kept for kept in self._visible(params) if listing.matching(kept, filters)]
        page, following = listing.page(listing.ordered(found, params), params, 100)
        return {"SecretList": [listing.listed(kept) for kept in page]} | ({"NextToken": following} if following else {})

    def ListSecretVersionIds(self, params: Params) -> Params:
        kept, deprecated = self.shelf.seen(params["SecretId"]), params.get("IncludeDeprecated", False)
        shown = [
            {"VersionId": each.id, "VersionStages": sorted(each.stages), "CreatedDate": each.created}
            for each in kept.versions.values()
            if each.stages or deprecated
        ]
        return {"ARN": kept.arn, "Name": kept.name, "Versions": shown}

    def TagResource(self, params: Params) -> Params:
        kept = self._alive(params)
        tags = limits.tags(params["Tags"], kept.tags)
        self.shelf.writing(kept.name)
        kept.tags |= tags
        kept.changed = self._moment()
        return {}

    def UntagResource(self, params: Params) -> Params:
        kept = self._alive(params)
        self.shelf.writing(kept.name)
        for key in params["TagKeys"]:
            kept.tags.pop(key, None)
        kept.changed = self._moment()
        return {}

    def DeleteSecret(self, params: Params) -> Params:
        window, force = params.get("RecoveryWindowInDays"), params.get("ForceDeleteWithoutRecovery", False)
        if (window is not None and force) or not 7 <= (window or 30) <= 30:
            raise Refused("InvalidParameterException", "RecoveryWindowInDays")
        name = self.shelf.name_of(params["SecretId"])
        if force:
            kept = self.shelf.secrets.pop(name, None)
            return {"Name": name, "DeletionDate": self.now()} | ({"ARN": kept.arn} if kept else {})
        kept = self._alive(params)
        self.shelf.writing(name)
        kept.deleted = self.now() + (window or 30) * DAY
        return {"ARN": kept.arn, "Name": kept.name, "DeletionDate": kept.deleted}

    def RestoreSecret(self, params: Params) -> Params:
        kept = self.shelf.true(params["SecretId"])
        self.shelf.writing(kept.name)
        kept.deleted = None
        return {"ARN": kept.arn, "Name": kept.name}

    def _created_again(self, present: Kept, token: str, content: dict[str, str]) -> Params:
        if present.deleted is not None:
            raise Refused("InvalidRequestException", "scheduled for deletion")
        version = present.versions.get(token)
        if version is None or version.content != content:
            raise Refused("ResourceExistsException")
        return {"ARN": present.arn, "Name": present.name, "VersionId": token}

    def _alive(self, params: Params) -> Kept:
        kept = self.shelf.true(params["SecretId"])
        if kept.deleted is not None:
            raise Refused("InvalidRequestException", "scheduled for deletion")
        return kept

    def _readable(self, given: str) -> Kept:
        kept = self.shelf.seen(given)
        if kept.deleted is not None:
            raise Refused("InvalidRequestException", "scheduled for deletion")
        return kept

    def _visible(self, params: Params) -> list[Kept]:
        planned = params.get("IncludePlannedDeletion", False)
        return [kept for kept in self.shelf.everything() if planned or kept.deleted is None]

    def _read(self, kept: Kept) -> None:
        if kept.name in self.shelf.secrets:
            self.shelf.secrets[kept.name].accessed = self.now() // DAY * DAY

    def _version(self, kept: Kept, version: Version) -> Params:
        return {
            "ARN": kept.arn,
            "Name": kept.name,
            "VersionId": version.id,
            "VersionStages": sorted(version.stages),
        }

    def _moment(self) -> float:
        self._ticks += 1  # two changes never have the same date, so that sorting by it is total
        return self.now() + self._ticks * 1e-3

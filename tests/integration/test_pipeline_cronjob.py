"""The CronJob's own script and configuration, with the pod's identity, on a real OpenBao that asks a cluster's API."""

import json
import shlex
import textwrap
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme
import yaml

from tests.fakes.ci_issuer import Issuer
from tests.integration.keyless import Pipeline
from tests.integration.pipeline_jobs import Runner

CRONJOB = Path(__file__).parents[2] / "pipelines/cronjob.yaml"


class Cluster(BaseHTTPRequestHandler):
    """Says of a pod's identity what a cluster's API says: whose it is, unless it was not signed here."""

    issuer: Issuer

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["spec"]
        claims = self.issuer.verified(asked["token"])
        status = {"authenticated": False}
        if claims is not None and set(claims["aud"]) & set(asked.get("audiences", [])):
            pod = claims["kubernetes.io"]
            name = f"system:serviceaccount:{pod['namespace']}:{pod['serviceaccount']['name']}"
            user = {"username": name, "uid": pod["serviceaccount"]["uid"], "groups": ["system:serviceaccounts"]}
            status = {"authenticated": True, "user": user, "audiences": asked["audiences"]}
        body = json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status}).encode()
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def openbao(own_openbao):
    return own_openbao


@pytest.fixture
def cluster():
    with Issuer() as issuer:
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Cluster,), {"issuer": issuer}))
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield issuer, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        server.server_close()


def identity(issuer: Issuer, account: str = "tokenguard", audience: str = "tokenguard") -> str:
    pod = {"namespace": "tokens", "serviceaccount": {"name": account, "uid": "0b1c"}}
    return issuer.signed({"sub": f"system:serviceaccount:tokens:{account}", "kubernetes.io": pod}, aud=[audience])


def test_the_pod_rotates_what_is_due_and_no_other_pod_does(openbao, sandbox, cluster, tmp_path, capfd):
    issuer, host = cluster
    owner = Pipeline(openbao, sandbox, issuer, tmp_path, capfd, "vault://kv/video")
    pem = textwrap.indent(trustme.CA().cert_pem.bytes().decode(), "    ")
    (tmp_path / "server.yaml").write_text(
        f"version: 1\nkubernetes:\n  host: {host}\n  namespace: tokens\n  service_account: tokenguard\n"
        f"  ca_certificate: |\n{pem}"
    )
    assert owner.owner("setup", str(tmp_path / "server.yaml"), "--apply").code == 0
    assert owner.owner("init", "--sandbox").code == 0
    added = owner.owner(
        "add", "video/app/prod/post", "--provider", "autoposting", "--scope", f"org:{sandbox.info.org_id}", "--env",
        "prod", "--owner", "video", "--purpose", "posting", "--no-consumers", "--issue", "--due", "2020-01-01",
    )  # fmt: skip
    assert added.code == 0, added
    _account, made, job = yaml.safe_load_all(CRONJOB.read_text())
    config, token = tmp_path / "pod.toml", tmp_path / "token"
    text = made["data"]["config.toml"].replace("https://vault.example.org:8200", openbao.url)
    config.write_text(
        text.replace("/var/run/secrets/tokenguard/token", str(token))
        + f'[providers.autoposting]\nbase_url = "{sandbox.info.autoposting_url}"\ndeath_floor = 0.3\n'
    )
    config.chmod(0o644)
    environ = {"TOKENGUARD_CONFIG": str(config), "TOKENGUARD_ADMIN_AUTOPOSTING": sandbox.info.admin_key}
    runner = Runner(tmp_path, tmp_path, environ)
    others = (identity(issuer, "default"), identity(issuer, audience="https://kubernetes.default.svc"))
    for other in others:
        token.write_text(other)
        refused = runner.shell("tokenguard list --no-input", {}, ["sh", "-e"])
        assert (refused.code, "auth/tokenguard-kubernetes" in refused.out) == (4, True), refused
    before = openbao.api("GET", "kv/data/video/live/video/app/prod/post").json()["data"]["data"]["token"]
    token.write_text(identity(issuer))
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    ran = runner.shell(shlex.join(container["command"]), {}, ["sh"])
    assert ran.code == 0, ran
    after = openbao.api("GET", "kv/data/video/live/video/app/prod/post").json()["data"]["data"]["token"]
    assert after != before
    assert not any(each in ran.out for each in (before, after, token.read_text()))

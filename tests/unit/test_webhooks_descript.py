"""Unsigned callbacks: a hint that is believed in nothing; only known jobs are asked about, and the answer counts."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.fakes.scripted_server import ScriptedServer, reply
from tests.unit.test_policy_rules import GOOD
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Secret
from tokenguard.domain.token import RecordState
from tokenguard.errors import Unreachable
from tokenguard.frozen import replace
from tokenguard.http.address import Address
from tokenguard.http.client import Client, Credential, Request
from tokenguard.sandbox.sandbox_server import Sandbox, SystemClock
from tokenguard.webhooks import AutopostingDeliveries, DescriptCallbacks, Reason, Refused
from tokenguard.webhooks.descript_callbacks import drives_of

JOB = {
    "job_id": "job1", "job_type": "agent", "job_state": "stopped", "drive_id": "drive1", "project_id": "p1",
    "result": {"status": "success", "download_url": "https://storage.example.com/x"},
}  # fmt: skip


def receiver(url, known=("job1",), drives=("drive1",)):
    return DescriptCallbacks(Secret("tgcanary-token"), drives=drives, known=lambda job: job in known, base_url=url)


def body(**changes):
    return json.dumps({**JOB, **changes}).encode()


def answered(tree, status=200):
    return ScriptedServer(reply(status, json.dumps(tree).encode()))


def test_the_job_is_what_descript_says_and_not_what_the_callback_says():
    with answered({**JOB, "result": {"status": "partial"}}) as server:
        job = receiver(server.url).receive(body(project_id="forged", job_state="cancelled"))
    assert (job.id, job.drive, job.project, job.state, job.result) == ("job1", "drive1", "p1", "stopped", "partial")
    assert "storage.example" not in repr(job)
    assert server.requests[0].startswith(b"GET /jobs/job1 ")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (body(job_id="job2"), Reason.UNKNOWN_JOB),
        (body(drive_id="drive2"), Reason.WRONG_DRIVE),
        (body(job_id="../status"), Reason.MALFORMED),
        (body(job_id="job1/../job2"), Reason.MALFORMED),
        (body(job_id=["job1"]), Reason.MALFORMED),
        (body(job_id=None), Reason.MALFORMED),
        (body(drive_id=""), Reason.MALFORMED),
        (b"", Reason.MALFORMED),
        (b"[]", Reason.MALFORMED),
        (b'{"job_id":"job1","job_id":"job2","drive_id":"drive1"}', Reason.MALFORMED),
        (b"\xff\xfe", Reason.MALFORMED),
        (b"[" * 100_000, Reason.MALFORMED),
        (b" " * ((1 << 20) + 1), Reason.TOO_LARGE),
    ],
)
def test_a_callback_that_is_not_ours_is_refused_and_asks_nothing(sent, expected):
    with answered(JOB) as server, pytest.raises(Refused) as refused:
        receiver(server.url).receive(sent)
    assert refused.value.reason is expected
    assert server.requests == []


@pytest.mark.parametrize(
    ("tree", "status"),
    [({**JOB, "drive_id": "drive2"}, 200), ({**JOB, "job_id": "job2"}, 200), ({"error": "forbidden"}, 403),
     ({"error": "not_found"}, 404)],
)  # fmt: skip
def test_what_descript_does_not_confirm_is_refused(tree, status):
    with answered(tree, status) as server, pytest.raises(Refused) as refused:
        receiver(server.url).receive(body())
    assert refused.value.reason is Reason.NOT_CONFIRMED


@pytest.mark.parametrize(
    "script",
    [reply(500), reply(401, b'{"error":"unauthorized"}'), reply(429), reply(200, b"<html>", kind="text/html"),
     reply(404, b"<html>", kind="text/html"), reply(403, b"<html>", kind="text/html"), reply(200, b"[]"), reply(200, b'{"job_id":"job1"}'), reply(302, b"", "Location: http://127.0.0.1:1/")],
)  # fmt: skip
def test_what_descript_cannot_be_asked_about_is_unknown(script):
    with ScriptedServer(script) as server, pytest.raises(Unreachable) as unknown:
        receiver(server.url).receive(body())
    assert "tgcanary" not in unknown.value.message + unknown.value.hint


def test_the_drives_of_the_inventory():
    def record(drive, **more):
        return replace(GOOD, provider="descript", scope=Scope("drive", drive), **more)

    records = [record("d1"), record("d2"), record("d3", state=RecordState.RETIRED), replace(GOOD, scope=None), GOOD]
    assert drives_of(records) == {"d1", "d2"}


class Receiver(HTTPServer):
    """A user's own server: what comes is handed to `handle_call`, whose status is the answer."""

    def __init__(self, handle_call):
        self.handle_call = handle_call
        super().__init__(("127.0.0.1", 0), Handler)

    def __enter__(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.server.handle_call(list(self.headers.items()), sent))
        self.end_headers()

    def log_message(self, *_):
        pass


def ask(base, value, *path, **fields):
    client = Client(Address.parse(base), SystemClock())
    answer = client.send(Request(method="POST", path=path, body=fields, credential=Credential(secret=Secret(value))))
    return answer.status, answer.json_object()


def status_of(work):
    try:
        work()
    except Refused as refused:
        return refused.status
    return 204


def test_a_real_callback_of_the_sandbox_is_confirmed_by_the_sandbox():
    received = []
    with Sandbox() as sandbox:
        drive = sandbox.info.drives[0][0]
        token = sandbox.world.create_token("hooks", drive).secret
        known = sandbox.world.jobs.__contains__
        own = DescriptCallbacks(token, drives={drive}, known=known, base_url=sandbox.info.descript_url)
        with Receiver(lambda _, sent: status_of(lambda: received.append(own.receive(sent)))) as server:
            callback = f"http://127.0.0.1:{server.server_port}/hooks/descript"
            asked = (sandbox.info.descript_url, token.reveal(), "jobs", "import", "project_media")
            status, answer = ask(*asked, callback_url=callback)
            sandbox.world.callbacks.job(callback, {"job_id": "forged", "drive_id": drive})
            assert ask(*asked, callback_url="http://192.0.2.1/x")[0] == 400
            sandbox.world.callbacks.stop()
    assert status == 201
    assert [(job.id, job.state, job.result) for job in received] == [(answer["job_id"], "stopped", "success")]
    assert sandbox.world.callbacks.statuses == [204, 404]


def test_a_real_delivery_of_the_sandbox_is_handled_once():
    received = []
    with Sandbox() as sandbox:
        events = {"events": ["post.published"]}
        with Receiver(lambda headers, sent: status_of(lambda: take(headers, sent))) as server:
            callback = f"http://127.0.0.1:{server.server_port}/hooks/autoposting"
            asked = (sandbox.info.autoposting_url, sandbox.info.admin_key)
            status, answer = ask(*asked, "webhooks", url=callback, **events)
            own = AutopostingDeliveries([Secret(answer["data"]["webhook"]["secret"])], organisation=sandbox.info.org_id)

            def take(headers, sent):
                with own.receive(headers, sent) as delivery:
                    received.append(delivery)

            assert ask(*asked, "posts", text="x")[0] == 200
            assert ask(*asked, "webhooks", url="https://hooks.example.com/", **events)[0] == 400
            sandbox.world.callbacks.stop()
    assert status == 201
    assert [delivery.event for delivery in received] == ["post.published"]
    assert sandbox.world.callbacks.statuses == [204]

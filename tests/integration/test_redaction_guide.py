"""The guide's examples, run as they stand with the real libraries, and then made to leak."""

import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEAK = {
    "logging": "logging.getLogger('any').error('says %s', TOKEN)",
    "structlog": "structlog.get_logger().error('says', token=TOKEN, deep={'k': [TOKEN]})",
    "loguru": "logger.error('says {}', TOKEN)\ntry:\n    int(TOKEN)\nexcept ValueError:\n    logger.exception('failed')",
    "Django": """
import django, logging
from django.conf import settings
settings.configure(LOGGING=LOGGING, DEBUG=False, ROOT_URLCONF=__name__, ALLOWED_HOSTS=['*'], SECRET_KEY='tgcanary-django')
django.setup()
from django.test import Client
from django.urls import path
def fails(request):
    logging.getLogger('view').warning('says %s', TOKEN)
    raise ValueError(TOKEN)
urlpatterns = [path('x', fails)]
Client(raise_request_exception=False).get('/x', {'k': TOKEN}, headers={'authorization': TOKEN})
""",
    "FastAPI and uvicorn": """
import socket, threading, time, urllib.error, urllib.request, uvicorn
@app.get('/x')
def fails(k: str):
    raise ValueError('says ' + k)
listening = socket.socket(); listening.bind(('127.0.0.1', 0))
server = uvicorn.Server(uvicorn.Config(app, log_level='debug'))
thread = threading.Thread(target=server.run, kwargs={'sockets': [listening]}); thread.start()
while not server.started: time.sleep(.02)
try:
    urllib.request.urlopen(f'http://127.0.0.1:{listening.getsockname()[1]}/x?k={TOKEN}')
except urllib.error.HTTPError as error:
    error.close()
server.should_exit = True; thread.join()
""",
    "Celery": """
app.conf.update(task_always_eager=True, task_store_eager_result=False)
app.log.setup(loglevel='INFO', redirect_stdouts=False)
from celery.utils.log import get_task_logger
@app.task
def says():
    get_task_logger(__name__).error('says %s', TOKEN)
    print('prints', TOKEN, flush=True)
    raise ValueError(TOKEN)
says.delay()
""",
    "Sentry": """
sent = []
class Kept(sentry_sdk.Transport):
    def __init__(self): super().__init__({})
    def capture_envelope(self, envelope): sent.append(envelope.serialize())
sentry_sdk.init(**tokenguard.sentry.options(dsn='http://key@127.0.0.1:9/1', transport=Kept()))
try:
    raise ValueError(TOKEN)
except ValueError:
    sentry_sdk.capture_exception()
sentry_sdk.flush()
print(b''.join(sent).decode())
""",
    "OpenTelemetry": """
with traces.get_tracer('t').start_as_current_span(f'GET /{TOKEN}', attributes={'k': [TOKEN]}) as span:
    span.record_exception(ValueError(TOKEN))
""",
}


def example(heading):
    section = re.search(
        rf"^### {heading}\n(.*?)^##", (ROOT / "docs/redaction.md").read_text(), re.DOTALL | re.MULTILINE
    )
    return re.search(r"```python\n(.*?)```", section[1], re.DOTALL)[1]


@pytest.mark.parametrize("heading", LEAK)
def test_an_example_of_the_guide_masks_what_the_library_writes(heading, tmp_path):
    value = f"tgcanary_{secrets.token_hex(18)}"
    program = tmp_path / "program.py"
    program.write_text(f"{example(heading)}\nimport os\nTOKEN = os.environ['DESCRIPT_API_TOKEN']\n{LEAK[heading]}\n")
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, check=False, timeout=60,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DESCRIPT_API_TOKEN": value, "HOME": str(tmp_path)},
    )  # fmt: skip
    output = done.stdout.decode() + done.stderr.decode()
    assert value not in output
    assert done.returncode == 0, output
    assert output.count("[tokenguard:") >= 1, output


def test_the_settings_for_pytest_mask_a_failure_and_its_report(tmp_path):
    value = f"tgcanary_{secrets.token_hex(18)}"
    page = (ROOT / "docs/redaction.md").read_text().partition("### pytest")[2]
    (tmp_path / "pytest.ini").write_text(re.search(r"```ini\n(.*?)```", page, re.DOTALL)[1])
    (tmp_path / "test_it.py").write_text(
        "import os\n\ndef test_it():\n    held = os.environ['DESCRIPT_API_TOKEN']\n    print(held)\n    assert held == 'x'\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-l", "--junitxml=junit"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DESCRIPT_API_TOKEN": value, "HOME": str(tmp_path)},
    )  # fmt: skip
    written = done.stdout + done.stderr + (tmp_path / "junit").read_text()
    assert value not in written
    assert "1 failed" in written
    assert written.count("[tokenguard:") >= 6


def test_every_heading_with_an_example_is_run():
    section = (ROOT / "docs/redaction.md").read_text().partition("## Mask your logs")[2].partition("\n## ")[0]
    assert re.findall(r"^### (.*)$", section, re.MULTILINE) == [*LEAK, "pytest"]

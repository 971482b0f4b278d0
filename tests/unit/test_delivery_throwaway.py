"""A file on a runner that a CI throws away is not a delivery: refused before anything is written, and never confirmed."""

from pathlib import Path

import pytest

from tokenguard.delivery.delivery_registry import DeliveryRegistry
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Consumer, ConsumerKind
from tokenguard.errors import InputError
from tokenguard.ports.delivery import ConsumerVerdict

VALUE = Value.of("tgcanary-of-a-consumer")
HOSTED = {
    "github": {"GITHUB_ACTIONS": "true", "RUNNER_ENVIRONMENT": "github-hosted"},
    "github, before it said which": {"GITHUB_ACTIONS": "true"},
    "gitlab": {"GITLAB_CI": "true", "CI_DISPOSABLE_ENVIRONMENT": "true"},
    "circleci": {"CIRCLECI": "true"},
    "azure": {"TF_BUILD": "True"},
    "bitbucket": {"BITBUCKET_BUILD_NUMBER": "12"},
    "travis": {"TRAVIS": "true"},
    "codebuild": {"CODEBUILD_BUILD_ID": "project:1"},
    "appveyor": {"APPVEYOR": "True"},
    "cirrus": {"CIRRUS_CI": "true"},
    "drone": {"DRONE": "true"},
    "semaphore": {"SEMAPHORE": "true"},
}
OWN = {
    "no CI": {},
    "some CI": {"CI": "true"},
    "github's runner on a machine of the team": {"GITHUB_ACTIONS": "true", "RUNNER_ENVIRONMENT": "self-hosted"},
    "gitlab's shell executor": {"GITLAB_CI": "true"},
    "a variable that says no": {"CIRCLECI": "false", "TRAVIS": "0", "DRONE": ""},
    "a directory that is none": {"CI_PROJECT_DIR": "", "RUNNER_TEMP": "relative", "CI_BUILDS_DIR": "/"},
    "a developer's own variable": {"WORKSPACE": "{folder}"},
}
WORKING = {
    "github": {"GITHUB_ACTIONS": "true", "RUNNER_ENVIRONMENT": "self-hosted", "GITHUB_WORKSPACE": "{folder}"},
    "github's temporary files": {"RUNNER_ENVIRONMENT": "self-hosted", "RUNNER_TEMP": "{folder}"},
    "gitlab": {"GITLAB_CI": "true", "CI_PROJECT_DIR": "{folder}"},
    "gitlab's builds": {"GITLAB_CI": "true", "CI_BUILDS_DIR": "{above}"},
    "buildkite": {"BUILDKITE_BUILD_CHECKOUT_PATH": "{folder}"},
    "jenkins": {"JENKINS_URL": "https://ci.example.org", "WORKSPACE": "{folder}"},
    "through a link": {"CI_PROJECT_DIR": "{link}"},
    "from home": {"CIRCLE_WORKING_DIRECTORY": "~/{name}", "HOME": "{above}"},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "work"
    made.mkdir()
    (tmp_path / "link").symlink_to(made)
    return made


def delivery_in(environ: dict[str, str], folder: Path):
    words = {"folder": folder, "above": folder.parent, "link": folder.parent / "link", "name": folder.name}
    given = {name: each.format(**words) for name, each in environ.items()}
    consumer = Consumer(ConsumerKind.DOTENV, f"{folder}/.env#V")
    delivery = DeliveryRegistry(environ=given).of(consumer)
    assert delivery is not None
    return delivery, consumer


@pytest.mark.parametrize("environ", [*HOSTED.values(), *WORKING.values()], ids=[*HOSTED, *WORKING])
def test_it_is_refused_and_not_written_and_nothing_is_known_of_it(folder: Path, environ: dict[str, str]) -> None:
    delivery, consumer = delivery_in(environ, folder)
    for call in (delivery.check, lambda each: delivery.push(each, VALUE)):
        with pytest.raises(InputError):
            call(consumer)
    assert list(folder.iterdir()) == []
    (folder / ".env").write_text(f"V={VALUE.token.reveal()}\n")
    assert delivery.verify(consumer, VALUE) is ConsumerVerdict.UNKNOWN
    assert delivery.verify(consumer, Value.of("tgcanary-another-value")) is ConsumerVerdict.UNKNOWN


@pytest.mark.parametrize("environ", OWN.values(), ids=OWN)
def test_on_the_consumers_own_machine_it_is_written(folder: Path, environ: dict[str, str]) -> None:
    delivery, consumer = delivery_in(environ, folder)
    delivery.check(consumer)
    delivery.push(consumer, VALUE)
    assert delivery.verify(consumer, VALUE) is ConsumerVerdict.EXPECTED

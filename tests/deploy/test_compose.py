"""docker-compose.yml as written: no secret that works by default, nobody root, everybody asked for their health."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from django.conf import settings

from tests.documents import Document

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
PROJECT: Document = yaml.safe_load(COMPOSE)
SERVICES: dict[str, Document] = PROJECT["services"]
EXAMPLE = (ROOT / "deploy" / "env.example").read_text()
SECRETS = {"SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD"}
BUILT = ("web", "migrate", "worker", "mail", "beat", "triton", "pictures", "paper")
#: What reads strangers' pictures and makes PDFs.
CONFINED = ("pictures", "paper")

#: ``${NAME}``, ``${NAME:-default}``, ``${NAME:?complaint}``: the name and the rest.
VARIABLE = re.compile(r"\$\{(\w+)([^}]*)\}")


@pytest.fixture(params=sorted(SERVICES))
def service(request: pytest.FixtureRequest) -> Document:
    return SERVICES[request.param]


def environment(name: str) -> dict[str, str]:
    found: dict[str, str] = SERVICES[name].get("environment", {})
    return found


def test_the_whole_house_is_there() -> None:
    assert set(SERVICES) == {
        *("web", "worker", "mail", "beat", "postgres", "redis", "triton", "migrate", "pictures", "paper")
    }


def test_a_secret_has_no_default_and_says_what_to_do() -> None:
    found = [(name, rest) for name, rest in VARIABLE.findall(COMPOSE) if name in SECRETS]
    assert {name for name, _ in found} == SECRETS
    assert all(rest.startswith(":?") and "deploy/make-env" in rest for _, rest in found)


def test_no_setting_that_is_a_secret_stands_in_the_file() -> None:
    secret = re.compile(r"PASSWORD|SECRET|TOKEN|CREDENTIAL|_KEY$")
    for name in SERVICES:
        for variable, value in environment(name).items():
            if secret.search(variable):
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", str(value)), f"{name}: {variable}"
            assert not re.search(r"://[^/@$]*:[^/@$]+@", str(value)), f"{name}: {variable} holds a password"


def test_every_variable_of_the_compose_file_is_explained_and_has_the_same_default() -> None:
    written = dict(re.findall(r"^(\w+)=(.*)$", EXAMPLE, re.MULTILINE))
    used = dict(VARIABLE.findall(COMPOSE))
    assert set(used) == set(written)
    assert {name: rest[2:] for name, rest in used.items() if name not in SECRETS} == {
        name: value for name, value in written.items() if name not in SECRETS
    }
    assert all(written[name] == "" for name in SECRETS)


def test_every_service_is_asked_for_its_health(service: Document) -> None:
    check = service["healthcheck"]
    if check.get("disable"):
        assert service["restart"].startswith("on-failure"), "only a job that ends has no health"
    else:
        assert check["test"][0] in {"CMD", "CMD-SHELL"}
        assert {"interval", "timeout", "retries", "start_period"} <= set(check)


def test_every_service_is_confined(service: Document) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges" in str(service["security_opt"])
    assert "privileged" not in service
    assert service["mem_limit"]


def test_only_the_official_postgres_image_starts_as_root_and_it_gives_root_up() -> None:
    assert {name for name, service in SERVICES.items() if "cap_add" in service} == {"postgres"}
    assert SERVICES["redis"]["user"] == "redis"


def test_images_carry_a_version() -> None:
    for name, service in SERVICES.items():
        tag = service["image"].rpartition(":")[2]
        assert tag not in {"", "latest", service["image"]}, name


def test_only_the_portal_is_published_and_only_to_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"web": ["127.0.0.1:${PORT:-8000}:8000"]}


def test_what_holds_data_reaches_nothing_outside() -> None:
    assert PROJECT["networks"]["back"]["internal"] is True
    assert {
        name
        for name, service in SERVICES.items()
        if "networks" in service and service["networks"] != ["back"]
    } == {"web", "mail"}


def test_mail_has_a_way_out_and_what_handles_photographs_has_none() -> None:
    """A worker on the internal network alone could not reach a mail server, and one that decodes must not."""
    outbound = PROJECT["networks"]["outbound"] or {}
    assert not outbound.get("internal")
    assert {name for name, service in SERVICES.items() if "outbound" in service.get("networks", [])} == {
        "mail"
    }
    queues = {
        name: re.findall(r"--queues=(\w+(?:,\w+)*)", " ".join(SERVICES[name]["command"]))
        for name in ("worker", "mail")
    }
    assert queues == {"worker": ["default,quick"], "mail": ["mail"]}
    assert "volumes" not in SERVICES["mail"]


def test_every_queue_has_a_service_that_takes_from_it() -> None:
    taken = re.findall(r"--queues=(\w+(?:,\w+)*)", COMPOSE)
    assert {queue for some in taken for queue in some.split(",")} == {
        queue.name for queue in settings.CELERY_TASK_QUEUES
    }


def test_data_lies_in_named_volumes_and_web_and_worker_share_the_photographs() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in PROJECT["volumes"]
    assert "media:/var/lib/hemalens/media" in SERVICES["worker"]["volumes"]
    assert "media:/var/lib/hemalens/media" in SERVICES["web"]["volumes"]


@pytest.mark.parametrize("name", CONFINED)
def test_what_reads_strangers_pictures_has_no_network_no_secret_and_no_photographs(name: str) -> None:
    service = SERVICES[name]
    assert service["network_mode"] == "none"
    assert "networks" not in service
    assert service["volumes"] == ["sockets:/var/lib/hemalens/sockets"]
    assert not {variable for variable in environment(name) if re.search(r"URL|SECRET|PASSWORD", variable)}
    for asking in ("web", "worker"):
        assert "sockets:/var/lib/hemalens/sockets" in SERVICES[asking]["volumes"]
        assert environment(asking)["CONFINED_SOCKETS"] == environment(name)["CONFINED_SOCKETS"]


def test_the_memory_of_the_picture_service_holds_what_its_jobs_may_take() -> None:
    from confined.bounds import of_paper, of_pictures

    for name, bounds in (("pictures", of_pictures({})), ("paper", of_paper({}))):
        jobs = bounds.large_at_once * bounds.large_mb
        jobs += (bounds.at_once - bounds.large_at_once) * bounds.small_mb
        assert int(SERVICES[name]["mem_limit"].removesuffix("m")) >= jobs + 100, name


@pytest.mark.parametrize("name", BUILT)
def test_the_dockerfile_ends_as_a_user_that_is_not_root(name: str) -> None:
    lines = (ROOT / SERVICES[name]["build"]["dockerfile"]).read_text().splitlines()
    last_stage = lines[max(i for i, line in enumerate(lines) if line.startswith("FROM ")) :]
    users = [line.split()[1] for line in last_stage if line.startswith("USER ")]
    assert users == ["10001:10001"]


def test_the_build_context_holds_what_the_dockerfiles_copy() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    allowed = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    folders = {name.partition("/")[0] for name in allowed}
    for dockerfile in (ROOT / "deploy").glob("*.Dockerfile"):
        for copied in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile.read_text(), re.MULTILINE):
            for source in copied.split():
                assert source in folders or source.partition("/")[0] in allowed or source in allowed, source


def test_dockerfiles_name_their_bases_with_a_version() -> None:
    for dockerfile in (ROOT / "deploy").glob("*.Dockerfile"):
        for base in re.findall(r"^FROM (\S+)", dockerfile.read_text(), re.MULTILINE):
            assert re.fullmatch(r"[\w.-]+(/[\w.-]+)+:(?!latest$)[\w.-]+", base), f"{dockerfile.name}: {base}"


@pytest.mark.parametrize(
    ("lock", "absent"),
    [("web", {"torch", "torchvision", "tritonclient"}), ("worker", {"torch", "torchvision"})],
)
def test_the_images_stay_small(lock: str, absent: set[str]) -> None:
    text = (ROOT / "requirements" / f"{lock}.lock").read_text()
    pinned = set(re.findall(r"^([\w.-]+)==", text, re.MULTILINE))
    assert "django" in pinned
    assert not pinned & absent


def test_the_gpu_file_changes_nothing_but_triton() -> None:
    overlay = yaml.safe_load((ROOT / "deploy" / "compose.gpu.yml").read_text())
    assert set(overlay["services"]) == {"triton"}
    assert "--model-config-name=gpu" in overlay["services"]["triton"]["command"]
    assert (ROOT / "triton_models" / "leukemia_vgg16" / "configs" / "gpu.pbtxt").exists()


def make_env(file: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROOT / "deploy" / "make-env", file], capture_output=True, text=True, check=False)


def test_make_env_fills_in_secrets_that_differ_and_only_the_owner_reads(tmp_path: Path) -> None:
    file = tmp_path / "env"
    assert make_env(file).returncode == 0
    values = dict(re.findall(r"^(\w+)=(.*)$", file.read_text(), re.MULTILINE))
    secrets = [values[name] for name in sorted(SECRETS)]
    assert all(re.fullmatch(r"[0-9a-f]{64}", secret) for secret in secrets)
    assert len(set(secrets)) == len(SECRETS)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text().count("\n") == EXAMPLE.count("\n")


def test_make_env_leaves_an_existing_file_alone(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("SECRET_KEY=mine\n")
    done = make_env(file)
    assert done.returncode != 0
    assert "left as it is" in done.stderr
    assert file.read_text() == "SECRET_KEY=mine\n"


def test_the_web_image_has_every_file_that_registering_a_model_reads() -> None:
    command = (ROOT / "portal/inference/management/commands/register_model.py").read_text()
    read = set(re.findall(r'"(\w+\.json)"', command))
    copied = set(re.findall(r"-name (\w+\.json)", (ROOT / "deploy/web.Dockerfile").read_text()))
    assert read == copied

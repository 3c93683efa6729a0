"""The manifests are valid, agree with each other, and start what they say.

No cluster is asked: schemas are those of kubernetes-validate, the proxy's own parts are run.
"""

import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from proxy.process.admin import admin_app
from tests.commands.running import run
from tests.shared import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
FILES = sorted(FOLDER.glob("*.yaml"))
MANIFESTS = {one["kind"]: one for path in FILES for one in yaml.safe_load_all(path.read_text())}
POD = MANIFESTS["Deployment"]["spec"]["template"]
CONTAINER = POD["spec"]["containers"][0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_every_manifest_is_valid_and_has_no_key_that_kubernetes_does_not_know(path, version):
    for manifest in yaml.safe_load_all(path.read_text()):
        kubernetes_validate.validate(manifest, version, strict=True)


def test_all_that_was_asked_for_is_there():
    assert set(MANIFESTS) == {
        "ConfigMap", "Deployment", "HorizontalPodAutoscaler", "NetworkPolicy", "PodDisruptionBudget", "Secret", "Service",
    }  # fmt: skip


def test_whoever_selects_pods_selects_those_of_the_deployment():
    labels = POD["metadata"]["labels"]
    specs = {kind: MANIFESTS[kind]["spec"] for kind in MANIFESTS if "spec" in MANIFESTS[kind]}

    assert specs["Deployment"]["selector"]["matchLabels"] == labels
    assert specs["PodDisruptionBudget"]["selector"]["matchLabels"] == labels
    assert specs["NetworkPolicy"]["podSelector"]["matchLabels"] == labels
    assert specs["Service"]["selector"] == labels
    assert (
        specs["HorizontalPodAutoscaler"]["scaleTargetRef"]["name"]
        == MANIFESTS["Deployment"]["metadata"]["name"]
    )


def test_ports_and_probes_are_those_of_the_config_and_of_the_admin_address():
    config = yaml.safe_load(MANIFESTS["ConfigMap"]["data"]["config.yaml"])
    ports = {one["name"]: one["containerPort"] for one in CONTAINER["ports"]}
    probes = [CONTAINER[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")]
    known = {resource.canonical for resource in admin_app(None).router.resources()}

    assert config["listen"].endswith(f":{ports['http']}")
    assert config["admin"].endswith(f":{ports['admin']}")
    assert {probe["port"] for probe in probes} == {"admin"}
    assert {probe["path"] for probe in probes} <= known
    assert [one["targetPort"] for one in MANIFESTS["Service"]["spec"]["ports"]] == ["http"]


def test_the_pod_needs_no_right_and_writes_to_memory_alone():
    security, pod = CONTAINER["securityContext"], POD["spec"]["securityContext"]
    writable = [one["name"] for one in CONTAINER["volumeMounts"] if not one.get("readOnly")]
    volumes = {one["name"]: one for one in POD["spec"]["volumes"]}

    assert security == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert pod["runAsNonRoot"]
    assert f"USER {pod['runAsUser']}:{pod['runAsGroup']}\n" in (ROOT / "Dockerfile").read_text()
    assert [volumes[name]["emptyDir"]["medium"] for name in writable] == ["Memory"]


def test_a_pod_that_ends_gets_longer_than_its_requests_do():
    wait = int(CONTAINER["lifecycle"]["preStop"]["exec"]["command"][1])

    assert POD["spec"]["terminationGracePeriodSeconds"] > wait + 30, "timeouts.drain"


def written(folder: Path, secret: dict[str, str]) -> Path:
    """Write the files that the pod would see, and return the config."""
    config = folder / "config.yaml"
    for name, text in MANIFESTS["ConfigMap"]["data"].items():
        (folder / name).write_text(text.replace("/etc/consent-proxy/secret", str(folder)))
    for name, text in secret.items():
        (folder / name).write_text(text)
    assert str(folder) in config.read_text()
    return config


def test_check_takes_config_and_rules_of_the_config_map_with_a_key_of_ones_own(tmp_path):
    config = written(tmp_path, {"consent.key": run("keygen").stdout})
    told = run("check", tmp_path / "rules.yaml", "--config", config)

    assert told.returncode == 3, told.stderr
    assert all("warning: " in line for line in told.stderr.splitlines()[:-1])


def test_the_secret_as_it_is_shipped_starts_nothing(tmp_path):
    config = written(tmp_path, MANIFESTS["Secret"]["stringData"])
    told = subprocess.run(
        [sys.executable, "-m", "proxy", "serve", "--config", config, "--rules", tmp_path / "rules.yaml"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert told.returncode == 1
    assert "the signing key" in told.stderr

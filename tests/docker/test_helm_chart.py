"""docker/helm/winnow: Kubernetes takes what it renders, and the pods fit the server."""

import re
import tarfile
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from server.defaults import FLAGS
from server.gate.routes import OPEN
from server.settings import PREFIX, Settings
from tests.docker.chart import (
    CHART,
    Manifest,
    container,
    helm,
    kinds,
    of_kind,
    render,
    variables,
)
from tests.docker.manifests import check

GPU = CHART / "values-gpu.yaml"
RULES = CHART.parents[1] / "monitoring" / "rules.yml"
POSTGRES = {"type": "postgres", "postgres": {"name": "database"}}
SECRETS = {
    name: {"name": "some-secret"}
    for name in ("keys", "monitorKey", "cacheSecret", "huggingFace", "verifierApiKey")
}
MONITORING = {"serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}}
KEDA = {"enabled": True, "prometheusAddress": "http://prometheus:9090", "requestSeconds": 20}
INGRESS = {"enabled": True, "host": "llm.example.org", "tlsSecret": "tls"}
CASES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "defaults": ({}, set()),
    "file": ({"store": {"type": "file"}}, {"PersistentVolumeClaim"}),
    "everything": (
        {
            "store": POSTGRES,
            "secrets": SECRETS,
            "ingress": INGRESS,
            "autoscaling": {
                "enabled": True,
                "podMetrics": [{"name": "vllm:num_requests_waiting", "averageValue": "8"}],
            },
            "metrics": MONITORING,
            "networkPolicy": {"enabled": True, "fromNamespaces": ["ingress"], "toHub": True},
            "model": {"name": "/models/a", "claim": "checkpoints", "claimSubPath": "x"},
            "cache": {"claim": "cache"},
            "settings": {"WINNOW_MAX_PATHS": 32, "WINNOW_MEMORY_VERIFIERS": ["equations"]},
            "nodeSelector": {"gpu": "h100"},
            "affinity": {"podAntiAffinity": {}},
            "priorityClassName": "high",
            "podAnnotations": {"a": "b"},
            "image": {"pullSecrets": [{"name": "registry"}]},
        },
        {
            "HorizontalPodAutoscaler",
            "Ingress",
            "NetworkPolicy",
            "PrometheusRule",
            "ServiceMonitor",
        },
    ),
    "keda": ({"store": POSTGRES, "keda": KEDA}, {"ScaledObject"}),
}
ALWAYS = {"Deployment", "PodDisruptionBudget", "Service", "ServiceAccount"}


@pytest.fixture(scope="module")
def everything() -> list[Manifest]:
    return render(CASES["everything"][0])


def pod(manifests: list[Manifest]) -> dict[str, Any]:
    spec = of_kind(manifests, "Deployment")["spec"]["template"]["spec"]
    assert isinstance(spec, dict)
    return spec


def test_helm_has_no_complaint() -> None:
    assert "0 chart(s) failed" in helm("lint", "--strict", str(CHART))
    assert "0 chart(s) failed" in helm("lint", "--strict", str(CHART), "--values", str(GPU))


@pytest.mark.parametrize("name", CASES)
def test_kubernetes_takes_what_is_rendered(name: str) -> None:
    values, more = CASES[name]
    manifests = render(values)
    assert kinds(manifests) == ALWAYS | more
    for manifest in manifests:
        check(manifest)


def test_start_for_a_gpu_is_taken() -> None:
    manifests = render({}, GPU)
    for manifest in manifests:
        check(manifest)
    assert container(manifests)["resources"]["limits"]["nvidia.com/gpu"] == 1


def test_what_is_wrong_is_found() -> None:
    deployment = of_kind(render(), "Deployment")
    deployment["spec"]["template"]["spec"]["containers"][0]["livenessProb"] = {}
    with pytest.raises(Exception, match="livenessProb"):
        check(deployment)
    scaled = of_kind(render(CASES["keda"][0]), "ScaledObject")
    scaled["spec"]["maxReplicaCnt"] = 3
    with pytest.raises(AssertionError):
        check(scaled)


def test_package_has_the_rules_that_the_link_is_to(tmp_path: Path) -> None:
    helm("package", str(CHART), "--destination", str(tmp_path))
    (package,) = tmp_path.glob("winnow-*.tgz")
    with tarfile.open(package) as tar:
        member = tar.getmember("winnow/files/rules.yml")
        content = tar.extractfile(member)
        assert member.isreg()
        assert content is not None
        assert content.read() == RULES.read_bytes()


def test_rules_are_those_of_docker_monitoring(everything: list[Manifest]) -> None:
    assert of_kind(everything, "PrometheusRule")["spec"] == yaml.safe_load(RULES.read_text())


def test_probes_ask_routes_that_need_no_key_at_a_port_that_is_there() -> None:
    one = container(render())
    paths = {name: one[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")}
    assert {name: get["path"] for name, get in paths.items()} == {
        "startup": "/health",
        "readiness": "/ready",
        "liveness": "/health",
    }
    assert {get["path"] for get in paths.values()} <= OPEN
    ports = {port["name"]: port["containerPort"] for port in one["ports"]}
    assert {get["port"] for get in paths.values()} <= set(ports)
    assert f"--port={ports['http']}" in one["args"]


def test_port_has_the_same_name_wherever_it_is_meant(everything: list[Manifest]) -> None:
    (port,) = container(everything)["ports"]
    service = of_kind(everything, "Service")
    (service_port,) = service["spec"]["ports"]
    assert service_port["targetPort"] == port["name"]
    (endpoint,) = of_kind(everything, "ServiceMonitor")["spec"]["endpoints"]
    assert endpoint["port"] == service_port["name"]
    (rule,) = of_kind(everything, "Ingress")["spec"]["rules"]
    for path in rule["http"]["paths"]:
        assert path["backend"]["service"] == {
            "name": service["metadata"]["name"],
            "port": {"name": service_port["name"]},
        }
    for allowed in of_kind(everything, "NetworkPolicy")["spec"]["ingress"]:
        assert allowed["ports"] == [{"port": port["name"]}]


def test_selectors_find_the_pods(everything: list[Manifest]) -> None:
    labels = of_kind(everything, "Deployment")["spec"]["template"]["metadata"]["labels"].items()
    chosen = [
        of_kind(everything, "Deployment")["spec"]["selector"]["matchLabels"],
        of_kind(everything, "Service")["spec"]["selector"],
        of_kind(everything, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        of_kind(everything, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    ]
    for selector in chosen:
        assert selector.items() <= labels
        assert len(selector) == 2


def test_pod_may_do_nothing_that_it_need_not(everything: list[Manifest]) -> None:
    spec, one = pod(everything), container(everything)
    assert spec["automountServiceAccountToken"] is False
    assert of_kind(everything, "ServiceAccount")["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 10001
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert one["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize("name", CASES)
def test_what_the_server_writes_is_on_volumes(name: str) -> None:
    manifests = render(CASES[name][0])
    one = container(manifests)
    mounts = {mount["mountPath"]: mount for mount in one["volumeMounts"]}
    writable = {path for path, mount in mounts.items() if not mount.get("readOnly")}
    assert {"/tmp", "/cache", "/dev/shm"} <= writable
    written = [
        value
        for variable, value in variables(one).items()
        if isinstance(value, str) and value.startswith("/") and variable != "WINNOW_KEYS"
    ]
    assert len(written) >= 5
    for path in written:
        assert {str(parent) for parent in (PurePosixPath(path), *PurePosixPath(path).parents)} & (
            writable
        ), f"{path} is on the read-only root"
    assert {mount["name"] for mount in mounts.values()} == {
        volume["name"] for volume in pod(manifests)["volumes"]
    }


def test_keys_are_readable_and_seen_when_they_change(everything: list[Manifest]) -> None:
    spec, one = pod(everything), container(everything)
    path = PurePosixPath(variables(one)["WINNOW_KEYS"])
    (mount,) = [m for m in one["volumeMounts"] if m["mountPath"] == str(path.parent)]
    assert mount["readOnly"]
    assert "subPath" not in mount, "Kubernetes never changes the files of a subPath"
    (volume,) = [v for v in spec["volumes"] if v["name"] == mount["name"]]
    assert volume["secret"]["items"] == [{"key": path.name, "path": path.name}]
    assert volume["secret"]["defaultMode"] == 0o440
    assert spec["securityContext"]["fsGroup"] == spec["securityContext"]["runAsGroup"]


def test_variables_are_settings_and_none_comes_by_chance(everything: list[Manifest]) -> None:
    ours = {name for name in variables(container(everything)) if name.startswith(PREFIX)}
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    assert ours <= known
    assert {"WINNOW_KEYS", "WINNOW_STORE", "WINNOW_CACHE_SECRET", "WINNOW_MAX_PATHS"} <= ours
    # Kubernetes would make WINNOW_PORT and the like of a Service named winnow.
    assert pod(everything)["enableServiceLinks"] is False


def test_settings_arrive_as_the_server_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "WINNOW_MAX_REQUEST_TOKENS": 12_000_000,  # not 1.2e+07
        "WINNOW_MAX_BODY_MB": 2.5,
        "WINNOW_LOG_PROMPTS": True,
        "WINNOW_LOG_FORMAT": "text",
        "WINNOW_CANARY_DECODERS": ["greedy", {"strategy": "majority_vote", "num_samples": 4}],
    }
    for name, value in variables(container(render({"settings": given}))).items():
        if name in given:
            monkeypatch.setenv(name, value)
    read = Settings()
    assert read.max_request_tokens == 12_000_000
    assert read.max_body_mb == 2.5
    assert read.log_prompts is True
    assert read.log_format == "text"
    assert read.canary_decoders == ("greedy", {"strategy": "majority_vote", "num_samples": 4})


def test_pod_has_the_time_to_drain() -> None:
    manifests = render({"termination": {"endpointLagSeconds": 7, "drainSeconds": 600}})
    spec, one = pod(manifests), container(manifests)
    assert "--shutdown-timeout" in FLAGS
    assert "--shutdown-timeout=600" in one["args"]
    assert one["lifecycle"] == {"preStop": {"sleep": {"seconds": 7}}}
    assert spec["terminationGracePeriodSeconds"] >= 7 + 600 + 10
    assert "lifecycle" not in container(render({"termination": {"endpointLagSeconds": 0}}))


def test_flags_follow_the_model() -> None:
    flags = ["--max-model-len", "8192", '--override-generation-config={"temperature": 0}']
    one = container(render({"model": {"name": "org/model", "servedName": "m"}, "flags": flags}))
    assert one["args"][0] == "org/model"
    assert "--served-model-name=m" in one["args"]
    assert one["args"][-3:] == flags
    assert "command" not in one, "the image's entrypoint is `winnow serve`"


def test_volume_of_one_writer_is_never_shared_by_two_pods() -> None:
    deployment = of_kind(render({"store": {"type": "file"}}), "Deployment")
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    assert deployment["spec"]["replicas"] == 1


def test_what_is_for_monitors_is_not_for_the_outside(everything: list[Manifest]) -> None:
    (rule,) = of_kind(everything, "Ingress")["spec"]["rules"]
    assert [path["path"] for path in rule["http"]["paths"]] == ["/v1"]


def test_notes_warn_of_a_server_without_keys(tmp_path: Path) -> None:
    run = helm("install", "m", str(CHART), "--dry-run=client", "--set", "service.port=81")
    assert "no keys are set" in run
    assert re.search(r"port-forward service/m-winnow 8000:81\b", run)
    assert "no keys" not in helm("install", "m", str(CHART), "--dry-run=client", "-f", str(GPU))

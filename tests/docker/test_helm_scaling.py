"""docker/helm/winnow: what it measures and scales by is there, and Ray gets what it asks for."""

import re
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry
from ray.serve.schema import ServeDeploySchema

from server.gate.routes import MONITOR, OPEN
from server.metrics import Metrics
from server.ray_serve.application import CALLBACK, LAYERS
from server.ray_serve.options import RayOptions
from tests.docker.chart import NAMESPACE, RELEASE, Manifest, kinds, of_kind, render, variables
from tests.docker.manifests import check
from tests.docker.prometheus_process import binary

POSTGRES = {"type": "postgres", "postgres": {"name": "database"}}
KEDA = {"enabled": True, "prometheusAddress": "http://prometheus:9090", "requestSeconds": 20}
RULES = Path(__file__).parents[2] / "docker" / "monitoring" / "rules.yml"
PROMETHEUS = RULES.with_name("prometheus.yml")
SERIES = re.compile(r"\b((?:winnow_|vllm:)[a-z_0-9]+)")


@pytest.fixture(scope="module")
def scaled() -> Manifest:
    return of_kind(render({"store": POSTGRES, "keda": KEDA}), "ScaledObject")


def series_of_vllm() -> str:
    """The source in which vLLM names them; importing it takes seconds."""
    spec = find_spec("vllm")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0], "v1", "metrics", "loggers.py").read_text()


def is_measured(series: str) -> bool:
    if series.startswith("vllm:"):
        return f'"{series}"' in series_of_vllm()
    registry = CollectorRegistry()
    Metrics(registry)
    names = {family.name for family in registry.collect()}
    return re.sub(r"_(bucket|count|sum|total)$", "", series) in names


def queries(scaled: Manifest) -> dict[str, str]:
    return {one["name"]: one["metadata"]["query"] for one in scaled["spec"]["triggers"]}


def test_series_that_keda_asks_for_are_measured(scaled: Manifest) -> None:
    named = {series for query in queries(scaled).values() for series in SERIES.findall(query)}
    assert named == {
        "vllm:num_requests_waiting",
        "winnow_queue_seconds_bucket",
        "winnow_request_seconds_bucket",
    }
    assert all(is_measured(series) for series in named)
    assert not is_measured("winnow_queue_second_bucket")
    assert not is_measured("vllm:num_requests_queued")


def test_prometheus_takes_the_queries(scaled: Manifest, tmp_path: Path) -> None:
    rules = [{"record": name, "expr": query} for name, query in queries(scaled).items()]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "keda", "rules": rules}]}))
    run = subprocess.run(
        [binary("promtool"), "check", "rules", str(file)], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "3 rules found" in run.stdout


def test_quiet_servers_are_not_scaled_up(scaled: Manifest, tmp_path: Path) -> None:
    """Without requests a quantile is NaN: KEDA is told 0. Counted by hand: of 60 requests in two
    minutes, all take 10 to 25 s, so that the 95th percentile is 10 + 0.95 × 15 = 24.25 s."""
    labels = f'namespace="{NAMESPACE}",service="{RELEASE}-winnow"'
    buckets = [
        {"series": f'winnow_request_seconds_bucket{{{labels},le="{bound}"}}', "values": values}
        for bound, values in (("10", "0x40"), ("25", "0x20 0+15x20"), ("+Inf", "0x20 0+15x20"))
    ]
    expression = queries(scaled)["request"]
    asked = [
        {"expr": expression, "eval_time": when, "exp_samples": [{"labels": "{}", "value": value}]}
        for when, value in (("10m", 0), ("15m", 24.25))
    ]
    (tmp_path / "none.yml").write_text("groups: []\n")
    test = {
        "rule_files": ["none.yml"],
        "tests": [{"interval": "30s", "input_series": buckets, "promql_expr_test": asked}],
    }
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump(test))
    run = subprocess.run(
        [binary("promtool"), "test", "rules", str(file)], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_keda_scales_the_deployment_by_its_own_series() -> None:
    manifests = render({"store": POSTGRES, "keda": {**KEDA, "queueSeconds": None}})
    name = of_kind(manifests, "Deployment")["metadata"]["name"]
    scaled = of_kind(manifests, "ScaledObject")
    assert scaled["spec"]["scaleTargetRef"]["name"] == name
    assert set(queries(scaled)) == {"waiting", "request"}
    for query in queries(scaled).values():
        assert f'{{namespace="{NAMESPACE}",service="{name}"}}' in query
    own = render({"store": POSTGRES, "keda": {**KEDA, "selector": 'job="winnow"'}})
    for query in queries(of_kind(own, "ScaledObject")).values():
        assert '{job="winnow"}' in query


@pytest.mark.parametrize("scaler", [{"autoscaling": {"enabled": True}}, {"keda": KEDA}], ids=str)
def test_autoscaled_deployment_names_no_replicas(scaler: dict[str, Any]) -> None:
    # Each upgrade would put them back.
    deployment = of_kind(render({"store": POSTGRES, **scaler}), "Deployment")
    assert "replicas" not in deployment["spec"]


def test_autoscaler_takes_series_of_pods() -> None:
    metrics = [{"name": "vllm:num_requests_waiting", "averageValue": "8"}]
    scaler = of_kind(
        render({"store": POSTGRES, "autoscaling": {"enabled": True, "podMetrics": metrics}}),
        "HorizontalPodAutoscaler",
    )
    check(scaler)
    by_cpu, by_pods = scaler["spec"]["metrics"]
    assert by_cpu["resource"]["target"]["averageUtilization"] == 80
    assert by_pods["pods"]["target"] == {"type": "AverageValue", "averageValue": "8"}
    assert is_measured(by_pods["pods"]["metric"]["name"])


def test_prometheus_scrapes_with_a_key_what_needs_one() -> None:
    values = {
        "secrets": {"keys": {"name": "keys"}, "monitorKey": {"name": "monitor", "key": "token"}},
        "metrics": {"serviceMonitor": {"enabled": True}},
    }
    manifests = render(values)
    monitor, service = of_kind(manifests, "ServiceMonitor"), of_kind(manifests, "Service")
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["path"] in MONITOR - OPEN
    assert endpoint["authorization"]["type"] == "Bearer"
    assert endpoint["authorization"]["credentials"] == {"name": "monitor", "key": "token"}
    labels = service["metadata"]["labels"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()
    # rules.yml has alerts of this job.
    assert f'up{{job="{labels[monitor["spec"]["jobLabel"]]}"}}' in RULES.read_text()


def test_prometheus_drops_what_docker_monitoring_drops() -> None:
    monitor = of_kind(render({"metrics": {"serviceMonitor": {"enabled": True}}}), "ServiceMonitor")
    (endpoint,) = monitor["spec"]["endpoints"]
    assert "authorization" not in endpoint, "without keys there is none to name"
    (job,) = yaml.safe_load(PROMETHEUS.read_text())["scrape_configs"]
    (written,) = job["metric_relabel_configs"]
    assert endpoint["metricRelabelings"] == [
        {
            "sourceLabels": written["source_labels"],
            "regex": written["regex"],
            "action": written["action"],
        }
    ]


def test_network_policy_lets_in_and_out_what_is_named() -> None:
    database = [{"ipBlock": {"cidr": "10.1.2.3/32"}}]
    policy = {
        "enabled": True,
        "fromOwnNamespace": False,
        "fromNamespaces": ["ingress-nginx", "monitoring"],
        "toPostgres": {"port": 6432, "to": database},
    }
    spec = of_kind(render({"store": POSTGRES, "networkPolicy": policy}), "NetworkPolicy")["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    (ingress,) = spec["ingress"]
    assert [one["namespaceSelector"]["matchLabels"] for one in ingress["from"]] == [
        {"kubernetes.io/metadata.name": "ingress-nginx"},
        {"kubernetes.io/metadata.name": "monitoring"},
    ]
    dns, postgres = spec["egress"]
    assert {port["port"] for port in dns["ports"]} == {53}
    assert postgres == {"to": database, "ports": [{"port": 6432}]}

    closed = {"enabled": True, "fromOwnNamespace": False}
    spec = of_kind(render({"networkPolicy": closed}), "NetworkPolicy")["spec"]
    assert spec["ingress"] == []
    assert len(spec["egress"]) == 1

    hub = of_kind(render({"networkPolicy": {"enabled": True, "toHub": True}}), "NetworkPolicy")
    to_hub = hub["spec"]["egress"][-1]
    assert to_hub["ports"] == [{"port": 443}]
    assert "169.254.0.0/16" in to_hub["to"][0]["ipBlock"]["except"], "the cloud's metadata"


@pytest.fixture(scope="module")
def ray() -> list[Manifest]:
    values = {
        "ray": {"enabled": True, "args": {"max_replicas": 3, "ray_actor_options": {"num_gpus": 1}}},
        "store": POSTGRES,
        "secrets": {"keys": {"name": "keys"}},
        "model": {"name": "org/model", "servedName": "m"},
        "flags": ["--max-model-len", "8192"],
        "ingress": {"enabled": True, "host": "llm.example.org"},
        "resources": {"limits": {"nvidia.com/gpu": 1}},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
    }
    return render(values)


def test_ray_service_takes_the_place_of_the_deployment(ray: list[Manifest]) -> None:
    assert kinds(ray) == {"RayService", "ServiceAccount", "Ingress"}
    for manifest in ray:
        check(manifest)
    name = of_kind(ray, "RayService")["metadata"]["name"]
    (rule,) = of_kind(ray, "Ingress")["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert path["backend"]["service"] == {"name": f"{name}-serve-svc", "port": {"number": 8000}}


def test_ray_builds_the_app_with_the_arguments(ray: list[Manifest]) -> None:
    config = yaml.safe_load(of_kind(ray, "RayService")["spec"]["serveConfigV2"])
    (application,) = config["applications"]
    assert application["import_path"] == "server.ray_serve:build_app"
    assert application["args"] == {
        "model": "org/model",
        "flags": ["--served-model-name=m", "--max-model-len", "8192"],
        "min_replicas": 1,
        "max_replicas": 3,
        "target_ongoing_requests": 16,
        "ray_actor_options": {"num_gpus": 1},
    }
    RayOptions.model_validate(application["args"])


def test_ray_reads_the_configuration(ray: list[Manifest]) -> None:
    text = of_kind(ray, "RayService")["spec"]["serveConfigV2"]
    ServeDeploySchema.model_validate(yaml.safe_load(text))


def test_ray_proxies_load_our_layer_wherever_they_are(ray: list[Manifest]) -> None:
    cluster = of_kind(ray, "RayService")["spec"]["rayClusterConfig"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        (one,) = group["template"]["spec"]["containers"]
        assert variables(one)[CALLBACK] == LAYERS


def test_ray_pods_are_as_closed_as_the_deployments(ray: list[Manifest]) -> None:
    cluster = of_kind(ray, "RayService")["spec"]["rayClusterConfig"]
    (workers,) = cluster["workerGroupSpecs"]
    head, worker = (group["template"]["spec"] for group in (cluster["headGroupSpec"], workers))
    for spec in (head, worker):
        (one,) = spec["containers"]
        assert one["securityContext"]["readOnlyRootFilesystem"] is True
        assert spec["securityContext"]["runAsUser"] == 10001
        assert spec["automountServiceAccountToken"] is False
        assert {"name": "serve", "containerPort": 8000} in one["ports"]
    assert worker["containers"][0]["resources"]["limits"] == {"memory": "6Gi", "nvidia.com/gpu": 1}
    assert "nvidia.com/gpu" not in head["containers"][0]["resources"]["limits"]
    assert worker["tolerations"]
    assert "tolerations" not in head
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"

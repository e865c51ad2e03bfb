"""docker/helm/winnow: values that are wrong or do not go together are refused by name."""

import json
from typing import Any

import pytest
import yaml

from server.settings import Settings
from tests.docker.chart import (
    CHART,
    FROM_SECRETS,
    NAMESPACE,
    Refused,
    container,
    of_kind,
    ray_schema,
    render,
    settings_schema,
    variables,
)

POSTGRES = {"type": "postgres", "postgres": {"name": "database"}}
KEDA = {"enabled": True, "prometheusAddress": "http://prometheus:9090"}
KEYS = {"keys": {"name": "keys"}}

UNKNOWN_OR_OUT_OF_RANGE: list[tuple[dict[str, Any], str]] = [
    ({"replicas": 2}, "'replicas'"),
    ({"settings": {"WINNOW_MAX_PATH": 8}}, "'WINNOW_MAX_PATH'"),
    ({"settings": {"WINNOW_MAX_PATHS": 300}}, "/settings/WINNOW_MAX_PATHS"),
    ({"settings": {"WINNOW_LOG_FORMAT": "xml"}}, "/settings/WINNOW_LOG_FORMAT"),
    ({"settings": {"WINNOW_KEYS": "/etc/keys"}}, "'WINNOW_KEYS'"),
    ({"settings": {"WINNOW_VERIFIER_API_KEY": "sk"}}, "'WINNOW_VERIFIER_API_KEY'"),
    ({"flags": ["--port", "9000"]}, "/flags/0"),
    ({"flags": ["--max-model-len", "8192", "--api-key=sk"]}, "/flags/2"),
    ({"flags": "--enable-lora"}, "/flags"),
    ({"model": {"name": ""}}, "/model/name"),
    ({"store": {"type": "redis"}}, "/store/type"),
    ({"shm": {"sizeLimit": "two"}}, "/shm/sizeLimit"),
    ({"termination": {"spareSeconds": 0}}, "/termination/spareSeconds"),
    ({"service": {"type": "ExternalName"}}, "/service/type"),
    ({"resources": {"gpu": 1}}, "'gpu'"),
    ({"secrets": {"keys": "my-secret"}}, "/secrets/keys"),
    ({"probes": {"liveness": {"httpGet": {"path": "/"}}}}, "'httpGet'"),
    ({"ingress": {"paths": ["v1"]}}, "/ingress/paths/0"),
    ({"autoscaling": {"podMetrics": [{"name": "x"}]}}, "averageValue"),
    ({"keda": {"prometheusAddress": "prometheus:9090"}}, "/keda/prometheusAddress"),
    ({"extraEnv": [{"name": "WINNOW_STORE", "value": "x"}]}, "/extraEnv/0/name"),
    ({"ray": {"args": {"model": "m"}}}, "/ray/args/model"),
]
TOGETHER: list[tuple[dict[str, Any], str]] = [
    ({"autoscaling": {"enabled": True}, "keda": KEDA}, "exclude each other"),
    ({"replicaCount": 2}, "2 replicas with store.type ephemeral"),
    ({"replicaCount": 2, "store": {"type": "file"}}, "2 replicas with store.type file"),
    ({"autoscaling": {"enabled": True}}, "4 replicas with store.type ephemeral"),
    ({"keda": {**KEDA, "maxReplicas": 9}}, "9 replicas with store.type ephemeral"),
    (
        {"ray": {"enabled": True, "args": {"max_replicas": 3}}},
        "3 replicas with store.type ephemeral",
    ),
    ({"store": {"type": "postgres"}}, "store.postgres.name"),
    (
        {"store": POSTGRES, "autoscaling": {"enabled": True, "minReplicas": 5}},
        "autoscaling.minReplicas must be at most autoscaling.maxReplicas, got 5 and 4",
    ),
    (
        {
            "store": POSTGRES,
            "autoscaling": {"enabled": True, "targetCPUUtilizationPercentage": None},
        },
        "autoscaling.podMetrics",
    ),
    ({"store": POSTGRES, "keda": {"enabled": True}}, "keda.prometheusAddress"),
    (
        {
            "store": POSTGRES,
            "keda": {**KEDA, "waitingPathsPerReplica": None, "queueSeconds": None},
        },
        "keda.waitingPathsPerReplica",
    ),
    (
        {"secrets": KEYS, "metrics": {"serviceMonitor": {"enabled": True}}},
        "secrets.monitorKey.name",
    ),
    ({"ingress": {"enabled": True}}, "ingress.host"),
    *(
        ({"ray": {"enabled": True}, **values}, f"{name} does not go with ray.enabled")
        for name, values in {
            "autoscaling.enabled": {"autoscaling": {"enabled": True}},
            "keda.enabled": {"keda": KEDA},
            "networkPolicy.enabled": {"networkPolicy": {"enabled": True}},
            "metrics.serviceMonitor.enabled": {"metrics": {"serviceMonitor": {"enabled": True}}},
            "store.type file": {"store": {"type": "file"}},
        }.items()
    ),
]


@pytest.mark.parametrize(("values", "named"), UNKNOWN_OR_OUT_OF_RANGE, ids=str)
def test_wrong_value_is_refused_by_name(values: dict[str, Any], named: str) -> None:
    with pytest.raises(Refused) as refusal:
        render(values)
    assert "schema" in str(refusal.value)
    assert named in str(refusal.value)


@pytest.mark.parametrize(("values", "said"), TOGETHER, ids=str)
def test_values_that_do_not_go_together_are_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused) as refusal:
        render(values)
    assert said in str(refusal.value)


def test_replicas_may_split_what_they_keep_where_that_is_accepted() -> None:
    assert container(render({"replicaCount": 3, "store": {"acceptSplit": True}}))
    assert container(render({"replicaCount": 3, "store": POSTGRES}))


def test_schema_knows_the_settings_as_the_server_does() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    expected = settings_schema()
    assert schema["properties"]["settings"] == expected, json.dumps(expected, indent=2)


def test_schema_knows_the_arguments_of_ray_as_the_application_does() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    expected = ray_schema()
    assert schema["properties"]["ray"]["properties"]["args"] == expected


def test_every_secret_setting_has_a_value() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    named = {name: {"name": f"of-{name.lower()}"} for name in values["secrets"]}
    one = container(render({"secrets": named}))
    from_secrets = {entry["name"] for entry in one["env"] if "valueFrom" in entry}
    assert from_secrets == FROM_SECRETS | {"HF_TOKEN"}


def test_schema_has_every_value_and_no_other() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())

    def compare(given: Any, described: dict[str, Any], path: str) -> None:  # YAML's
        if not (isinstance(given, dict) and described.get("additionalProperties") is False):
            return
        optional = {"global"} if path == "" else set()
        if (
            path in ("/settings", "/ray/args", "/resources", "/ray/head/resources")
            or "/probes/" in path
        ):
            optional = set(described["properties"])
        assert set(given) | optional == set(described["properties"]) | set(given), path
        assert set(given) <= set(described["properties"]), path
        for name, value in given.items():
            inner = described["properties"][name]
            if "$ref" in inner:
                inner = schema["definitions"][inner["$ref"].rpartition("/")[2]]
            compare(value, inner, f"{path}/{name}")

    compare(values, schema, "")


def test_names_of_the_service_are_served_where_no_keys_are() -> None:
    ingress = {"enabled": True, "host": "llm.example.org"}
    given = variables(container(render({"ingress": ingress})))["WINNOW_ALLOWED_HOSTS"]
    hosts = Settings(allowed_hosts=json.loads(given)).allowed_hosts
    name = of_kind(render(), "Service")["metadata"]["name"]
    assert hosts is not None
    assert {name, f"{name}.{NAMESPACE}", "*.svc", "llm.example.org"} <= set(hosts)
    assert "WINNOW_ALLOWED_HOSTS" not in variables(container(render({"secrets": KEYS})))
    own = {"settings": {"WINNOW_ALLOWED_HOSTS": ["*"]}}
    assert variables(container(render(own)))["WINNOW_ALLOWED_HOSTS"] == '["*"]'

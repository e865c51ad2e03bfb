"""Whether Kubernetes and its extensions would take a manifest."""

from typing import Any

import kubernetes_validate
from cloudcoil.models.keda.v1alpha1 import ScaledObject
from cloudcoil.models.prometheus_operator.v1 import PrometheusRule, ServiceMonitor
from cloudcoil.pydantic import BaseModel

from tests.docker.chart import Manifest

VERSIONS = ("1.30", str(kubernetes_validate.latest_version()))
"""The oldest that the chart is for, and the newest that there are schemas of."""
CUSTOM: dict[str, type[BaseModel]] = {
    "keda.sh/v1alpha1/ScaledObject": ScaledObject,
    "monitoring.coreos.com/v1/PrometheusRule": PrometheusRule,
    "monitoring.coreos.com/v1/ServiceMonitor": ServiceMonitor,
}
"""Models made of the definitions that KEDA and Prometheus' operator install."""
# No package has KubeRay's: these are the fields that the chart uses of
# ray-operator/apis/ray/v1/{rayservice,raycluster}_types.go, required ones marked.
RAY_SERVICE = {"serveConfigV2": False, "rayClusterConfig": False}
RAY_CLUSTER = {
    "rayVersion": False,
    "enableInTreeAutoscaling": False,
    "headGroupSpec": True,
    "workerGroupSpecs": False,
}
RAY_HEAD = {"rayStartParams": True, "template": True}
RAY_WORKERS = {
    "groupName": True,
    "replicas": False,
    "minReplicas": True,
    "maxReplicas": True,
    "rayStartParams": True,
    "template": True,
}


def check(manifest: Manifest) -> None:
    """Fails where a field is unknown, missing or of the wrong type."""
    full_kind = f"{manifest['apiVersion']}/{manifest['kind']}"
    if full_kind == "ray.io/v1/RayService":
        check_ray_service(manifest)
    elif full_kind in CUSTOM:
        read = CUSTOM[full_kind].model_validate(manifest)
        # The models leave out what they do not know.
        assert read.model_dump(mode="json", by_alias=True, exclude_unset=True) == manifest
    else:
        for version in VERSIONS:
            kubernetes_validate.validate(manifest, version, strict=True)


def check_ray_service(manifest: Manifest) -> None:
    spec = manifest["spec"]
    has_fields(spec, RAY_SERVICE)
    cluster = spec["rayClusterConfig"]
    has_fields(cluster, RAY_CLUSTER)
    has_fields(cluster["headGroupSpec"], RAY_HEAD)
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
        template = group["template"]
        named = {**template["metadata"], "name": "of-a-group"}
        check({"apiVersion": "v1", "kind": "Pod", **template, "metadata": named})
    for group in cluster["workerGroupSpecs"]:
        has_fields(group, RAY_WORKERS)


def has_fields(one: dict[str, Any], fields: dict[str, bool]) -> None:
    assert set(one) <= set(fields), "unknown fields"
    assert {name for name, is_required in fields.items() if is_required} <= set(one)

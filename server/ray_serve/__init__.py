"""`winnow serve` under Ray Serve: `import_path: server.ray_serve:build_app` in its config file."""

try:
    from ray import serve as _serve  # noqa: F401
except ImportError as missing:
    raise ImportError(f"Ray Serve is missing ({missing}): pip install 'winnow[ray]'") from None

from server.ray_serve.application import build_app
from server.ray_serve.options import RayOptions

__all__ = ["RayOptions", "build_app"]

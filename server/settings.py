"""What the operator sets: environment variables that begin with WINNOW_."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Limits and intervals of a server.

    Raises:
        pydantic.ValidationError: a variable does not read as its type or is out of range.
    """

    model_config = SettingsConfigDict(env_prefix="WINNOW_", frozen=True)

    max_paths: int = Field(
        64, ge=1, le=1024, description="paths that one request may run at the same time"
    )
    keep_alive_s: float = Field(
        15.0, gt=0, le=600, description="longest silence in a stream while paths run, seconds"
    )

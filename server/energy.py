"""The energy that the machine takes, where its hardware tells: `winnow_energy_joules_total`.

GPUs tell it by NVML, processors and their memory by RAPL, which Linux shows under
/sys/class/powercap. Where neither can be read there is no series, rather than one of zeros.

These are readings of the whole machine since the server's start: they cover whatever else runs on
it, and the server's idle time. A RAPL counter begins again at 0 after some 60 to 260 kJ, so it has
to be read more often than that: every few minutes, as Prometheus does.

With several API servers vLLM makes /metrics of what prometheus_client keeps in files, which holds
none of this: there the series are absent, too.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from types import ModuleType

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from server.metrics import server_metrics

POWERCAP = Path("/sys/class/powercap")
PER_RIGHT_ANSWER = (
    "Joules of the whole machine since the server's start, idle time and other programs included, "
    "divided by the right answers: the answered requests with a decoder, times the share right of "
    "those that were judged."
)


@dataclass(frozen=True)
class Sensor:
    """A counter of energy. `read` gives joules and raises what its `failures` are. The counter
    begins again at 0 after `range_j`; None where only a reset makes it do so."""

    device: str
    read: Callable[[], float]
    range_j: float | None = None
    failures: tuple[type[Exception], ...] = (OSError, ValueError)


class Meter:
    """The joules of a sensor from here on.

    Raises:
        Exception: one of the sensor's `failures`; it cannot be read.
    """

    def __init__(self, sensor: Sensor) -> None:
        self._sensor = sensor
        self._last = sensor.read()
        self._joules = 0.0
        self._lock = Lock()  # two scrapes may come at the same time

    @property
    def device(self) -> str:
        return self._sensor.device

    def joules(self) -> float | None:
        """None where the sensor cannot be read any more."""
        with self._lock:
            try:
                now = self._sensor.read()
            except self._sensor.failures:
                return None
            self._joules += self._since_last(now)
            self._last = now
            return self._joules

    def _since_last(self, now: float) -> float:
        if now >= self._last:
            return now - self._last
        range_j = self._sensor.range_j
        return now if range_j is None else now + range_j - self._last


class EnergyCollector(Collector):
    """The series of these meters; `num_right` says how many answers were right so far."""

    def __init__(self, meters: Sequence[Meter], num_right: Callable[[], float | None]) -> None:
        self._meters = meters
        self._num_right = num_right

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        readings = {meter.device: meter.joules() for meter in self._meters}
        spent = {device: joules for device, joules in readings.items() if joules is not None}
        if not spent:
            return
        energy = CounterMetricFamily(
            "winnow_energy_joules",
            "Energy that each device took since the server's start, whatever ran on it.",
            labels=["device"],
        )
        for device, joules in spent.items():
            energy.add_metric([device], joules)
        yield energy
        num_right, total = self._num_right(), sum(spent.values())
        if num_right and total and len(spent) == len(readings):
            yield GaugeMetricFamily(
                "winnow_joules_per_right_answer", PER_RIGHT_ANSWER, value=total / num_right
            )


def rapl_sensors(powercap: Path) -> Iterator[Sensor]:
    """The sensors of the processors' packages, and of the memory beside them if metered apart.

    The other zones are parts of a package (`core`, `uncore`) or hold all of it (`psys`).
    """
    for zone in sorted(powercap.glob("intel-rapl:*")):  # so named on AMD's, too
        name = _zone_name(zone)
        if name == "dram":
            package, _, _ = zone.name.rpartition(":")
            name = f"{_zone_name(powercap / package)}-dram"
        if name.startswith("package-"):
            with contextlib.suppress(OSError, ValueError):
                range_j = _microjoules(zone / "max_energy_range_uj")
                yield Sensor(name, _reader(zone / "energy_uj"), range_j)


def _zone_name(zone: Path) -> str:
    try:
        return (zone / "name").read_text().strip()
    except OSError:
        return ""


def _reader(file: Path) -> Callable[[], float]:
    return lambda: _microjoules(file)


def _microjoules(file: Path) -> float:
    """Return the value of a file of microjoules, in joules."""
    return int(file.read_text()) / 1e6


def load_nvml() -> ModuleType | None:
    """The package `nvidia-ml-py`, where it is installed and finds a driver."""
    try:
        import pynvml
    except ImportError:
        return None
    nvml: ModuleType = pynvml
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        return None
    return nvml


def nvml_sensors(nvml: ModuleType) -> Iterator[Sensor]:
    """The sensors of every GPU that the driver shows to this process."""
    try:
        num_gpus = nvml.nvmlDeviceGetCount()
    except nvml.NVMLError:
        return
    for index in range(num_gpus):
        with contextlib.suppress(nvml.NVMLError):
            gpu = nvml.nvmlDeviceGetHandleByIndex(index)
            yield Sensor(f"gpu{index}", _gpu_reader(nvml, gpu), failures=(nvml.NVMLError,))


def _gpu_reader(nvml: ModuleType, gpu: object) -> Callable[[], float]:
    return lambda: float(nvml.nvmlDeviceGetTotalEnergyConsumption(gpu)) / 1000  # in millijoules


def meters_of(sensors: Iterator[Sensor]) -> list[Meter]:
    """The meters of those sensors that can be read.

    RAPL's files are often readable by root alone, and older GPUs have no such counter.
    """
    meters = []
    for sensor in sensors:
        with contextlib.suppress(*sensor.failures):
            meters.append(Meter(sensor))
    return meters


@cache
def count_energy(powercap: Path) -> None:
    """Begin to count, and show it on this process's /metrics."""
    nvml = load_nvml()
    meters = meters_of(rapl_sensors(powercap))
    if nvml is not None:
        meters += meters_of(nvml_sensors(nvml))
    REGISTRY.register(EnergyCollector(meters, server_metrics().num_right))

"""The machine's energy: RAPL's counters in a folder made like Linux's, and NVML as a module."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from prometheus_client import CollectorRegistry

from server.energy import EnergyCollector, meters_of, nvml_sensors, rapl_sensors
from tests.server.questions import COT, chat
from tests.server.server_process import running_server

JOULE = 1_000_000
RANGE_J = 1000
ZONES = {
    "intel-rapl:0": "package-0",
    "intel-rapl:0:0": "core",
    "intel-rapl:0:1": "dram",
    "intel-rapl:1": "package-1",
    "intel-rapl:2": "psys",
}


@pytest.fixture
def powercap(tmp_path: Path) -> Path:
    for zone, name in ZONES.items():
        (tmp_path / zone).mkdir()
        (tmp_path / zone / "name").write_text(f"{name}\n")
        (tmp_path / zone / "max_energy_range_uj").write_text(f"{RANGE_J * JOULE}\n")
        advance(tmp_path, zone, 900)
    (tmp_path / "intel-rapl").mkdir()  # the control type, which is no zone
    return tmp_path


def advance(powercap: Path, zone: str, to_j: float) -> None:
    (powercap / zone / "energy_uj").write_text(f"{round(to_j * JOULE)}\n")


def registry_of(collector: EnergyCollector) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(collector)
    return registry


def rapl(
    powercap: Path, num_right: Callable[[], float | None] = lambda: None
) -> tuple[CollectorRegistry, Callable[[str], float | None]]:
    registry = registry_of(EnergyCollector(meters_of(rapl_sensors(powercap)), num_right))
    return registry, lambda device: energy(registry, device)


def energy(registry: CollectorRegistry, device: str) -> float | None:
    return registry.get_sample_value("winnow_energy_joules_total", {"device": device})


def names(registry: CollectorRegistry) -> set[str]:
    return {sample.name for family in registry.collect() for sample in family.samples}


def test_packages_and_their_memory_are_counted_from_the_start(powercap: Path) -> None:
    registry, joules = rapl(powercap)
    assert joules("package-0") == 0
    for zone, to_j in (("intel-rapl:0", 930.5), ("intel-rapl:0:1", 904), ("intel-rapl:0:0", 920)):
        advance(powercap, zone, to_j)
    assert joules("package-0") == pytest.approx(30.5)
    assert joules("package-0-dram") == pytest.approx(4)
    assert joules("package-1") == 0
    devices = {s.labels["device"] for f in registry.collect() for s in f.samples}
    assert devices == {"package-0", "package-1", "package-0-dram"}  # no part or whole of one twice


def test_counter_that_begins_again_goes_on(powercap: Path) -> None:
    _, joules = rapl(powercap)
    for to_j in (990, 10, 5):  # 90 J, then 20 across the end of the range, then 995
        advance(powercap, "intel-rapl:0", to_j)
        assert joules("package-0") is not None
    assert joules("package-0") == pytest.approx(90 + 20 + 995)


def test_zone_that_cannot_be_read_is_absent(powercap: Path) -> None:
    """As for all but root; made by a folder in the file's place, since tests may run as root."""
    (powercap / "intel-rapl:1" / "energy_uj").unlink()
    (powercap / "intel-rapl:1" / "energy_uj").mkdir()
    _, joules = rapl(powercap)
    assert joules("package-1") is None
    assert joules("package-0") == 0


def test_zone_that_cannot_be_read_any_more_is_absent_until_it_can(powercap: Path) -> None:
    registry, joules = rapl(powercap, num_right=lambda: 2.0)
    advance(powercap, "intel-rapl:0", 950)
    (powercap / "intel-rapl:1" / "energy_uj").unlink()
    assert (joules("package-0"), joules("package-1")) == (pytest.approx(50), None)
    assert names(registry) == {"winnow_energy_joules_total"}, "a part of the energy is no total"
    advance(powercap, "intel-rapl:1", 907)
    assert joules("package-1") == pytest.approx(7)


@pytest.mark.parametrize("exists", [True, False], ids=["empty", "missing"])
def test_nothing_is_shown_where_the_hardware_tells_nothing(tmp_path: Path, exists: bool) -> None:
    registry, _ = rapl(tmp_path if exists else tmp_path / "powercap", num_right=lambda: 2.0)
    assert names(registry) == set()


@pytest.mark.parametrize(
    ("spent_j", "num_right", "shown"),
    [(90, 4.5, 20), (0, 4.5, None), (90, 0.0, None), (90, None, None)],
    ids=["both", "no joules", "none right", "none judged"],
)
def test_joules_per_right_answer_needs_joules_and_right_answers(
    powercap: Path, spent_j: float, num_right: float | None, shown: float | None
) -> None:
    registry, _ = rapl(powercap, lambda: num_right)
    advance(powercap, "intel-rapl:0", 900 + spent_j * 2 / 3)
    advance(powercap, "intel-rapl:1", 900 + spent_j / 3)
    value = registry.get_sample_value("winnow_joules_per_right_answer")
    assert value == (None if shown is None else pytest.approx(shown))


class NVMLError(Exception):
    """As the module's own."""


class FakeNVML(ModuleType):
    """Millijoules by GPU; None is one that has no such counter."""

    NVMLError = NVMLError

    def __init__(self, *energies_mj: int | None) -> None:
        super().__init__("pynvml")
        self.energies_mj = list(energies_mj)

    def nvmlDeviceGetCount(self) -> int:
        return len(self.energies_mj)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: int) -> int:
        energy_mj = self.energies_mj[handle]
        if energy_mj is None:
            raise NVMLError("Not Supported")
        return energy_mj


def test_gpus_are_counted_from_the_start() -> None:
    nvml = FakeNVML(7_000_000, None, 5_000)
    registry = registry_of(EnergyCollector(meters_of(nvml_sensors(nvml)), lambda: None))
    nvml.energies_mj = [7_002_500, None, 5_000]
    assert energy(registry, "gpu0") == pytest.approx(2.5)
    assert energy(registry, "gpu1") is None
    assert energy(registry, "gpu2") == 0
    nvml.energies_mj[0] = 1_000  # the driver was reset
    assert energy(registry, "gpu0") == pytest.approx(3.5)


def test_gpu_that_is_lost_is_absent() -> None:
    nvml = FakeNVML(7_000)
    registry = registry_of(EnergyCollector(meters_of(nvml_sensors(nvml)), lambda: None))
    assert energy(registry, "gpu0") == 0
    nvml.energies_mj = [None]
    assert names(registry) == set()


@pytest.mark.vllm
def test_server_shows_energy_and_what_a_right_answer_took(powercap: Path, tmp_path: Path) -> None:
    environment = {"WINNOW_POWERCAP": str(powercap)}
    with (
        running_server("pocket", tmp_path / "server.log", environment=environment) as server,
        server.http() as http,
    ):
        assert 'winnow_energy_joules_total{device="package-0"} 0.0' in metrics(http)
        advance(powercap, "intel-rapl:0", 960)
        assert "winnow_joules_per_right_answer " not in metrics(http), "nothing was judged"
        for reference in ("64", None):
            body = chat(decoding={**COT, "k": 10, "reference": reference})
            assert http.post("/v1/chat/completions", json=body).status_code == httpx.codes.OK
        lines = metrics(http)
    assert 'winnow_energy_joules_total{device="package-0"} 60.0' in lines
    assert "winnow_joules_per_right_answer 30.0" in lines


def metrics(http: httpx.Client) -> str:
    return http.get("/metrics").text

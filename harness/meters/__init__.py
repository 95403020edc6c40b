"""What a process uses up: CPU seconds, joules, memory. What can't be read is unknown, never 0."""

from harness.meters.energy import Energy, EnergyCounter, find_energy_counter, of_gpu, of_processor
from harness.meters.process_usage import Usage, Used, cpu_s, peak_memory

__all__ = [
    "Energy",
    "EnergyCounter",
    "Usage",
    "Used",
    "cpu_s",
    "find_energy_counter",
    "of_gpu",
    "of_processor",
    "peak_memory",
]

"""What a process uses up: CPU seconds, joules, memory. What can't be read is unknown, never 0."""

from harness.meters.energy import EnergyCounter, find_energy_counter
from harness.meters.usage import Usage, Used, cpu_s, peak_memory

__all__ = ["EnergyCounter", "Usage", "Used", "cpu_s", "find_energy_counter", "peak_memory"]

"""Which process it is: a pid alone comes back, a pid with its start time and the boot it lived in doesn't."""

from __future__ import annotations


def boot_id() -> str:
    """Of the running kernel; another one after every start of the machine."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def start_time(pid: int) -> int:
    """Clock ticks between the machine's start and the process's; 0 when there is no such process or only its zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return 0 if fields[0] in (b"Z", b"X") else int(fields[19])


def identity(pid: int) -> dict[str, object]:
    """What to write down to know the process again."""
    return {"pid": pid, "start_time": start_time(pid), "boot_id": boot_id()}


def alive(record: dict[str, object] | None) -> bool:
    """Whether the process of that record still runs."""
    if not record:
        return False
    started = record.get("start_time")
    return bool(started) and record.get("boot_id") == boot_id() and start_time(int(str(record.get("pid", 0)))) == started

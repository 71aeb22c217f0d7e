"""A command's output with the time of each line in front, in nanoseconds since the epoch: stamped.py COMMAND…"""

import signal
import subprocess
import sys
import time


def main() -> None:
    # The end of the command is the end of this one, which still reads its last lines.
    processes: list[subprocess.Popen[str]] = []
    ended: list[int] = []

    def end(number: int, _: object) -> None:
        ended.append(number)
        for process in processes:
            process.terminate()

    signal.signal(signal.SIGTERM, end)
    process = subprocess.Popen(
        sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    processes.append(process)
    if ended:  # before the command had started
        process.terminate()
    for line in process.stdout or ():
        print(time.time_ns(), line, end="", flush=True)
    process.wait()


if __name__ == "__main__":
    main()

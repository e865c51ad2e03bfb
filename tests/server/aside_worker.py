"""What `Aside` runs in its tests: it echoes lines, and does as they say."""

import os
import signal
import sys


def main() -> None:
    sys.stdin.readline()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        if line == "hang\n":
            signal.pause()
        if line == "crash\n":
            os.kill(os.getpid(), signal.SIGKILL)
        sys.stdout.write(line)
        sys.stdout.flush()


if __name__ == "__main__":
    main()

"""A controller that does nothing but say that it is ready."""

import signal
import sys

print(sys.argv[1])
signal.pause()

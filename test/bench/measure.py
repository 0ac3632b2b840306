"""measure.py OUTPUT ENVIRONMENT PROGRAM [ARG...]: runs a program once, in an environment given as JSON (it may hold
LD_PRELOAD, which is not for Python), its standard output into a file.

Prints wall clock and processor time in milliseconds and the peak resident set in KiB, as JSON: wait4(2) tells
more of one child than Node does.
"""
import json
import os
import sys
import time

output, env, argv = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:]
flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
began = time.monotonic()
child = os.posix_spawn(argv[0], argv, env, file_actions=[(os.POSIX_SPAWN_OPEN, 1, output, flags, 0o600)])
_, status, usage = os.wait4(child, 0)
took = time.monotonic() - began
print(json.dumps({
    "exitCode": os.waitstatus_to_exitcode(status),
    "wallMs": took * 1000,
    "cpuMs": (usage.ru_utime + usage.ru_stime) * 1000,
    "rssKiB": usage.ru_maxrss,
}))

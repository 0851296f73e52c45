"""Runs a command in a terminal of 100 columns, types answers as they are asked for, and prints what it showed.

Takes its arguments as JSON: the command, its environment, and pairs of what is asked and what is typed then.
"""

import fcntl
import json
import os
import pty
import struct
import sys
import termios

command, environment, dialogue = json.loads(sys.argv[1])
child, terminal = pty.fork()
if child == 0:
    # In the child, so that it is as wide before the command starts.
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 100, 0, 0))
    os.execve(command[0], command, environment)
shown, read_until = b"", 0
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:  # how Linux says that the command has ended
        break
    if not piece:
        break
    shown += piece
    while dialogue and (at := shown.find(dialogue[0][0].encode(), read_until)) >= 0:
        asked, typed = dialogue.pop(0)
        read_until = at + len(asked.encode())
        os.write(terminal, typed.encode() + b"\n")
_, status = os.waitpid(child, 0)
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(status))

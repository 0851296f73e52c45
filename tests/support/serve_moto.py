"""Serves moto on a free loopback port, prints the port, and ends when standard input closes.

Standard input closes when the test process ends, however it ends, so that no server is ever left behind.
"""

import logging
import sys

from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()

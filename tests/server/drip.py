"""Many connections whose requests never come to an end: drip.py HOST PORT COUNT KIND.

Says "ready" once all are there, sends each a byte a second, makes anew those that the server closes,
and ends with its standard input.
"""
import resource
import select
import socket
import sys
import time

HOST, PORT, COUNT, KIND = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
BEGIN = {
    "head": b"GET /livez HTTP/1.1\r\nHost: a\r\nX: ",
    "body": b"POST /api/v3/predictions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n"
            b"Content-Length: 100000\r\n\r\n" % sys.argv[5].encode(),
}[KIND]


def connect():
    wire = socket.create_connection((HOST, PORT), 10)
    wire.sendall(BEGIN)
    wire.setblocking(False)
    return wire


def main():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    wires = [connect() for _ in range(COUNT)]
    print("ready", flush=True)
    made_anew = 0
    while True:
        begun = time.monotonic()
        for i, wire in enumerate(wires):
            try:
                wire.send(b"x")
            except OSError:
                wire.close()
                wires[i] = connect()
                made_anew += 1
            if i % 100 == 0:
                left = begun + i / COUNT - time.monotonic()  # evenly, and no burst each second
                if select.select([sys.stdin], [], [], max(left, 0))[0]:
                    print(made_anew)
                    return


main()

"""rival_python.py - what an office would write itself: dictionaries in msgpack over ZeroMQ REQ/REP, 1000 records a message, and
on the other side sqlite3 with executemany, a key against duplicates, and sums kept by upsert, committed before the reply.

    rival_python.py FILE RECORDS SEED
"""
import json
import multiprocessing
import sqlite3
import sys
import time

import msgpack
import zmq

A_MESSAGE = 1000
MASK = (1 << 64) - 1


def mix(number):
    number = (number + 0x9E3779B97F4A7C15) & MASK
    number = ((number ^ number >> 30) * 0xBF58476D1CE4E5B9) & MASK
    number = ((number ^ number >> 27) * 0x94D049BB133111EB) & MASK
    return number ^ number >> 31


def row(at, seed):
    agent = at // 1000 % 16
    index = at // 1000 // 16 * 1000 + at % 1000
    report = index // 200
    late = 11 if mix(seed ^ report ^ agent << 32) % 100 < 5 else 0
    value = mix(seed ^ mix(agent << 40 ^ index)) % 100000000
    return {"agent": agent, "seq": index, "element": index % 200, "unit": agent * 3 + report % 3,
            "period": (report // 3 + late) % 12, "revision": 0, "status": "A", "value": value}


def serve(address, path):
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE record(agent, seq, element, unit, period, revision, status, value, PRIMARY KEY(agent, seq))")
    database.execute("CREATE TABLE total(period, unit, element, reported, sum, PRIMARY KEY(period, unit, element))")
    socket = zmq.Context().socket(zmq.REP)
    socket.bind(address)
    while True:
        records = msgpack.unpackb(socket.recv())
        if not records:
            socket.send(b"bye")
            return
        database.execute("BEGIN IMMEDIATE")
        database.executemany("INSERT OR IGNORE INTO record VALUES(:agent, :seq, :element, :unit, :period, :revision, :status,"
                             " :value)", records)
        database.executemany("INSERT INTO total VALUES(:period, :unit, :element, 1, :value) ON CONFLICT DO UPDATE SET"
                             " reported = reported + 1, sum = sum + excluded.sum", records)
        database.execute("COMMIT")
        socket.send(b"ok")


def main():
    path, records, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    address = f"ipc://{path}.sock"
    messages = [[row(at, seed) for at in range(first, min(first + A_MESSAGE, records))]
                for first in range(0, records, A_MESSAGE)]
    server = multiprocessing.Process(target=serve, args=(address, path))
    server.start()
    socket = zmq.Context().socket(zmq.REQ)
    socket.connect(address)
    begun = time.monotonic()
    for message in messages:
        socket.send(msgpack.packb(message))
        socket.recv()
    seconds = time.monotonic() - begun
    socket.send(msgpack.packb([]))
    socket.recv()
    server.join()
    database = sqlite3.connect(path)
    stored = database.execute("SELECT count(*) FROM record").fetchone()[0]
    total = database.execute("SELECT sum(sum) FROM total").fetchone()[0]
    print(json.dumps({"records": stored, "sum": total, "seconds": seconds}))
    sent = sum(record["value"] for message in messages for record in message)
    sys.exit(0 if (stored, total) == (records, sent) else 1)


if __name__ == "__main__":
    main()

"""place.py - a city for the bench in a folder of its own: catalogue, keys, configurations, and the programs started on them."""
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time

AGENTS = 16


class BenchFailure(Exception):
    """Something did not do its work, or did not do it right: the whole run fails."""


_ports = iter(range(21000 + os.getpid() % 9000, 32000))


def free_port():
    """A port below the range the kernel gives out by itself, never the same twice."""
    for port in _ports:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise BenchFailure("no free port")


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def run(command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)
    if done.returncode != 0:
        raise BenchFailure(f"{' '.join(map(str, command[:3]))} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def run_json(command, **more):
    return json.loads(run(command, **more).splitlines()[-1])


class Place:
    """City -> districts (one collector each) -> towns that report `elements` elements a month."""

    def __init__(self, binaries, folder, towns=3, elements=200, districts=AGENTS, security="curve", memory_mib=None,
                 units=None, frequency="month"):
        self.binaries, self.folder, self.districts, self.elements = binaries, folder, districts, elements
        self.security = security
        self.aggregator = None
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        self.agents = [f"d{i:02}" for i in range(districts)]
        self.write_catalogue(towns, elements, units, frequency)
        self.write_configuration(memory_mib)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def program(self, name):
        return os.path.join(self.binaries, name)

    def write_catalogue(self, towns, elements, units, frequency):
        rows = ["C,,city,City"]
        if units is None:
            for agent in self.agents:
                rows.append(f"{agent},C,district,{agent}")
                rows += [f"{agent}t{i},{agent},town,{agent}t{i}" for i in range(towns)]
        else:
            rows = units
        write(self.path("catalogue/datapackage.json"),
              '{"name": "bench", "title": "bench", "version": "1", "timezone": "Asia/Shanghai", "resources": []}\n')
        write(self.path("catalogue/units.csv"), "code,parent,level,name_zh\n" + "\n".join(rows) + "\n")
        write(self.path("catalogue/forms.csv"), f"form,name_zh,frequency,level,due_days\nf,form,{frequency},town,10\n")
        write(self.path("catalogue/elements.csv"), "element,form,name_zh,kind,unit_zh,decimals,min,max\n" +
              "".join(f"e{i:03},f,e{i:03},flow,1,0,0,\n" for i in range(elements)))
        write(self.path("catalogue/indicators.csv"), "indicator,name_zh,numerator,denominator,factor,decimals,better\n" +
              "".join(f"i{i:03},i{i:03},e{i:03},,,0,up\n" for i in range(elements)))
        write(self.path("catalogue/goals.csv"), "goal,indicator,unit,op,value,due\n")

    def write_configuration(self, memory_mib):
        run([self.program("suanpan"), "keygen", self.path("keys"), "aggregator"])
        port = free_port()
        plain = "security: none\n" if self.security == "none" else ""
        memory = f"memory_mib: {memory_mib}\n" if memory_mib else ""
        write(self.path("aggregator.yaml"), f"""catalogue: catalogue
store: sqlite:data/suanpan.db
agents: agents.csv
key: keys/aggregator.key
{plain}{memory}listen:
  collectors: tcp://127.0.0.1:{port}
  queries: ipc://query.sock
""")
        rows = "agent,scope,pub,status\n"
        for agent in self.agents:
            run([self.program("suanpan"), "keygen", self.path("keys"), agent])
            os.makedirs(self.path("inbox", agent), exist_ok=True)
            rows += f"{agent},{agent},keys/{agent}.pub,active\n"
            write(self.path(f"{agent}.yaml"), f"""agent: {agent}
catalogue: catalogue
aggregator: tcp://127.0.0.1:{port}
key: keys/{agent}.key
aggregator_key: keys/aggregator.pub
outbox: outbox/{agent}
{plain}sources:
  - kind: report
    inbox: inbox/{agent}
""")
        write(self.path("agents.csv"), rows)

    def configurations(self):
        return [self.path(f"{agent}.yaml") for agent in self.agents]

    # ---- the aggregator -------------------------------------------------------------------------------------------

    def start(self, fresh=True, wrap=()):
        """Starts it and waits until it listens; returns the seconds that took."""
        if fresh:
            shutil.rmtree(self.path("data"), ignore_errors=True)
        log = self.path("aggregator.log")
        before = os.path.getsize(log) if os.path.exists(log) else 0
        begun = time.monotonic()
        with open(log, "ab") as file:
            self.aggregator = subprocess.Popen(
                [*wrap, self.program("suanpan-aggregator"), "--config", self.path("aggregator.yaml"), "--lang", "en"],
                stdout=file, stderr=file, cwd=self.folder)
        while True:
            with open(log, "rb") as file:
                file.seek(before)
                if b" ready " in file.read():
                    return time.monotonic() - begun
            if self.aggregator.poll() is not None or time.monotonic() - begun > 120:
                raise BenchFailure("the aggregator did not start: " + open(log, encoding="utf-8").read()[-2000:])
            time.sleep(0.002)

    def stop(self):
        if self.aggregator is None:
            return
        self.aggregator.send_signal(signal.SIGTERM)
        code = self.aggregator.wait(120)
        self.aggregator = None
        if code not in (0, -signal.SIGTERM):
            raise BenchFailure(f"the aggregator ended with {code}; see {self.path('aggregator.log')}")

    def kill(self):
        if self.aggregator is not None:
            self.aggregator.kill()
            self.aggregator.wait()
            self.aggregator = None

    def cpu_seconds(self):
        with open(f"/proc/{self.aggregator.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self):
        """Largest resident size so far."""
        with open(f"/proc/{self.aggregator.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024

    # ---- work -----------------------------------------------------------------------------------------------------

    def fill(self, name, kind, records, a_file, seed=1):
        """Outboxes below `name`; returns what must be answered when they have been delivered."""
        return run_json([self.program("bench-fill"), kind, str(records), str(a_file), str(seed), self.path(name),
                         *self.configurations()])

    def deliver(self, name):
        """Delivers a copy, so that the same outboxes serve again."""
        copy = self.path(name + ".now")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.path(name), copy)
        os.sync()
        cpu = self.cpu_seconds()
        result = run_json([self.program("bench-deliver"), copy, *self.configurations()])
        result["aggregator_cpu_seconds"] = self.cpu_seconds() - cpu
        if result["refused"] != 0:
            raise BenchFailure(f"{result['refused']} records were refused")
        return result

    def ask(self, *command):
        return run([self.program("suanpan"), "-c", self.path("aggregator.yaml"), "--format", "csv", "--lang", "en", *command])

    def total(self, period):
        """Sum over all elements and live cells of the period, as the office answers it."""
        codes = ",".join(f"e{i:03}" for i in range(self.elements))
        rows = [line.split(",") for line in self.ask("query", codes, "--period", period).splitlines()]
        value, reported = rows[0].index("value"), rows[0].index("reported")
        return sum(int(row[value] or 0) for row in rows[1:]), sum(int(row[reported]) for row in rows[1:])

    def check(self, wanted, period, batches=None):
        """Compares what is stored and answered with what was sent."""
        answered = self.total(period)
        if answered != (wanted["sum"], wanted["cells"]):
            raise BenchFailure(f"sum and cells answered {answered}, sent {(wanted['sum'], wanted['cells'])}")
        entries = self.entries()
        if entries != (wanted["batches"] if batches is None else batches):
            raise BenchFailure(f"{entries} entries in the ledger, {wanted['batches']} were sent")

    def database(self):
        return sqlite3.connect(f"file:{self.path('data/suanpan.db')}?mode=ro", uri=True)

    def entries(self):
        with self.database() as database:
            return database.execute("SELECT count(*) FROM ledger").fetchone()[0]

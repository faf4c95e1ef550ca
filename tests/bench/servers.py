"""servers.py - the rivals' servers, each started in a folder of its own on loopback and stopped by its process number."""
import glob
import os
import shutil
import signal
import socket
import subprocess
import time

from place import BenchFailure, free_port, write


def found(*names):
    for name in names:
        path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
        if path:
            return path
    return None


class Server:
    """A process that listens on `port` once it is up."""

    def __init__(self, folder, port):
        self.folder, self.port, self.process = folder, port, None
        os.makedirs(folder, exist_ok=True)

    def launch(self, command, **more):
        with open(os.path.join(self.folder, "server.log"), "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, **more)

    def wait(self):
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise BenchFailure(f"server in {self.folder} did not come up; see server.log there")

    def stop(self, number=signal.SIGTERM):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def redis(folder):
    server = Server(folder, free_port())
    server.launch([found("redis-server"), "--port", str(server.port), "--bind", "127.0.0.1", "--dir", folder, "--appendonly",
                   "yes", "--appendfsync", "always", "--save", ""])
    server.wait()
    return server


def nats(folder):
    server = Server(folder, free_port())
    server.launch([found("nats-server"), "-a", "127.0.0.1", "-p", str(server.port), "-js", "-sd", folder])
    server.wait()
    return server


def clickhouse(folder):
    server = Server(folder, free_port())
    write(os.path.join(folder, "config.xml"), f"""<yandex>
<logger><level>warning</level><log>{folder}/log</log><errorlog>{folder}/errors</errorlog></logger>
<http_port>{server.port}</http_port><listen_host>127.0.0.1</listen_host>
<path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path><users_config>users.xml</users_config>
<default_profile>default</default_profile><default_database>default</default_database>
<mark_cache_size>1000000000</mark_cache_size><uncompressed_cache_size>0</uncompressed_cache_size>
</yandex>
""")
    write(os.path.join(folder, "users.xml"), """<yandex>
<profiles><default><max_memory_usage>4000000000</max_memory_usage></default></profiles>
<users><default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile>
<quota>default</quota></default></users><quotas><default></default></quotas>
</yandex>
""")
    for name in ("data", "tmp"):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    server.launch([found("clickhouse-server"), f"--config-file={folder}/config.xml"])
    server.wait()
    return server


POSTGRES = "/usr/lib/postgresql/15/bin"


def as_postgres(command):
    """PostgreSQL refuses to run as root."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command


def postgres(folder):
    server = Server(folder, free_port())
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        above = os.path.dirname(folder)
        while above != "/":
            os.chmod(above, os.stat(above).st_mode | 0o011)
            above = os.path.dirname(above)
    data = os.path.join(folder, "data")
    done = subprocess.run(as_postgres([f"{POSTGRES}/initdb", "-D", data, "-A", "trust", "-U", "postgres"]),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder)
    if done.returncode != 0:
        raise BenchFailure("initdb: " + done.stdout[-1000:])
    # As it comes, but for what everybody changes: memory, and room for the log between checkpoints.
    server.launch(as_postgres([f"{POSTGRES}/postgres", "-D", data, "-k", folder, "-c", "listen_addresses=127.0.0.1", "-p",
                               str(server.port), "-c", "shared_buffers=1GB", "-c", "max_wal_size=4GB"]))
    server.wait()
    server.postmaster = int(open(os.path.join(data, "postmaster.pid"), encoding="ascii").readline())
    return server


def stop_postgres(server):
    os.kill(server.postmaster, signal.SIGINT)
    server.process.wait(60)


def duckdb_library(folder):
    libraries = glob.glob(os.path.join(folder or "", "node_modules/@duckdb/node-bindings-*/libduckdb.so"))
    return libraries[0] if folder and libraries else None

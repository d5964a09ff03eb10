"""Slurm on one node: munged, slurmctld and slurmd, with an oci.conf of either pattern."""

import os
import socket

from skifftest import process

from .home import Daemon, Home

ID = "%n.%u.%j.%s.%t"


class Slurm:
    """`pattern` is "run" or "create": what slurmd calls to start a container."""

    def __init__(self, home: Home, pattern: str = "run"):
        self.home = home
        self.directory = home.make("slurm")
        self.state = home.make("slurm/containers")
        self.environment = {**os.environ, "SLURM_CONF": str(self.directory / "slurm.conf")}
        key = self.directory / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        for name in ("spool", "ctld", "munge"):
            home.make(f"slurm/{name}").chmod(0o755)
        self.write_configuration()
        self.write_pattern(pattern)
        munge = self.directory / "munge"
        self.munged = Daemon(home, ["munged", "--foreground", "--force", "--key-file", key, "--socket", munge / "socket", "--pid-file",
                                    munge / "pid", "--log-file", munge / "log", "--seed-file", munge / "seed"])
        self.munged.wait_for((munge / "socket").exists)
        self.controller = Daemon(home, ["slurmctld", "-D", "-i"], env=self.environment)
        self.start_node()

    def start_node(self) -> None:
        self.node = Daemon(self.home, ["slurmd", "-D"], env=self.environment)
        self.node.wait_for(lambda: "idle" in self("sinfo", "-h", "-o", "%T").out, 60)

    def write_configuration(self) -> None:
        name, d = socket.gethostname().split(".")[0], self.directory
        (d / "slurm.conf").write_text(f"""ClusterName=test
SlurmctldHost={name}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthInfo=socket={d}/munge/socket
StateSaveLocation={d}/ctld
SlurmdSpoolDir={d}/spool
SlurmctldPidFile={d}/slurmctld.pid
SlurmdPidFile={d}/slurmd.pid
SlurmctldLogFile={d}/slurmctld.log
SlurmdLogFile={d}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
KillWait=2
SlurmdTimeout=60
SchedulerParameters=sched_interval=1,batch_sched_delay=0
MailProg=/bin/true
NodeName={name} NodeAddr=127.0.0.1 CPUs={os.cpu_count()} State=UNKNOWN
PartitionName=all Nodes={name} Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:4
""")
        (d / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")

    def write_pattern(self, pattern: str) -> None:
        # Slurm passes the path with its slash, and --bundle's value ends in one as well.
        runtime = f"exec {self.home.runtime} --root={self.state}/"
        start = {"run": f'RunTimeRun="{runtime} run {self.options} {ID} -b %b"\n',
                 "create": f'RunTimeCreate="{runtime} create {self.options} -b %b {ID} {self.streams}"\nRunTimeStart="{runtime} start {ID}"\n'}[pattern]
        if self.home.runtime.name == "crun":  # takes options before the ID only
            start = start.replace(f"{ID} -b %b", f"-b %b {ID}")
        (self.directory / "oci.conf").write_text(
            f'RunTimeQuery="{runtime} state {ID}"\nRunTimeKill="{runtime} kill -a {ID}"\n'
            f'RunTimeDelete="{runtime} delete --force {ID}"\n{start}')

    options = ""
    # slurmd reads the output of create to its end, but the streams of the step are those of the shell's parent. Its input
    # never ends: slurmd holds both ends.
    streams = "</dev/null >/proc/$PPID/fd/1 2>/proc/$PPID/fd/2"

    def __call__(self, *args, timeout: float = 60, **more) -> process.Result:
        return process.run(args, scratch=self.home.make("output"), timeout=timeout, env=self.environment, **more)

    def start(self, *args, **more) -> process.Running:
        return process.Running(args, scratch=self.home.make("output"), env=self.environment, **more)

    def job(self, number: str) -> str:
        """Its state, as squeue tells it; COMPLETED when it is forgotten."""
        result = self("squeue", "-h", "-j", number, "-t", "all", "-o", "%T")
        return result.out.strip() or "COMPLETED"

    @property
    def log(self) -> str:
        return (self.directory / "slurmd.log").read_text()[-3000:]

    def stop(self) -> None:
        for daemon in (self.node, self.controller, self.munged):
            daemon.stop()

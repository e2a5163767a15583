#!/usr/bin/env bash
# Bring up a SLURM for the tests of this folder: partitions cpu (the default) and gpu, of one node with two stand-ins for
# GPUs, partition low, whose jobs those of gpu preempt after a minute, and partition both, which has another node with a
# third one. Both nodes are this machine.
# Everything that it needs lies in one folder, with ports, a munge and a database of its own, so that a SLURM which this
# machine already has is neither read nor changed. Debian, as root. Run again, it leaves alone what runs as it should.
#   tests/slurm/up.sh               with an accounting database: sacct answers
#   tests/slurm/up.sh --no-accounting   without: only squeue does
# Its clients are told where it is by the variables in the file env: . /var/lib/ssmttm-slurm/env
set -euo pipefail

[[ ${CI:-} == true || -n ${SSMTTM_SLURM_TEST:-} ]] || {
  echo "up.sh installs packages and starts daemons as root; to let it, set CI=true or SSMTTM_SLURM_TEST=1" >&2; exit 2; }
(( EUID == 0 )) || { echo "up.sh: slurmd and mknod need root" >&2; exit 2; }
case ${1:-} in
  "") accounting=yes ;;
  --no-accounting) accounting=no ;;
  *) echo "up.sh: unknown option $1; there is --no-accounting" >&2; exit 2 ;;
esac

PATH=$PATH:/usr/sbin:/sbin    # where the daemons are, which not every shell looks in
here=$(cd "$(dirname "$0")" && pwd)
folder=${SSMTTM_SLURM_FOLDER:-/var/lib/ssmttm-slurm}
host=$(hostname -s)
ports=(16817 16818 16819 16820)    # of slurmctld, the first slurmd, slurmdbd, the second slurmd: not those of another SLURM
cpus=32 memory=200000 gpus=(2 1)   # told to SLURM, whatever the machine has: jobs of the tests are small
nodes=(ssmttm1 ssmttm2)

# Programs. A policy keeps packages from starting services: ours are started here.
wanted=(slurmctld slurmd slurm-client munge)
[[ $accounting == no ]] || wanted+=(slurmdbd mariadb-server)
missing=()
for package in "${wanted[@]}"; do
  [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2> /dev/null) == installed ]] || missing+=("$package")
done
if (( ${#missing[@]} )); then
  policy=/usr/sbin/policy-rc.d
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' > $policy && chmod +x $policy
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } \
    > /tmp/ssmttm-slurm-apt.log 2>&1 \
    || { tail -n 5 /tmp/ssmttm-slurm-apt.log >&2; echo "up.sh: apt could not install ${missing[*]}" >&2; exit 1; }
fi

# A SLURM of ours in the other mode goes first: slurmctld doesn't change its accounting while it runs.
if [[ -e $folder/accounting && $(< "$folder/accounting") != "$accounting" ]]; then "$here/down.sh"; fi
mkdir -p "$folder"/{state,spool,log,run,devices,bin}
chmod 755 "$folder"
echo "$accounting" > "$folder/accounting"
cat > "$folder/env" << END
export SLURM_CONF=$folder/slurm.conf SSMTTM_SLURM=$folder SSMTTM_SLURM_ACCOUNTING=$accounting PATH=$folder/bin:\$PATH
END
# Snakemake's jobs call srun without any variable that begins with SLURM_, and so without SLURM_CONF.
printf '#!/bin/sh\nSLURM_CONF=%s exec %s "$@"\n' "$folder/slurm.conf" /usr/bin/srun > "$folder/bin/srun"
chmod +x "$folder/bin/srun"
. "$folder/env"

runs() { [[ -s $1 ]] && kill -0 "$(< "$1")" 2> /dev/null; }
until_true() {  # until_true SECONDS COMMAND...
  local last=$(( SECONDS + $1 )); shift
  until "$@" > /dev/null 2>&1; do (( SECONDS < last )) || return 1; sleep 0.2; done
}
failed() { echo "up.sh: $1" >&2; tail -n 8 "$folder"/log/*.log >&2; exit 1; }

# munge, by which SLURM's programs know each other.
if ! runs "$folder/run/munged.pid"; then
  rm -f "$folder"/run/munge.*
  [[ -s $folder/munge.key ]] || { head -c 128 /dev/urandom > "$folder/munge.key"; chmod 400 "$folder/munge.key"; }
  chmod 711 "$folder/run"
  munged --key-file="$folder/munge.key" --socket="$folder/run/munge.socket" --pid-file="$folder/run/munged.pid" \
    --log-file="$folder/log/munged.log" --seed-file="$folder/run/munged.seed" || failed "munged didn't start"
fi

cat > "$folder/slurm.conf" << END
ClusterName=ssmttm
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=${ports[0]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/run/munge.socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool/%n
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmdPidFile=$folder/run/%n.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/%n.log
MpiDefault=none
SwitchType=switch/none
TaskPlugin=task/none
ProctrackType=proctrack/linuxproc
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1
ReturnToService=2
KillWait=2
JobRequeue=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
MinJobAge=300
JobCompType=jobcomp/filetxt
JobCompLoc=$folder/jobs.txt
AccountingStorageType=accounting_storage/$([[ $accounting == yes ]] && echo slurmdbd || echo none)
AccountingStorageHost=localhost
AccountingStoragePass=$folder/run/munge.socket
AccountingStoragePort=${ports[2]}
GresTypes=gpu
NodeName=${nodes[0]} NodeHostname=$host NodeAddr=127.0.0.1 Port=${ports[1]} CPUs=$cpus RealMemory=$memory Gres=gpu:${gpus[0]}
NodeName=${nodes[1]} NodeHostname=$host NodeAddr=127.0.0.1 Port=${ports[3]} CPUs=$cpus RealMemory=$memory Gres=gpu:${gpus[1]}
PartitionName=cpu Nodes=${nodes[0]} Default=YES DefaultTime=10 MaxTime=2-0 DefMemPerCPU=500 PreemptMode=OFF
PartitionName=gpu Nodes=${nodes[0]} DefaultTime=10 MaxTime=7-0 DefMemPerCPU=500 PriorityTier=2 PreemptMode=OFF
PartitionName=low Nodes=${nodes[0]} DefaultTime=10 MaxTime=7-0 DefMemPerCPU=500 PriorityTier=1 GraceTime=60
PartitionName=both Nodes=${nodes[0]},${nodes[1]} DefaultTime=10 MaxTime=7-0 DefMemPerCPU=500 PreemptMode=OFF
END
[[ $accounting == no ]] || echo AccountingStorageTRES=gres/gpu >> "$folder/slurm.conf"   # needs a database
echo "CgroupPlugin=cgroup/v1" > "$folder/cgroup.conf"   # named, so that nothing is looked for; no limit is by cgroups
: > "$folder/gres.conf"
for n in 0 1; do
  for (( i = 0; i < gpus[n]; i++ )); do                 # SLURM takes any character device for a GPU
    device=$folder/devices/${nodes[n]}-gpu$i
    [[ -c $device ]] || mknod "$device" c 1 3
    echo "NodeName=${nodes[n]} Name=gpu File=$device" >> "$folder/gres.conf"
  done
  mkdir -p "$folder/spool/${nodes[n]}"
done

if [[ $accounting == yes ]]; then
  socket=$folder/run/database.socket
  if ! runs "$folder/run/database.pid"; then
    install -d -o mysql -g mysql "$folder/database"
    chown mysql:mysql "$folder/run"
    [[ -d $folder/database/mysql ]] || mariadb-install-db --no-defaults --user=mysql --datadir="$folder/database" \
      --auth-root-authentication-method=socket --skip-test-db > "$folder/log/database-install.log" 2>&1
    setsid mariadbd --no-defaults --user=mysql --datadir="$folder/database" --socket="$socket" --skip-networking \
      --pid-file="$folder/run/database.pid" --innodb-buffer-pool-size=64M --innodb-lock-wait-timeout=900 \
      > "$folder/log/database.log" 2>&1 < /dev/null &
    until_true 60 mariadb-admin --no-defaults -S "$socket" ping || failed "MariaDB didn't start"
  fi
  mariadb --no-defaults -S "$socket" -e "CREATE DATABASE IF NOT EXISTS slurm; CREATE USER IF NOT EXISTS slurm@localhost
    IDENTIFIED BY 'slurm'; GRANT ALL ON slurm.* TO slurm@localhost"
  cat > "$folder/slurmdbd.conf" << END
AuthType=auth/munge
AuthInfo=socket=$folder/run/munge.socket
DbdHost=localhost
DbdPort=${ports[2]}
SlurmUser=root
LogFile=$folder/log/slurmdbd.log
PidFile=$folder/run/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm
END
  chmod 600 "$folder/slurmdbd.conf"
  runs "$folder/run/slurmdbd.pid" || MYSQL_UNIX_PORT=$socket slurmdbd || failed "slurmdbd didn't start"
  until_true 60 sacctmgr --noheader list cluster || failed "slurmdbd doesn't answer"
  [[ -n $(sacctmgr --noheader list cluster ssmttm) ]] || sacctmgr --immediate add cluster ssmttm > /dev/null
fi

runs "$folder/run/slurmctld.pid" || slurmctld || failed "slurmctld didn't start"
for node in "${nodes[@]}"; do
  runs "$folder/run/$node.pid" || slurmd -N "$node" || failed "slurmd of $node didn't start"
done
nodes_are_up() { ! sinfo --noheader --Node --partition=both --format=%T | grep -qvE '^(idle|mixed|allocated|completing)$'; }
until_true 30 nodes_are_up || failed "a node didn't come up: $(sinfo --noheader --Node --format='%N %T %E' | head -n 2)"
echo "SLURM is up; accounting: $accounting. For its commands: . $folder/env"

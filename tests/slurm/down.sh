#!/usr/bin/env bash
# Take down the SLURM that up.sh brought up, and remove its folder. Only processes that its pid files name are ended.
#   KEEP=1   keep the folder, to read its logs
set -euo pipefail
folder=${SSMTTM_SLURM_FOLDER:-/var/lib/ssmttm-slurm}
[[ -e $folder/env ]] || { echo "no SLURM of up.sh in $folder"; exit 0; }
. "$folder/env"

ours() {  # the process that a pid file names, if it runs and is still what it was
  local pid=
  [[ ! -s $folder/run/$1.pid ]] || pid=$(< "$folder/run/$1.pid")
  [[ -n $pid && $(cat "/proc/$pid/comm" 2> /dev/null) == "$2" ]] && echo "$pid"
}
stop() {
  local pid
  pid=$(ours "$1" "$2") || return 0
  kill "$pid"
  for _ in $(seq 100); do kill -0 "$pid" 2> /dev/null || return 0; sleep 0.1; done
  kill -KILL "$pid" 2> /dev/null || true
}

if ours slurmctld slurmctld > /dev/null && ours ssmttm1 slurmd > /dev/null; then
  timeout 10 scancel --full --signal=KILL --user=root 2> /dev/null || true
  timeout 10 scancel --user=root 2> /dev/null || true
  for _ in $(seq 100); do [[ -n $(timeout 5 squeue --noheader 2> /dev/null) ]] || break; sleep 0.1; done
fi
for node in ssmttm1 ssmttm2; do stop $node slurmd; done
stop slurmctld slurmctld
stop slurmdbd slurmdbd
stop database mariadbd
stop munged munged
[[ -n ${KEEP:-} ]] || rm -rf "$folder"

"""What a study will take, before it runs: hours of cores and GPUs, disk, memory and money, stage by stage."""

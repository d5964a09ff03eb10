"""Real engines with the runtime under test.

home      where one run of the tests keeps everything, and which runtime it gives to engines
client    what podman and docker have in common: a command line, names of containers
podman, docker, containerd, buildah, slurm: how each is started, and stopped by pid
"""

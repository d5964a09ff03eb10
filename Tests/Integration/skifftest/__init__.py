"""The harness of the integration tests. All of it is black box: it starts programs and looks at the host.

filesystems  file systems that a test mounts for a while
host      private namespaces for the whole test run, a snapshot of the host, what a test left behind, cleaning up
process   run a program with a time limit; `Result` (code, out, err)
bundle    an OCI bundle: rootfs with the probe, a default configuration as a dict that the test changes
runtime   the OCI command line of skiff (or RUNTIME=crun, RUNTIME=runc): `Runtime`, `Container`
engine    skiff on a store with images: `Engine`, with fixtures for the folders that import it
terminal  a pty with a program on it, a console socket: window size, Ctrl-C, Ctrl-Z, expect

Fixtures are in conftest.py: `rt` (Runtime), `make_bundle`, `scratch` (a directory), `skiff` (any skiff command line).
Every test runs inside `nothing_left_behind`, which compares the host before and after and fails the test when a
process, mount, cgroup, state entry, network link or namespace has stayed.

A test that another runtime is known to fail carries the reason: `@pytest.mark.peer(crun="no duplicate check")`.
"""

"""buildah: images with RUN steps, and programs in a working container."""

import pytest

from enginetest.buildah import Buildah


@pytest.fixture(scope="module")
def service(home, needed):
    needed("buildah")
    return Buildah(home)


@pytest.fixture
def buildah(service):
    yield service
    service("rm", "--all")


def test_run(buildah):
    result = buildah("run", buildah.container(), "--", "sh", "-c", "echo inside; id -u; echo err >&2")
    # One warning: buildah asks for ambient capabilities that it does not make inheritable.
    assert result.ok().out == "inside\n0\n" and len(result.err.splitlines()) <= 2 and "err\n" in result.err, repr(result)


@pytest.mark.parametrize("code", [0, 3, 127])
def test_exit_code(buildah, code):
    result = buildah("run", buildah.container(), "--", "sh", "-c", f"exit {code}")
    assert result.code == code, repr(result)


def test_missing_program(buildah):
    result = buildah("run", buildah.container(), "--", "/none")
    assert result.code == 1 and "no such file or directory" in result.err, repr(result)


def test_standard_input(buildah):
    assert buildah("run", buildah.container(), "--", "cat", stdin=b"from outside").ok().out == "from outside"


def test_run_with_options(buildah, scratch):
    scratch.chmod(0o755)
    (scratch / "file").write_text("from the host")
    result = buildah("run", "--user", "7:8", "--workingdir", "/tmp", "--env", "A=b", "--network", "none", "-v", f"{scratch}:/mnt:ro",
                     "--cap-drop", "all", "--hostname", "box", buildah.container(), "--", "sh", "-c",
                     "id -u; id -g; pwd; echo $A; hostname; cat /mnt/file; ls /sys/class/net | wc -l")
    assert result.ok().out.split("\n")[:5] == ["7", "8", "/tmp", "b", "box"], repr(result)
    assert "from the host" in result.out


def test_build_with_several_steps(buildah, scratch):
    (scratch / "file").write_text("copied\n")
    (scratch / "Containerfile").write_text(
        "FROM localhost/busybox AS first\nRUN echo made >/made\nRUN sh -c 'exit 0' && cat /made >/again\n"
        "FROM localhost/busybox\nARG who=nobody\nCOPY file /file\nCOPY --from=first /again /again\nRUN cat /again /file >/both\n"
        "RUN echo user:x:77:77::/:/bin/sh >>/etc/passwd && id -u >/first-user\nRUN mkdir -p /srv && chown 77 /srv\nUSER user\nWORKDIR /srv\nRUN id -u >me; echo $who >>me; touch /etc/x || echo refused >>me\n")
    buildah("bud", "--pull-never", "--layers", "--build-arg", "who=me", "-t", "localhost/built", scratch, timeout=120).ok()
    made = buildah("from", "--pull-never", "localhost/built").ok().out.strip()
    out = buildah("run", made, "--", "cat", "/both", "/first-user", "/srv/me").ok().out
    assert out == "made\ncopied\n0\n77\nme\nrefused\n"


def test_build_that_fails(buildah, scratch):
    (scratch / "Containerfile").write_text("FROM localhost/busybox\nRUN echo before && exit 9\n")
    result = buildah("bud", "--pull-never", scratch)
    assert result.code != 0 and "exit status 9" in result.err, repr(result)


def test_commit(buildah):
    container = buildah.container()
    buildah("run", container, "--", "sh", "-c", "echo kept >/kept").ok()
    buildah("commit", "-q", container, "localhost/committed").ok()
    again = buildah("from", "--pull-never", "localhost/committed").ok().out.strip()
    assert buildah("run", again, "--", "cat", "/kept").ok().out == "kept\n"

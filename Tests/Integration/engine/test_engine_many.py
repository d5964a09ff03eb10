"""Fifty containers at once; Tests/Benchmarks/many does it with a thousand and looks at the times."""

from skifftest import many


def test_fifty_containers_at_once_and_nothing_is_left(skiff_program, busybox_archive, scratch, nothing_left_behind):
    figures, failures = many.run(skiff_program, scratch, busybox_archive, count=50, step=25)
    assert failures == []
    assert figures["privateKiB"] < 1024 and [row["running"] for row in figures["starts"]] == [25, 50]


def test_all_and_names_exclude_each_other(engine):
    for verb in ("stop", "rm"):
        engine(verb, "--all", "web").failed("--all", code=2)
        engine(verb).failed("--all", code=2)
        assert engine(verb, "--all").ok().out == ""


def test_stop_gives_all_the_same_time(engine):
    """Four programs that do not listen: the grace time is waited for once."""
    names = [f"deaf{number}" for number in range(4)]
    for name in names:
        engine.detached("--name", name, "busybox", "sleep", "100")
    result = engine("stop", "--time", "2", *names, "nobody")
    assert result.code == 1 and "nobody" in result.err and result.out.split() == names
    assert 2 <= result.seconds < 6
    assert engine("rm", *names).ok().out.split() == names


def test_stop_of_one_that_removes_itself(engine):
    engine.detached("--rm", "--name", "short", "busybox", "sleep", "100")
    engine.detached("--name", "long", "busybox", "sleep", "100")
    assert engine("stop", "--time", "0", "short", "long").ok().out.split() == ["short", "long"]
    engine("rm", "long").ok()

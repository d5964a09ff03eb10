"""create, start, state, kill, delete (LIFE-*)."""


def test_life_1_program_runs_as_first_process_of_its_namespace(rt, bundle):
    assert rt.report(bundle)["pid"] == 1


def test_life_9_running_container_is_reported_and_exec_reaches_it(rt, bundle):
    with rt.sleeping(bundle) as c:
        assert c.status == "running"
        assert c.probe(("echo", "hello"))[0]["text"] == "hello"

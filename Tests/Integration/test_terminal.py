"""Terminals: console socket, own relay, size, job control, exit code (PRC-2 … PRC-4, I-28)."""

import os
import termios
import time

import pytest

from skifftest import process
from skifftest.terminal import ConsoleSocket, TerminalProgram


@pytest.fixture
def console(scratch):
    # Paths of sockets are short: 107 bytes.
    path = f"/tmp/{os.getpid()}-{time.monotonic_ns()}"
    with ConsoleSocket(type(scratch)(path)) as socket:
        yield socket


def test_prc_2_3_create_hands_the_terminal_over_the_console_socket(rt, bundle, console):
    bundle.process["terminal"] = True
    bundle.probe("report", "line", ("echo", "bye"))
    c = rt.create(bundle, "--console-socket", console.path)
    terminal = console.receive()
    c.start()
    text = terminal.expect(r"\{.*\"verb\":\"report\".*\}\r\n").group().decode()
    report = process.json_lines(text.replace("\r\n", "\n"))[0]
    assert report["tty"]["isatty"] == [True] * 3 and report["tty"]["controlling"]
    assert report["tty"]["name"] in ("/dev/pts/0", "/dev/console")
    assert sorted(report["fds"]) == ["0", "1", "2"]
    assert report["tty"]["foreground"] == report["pgid"] == report["sid"] == 1
    terminal.send("hello\n")
    terminal.expect('"text":"hello')
    terminal.expect("bye")
    terminal.close()
    c.wait_stopped()
    c.remove()


def test_prc_2_the_terminal_belongs_to_the_containers_devpts(rt, bundle, console):
    bundle.process["terminal"] = True
    bundle.probe(("list", "/dev/pts"), ("stat", "/dev/console"), ("readlink", "/dev/ptmx"), "sleep")
    c = rt.create(bundle, "--console-socket", console.path)
    terminal = console.receive()
    c.start()
    names = terminal.expect(r'"names":\[(.*?)\]').group(1).decode()
    assert '"0"' in names and '"ptmx"' in names and names.count(",") == 1
    stat = terminal.expect(r'"verb":"stat".*?\}').group().decode()
    assert '"kind":"char"' in stat and '"major":136' in stat
    terminal.close()
    c.kill("KILL").ok()
    c.wait_stopped()
    c.remove()


def test_prc_4_console_size(rt, bundle, console):
    bundle.process.update(terminal=True, consoleSize={"height": 33, "width": 111})
    bundle.probe("terminal", "winch", "sleep")
    c = rt.create(bundle, "--console-socket", console.path)
    terminal = console.receive()
    c.start()
    terminal.expect(r'"rows":33,"columns":111')
    terminal.expect("ready")
    terminal.resize(50, 140)
    terminal.expect(r'"rows":50,"columns":140')
    terminal.close()
    c.kill("KILL").ok()
    c.wait_stopped()
    c.remove()


def test_prc_4_console_size_without_a_terminal_is_ignored(rt, bundle):
    bundle.process["consoleSize"] = {"height": 33, "width": 111}
    rt.report(bundle)


def test_prc_3_a_detached_terminal_needs_a_console_socket(rt, bundle):
    bundle.process["terminal"] = True
    rt.refuse(bundle, "console-socket" if rt.name == "skiff" else "")


@pytest.mark.peer(crun="ignores it")
def test_prc_3_a_console_socket_without_a_terminal_is_an_error(rt, bundle, console):
    rt.refuse(bundle, "console socket", "terminal", options=["--console-socket", console.path])


def test_prc_3_a_missing_console_socket_is_an_error(rt, bundle, scratch):
    bundle.process["terminal"] = True
    rt.refuse(bundle, "/tmp/no-such-socket", options=["--console-socket", "/tmp/no-such-socket"])


def test_prc_2_ctrl_c_reaches_the_program_through_the_console_socket(rt, bundle, console):
    bundle.process["terminal"] = True
    bundle.probe(("trap", "0"))
    c = rt.create(bundle, "--console-socket", console.path)
    terminal = console.receive()
    c.start()
    terminal.expect("ready")
    terminal.interrupt()
    terminal.expect('"signal":2')
    c.wait_stopped()
    terminal.close()
    c.remove()


def run_on_terminal(rt, bundle, **more) -> TerminalProgram:
    bundle.process["terminal"] = True
    bundle.write()
    return TerminalProgram(rt.words("run", "--bundle", bundle.path, rt.new_id()), env=rt.env, **more)


@pytest.mark.peer(crun="does not pass the size on")
def test_run_relays_the_terminal_with_its_size_and_exit_code(rt, bundle):
    bundle.probe("terminal", "line", ("exit", "23"))
    with run_on_terminal(rt, bundle, rows=31, columns=97) as t:
        if rt.name != "runc":  # sets the size a moment later
            t.expect(r'"rows":31,"columns":97')
        else:
            t.expect('"verb":"terminal"')
        t.send("typed\n")
        t.expect('"text":"typed')
        assert t.wait() == 23


@pytest.mark.peer(crun="does not pass the size on")
def test_run_relays_size_changes(rt, bundle):
    bundle.probe("winch", ("exit", "0"))
    with run_on_terminal(rt, bundle) as t:
        t.expect("ready")
        if rt.name == "runc":
            time.sleep(0.1)
        t.resize(44, 166)
        t.expect(r'"rows":44,"columns":166')
        assert t.wait() == 0


def test_run_ctrl_c_goes_to_the_program_and_not_to_the_runtime(rt, bundle):
    with run_on_terminal(rt, bundle.probe(("trap", "9"))) as t:
        t.expect("ready")
        t.interrupt()
        t.expect('"signal":2')
        assert t.wait() == 9


def test_run_ctrl_z_suspends_a_job_inside_and_not_the_runtime(rt, bundle):
    bundle.process["args"] = ["/bin/sh"]
    bundle.process["env"] += ["PS1=prompt> "]
    with run_on_terminal(rt, bundle) as t:
        t.expect("prompt> ")
        t.send("/bin/probe echo working -- sleep\n")
        t.expect('"text":"working"')
        t.suspend()
        t.expect("Stopped")
        t.expect("prompt> ")
        t.send("kill -9 %1; wait\n")
        t.expect("prompt> ")
        t.send("exit 5\n")
        t.expect("exit 5")
        t.send("exit 5\n")  # the first is refused when the shell has not yet heard of the job's end
        assert t.wait() == 5


def test_run_leaves_the_callers_terminal_as_it_was(rt, bundle):
    with run_on_terminal(rt, bundle.probe(("echo", "ready"), "line")) as t:
        before = t.attributes()
        t.expect("ready")
        raw = t.attributes()
        t.send("x\n")
        assert t.wait() == 0
        after = t.attributes()
    assert raw[3] != after[3], "never was in raw mode"
    assert after[3] & termios.ICANON and after[3] & termios.ECHO and after[3] & termios.ISIG


def test_run_leaves_the_callers_terminal_as_it_was_when_the_container_is_killed(rt, bundle):
    with run_on_terminal(rt, bundle.probe(("echo", "ready"), "sleep")) as t:
        t.expect("ready")
        name = t.args[-1]
        rt("kill", name, "KILL").ok()
        assert t.wait() == 137
        after = t.attributes()
    assert after[3] & termios.ICANON and after[3] & termios.ECHO


def test_run_everything_that_was_printed_arrives_before_the_end(rt, bundle):
    with run_on_terminal(rt, bundle.probe(("flood", "2"), ("echo", "the-last-line"))) as t:
        t.expect("the-last-line", timeout=20)
        assert t.wait() == 0


def test_exec_with_a_terminal(rt, bundle):
    with rt.sleeping(bundle) as c:
        words = rt.words("exec", "--tty", c.id, "/bin/probe", "terminal", "--", "line", "--", "exit", "6")
        with TerminalProgram(words, env=rt.env, rows=20, columns=60) as t:
            shown = t.expect(r'\{.*?"verb":"terminal".*?\}\}').group().decode()
            assert '"isatty":[true,true,true]' in shown
            t.send("x\n")
            assert t.wait() == 6


def test_exec_with_a_terminal_over_the_console_socket(rt, bundle, console, scratch):
    with rt.sleeping(bundle) as c:
        pid_file = scratch / "pid"
        c.exec_process({"args": ["/bin/probe", "terminal", "--", "line"], "terminal": True}, "--tty", "--detach", "--pid-file", pid_file,
                       "--console-socket", console.path).ok()
        terminal = console.receive()
        terminal.expect('"controlling":true')
        terminal.send("over\n")
        terminal.expect('"text":"over')
        terminal.close()


def test_contract_the_terminal_may_stand_in_the_process_file_only(rt, bundle, console):
    with rt.sleeping(bundle) as c:
        c.exec_process({"args": ["/bin/probe", "terminal"], "terminal": True}, "--detach", "--console-socket", console.path).ok()
        console.receive().expect('"controlling":true')


def test_2016_10124_exec_without_a_terminal_cannot_type_into_the_callers(rt, bundle):
    with rt.sleeping(bundle) as c:
        words = rt.words("exec", c.id, "/bin/probe", "tiocsti", "0", "X", "--", "terminal")
        with TerminalProgram(words, env=rt.env) as t:
            answer = t.expect(r'"verb":"tiocsti".*?\}').group().decode()
            assert '"errno":"EPERM"' in answer or '"errno":"EIO"' in answer or '"errno":"ENOTTY"' in answer
            assert t.wait() == 0


def test_a_terminal_in_a_user_namespace(rt, bundle, console):
    bundle.user_namespace().process["terminal"] = True
    bundle.probe(("stat", "/dev/pts/0"), "terminal", "sleep")
    c = rt.create(bundle, "--console-socket", console.path)
    terminal = console.receive()
    c.start()
    assert '"uid":0' in terminal.expect(r'"verb":"stat".*?\}').group().decode()
    terminal.expect('"controlling":true')
    terminal.close()
    c.kill("KILL").ok()
    c.wait_stopped()
    c.remove()


def test_a_terminal_for_a_user_who_is_not_root(rt, bundle, console):
    bundle.process.update(terminal=True, user={"uid": 1000, "gid": 1000})
    bundle.probe(("stat", "/dev/pts/0"), ("open", "/proc/self/fd/0", "rw"), "sleep")
    c = rt.create(bundle, "--console-socket", console.path)
    terminal = console.receive()
    c.start()
    assert '"uid":1000' in terminal.expect(r'"verb":"stat".*?\}').group().decode()
    assert '"errno":""' in terminal.expect(r'"verb":"open".*?\}').group().decode()
    terminal.close()
    c.kill("KILL").ok()
    c.wait_stopped()
    c.remove()

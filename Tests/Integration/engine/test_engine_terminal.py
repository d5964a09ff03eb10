"""A shell on a real pty: window size, Ctrl-C, Ctrl-Z, leaving, exit code."""

import termios

from skifftest.terminal import TerminalProgram


def is_raw(terminal: TerminalProgram) -> bool:
    return not terminal.attributes()[3] & termios.ICANON


def begin_long_job(terminal: TerminalProgram) -> None:
    """The job runs in the foreground when it prints; before, Ctrl-C would be the shell's own."""
    terminal.send("sh -c 'echo be\"\"gun; exec sleep 100'\n")
    terminal.expect("begun\r\n")


def test_window_size_interrupt_and_exit_code(engine):
    with_size = engine.terminal("run", "--rm", "-it", "busybox", "sh", rows=31, columns=101)
    with_size.expect("# ")
    with_size.send("stty size\n")
    with_size.expect("31 101")
    with_size.resize(40, 120)
    with_size.send("sleep 0.2; stty size\n")
    with_size.expect("40 120")
    begin_long_job(with_size)
    with_size.interrupt()
    with_size.expect("# ")
    with_size.send("echo code $?\n")
    with_size.expect("code 130")
    with_size.send("exit 3\n")
    assert with_size.wait() == 3
    assert not is_raw(with_size)
    with_size.close()


def test_ctrl_z_stops_the_job_inside(engine):
    terminal = engine.terminal("run", "--rm", "-it", "busybox", "sh")
    terminal.expect("# ")
    begin_long_job(terminal)
    terminal.suspend()
    terminal.expect("Stopped")
    terminal.send("kill -9 %1\n")
    terminal.expect("# ")
    # The shell takes note of the job's end at a prompt, and before it does not let itself be left.
    terminal.send("sleep 0.2\n")
    terminal.expect("# ")
    terminal.send("exit 0\n")
    assert terminal.wait() == 0
    terminal.close()


def test_end_of_file_ends_the_shell(engine):
    terminal = engine.terminal("run", "--rm", "-it", "busybox", "sh")
    terminal.expect("# ")
    terminal.end_of_file()
    assert terminal.wait() == 0
    terminal.close()


def test_leaving_and_attaching_again(engine):
    terminal = engine.terminal("run", "-it", "--name", "shell", "busybox", "sh")
    terminal.expect("# ")
    terminal.send("X=kept\n")
    terminal.expect("# ")
    terminal.send(b"\x10\x11")
    assert terminal.wait() == 0
    assert not is_raw(terminal)
    terminal.close()
    again = engine.terminal("attach", "shell", rows=17, columns=71)
    again.send("echo $X; stty size\n")
    again.expect("kept")
    again.expect("17 71")
    again.send("exit 6\n")
    assert again.wait() == 6
    again.close()
    assert engine("wait", "shell").out == "6\n"
    engine("rm", "shell").ok()


def test_a_terminal_that_goes_away_leaves_the_container_running(engine):
    terminal = engine.terminal("run", "-it", "--name", "left", "busybox", "sh")
    terminal.expect("# ")
    terminal.close()
    import os
    from skifftest import host
    os.waitpid(terminal.pid, 0)
    host.disown(terminal.pid)
    engine("exec", "left", "true").ok()
    engine("rm", "-f", "left").ok()


def test_exec_on_a_terminal(engine):
    id = engine.detached("busybox", "sleep", "60")
    terminal = engine.terminal("exec", "-it", id, "sh", rows=22, columns=77)
    terminal.expect("# ")
    terminal.send("stty size; tty\n")
    terminal.expect("22 77")
    terminal.expect("/dev/pts/")
    begin_long_job(terminal)
    terminal.interrupt()
    terminal.expect("# ")
    terminal.send("exit 4\n")
    assert terminal.wait() == 4
    terminal.close()
    engine("rm", "-f", id).ok()


def test_without_t_the_callers_terminal_is_not_handed_in(engine):
    id = engine.detached("busybox", "sleep", "60")
    for words in (["exec", id], ["run", "--rm", "busybox"]):
        terminal = engine.terminal(*words, "sh", "-c", "test -t 0 || test -t 1 || test -t 2 || echo no terminal")
        terminal.expect("no terminal")
        assert terminal.wait() == 0
        terminal.close()
    engine("rm", "-f", id).ok()


def test_a_detached_terminal_is_logged(engine):
    id = engine.detached("-t", "busybox", "sh", "-c", "tty; sleep 60")
    engine.wait_log(id, "/dev/")
    engine("rm", "-f", id).ok()

// Runs a program and disturbs it at one of its system calls, which it counts:
//
//     interrupt kill N REPORT PROGRAM ARG…           SIGKILL for the program before its Nth call
//     interrupt ERRNO WHOM N REPORT PROGRAM ARG…     the Nth call of WHOM (program, children) fails with ERRNO (a number)
//
// N 0 disturbs nothing. Children go on undisturbed when the program has ended. REPORT gets a line: how many calls were
// counted, and the number of the call that was disturbed (-1: none). Calls that manage memory or end a thread are
// not counted when they are to fail: no program goes on without them.
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/ptrace.h>

#ifdef __x86_64__

static const int spared[] = {SYS_mmap, SYS_munmap, SYS_brk, SYS_mprotect, SYS_mremap, SYS_madvise, SYS_rt_sigreturn, SYS_futex,
                             SYS_exit, SYS_exit_group, SYS_arch_prctl, SYS_set_tid_address, SYS_set_robust_list, SYS_rseq,
                             SYS_rt_sigprocmask, SYS_getrandom, SYS_restart_syscall};

static pid_t failing;  // who is inside the call that is to fail

static int is_spared(long call) {
    for (size_t i = 0; i < sizeof spared / sizeof *spared; i++)
        if (spared[i] == call) return 1;
    return 0;
}

static pid_t program;
static int kills, of_children, code;
static long wanted, seen, disturbed = -1;

// At the begin or end of a system call of `who`.
static void at_call(pid_t who) {
    struct ptrace_syscall_info info = {0};
    ptrace(PTRACE_GET_SYSCALL_INFO, who, sizeof info, &info);
    if (info.op == PTRACE_SYSCALL_INFO_EXIT && failing == who) {
        ptrace(PTRACE_POKEUSER, who, offsetof(struct user_regs_struct, rax), (long)-code);
        failing = 0;
    }
    if (info.op != PTRACE_SYSCALL_INFO_ENTRY || (who != program) != of_children) return;
    long call = (long)info.entry.nr;
    if ((!kills && is_spared(call)) || ++seen != wanted) return;
    disturbed = call;
    if (kills) {
        kill(program, SIGKILL);
    } else {
        ptrace(PTRACE_POKEUSER, who, offsetof(struct user_regs_struct, orig_rax), -1L);
        failing = who;
    }
}

// Follows the program and its children until the program ends; gives its status.
static int follow(void) {
    int status, started = 0;
    while (1) {
        pid_t who = waitpid(-1, &status, __WALL);
        if (who < 0 && errno == EINTR) continue;
        if (who < 0) return status;
        if (WIFEXITED(status) || WIFSIGNALED(status)) {
            if (who != program) continue;
            return status;
        }
        int stop = WSTOPSIG(status), event = status >> 16, is_call = stop == (SIGTRAP | 0x80);
        if (event == PTRACE_EVENT_EXEC) started = 1;
        if (is_call && started) at_call(who);
        int group_stop = event == PTRACE_EVENT_STOP && (stop == SIGSTOP || stop == SIGTSTP || stop == SIGTTIN || stop == SIGTTOU);
        if (group_stop && who != program)
            ptrace(PTRACE_LISTEN, who, 0, 0);
        else
            ptrace(PTRACE_SYSCALL, who, 0, event != 0 || is_call ? 0 : stop);
    }
}

int main(int count, char **arguments) {
    kills = count > 1 && strcmp(arguments[1], "kill") == 0;
    int shift = kills ? 0 : 1, status;
    if (count < 5 + shift) return 125;
    code = kills ? 0 : atoi(arguments[1]);
    of_children = !kills && strcmp(arguments[2], "children") == 0;
    wanted = atol(arguments[2 + shift]);
    program = fork();
    if (program == 0) {
        raise(SIGSTOP);
        execv(arguments[4 + shift], arguments + 4 + shift);
        _exit(126);
    }
    if (program < 0 || waitpid(program, &status, WUNTRACED) < 0) return 125;
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
    if (ptrace(PTRACE_SEIZE, program, 0, options) < 0) return 125;
    kill(program, SIGCONT);
    status = follow();
    FILE *report = fopen(arguments[3 + shift], "w");
    if (report) {
        fprintf(report, "%ld %ld\n", seen, disturbed);
        fclose(report);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#else

int main(void) { return 125; }

#endif

// steps ADDRESSES OUTPUT PROGRAM [ARG…]: runs a static program step by step and writes which of the addresses
// (hexadecimal, a line each, ascending) it came by: `0 ADDRESS` in the process itself, `1 ADDRESS` in one that it cloned. Such a
// process is left alone once it has executed another program. Slow: some microseconds for an instruction.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned long lowest, size;
static unsigned char *marks;  // per address: 1 it is looked for, 2 seen in the process, 4 seen in a clone

static int load(const char *path) {
    unsigned long address, highest = 0;
    FILE *file = fopen(path, "r");
    if (file == NULL) return -1;
    while (fscanf(file, "%lx", &address) == 1) {
        if (lowest == 0) lowest = address;
        highest = address;
    }
    size = highest - lowest + 1;
    marks = calloc(size, 1);
    rewind(file);
    while (marks != NULL && fscanf(file, "%lx", &address) == 1) marks[address - lowest] = 1;
    fclose(file);
    return marks == NULL ? -1 : 0;
}

static void note(pid_t process, int is_clone) {
    struct user_regs_struct registers;
    if (ptrace(PTRACE_GETREGS, process, 0, &registers) != 0) return;
    unsigned long offset = registers.rip - lowest;
    if (registers.rip >= lowest && offset < size && marks[offset]) marks[offset] |= is_clone ? 4 : 2;
}

int main(int argc, char **argv) {
    int status;
    pid_t clone = 0;
    if (argc < 4 || load(argv[1]) != 0) return 2;
    FILE *output = fopen(argv[2], "w");
    if (output == NULL) return 2;
    pid_t first = fork();
    if (first == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        execv(argv[3], argv + 3);
        _exit(127);
    }
    waitpid(first, &status, 0);
    ptrace(PTRACE_SETOPTIONS, first, 0,
           PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC);
    ptrace(PTRACE_SINGLESTEP, first, 0, 0);
    for (pid_t process; (process = waitpid(-1, &status, __WALL)) > 0;) {
        if (!WIFSTOPPED(status)) {
            if (process == clone) clone = 0;
            if (process == first) break;
            continue;
        }
        if (process != first) clone = process;
        int event = status >> 16, signal = WSTOPSIG(status);
        if (signal == SIGTRAP && event == PTRACE_EVENT_EXEC && process != first) {
            ptrace(PTRACE_DETACH, process, 0, 0);
            clone = 0;
            continue;
        }
        if (signal == SIGTRAP && event == 0) note(process, process != first);
        ptrace(PTRACE_SINGLESTEP, process, 0, signal == SIGTRAP || signal == SIGSTOP ? 0 : signal);
    }
    // One that waits to be started must not be left in the middle of a step: the trap would end it.
    if (clone != 0 && kill(clone, SIGSTOP) == 0 && waitpid(clone, &status, __WALL) == clone && WIFSTOPPED(status)) {
        ptrace(PTRACE_DETACH, clone, 0, 0);
        kill(clone, SIGCONT);
    }
    for (unsigned long offset = 0; offset < size; offset++)
        for (int bit = 0; bit < 2; bit++)
            if (marks[offset] & (2 << bit)) fprintf(output, "%d %lx\n", bit, lowest + offset);
    return fclose(output) == 0 ? 0 : 1;
}

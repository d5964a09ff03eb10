// peak PROGRAM [ARG…]: runs it and prints the largest resident set, in KiB, of it and of everything it waited for.
// A program of its own because the kernel counts the memory of whoever forked too: a Python parent would hide
// the figure, this one stays below it.
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    struct rusage usage;
    int status;
    if (argc < 2) return 2;
    pid_t child = vfork();
    if (child == 0) {
        dup2(2, 1);
        execv(argv[1], argv + 1);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) < 0) return 1;
    printf("%ld\n", usage.ru_maxrss);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

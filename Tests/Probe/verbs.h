#ifndef PROBE_VERBS_H
#define PROBE_VERBS_H

// The words after the verb that is being run.
extern int argument_count;
extern char **arguments;

const char *argument(int index, const char *fallback);  // a word, or `fallback` if there are not so many
long number(int index, long fallback);                  // a word as a number, in any base that C knows
void outcome(long result);                              // "result" and "errno" of a call; negative is failure
void nap(double seconds);

// Verbs about files.
void do_open(void);
void do_read(void);
void do_write(void);
void do_stat(void);
void do_lstat(void);
void do_readlink(void);
void do_list(void);
void do_statfs(void);
void do_mkdir(void);
void do_rmdir(void);
void do_unlink(void);
void do_symlink(void);
void do_chown(void);
void do_access(void);
void do_mknod(void);
void do_wait_for(void);
void do_swap(void);
void do_writable(void);
void do_spy(void);

#endif

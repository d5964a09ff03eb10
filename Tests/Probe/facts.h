#ifndef PROBE_FACTS_H
#define PROBE_FACTS_H

void facts_report(char **argv);  // every fact, as keys of the object that is open
void facts_terminal(void);
void facts_visible_processes(void);

#endif

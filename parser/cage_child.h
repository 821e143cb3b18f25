/* The caged child: turns bytes into records, with no network and no files.
 *
 * It is this same program, started again with CAGE_CHILD_FLAG and an empty environment, so nothing of the parent's memory (passwords,
 * other pages) is in it. Before it reads the first byte of a page it limits its memory, its core and its files, and lets the kernel
 * kill it for any system call that reading, computing and answering do not need. */
#ifndef GM_PARSER_CAGE_CHILD_H
#define GM_PARSER_CAGE_CHILD_H

#define CAGE_CHILD_FLAG "--caged-child"

/* The child's whole life; does not return. argv: flag, memory in MiB that pages may take beside the program itself, CPU seconds a page
 * may take. Its descriptors are those of cage_wire.h. An exit status, if the cage cannot be closed. */
int cage_child_run(int argc, char **argv);

#endif

/* --once and --batch: extraction without broker and cage. */
#ifndef GM_PARSER_COMMAND_H
#define GM_PARSER_COMMAND_H

#define PARSER_COMMAND_HELP                                                                                                                \
    "  --once [--url U] [--content-type T] [--explain]   a page from stdin, its record as JSON to stdout\n"                                \
    "  --batch DIR [--content-type T]                    each file (also .gz) of a folder, one JSON a line\n"                              \
    "    both also take --robots VALUE (X-Robots-Tag of the page), --ignore-noindex, --ignore-nofollow\n"

/* For service_spec: an exit status, or -1 if argv begins with neither. argv without the program. */
int parser_command(int argc, char **argv);

#endif

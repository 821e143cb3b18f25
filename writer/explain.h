/* What is known of a URL, and what the rules say to it, for a person: page_explain of sql/, and the answer of the compiled rules, which
 * SQL cannot give. */
#ifndef GM_WRITER_EXPLAIN_H
#define GM_WRITER_EXPLAIN_H

/* writer --explain URL [CRAWL]: prints JSON. Looks at one crawl, or at the last EXPLAIN_CRAWLS; locks and changes nothing. An exit status. */
int explain_command(const char *url, const char *crawl);

#define EXPLAIN_CRAWLS 100

#endif

/* The preset `wiki`: what of a MediaWiki site is no article. Left out are pages of the namespaces Media, Special, User, File,
 * MediaWiki, Template, Module and of every talk namespace, under their English and their localised names, and links that edit, or show
 * history, versions or differences. Kept are articles, Category, Help, Portal and the project's own pages.
 *
 * Source of the rules: https://www.mediawiki.org/wiki/Manual:Namespace (names are case-insensitive, blanks and underscores
 * the same), Manual:Parameters_to_index.php (title, action, oldid, diff …); of the names: wiki_names.c. */
#ifndef GM_WRITER_WIKI_H
#define GM_WRITER_WIKI_H

#include <stdbool.h>
#include <stddef.h>

/* why: which part of the URL says so, e.g. "namespace Datei" or "action=edit"; at least 1 byte. */
bool wiki_leaves_out(const char *canonical, char *why, size_t why_size);

/* wiki_names.c */
extern const char *const wiki_names[];
extern const size_t wiki_name_count;
extern const char *const wiki_talk_ends[];
extern const char *const wiki_talk_begins[];

#endif

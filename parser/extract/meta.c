/* Metadata of a page; contract in meta.h. */
#include "parser/extract/meta.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "line/limits.h"
#include "parser/extract/byline.h"
#include "parser/extract/jsonld.h"
#include "parser/extract/mark.h"
#include "parser/extract/words.h"

#define SMALL_NODES    200 /* an element with more nodes is no single field */
#define DATELINE_BYTES 40  /* of a text, for the place and date it begins with */
#define BEHIND_NODES   60  /* after the article's element, looked at for its author */
#define BEHIND_BLOCKS  3   /* after the text, looked at for its date */
#define HEADINGS_MAX   50  /* looked at for the headline */

/* Where fields stand in <meta>; lower ranks are trusted more. */
static const struct {
    const char *name;
    enum meta_field field;
    int rank;
} sources[] = {
    {"og:title", META_TITLE, 10},
    {"dc.title", META_TITLE, 25},
    {"dcterms.title", META_TITLE, 25},
    {"twitter:title", META_TITLE, 26},
    {"parsely-title", META_TITLE, 12},
    {"sailthru.title", META_TITLE, 24},
    {"author", META_BYLINE, 22},
    {"article:author", META_BYLINE, 24},
    {"og:article:author", META_BYLINE, 24},
    {"article:author_name", META_BYLINE, 15},
    {"parsely-author", META_BYLINE, 15},
    {"sailthru.author", META_BYLINE, 16},
    {"dc.creator", META_BYLINE, 18},
    {"dcterms.creator", META_BYLINE, 18},
    {"dc.contributor", META_BYLINE, 40},
    {"byl", META_BYLINE, 16},
    {"cxenseparse:author", META_BYLINE, 17},
    {"citation_author", META_BYLINE, 14},
    {"article:published_time", META_DATE, 10},
    {"og:published_time", META_DATE, 11},
    {"og:article:published_time", META_DATE, 11},
    {"datepublished", META_DATE, 12},
    {"cxenseparse:recs:publishtime", META_DATE, 13},
    {"sailthru.date", META_DATE, 14},
    {"parsely-pub-date", META_DATE, 14},
    {"citation_publication_date", META_DATE, 14},
    {"citation_date", META_DATE, 15},
    {"dc.date.issued", META_DATE, 16},
    {"dcterms.created", META_DATE, 16},
    {"dc.date.created", META_DATE, 16},
    {"dcterms.date", META_DATE, 17},
    {"dc.date", META_DATE, 17},
    {"date", META_DATE, 21},
    {"pubdate", META_DATE, 17},
    {"publish-date", META_DATE, 17},
    {"publish_date", META_DATE, 17},
    {"publication_date", META_DATE, 17},
    {"article.published", META_DATE, 17},
    {"article.created", META_DATE, 18},
    {"published_date", META_DATE, 17},
    {"dcterms.modified", META_DATE, 52},
    {"article:modified_time", META_DATE, 51},
    {"og:updated_time", META_DATE, 53},
    {"og:site_name", META_SITE, 10},
    {"application-name", META_SITE, 30},
    {"dc.publisher", META_SITE, 31},
    {"dcterms.publisher", META_SITE, 31},
    {"og:description", META_EXCERPT, 10},
    {"description", META_EXCERPT, 12},
    {"dc.description", META_EXCERPT, 14},
    {"dcterms.abstract", META_EXCERPT, 14},
    {"twitter:description", META_EXCERPT, 13},
    {"og:locale", META_LANG, 20},
    {"content-language", META_LANG, 22},
    {"dc.language", META_LANG, 21},
    {"language", META_LANG, 23},
};

void meta_init(struct meta *meta)
{
    memset(meta, 0, sizeof *meta);
    for (int i = 0; i < META_FIELDS; i++) buf_init(&meta->fields[i].text, i == META_EXCERPT ? LIMIT_EXCERPT : LIMIT_FIELD);
}

void meta_release(struct meta *meta)
{
    for (int i = 0; i < META_FIELDS; i++) buf_release(&meta->fields[i].text);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

/* Appends with white space collapsed and ends trimmed, cut at out's maximum. */
static void add_squeezed(struct buf *out, struct span s)
{
    s = span_trim(s);
    bool gap = false;
    for (size_t i = 0; i < s.n; i++) {
        if (is_blank(s.p[i])) {
            gap = true;
            continue;
        }
        size_t len = 1;
        while (i + len < s.n && ((unsigned char)s.p[i + len] & 0xc0) == 0x80) len++;
        if (out->max - out->len < len + gap) return;
        if (gap) buf_add_char(out, ' ');
        gap = false;
        buf_add(out, s.p + i, len);
        i += len - 1;
    }
}

/* "de_DE", "de-de.utf8" to "de-DE", or nothing. */
static void add_language(struct buf *out, struct span s)
{
    s = span_trim(s);
    size_t n = 0;
    while (n < s.n && isalpha((unsigned char)s.p[n])) n++;
    if (n < 2 || n > 3 || (n < s.n && !strchr("-_.,; ", s.p[n]))) return;
    for (size_t i = 0; i < n; i++) buf_add_char(out, (char)tolower((unsigned char)s.p[i]));
    size_t k = n + 1, m = 0;
    while (k + m < s.n && isalpha((unsigned char)s.p[k + m])) m++;
    if (n >= s.n || !strchr("-_", s.p[n]) || m != 2) return;
    buf_addf(out, "-%c%c", toupper((unsigned char)s.p[k]), toupper((unsigned char)s.p[k + 1]));
}

void meta_offer(struct meta *meta, enum meta_field field, int rank, struct span value)
{
    char date[DATE_SIZE];
    value = span_trim(value);
    if (field == META_BYLINE && byline_is_host(value)) rank = META_RANK_PUBLISHER;
    if (!value.p || !value.n || (meta->fields[field].rank && meta->fields[field].rank <= rank)) return;
    struct buf text = BUF_INIT(meta->fields[field].text.max);
    switch (field) {
    case META_DATE:
        if (date_parse(value, date)) buf_add_str(&text, date);
        break;
    case META_BYLINE:
        value = byline_clean(value);
        add_squeezed(&text, value);
        break;
    case META_LANG: add_language(&text, value); break;
    default: add_squeezed(&text, value); break;
    }
    if (text.len == 0) {
        buf_release(&text);
        return;
    }
    buf_release(&meta->fields[field].text);
    meta->fields[field].text = text;
    meta->fields[field].rank = rank;
}

/* twitter:label1 names what twitter:data1 is; where it stands first, sites mean who wrote the page. */
static bool means_writer(struct span label)
{
    static const char *const labels[] = {
        "written by",  "by",         "author",           "verfasst von", "geschrieben von", "autor", "écrit par",      "auteur",
        "escrito por", "scritto da", "autore",           "door",         "geschreven door", "przez", "napisane przez", "skrevet af",
        "skrevet av",  "skriven av", "написано автором", "автор",
    };
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (span_is(span_trim(label), labels[i])) return true;
    return false;
}

static void read_meta(struct meta *meta, const struct doc *d, size_t node)
{
    struct span content = doc_attr(d, node, ATTR_content);
    enum attr_name keys[] = {ATTR_property, ATTR_name, ATTR_http_equiv, ATTR_itemprop};
    for (size_t k = 0; content.p && k < sizeof keys / sizeof *keys; k++) {
        struct span key = span_trim(doc_attr(d, node, keys[k]));
        if (!key.n) continue;
        if (directives_for_us(&meta->robots, key)) directives_apply(&meta->robots, content);
        if (span_is(key, "twitter:label1")) meta->writer_follows = means_writer(content);
        if (span_is(key, "twitter:data1") && meta->writer_follows) meta_offer(meta, META_BYLINE, 27, content);
        for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
            if (span_is(key, sources[i].name)) meta_offer(meta, sources[i].field, sources[i].rank, content);
    }
}

/* One of the words in a list divided by blanks. */
static bool has_word(struct span list, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= list.n; i++) {
        size_t from = i;
        while (i < list.n && !isspace((unsigned char)list.p[i])) i++;
        if (i - from == n && strncasecmp(list.p + from, word, n) == 0) return true;
    }
    return false;
}

/* Feed autodiscovery: the types of RFC 4287 and of the RSS Advisory Board (2006), without parameters. */
static bool is_feed_type(struct span type)
{
    size_t n = 0;
    while (n < type.n && type.p[n] != ';') n++;
    struct span bare = span_trim(span_of(type.p, n));
    return span_is(bare, "application/rss+xml") || span_is(bare, "application/atom+xml") || span_is(bare, "application/rdf+xml");
}

static void read_link(struct meta *meta, const struct doc *d, size_t node)
{
    struct span href = doc_attr(d, node, ATTR_href), rel = span_trim(doc_attr(d, node, ATTR_rel));
    if (!href.n) return;
    if (meta->feed_count < LIMIT_FEEDS && has_word(rel, "alternate") && is_feed_type(doc_attr(d, node, ATTR_type)))
        meta->feeds[meta->feed_count++] = href;
    if (!meta->canonical.p && span_is(rel, "canonical")) meta->canonical = href;
    if (!meta->amp.p && has_word(rel, "amphtml")) meta->amp = href;
    if (has_word(rel, "next") && (!meta->next.p || meta->next_is_anchor)) meta->next = href, meta->next_is_anchor = false;
}

static void offer_content(struct meta *meta, const struct doc *d, size_t node, enum meta_field field, int rank)
{
    struct buf text = BUF_INIT(LIMIT_FIELD);
    if (d->nodes[node].end - node > SMALL_NODES || (meta->fields[field].rank && meta->fields[field].rank <= rank)) return;
    doc_collect(d, node, &text);
    meta_offer(meta, field, rank, span_of(buf_str(&text), text.len));
    buf_release(&text);
}

/* Does the class attribute have this very word? */
static bool has_class(const struct doc *d, size_t node, const char *word)
{
    return has_word(doc_attr(d, node, ATTR_class), word);
}

/* Within an element about the author, the one that is the name: by microdata or the hCard microformat; else all of it. */
static size_t name_within(const struct doc *d, size_t node)
{
    for (size_t i = node + 1; i < d->nodes[node].end && i - node < SMALL_NODES; i++)
        if (d->nodes[i].tag != TAG_TEXT && (span_is(doc_attr(d, i, ATTR_itemprop), "name") || has_class(d, i, "fn"))) return i;
    return node;
}

/* Microdata and the like on elements of the text. */
static void read_microdata(struct meta *meta, const struct doc *d, size_t node)
{
    struct span prop = doc_attr(d, node, ATTR_itemprop), rel = doc_attr(d, node, ATTR_rel);
    if (prop.n && (span_has(prop, "datePublished") || span_has(prop, "dateCreated"))) {
        struct span value = doc_attr(d, node, ATTR_datetime);
        if (!value.n) value = doc_attr(d, node, ATTR_content);
        if (value.n)
            meta_offer(meta, META_DATE, 23, value);
        else
            offer_content(meta, d, node, META_DATE, 23);
    }
    if (prop.n && span_is(prop, "author")) offer_content(meta, d, name_within(d, node), META_BYLINE, 26);
    if (rel.n && span_is(span_trim(rel), "author") && d->nodes[node].tag == TAG_a) offer_content(meta, d, node, META_BYLINE, 28);
    if (rel.n && !meta->next.p && d->nodes[node].tag == TAG_a && has_word(rel, "next")) {
        meta->next = doc_attr(d, node, ATTR_href);
        meta->next_is_anchor = true;
    }
    if (d->nodes[node].tag == TAG_time && doc_attr(d, node, ATTR_pubdate).p)
        meta_offer(meta, META_DATE, 24, doc_attr(d, node, ATTR_datetime));
}

static void read_element(struct meta *meta, const struct doc *d, size_t i)
{
    const struct node *e = &d->nodes[i];
    switch (e->tag) {
    case TAG_html:
        meta_offer(meta, META_LANG, 10, doc_attr(d, i, ATTR_lang));
        meta_offer(meta, META_LANG, 11, doc_attr(d, i, ATTR_xml_lang));
        break;
    case TAG_body: meta_offer(meta, META_LANG, 12, doc_attr(d, i, ATTR_lang)); break;
    case TAG_meta: read_meta(meta, d, i); break;
    case TAG_link: read_link(meta, d, i); break;
    case TAG_base:
        if (!meta->base.p && doc_attr(d, i, ATTR_href).n) meta->base = doc_attr(d, i, ATTR_href);
        break;
    case TAG_script:
        if (i + 1 < e->end && d->nodes[i + 1].tag == TAG_TEXT) jsonld_read(meta, doc_text(d, i + 1));
        break;
    default:
        if (e->n) read_microdata(meta, d, i);
    }
}

/* The parts of a <title> are divided by these, with blanks around; the last two also stand within headlines. */
#define SURE_SEPARATORS 9
static size_t separator_at(const char *p, size_t left, size_t count)
{
    static const char *const marks[] = {"|", "-", "–", "—", "·", "•", "»", "::", "«", ":", "/"};
    if (left < 3 || *p != ' ') return 0;
    for (size_t i = 0; i < sizeof marks / sizeof *marks && i < count; i++) {
        size_t n = strlen(marks[i]);
        if (left > n + 1 && memcmp(p + 1, marks[i], n) == 0 && p[n + 1] == ' ') return n + 2;
    }
    return 0;
}

static bool same_text(struct span a, struct span b)
{
    return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

/* Cuts the site's name off the end (or the beginning) of a title. site may be empty: then only the headline can tell. */
static struct span without_site(struct span title, struct span site, struct span heading)
{
    for (size_t i = 0; i < title.n; i++) {
        size_t n = separator_at(title.p + i, title.n - i, SIZE_MAX);
        if (!n) continue;
        struct span head = span_of(title.p, i), tail = span_of(title.p + i + n, title.n - i - n);
        if (heading.n && same_text(head, heading)) return head;
        if (heading.n && same_text(tail, heading)) return tail;
        if (site.n && same_text(tail, site)) return head;
        if (site.n && same_text(head, site)) return tail;
    }
    return title;
}

/* The longest part of a <title> when nothing else tells headline and site apart; all of it, if no part is long. */
static struct span longest_part(struct span title)
{
    size_t from = 0;
    struct span best = span_of(NULL, 0);
    for (size_t i = 0; i <= title.n; i++) {
        size_t n = i < title.n ? separator_at(title.p + i, title.n - i, SURE_SEPARATORS) : 1;
        if (!n) continue;
        if (i - from > best.n) best = span_of(title.p + from, i - from);
        from = i + n;
        i = from - 1;
    }
    return best.n * 2 >= title.n ? best : title;
}

static struct span field(const struct meta *meta, enum meta_field f)
{
    return span_of(buf_str(&meta->fields[f].text), meta->fields[f].text.len);
}

/* Headline: the <h1> when the page's titles agree with it, else the best title without the site's name. */
static void choose_title(struct meta *meta, const struct doc *d)
{
    struct buf head = BUF_INIT(LIMIT_FIELD), h1 = BUF_INIT(LIMIT_FIELD), other = BUF_INIT(LIMIT_FIELD);
    int headings = 0;
    for (size_t k = 0; k < d->note_count && headings < HEADINGS_MAX; k++) {
        size_t i = d->notes[k];
        uint8_t tag = d->nodes[i].tag;
        if (tag == TAG_title && !head.len && i + 1 < d->nodes[i].end && d->nodes[i + 1].tag == TAG_TEXT)
            add_squeezed(&head, doc_text(d, i + 1));
        if ((tag != TAG_h1 && tag != TAG_h2) || d->nodes[i].end - i > SMALL_NODES) continue;
        headings++;
        buf_reset(&other);
        doc_collect(d, i, &other);
        struct span text = span_of(buf_str(&other), other.len);
        bool known = text.n >= 4 &&
                     (span_has(span_of(buf_str(&head), head.len), buf_str(&other)) || span_has(field(meta, META_TITLE), buf_str(&other)));
        if (tag == TAG_h1 ? (!h1.len || known) : (known && !h1.len && text.n >= 15)) {
            buf_reset(&h1);
            buf_add(&h1, text.p, text.n);
            if (known) break;
        }
    }
    struct span heading = span_of(buf_str(&h1), h1.len), page_title = span_of(buf_str(&head), head.len), best = field(meta, META_TITLE);
    if (!best.n) best = page_title;
    best = without_site(best, field(meta, META_SITE), heading);
    if (!same_text(best, heading) && best.n == page_title.n && best.n && memcmp(best.p, page_title.p, best.n) == 0)
        best = longest_part(best);
    if (!best.n) best = heading;
    struct buf chosen = BUF_INIT(LIMIT_FIELD);
    add_squeezed(&chosen, best);
    buf_release(&meta->fields[META_TITLE].text);
    meta->fields[META_TITLE].text = chosen;
    buf_release(&head);
    buf_release(&h1);
    buf_release(&other);
}

void meta_read(struct meta *meta, const struct page *page, const char *url)
{
    const struct doc *d = &page->doc;
    char date[DATE_SIZE];
    for (size_t i = 0; i < d->note_count; i++) read_element(meta, d, d->notes[i]);
    choose_title(meta, d);
    if (date_in_url(url, date)) meta_offer(meta, META_DATE, 30, span_of(date, strlen(date)));
}

/* Short texts in elements whose names speak of authors and dates, before and within the article; right behind it are authors, too, but
 * the dates there are other pages'. */
static void read_surroundings(struct meta *meta, const struct page *page)
{
    const struct doc *d = &page->doc;
    struct buf text = BUF_INIT(200);
    uint32_t end = page->picked != NODE_NONE ? d->nodes[page->picked].end : (uint32_t)d->count;
    uint32_t last = d->count - end > BEHIND_NODES ? end + BEHIND_NODES : (uint32_t)d->count;
    for (size_t k = 0; k < d->note_count && d->notes[k] < last; k++) {
        uint32_t i = d->notes[k];
        const struct node *e = &d->nodes[i];
        uint32_t words = page_words(page, e);
        if (e->tag == TAG_time && i < end) meta_offer(meta, META_DATE, 40, doc_attr(d, i, ATTR_datetime));
        if (!(words & WORD_META) || words & WORD_COMMENT || e->end - i > 40) continue;
        struct span class = doc_attr(d, i, ATTR_class), id = doc_attr(d, i, ATTR_id);
        bool author = span_has(class, "author") || span_has(class, "byline") || span_has(class, "autor") || span_has(id, "author");
        buf_reset(&text);
        doc_collect(d, i, &text);
        if (text.len == 0 || text.len > 150) continue;
        struct span s = span_of(buf_str(&text), text.len);
        char date[DATE_SIZE];
        if (i < end && date_find(s, date)) meta_offer(meta, META_DATE, 41, span_of(date, strlen(date)));
        size_t name = author ? name_within(d, i) : i;
        if (name != i) offer_content(meta, d, name, META_BYLINE, 41);
        if (author && s.n <= 80) meta_offer(meta, META_BYLINE, 42, s);
    }
    buf_release(&text);
}

/* Dates on lines of their own, or at the beginning of a paragraph ("Berlin, 3 March 2020 – "); the first one wins. */
static void offer_datelines(struct meta *meta, const struct page *page, uint32_t from, uint32_t to)
{
    struct buf text = BUF_INIT(200);
    char date[DATE_SIZE];
    for (uint32_t i = from; i < to; i++) {
        const struct block *b = &page->blocks[i];
        if (b->is_linky) continue;
        buf_reset(&text);
        page_block_text(page, b, &text);
        struct span s = span_of(buf_str(&text), b->chars > 80 && text.len > DATELINE_BYTES ? DATELINE_BYTES : text.len);
        if (date_find(s, date)) meta_offer(meta, META_DATE, 45, span_of(date, strlen(date)));
    }
    buf_release(&text);
}

/* Around the text's beginning, else right behind its end. */
static void read_dateline(struct meta *meta, const struct page *page)
{
    const uint32_t from = page->from, to = page->to, count = (uint32_t)page->block_count;
    offer_datelines(meta, page, from > 8 ? from - 8 : 0, from + 8 < to ? from + 8 : to);
    offer_datelines(meta, page, to, to + BEHIND_BLOCKS < count ? to + BEHIND_BLOCKS : count);
}

void meta_complete(struct meta *meta, const struct page *page, const char *url)
{
    (void)url;
    read_surroundings(meta, page);
    if (!meta->fields[META_DATE].rank) read_dateline(meta, page);
    if (meta->fields[META_EXCERPT].rank) return;
    for (size_t i = 0; i < page->block_count; i++) {
        const struct block *b = &page->blocks[i];
        if (b->mark || b->kind == BLOCK_HEADING || b->kind == BLOCK_PRE || b->words < 8) continue;
        if (page_is_wiki(page) && b->kind == BLOCK_CELL) continue; /* a manual begins with declarations */
        struct buf text = BUF_INIT(LIMIT_EXCERPT);
        page_block_text(page, b, &text);
        meta_offer(meta, META_EXCERPT, 90, span_of(buf_str(&text), text.len));
        buf_release(&text);
        return;
    }
}

/* What is known without asking; contract in known.h. */
#include "writer/known.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define PAGE_SLOTS 65536 /* direct-mapped: 2 MiB; a newer page takes an older one's slot */
#define HOST_SLOTS 8192
#define HOSTS_MAX  32768

struct known_page {
    int64_t crawl; /* 0: empty */
    int64_t depth;
    struct digest url;
};

struct known_host {
    struct known_host *next;
    int64_t id;
    char name[];
};

struct known {
    struct known_page *pages;
    struct known_page *noted;
    size_t noted_count, noted_cap;
    struct known_host *hosts[HOST_SLOTS];
    size_t host_count;
    bool fresh; /* the open transaction added hosts */
};

struct known *known_new(void)
{
    struct known *k = mem_zalloc(sizeof *k);
    k->pages = mem_calloc(PAGE_SLOTS, sizeof *k->pages);
    return k;
}

static void forget_hosts(struct known *k)
{
    for (size_t i = 0; i < HOST_SLOTS; i++) {
        while (k->hosts[i]) {
            struct known_host *h = k->hosts[i];
            k->hosts[i] = h->next;
            free(h);
        }
    }
    k->host_count = 0;
}

void known_free(struct known **known)
{
    struct known *k = *known;
    if (!k) return;
    forget_hosts(k);
    free(k->pages);
    free(k->noted);
    free(k);
    *known = NULL;
}

static struct known_page *slot_of(const struct known *k, int64_t crawl, const struct digest *url)
{
    uint64_t bits;
    memcpy(&bits, url->bytes, sizeof bits);
    return &k->pages[(bits ^ (uint64_t)crawl * 0x9e3779b97f4a7c15u) % PAGE_SLOTS];
}

bool known_has(const struct known *k, int64_t crawl, const struct digest *url, int64_t depth)
{
    const struct known_page *p = slot_of(k, crawl, url);
    return p->crawl == crawl && p->depth <= depth && memcmp(p->url.bytes, url->bytes, DIGEST_BYTES) == 0;
}

void known_note(struct known *k, int64_t crawl, const struct digest *url, int64_t depth)
{
    k->noted = mem_grow(k->noted, &k->noted_cap, k->noted_count + 1, sizeof *k->noted);
    k->noted[k->noted_count++] = (struct known_page){.crawl = crawl, .depth = depth, .url = *url};
}

static size_t host_slot(const char *name)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a */
    for (; *name; name++) h = (h ^ (unsigned char)*name) * 1099511628211u;
    return (size_t)(h % HOST_SLOTS);
}

int64_t known_host(const struct known *k, const char *name)
{
    for (const struct known_host *h = k->hosts[host_slot(name)]; h; h = h->next)
        if (strcmp(h->name, name) == 0) return h->id;
    return 0;
}

void known_add_host(struct known *k, const char *name, int64_t id)
{
    if (known_host(k, name)) return;
    size_t n = strlen(name), slot = host_slot(name);
    struct known_host *h = mem_zalloc(sizeof *h + n + 1);
    memcpy(h->name, name, n + 1);
    h->id = id;
    k->fresh = true;
    h->next = k->hosts[slot];
    k->hosts[slot] = h;
    k->host_count++;
}

void known_commit(struct known *k)
{
    for (size_t i = 0; i < k->noted_count; i++) {
        const struct known_page *p = &k->noted[i];
        if (!known_has(k, p->crawl, &p->url, p->depth)) *slot_of(k, p->crawl, &p->url) = *p;
    }
    k->noted_count = 0;
    k->fresh = false;
    if (k->host_count > HOSTS_MAX) forget_hosts(k);
}

/* Host rows made by the transaction are gone with it. Rollbacks are rare: forget them all rather than keep account. */
void known_rollback(struct known *k)
{
    k->noted_count = 0;
    if (k->fresh) forget_hosts(k);
    k->fresh = false;
}

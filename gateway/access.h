/* Who may ask: bearer keys, their rates, and where requests without a key may be sent to. */
#ifndef GM_GATEWAY_ACCESS_H
#define GM_GATEWAY_ACCESS_H

#include <stdbool.h>
#include <stddef.h>

struct db;
struct request;

/* A request without a key must name localhost, a loopback address or one of GATEWAY_HOSTS as its host: a name of somebody else's that was
 * made to point to us (DNS rebinding) is none of them. True if it may go on, else the answer is there. Takes no time. */
bool access_host(struct request *req);
/* The request's key, if it has one: known, not revoked, within its rate. Sets req->key_id. Same result. */
bool access_key(struct request *req, struct db *db);
/* True if a host, as in a request's Host, is ours to be called without a key. */
bool access_host_is_ours(const char *host);

/* One line: method, path, status, bytes, ms, key. */
void access_log(const struct request *req, size_t bytes, bool sent);

/* Commands of main: exit statuses. The key is printed once and kept as its SHA-256 alone. */
int access_add_key(const char *name, const char *rate);
int access_revoke_key(const char *name);
int access_list_keys(void);

#endif

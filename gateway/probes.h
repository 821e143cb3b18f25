/* /healthz, /readyz, /metrics, as the other programs have them. */
#ifndef GM_GATEWAY_PROBES_H
#define GM_GATEWAY_PROBES_H

struct db;
struct request;

void probe_health(struct request *req, struct db *db);
void probe_ready(struct request *req, struct db *db);
void probe_metrics(struct request *req, struct db *db);

#endif

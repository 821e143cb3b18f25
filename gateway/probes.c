/* Probes; contract in probes.h. */
#include "gateway/probes.h"

#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gateway/db.h"
#include "gateway/gateway.h"
#include "gateway/http.h"

static void text(struct request *req, unsigned status, const char *words)
{
    req->answer.status = status;
    req->answer.type = "text/plain; charset=utf-8";
    buf_addf(&req->answer.body, "%s\n", words);
}

void probe_health(struct request *req, struct db *db)
{
    (void)db;
    text(req, 200, "ok");
}

void probe_ready(struct request *req, struct db *db)
{
    (void)db;
    text(req, db_is_up() ? 200 : 503, db_is_up() ? "ready" : db_why());
}

static long open_files(void)
{
    long n = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir && readdir(dir)) n++;
    if (dir) closedir(dir);
    return n > 3 ? n - 3 : 0; /* ., .. and this one */
}

static long resident_pages(void)
{
    long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    if (!statm) return 0;
    if (fscanf(statm, "%*d %ld", &pages) != 1) pages = 0;
    fclose(statm);
    return pages;
}

/* Of sanitized builds; elsewhere it is not there. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

/* What was allocated and not freed. Resident memory says less: an allocator keeps what was freed, a sanitizer up to 256 MiB of it. */
static unsigned long long heap_bytes(void)
{
    if (__sanitizer_get_current_allocated_bytes) return __sanitizer_get_current_allocated_bytes();
    struct mallinfo2 heap = mallinfo2();
    return heap.uordblks + heap.hblkhd;
}

void probe_metrics(struct request *req, struct db *db)
{
    struct buf *out = &req->answer.body;
    struct rusage usage;
    (void)db;
    getrusage(RUSAGE_SELF, &usage);
    const struct {
        const char *name, *type;
        unsigned long long value;
    } rows[] = {
        {"gistmill_gateway_requests_total", "counter", gateway_stats.requests},
        {"gistmill_gateway_faults_4xx_total", "counter", gateway_stats.faults_4xx},
        {"gistmill_gateway_faults_5xx_total", "counter", gateway_stats.faults_5xx},
        {"gistmill_gateway_refused_busy_total", "counter", gateway_stats.refused_busy},
        {"gistmill_gateway_answer_bytes_total", "counter", gateway_stats.bytes},
        {"gistmill_gateway_database_lost_total", "counter", gateway_stats.database_lost},
        {"gistmill_gateway_connections", "gauge", (unsigned long long)gateway_stats.connections},
        {"gistmill_gateway_streams", "gauge", (unsigned long long)gateway_stats.streams},
        {"gistmill_gateway_waiting", "gauge", (unsigned long long)gateway_stats.waiting},
        {"gistmill_gateway_working", "gauge", (unsigned long long)gateway_stats.work},
        {"gistmill_database_up", "gauge", db_is_up()},
        {"process_open_fds", "gauge", (unsigned long long)open_files()},
        {"gistmill_gateway_heap_bytes", "gauge", heap_bytes()},
        {"process_resident_memory_bytes", "gauge", (unsigned long long)(resident_pages() * sysconf(_SC_PAGESIZE))},
    };
    req->answer.status = 200;
    req->answer.type = "text/plain; version=0.0.4; charset=utf-8";
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        buf_addf(out, "# TYPE %s %s\n%s %llu\n", rows[i].name, rows[i].type, rows[i].name, rows[i].value);
    buf_addf(out, "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total %.3f\n",
             (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
}

/* Workers; contract in work.h. */
#include "gateway/work.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "gateway/access.h"
#include "gateway/db.h"
#include "gateway/gateway.h"
#include "gateway/http.h"
#include "gateway/routes.h"
#include "gateway/server.h"
#include "gateway/watch.h"

/* A kind of workers and what waits for them: tasks first, for they are of requests that are being answered. */
struct pool {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct request *first, **end;
    struct task *tasks, **tasks_end;
    int waiting;
    int64_t deadline_ms; /* of a statement */
    bool stopping;
    pthread_t *threads;
    int thread_count;
};
static struct pool quick = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};
static struct pool slow = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};

static void handle(struct request *req, struct db *db)
{
    if (access_key(req, db)) {
        if (!db_is_up())
            answer_fault(req, FAULT_UNAVAILABLE, NULL, "%s", db_why());
        else
            req->route->handle(req, db);
    }
    if (req->check && gateway_stats.waiting >= GATEWAY_WAIT_MAX && req->check(req, db, true)) req->check = NULL;
    if (req->check)
        watch_park(req);
    else
        server_answered(req);
}

/* The next thing to do: exactly one of the two. False: the pool stops and nothing is left. */
static bool take(struct pool *pool, struct request **req_r, struct task **task_r)
{
    *req_r = NULL, *task_r = NULL;
    pthread_mutex_lock(&pool->lock);
    while (!pool->first && !pool->tasks && !pool->stopping) pthread_cond_wait(&pool->more, &pool->lock);
    if ((*task_r = pool->tasks)) {
        pool->tasks = (*task_r)->next;
        if (!pool->tasks) pool->tasks_end = &pool->tasks;
    } else if ((*req_r = pool->first)) {
        pool->first = (*req_r)->next;
        if (!pool->first) pool->end = &pool->first;
        pool->waiting--;
    }
    pthread_mutex_unlock(&pool->lock);
    return *req_r || *task_r;
}

static void *work(void *context)
{
    struct pool *pool = context;
    struct request *req;
    struct task *task;
    struct db db;
    db_init(&db, "gistmill gateway", pool->deadline_ms);
    while (take(pool, &req, &task)) {
        gateway_stats.work++;
        if (task)
            task->run(task, &db);
        else
            handle(req, &db);
        gateway_stats.work--;
    }
    db_release(&db);
    return NULL;
}

static void pool_start(struct pool *pool, int threads, int64_t deadline_ms)
{
    pool->deadline_ms = deadline_ms;
    pool->end = &pool->first;
    pool->tasks_end = &pool->tasks;
    pool->threads = mem_calloc((size_t)threads, sizeof *pool->threads);
    for (; pool->thread_count < threads; pool->thread_count++)
        if (pthread_create(&pool->threads[pool->thread_count], NULL, work, pool) != 0) log_panic("no thread to be had");
}

static void pool_stop(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->more);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->thread_count; i++) pthread_join(pool->threads[i], NULL);
    free(pool->threads);
}

void work_start(void)
{
    int workers = (int)gateway_conf.workers;
    pool_start(&quick, workers, gateway_conf.database_timeout_ms);
    pool_start(&slow, (workers + 1) / 2, GATEWAY_SLOW_FACTOR * gateway_conf.database_timeout_ms);
}

void work_stop(void)
{
    pool_stop(&quick);
    pool_stop(&slow);
}

bool work_give(struct request *req, bool is_slow)
{
    struct pool *pool = is_slow ? &slow : &quick;
    pthread_mutex_lock(&pool->lock);
    bool taken = !pool->stopping && pool->waiting < GATEWAY_WORK_MAX;
    if (taken) {
        req->next = NULL;
        *pool->end = req;
        pool->end = &req->next;
        pool->waiting++;
        pthread_cond_signal(&pool->more);
    }
    pthread_mutex_unlock(&pool->lock);
    return taken;
}

void work_task(struct task *task)
{
    pthread_mutex_lock(&slow.lock);
    bool taken = !slow.stopping;
    if (taken) {
        task->next = NULL;
        *slow.tasks_end = task;
        slow.tasks_end = &task->next;
        pthread_cond_signal(&slow.more);
    }
    pthread_mutex_unlock(&slow.lock);
    if (!taken) task->run(task, NULL);
}

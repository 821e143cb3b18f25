#include "gateway/events.h"
#include "gateway/http.h"
void events_handle(struct request *req, struct db *db)
{
    (void)db;
    answer_fault(req, FAULT_UNKNOWN, NULL, "soon");
}
void events_turn(struct db *db)
{
    (void)db;
}
void events_stop(void)
{
}

/* Parameters and arrays in PostgreSQL's binary format (array_send and the *send functions of src/backend/utils/adt);
 * contract in pg.h. Knows no libpq. */
#include <endian.h>
#include <string.h>

#include "base/log.h"
#include "line/pg.h"

#define BYTES_MAX (64u << 20)  /* of one call; the server's own limit is 1 GiB */
#define EPOCH_MS  946684800000 /* 2000-01-01 UTC, where PostgreSQL's time begins */

/* Object ids are constants of src/include/catalog/pg_type.dat. */
static const struct {
    int oid, array_oid;
} types[] = {
    [PG_INT4] = {23, 1007},  [PG_INT8] = {20, 1016},   [PG_BOOL] = {16, 1000},          [PG_TEXT] = {25, 1009},
    [PG_BYTEA] = {17, 1001}, [PG_UUID] = {2950, 2951}, [PG_TIMESTAMPTZ] = {1184, 1185},
};

static void add_int32(struct buf *b, int32_t value)
{
    uint32_t bytes = htobe32((uint32_t)value);
    buf_add(b, &bytes, sizeof bytes);
}

static void add_int64(struct buf *b, int64_t value)
{
    uint64_t bytes = htobe64((uint64_t)value);
    buf_add(b, &bytes, sizeof bytes);
}

/* Microseconds since 2000. A time beyond what 64 bits hold fails the buffer. */
static void add_time(struct buf *b, int64_t wall_ms)
{
    if (wall_ms > INT64_MAX / 1000 || wall_ms < INT64_MIN / 1000 + EPOCH_MS)
        b->failed = true;
    else
        add_int64(b, (wall_ms - EPOCH_MS) * 1000);
}

/* --- parameters ----------------------------------------------------------------------------------------------- */

void pg_params_init(struct pg_params *p)
{
    p->count = 0;
    buf_init(&p->bytes, BYTES_MAX);
}

void pg_params_reset(struct pg_params *p)
{
    p->count = 0;
    buf_reset(&p->bytes);
}

void pg_params_release(struct pg_params *p)
{
    p->count = 0;
    buf_release(&p->bytes);
}

/* Begins a parameter; its bytes are appended next, then end_item. */
static void begin_item(struct pg_params *p, int oid)
{
    if (p->count == PG_PARAMS_MAX) log_panic("more than %d parameters", PG_PARAMS_MAX);
    p->items[p->count].oid = oid;
    p->items[p->count].offset = p->bytes.len;
    p->items[p->count].null = false;
}

static void end_item(struct pg_params *p)
{
    p->items[p->count].length = p->bytes.len - p->items[p->count].offset;
    p->count++;
}

static void add_null(struct pg_params *p, int oid)
{
    begin_item(p, oid);
    p->items[p->count].null = true;
    end_item(p);
}

void pg_add_int(struct pg_params *p, int64_t value)
{
    begin_item(p, types[PG_INT8].oid);
    add_int64(&p->bytes, value);
    end_item(p);
}

void pg_add_bool(struct pg_params *p, bool value)
{
    begin_item(p, types[PG_BOOL].oid);
    buf_add_char(&p->bytes, value ? 1 : 0);
    end_item(p);
}

void pg_add_text(struct pg_params *p, const char *value)
{
    if (!value) {
        add_null(p, types[PG_TEXT].oid);
        return;
    }
    begin_item(p, types[PG_TEXT].oid);
    buf_add_str(&p->bytes, value);
    end_item(p);
}

void pg_add_bytes(struct pg_params *p, const void *data, size_t n)
{
    begin_item(p, types[PG_BYTEA].oid);
    buf_add(&p->bytes, data, n);
    end_item(p);
}

void pg_add_uuid(struct pg_params *p, const struct digest *d)
{
    if (!d) {
        add_null(p, types[PG_UUID].oid);
        return;
    }
    begin_item(p, types[PG_UUID].oid);
    buf_add(&p->bytes, d->bytes, sizeof d->bytes);
    end_item(p);
}

void pg_add_time(struct pg_params *p, int64_t wall_ms)
{
    if (wall_ms == 0) {
        add_null(p, types[PG_TIMESTAMPTZ].oid);
        return;
    }
    begin_item(p, types[PG_TIMESTAMPTZ].oid);
    add_time(&p->bytes, wall_ms);
    end_item(p);
}

/* --- arrays --------------------------------------------------------------------------------------------------- */

void pg_array_init(struct pg_array *a, enum pg_type type)
{
    a->type = type;
    a->count = 0;
    a->has_null = false;
    buf_init(&a->bytes, BYTES_MAX);
}

void pg_array_reset(struct pg_array *a)
{
    a->count = 0;
    a->has_null = false;
    buf_reset(&a->bytes);
}

void pg_array_release(struct pg_array *a)
{
    a->count = 0;
    a->has_null = false;
    buf_release(&a->bytes);
}

static void expect_type(const struct pg_array *a, enum pg_type type)
{
    if (a->type != type) log_panic("array of type %d got a value of type %d", (int)a->type, (int)type);
}

/* An element is its length, -1 for null, and its bytes. */
static void add_element(struct pg_array *a, const void *data, size_t n)
{
    a->count++;
    if (n > BYTES_MAX) {
        a->bytes.failed = true;
        return;
    }
    add_int32(&a->bytes, (int32_t)n);
    buf_add(&a->bytes, data, n);
}

static void add_null_element(struct pg_array *a)
{
    a->count++;
    a->has_null = true;
    add_int32(&a->bytes, -1);
}

void pg_array_int(struct pg_array *a, int64_t value)
{
    a->count++;
    if (a->type == PG_INT4) {
        if (value < INT32_MIN || value > INT32_MAX) a->bytes.failed = true;
        add_int32(&a->bytes, 4);
        add_int32(&a->bytes, (int32_t)value);
        return;
    }
    expect_type(a, PG_INT8);
    add_int32(&a->bytes, 8);
    add_int64(&a->bytes, value);
}

void pg_array_bool(struct pg_array *a, bool value)
{
    char byte = value ? 1 : 0;
    expect_type(a, PG_BOOL);
    add_element(a, &byte, 1);
}

void pg_array_text(struct pg_array *a, const char *value)
{
    expect_type(a, PG_TEXT);
    if (value)
        add_element(a, value, strlen(value));
    else
        add_null_element(a);
}

void pg_array_bytes(struct pg_array *a, const void *data, size_t n)
{
    expect_type(a, PG_BYTEA);
    if (data)
        add_element(a, data, n);
    else
        add_null_element(a);
}

void pg_array_uuid(struct pg_array *a, const struct digest *d)
{
    expect_type(a, PG_UUID);
    if (d)
        add_element(a, d->bytes, sizeof d->bytes);
    else
        add_null_element(a);
}

void pg_array_time(struct pg_array *a, int64_t wall_ms)
{
    expect_type(a, PG_TIMESTAMPTZ);
    if (wall_ms == 0) {
        add_null_element(a);
        return;
    }
    a->count++;
    add_int32(&a->bytes, 8);
    add_time(&a->bytes, wall_ms);
}

void pg_add_array(struct pg_params *p, const struct pg_array *a)
{
    begin_item(p, types[a->type].array_oid);
    add_int32(&p->bytes, a->count > 0 ? 1 : 0); /* dimensions: an empty array has none */
    add_int32(&p->bytes, a->has_null ? 1 : 0);
    add_int32(&p->bytes, types[a->type].oid);
    if (a->count > 0) {
        add_int32(&p->bytes, (int32_t)a->count);
        add_int32(&p->bytes, 1); /* lower bound */
        buf_add(&p->bytes, a->bytes.data, a->bytes.len);
    }
    if (buf_failed(&a->bytes)) p->bytes.failed = true;
    end_item(p);
}

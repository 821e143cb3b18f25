/* Failures and ends; contract in summarizer_trouble.h. */
#include "summarizer/summarizer_trouble.h"

#include <stddef.h>
#include <stdio.h>

#include "line/limits.h"

static const struct trouble troubles[LLM_FAULT_COUNT] = {
    [LLM_FINE] = {CODE_OK, false, false, "answered"},
    [LLM_UNREACHABLE] = {CODE_MODEL_UNAVAILABLE, true, true, "no connection"},
    [LLM_SLOW] = {CODE_MODEL_UNAVAILABLE, false, true, "no answer in time"},
    [LLM_BROKEN] = {CODE_MODEL_UNAVAILABLE, true, true, "the answer broke off"},
    [LLM_HTTP] = {CODE_MODEL_UNAVAILABLE, false, true, "HTTP status"},
    [LLM_TOO_LARGE] = {CODE_MODEL_BAD_ANSWER, true, false, "an answer larger than any summary"},
    [LLM_NO_JSON] = {CODE_MODEL_BAD_ANSWER, true, false, "the answer is no chat completion"},
    [LLM_EMPTY] = {CODE_MODEL_BAD_ANSWER, true, false, "the answer is empty"},
    [LLM_TOO_LONG] = {CODE_MODEL_BAD_ANSWER, true, false, "the answer is far longer than asked for"},
    [LLM_CUT_OFF] = {CODE_MODEL_BAD_ANSWER, true, false, "SUMMARY_MAX_TOKENS were used up before a sentence ended"},
    [LLM_REFUSAL] = {CODE_MODEL_REFUSED, true, false, "the answer is a refusal"},
    [LLM_MARKUP] = {CODE_MODEL_BAD_ANSWER, true, false, "the answer is no plain paragraph"},
    [LLM_LANGUAGE] = {CODE_MODEL_BAD_ANSWER, true, false, "the answer is in another language"},
    [LLM_RESTING] = {CODE_MODEL_UNAVAILABLE, false, false, "not asked after too many failures in a row"},
    [LLM_HELD] = {CODE_MODEL_UNAVAILABLE, false, false, "not asked again"},
};

/* HTTP statuses that differ from the line of LLM_HTTP. */
static const struct {
    long from, to;
    struct trouble trouble;
} statuses[] = {
    {400, 400, {CODE_MODEL_REFUSED, false, false, "the request was refused"}}, /* mostly: too long for the model */
    {408, 409, {CODE_MODEL_UNAVAILABLE, true, true, "HTTP status"}},
    {413, 413, {CODE_MODEL_REFUSED, false, false, "the article is too large for the model"}},
    {422, 422, {CODE_MODEL_REFUSED, false, false, "the request was refused"}},
    {425, 425, {CODE_MODEL_UNAVAILABLE, true, true, "HTTP status"}},
    {429, 429, {CODE_MODEL_UNAVAILABLE, true, true, "too many requests"}},
    {500, 599, {CODE_MODEL_UNAVAILABLE, true, true, "HTTP status"}},
};

struct trouble summarizer_trouble(enum llm_fault fault, long status)
{
    if (fault == LLM_HTTP)
        for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
            if (status >= statuses[i].from && status <= statuses[i].to) return statuses[i].trouble;
    return troubles[(unsigned)fault < LLM_FAULT_COUNT ? fault : LLM_NO_JSON];
}

void summarizer_trouble_unreadable(struct service *service, struct job *job, const struct mq_delivery *delivery, enum record_status status,
                                   const char *why)
{
    if (status == RECORD_NEWER)
        service_refuse_newer(service, job);
    else
        service_bad_message(service, job, delivery, why);
}

static void end(struct service *service, struct job *job, const struct record *record, enum code code, const char *detail)
{
    struct outcome outcome = {
        .page = record->page, .release = record->release, .url = record->url, .attempt = record->attempt, .code = code, .detail = detail};
    service_done(service, job, &outcome);
}

void summarizer_trouble_done(struct service *service, struct job *job, const struct record *record)
{
    char detail[LIMIT_DETAIL];
    if (record->pending)
        snprintf(detail, sizeof detail, "somebody else is asking the model for this text");
    else if (record->reason)
        snprintf(detail, sizeof detail, "%s %s%s%s", record->engine, record->reason, record->detail ? ": " : "",
                 record->detail ? record->detail : "");
    else
        snprintf(detail, sizeof detail, "%s", record->engine);
    end(service, job, record, CODE_OK, detail);
}

void summarizer_trouble_too_large(struct service *service, struct job *job, const struct record *record)
{
    end(service, job, record, CODE_BAD_RECORD, "too large for a message");
}

void summarizer_trouble_void(struct service *service, struct job *job)
{
    service_done(service, job, NULL);
}

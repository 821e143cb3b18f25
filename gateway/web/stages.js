// Where a page is that is under way: the names of the API, in the line's order, and what people read. sql/012_stages.sql has the same names.
export const STAGES = {
    queued: "in a queue", fetching: "fetching", parsing: "parsing", awaiting: "awaiting another page's summary", summarizing: "summarizing", storing: "storing",
};

/* "3 fetching, 4 in a queue", of a crawl's counts; "" if nothing is under way. number: how one is written. */
export function spread(counts, number = String) {
    return Object.entries(STAGES).filter(([stage]) => counts[stage] > 0).map(([stage, words]) => `${number(counts[stage])} ${words}`).join(", ");
}

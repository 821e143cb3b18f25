-- What a crawl has spent on a model: tokens, and millionths of the currency that prices are configured in. Nulls where there is no table of
-- budgets, which is looked for at the time of the call.
CREATE FUNCTION crawl_spent(id bigint, OUT tokens bigint, OUT price bigint) LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF to_regclass('budget') IS NOT NULL THEN
        SELECT b.tokens, b.price INTO tokens, price FROM budget b WHERE b.scope = 'crawl ' || id;
    END IF;
END $$;

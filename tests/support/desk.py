"""A line without a fetcher: the test takes the tickets, and writes the messages of every stage by hand, good and bad ones.

    desk = Desk(stack)
    first, second = desk.tickets(2)
    stack.publish("html", *desk.html(first)) …
"""

import hashlib
import json

from .site import article, page
from .stack import wait_until

# Environment of the writer: all tickets are out at once, and stay out.
ENV = {"FETCH_PER_HOST": "1000", "FRONTIER_WINDOW": "2000", "TICKET_DEADLINE": "1h"}

HEX = hashlib.sha256(b"recipe").hexdigest()[:32]


def pack(record):
    return json.dumps(record).encode()


class Message:
    """A body and its properties, ready to be published."""

    def __init__(self, body, **properties):
        self.body, self.properties = body, properties


class Desk:
    """Around a Stack whose writer runs, with ENV."""

    def __init__(self, stack):
        self.stack = stack
        self.made = 0

    def tickets(self, count):
        """Tickets of `count` new pages of the inbox, as the fetcher would get them."""
        urls = [f"http://desk.test/{n}" for n in range(self.made, self.made + count)]
        self.made += count
        self.stack.publish("seed", "\n".join(urls).encode())
        found = {}
        wait_until(lambda: self._take(found) or found.keys() >= set(urls), 30, lambda: f"{count} tickets, there are {len(found)}")
        return [found[url] for url in urls]

    def _take(self, found):
        while (message := self.stack.broker.get(self.stack.prefix + "url")) is not None:
            ticket = json.loads(message[1])
            if ticket["page"] != "0":
                found[ticket["url"]] = ticket
                continue
            answer = {"v": 1, "kind": "robots", "page": "0", "host": ticket["host"], "release": ticket["release"], "status": 404}
            self.stack.publish("report", pack(answer))

    # Records and messages -------------------------------------------------------------------------------------------------

    @staticmethod
    def record(ticket, kind, **fields):
        """A record about the page of a ticket."""
        return {"v": 1, "kind": kind, **{key: ticket[key] for key in ("page", "crawl", "host", "release", "url")}, **fields}

    def page(self, ticket, **fields):
        """The header of an html message."""
        return self.record(ticket, "page", status=200, content_type="text/html", **fields)

    def article(self, ticket, **fields):
        paragraphs = "\n\n".join(article(ticket["url"]))
        return self.record(ticket, "article", title="Desk", text=paragraphs, words=280,
                           hash=hashlib.sha256(paragraphs.encode()).hexdigest()[:32], **fields)

    def summary(self, ticket, **fields):
        return self.article(ticket, **{"summary": "A desk.", "engine": "extractive", "recipe": HEX, **fields})

    def empty(self, ticket, **fields):
        return self.record(ticket, "empty", code="NO_ARTICLE", **fields)

    def verdict(self, ticket, **fields):
        return self.record(ticket, "verdict", **{"code": "HTTP_4XX", **fields})

    @staticmethod
    def id(ticket):
        return f"{ticket['page']}.{ticket['release']}"

    def html(self, ticket, header=None, body=None, **properties):
        """An html message; header: bytes or str instead of the record."""
        header = json.dumps(self.page(ticket)) if header is None else header
        body = page(ticket["url"], words=92) if body is None else body
        return Message(body, message_id=self.id(ticket), type="html.v1", headers={"record": header}, **properties)

    # Results --------------------------------------------------------------------------------------------------------------

    def rows(self, tickets):
        """Rows of the pages, in the order of the tickets, once all have a final state."""
        ids = [int(ticket["page"]) for ticket in tickets]

        def final():
            rows = {row.id: row for row in self.stack.query("select * from page where id = any(%s) and state not in "
                                                            "('registered', 'scheduled')", ids)}
            return [rows[number] for number in ids] if len(rows) == len(set(ids)) else None
        return wait_until(final, 30, lambda: "all pages final: " + str(
            self.stack.query("select id, state, code, detail from page where id = any(%s)", ids)))

    def states(self, tickets):
        return [(row.state, row.code) for row in self.rows(tickets)]

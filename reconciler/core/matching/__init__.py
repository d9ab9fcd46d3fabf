"""Matching: which sale returns in Jetti belong to a return? Decided before anything is written.

Jetti has no idempotency key (jetti.md#idempotency-keys), so what is there must be recognised. For
one entry of the ledger, `match.match_entry` looks at a `snapshot` of the order and answers with a
`result`: matched, with what is still missing; not ready; not applied; or a question for a person.

The order is found first (`order`): by Shopify's id, else by the exact name. Then three kinds of
`evidence` count, the strongest first:

1. **The marker.** A sale return carries the id of the Loop return as its `externalId`. We write it,
   and someone else may. It counts on the order's own sale alone.
2. **An intent.** A create of ours was sent and never answered. What appeared since, unmarked, with
   the sale items that we asked for and quantities that it can have left, is its work.
3. **Equal contents.** With neither: a living sale return of the right lines and quantities, raised
   after the return, that only one return can claim. Someone raised it, and it is taken over.

Anything short of that goes to review, because a wrong guess is a doubled return or a stolen one.

`baseline` says what counts as last pushed for a sale return that is ours now, by how it came to be
so: the three-way merge of later updates rests on it. `lines` and `availability` say which sale
items stand for an order line and whether they have enough units left; `created` compares the
answer to a create with what was asked.
"""

"""A reverse proxy that makes a cookie policy true, whatever the pages behind it contain.

The packages, each importing only those below it (import-linter holds it); the last three are pure:

cli, commands       what people type
audit               proof from outside: visits a site in a browser, compares with the rules
process             start, supervisor, workers, reload, admin address; demo: a site to try it on
console             one page on the admin address for who runs it: sign-in, figures, look-ups
route               one request on its way; route.fast: repeated requests, synchronously
own                 our own addresses: panel, choice, receipt, embeds, form relay, reports, files
snapshot            all that rules and config say at one moment, ready for requests
seen                what was seen on each site: hosts, cookies, storage keys, named once
records, banner     proof of consent; what the visitor sees
http                a visitor's connection, requests, responses; http.upstream: the way to a site's servers
telemetry           logs, metrics
config              where the program runs and how it speaks
catalogue           known platforms and trackers, one file each
filter              what happens to bytes: pages, tags, cookies, headers, the fence
consent             what the visitor said: cookie, answer, decision
policy              what we promised: rules.yaml as types

The route of a request, in route/relay.py one step a line:

visitor -> http -> snapshot.sites.match -> own (under /.consent/)
                    | or
                   route.context (consent cookie, decision) -> gates -> request head -> http.upstream
                                                                                          |
visitor <- write(body.feed(chunk)) ... close() <- filter.body <- response head <----------+

A request whose head came before may take the fast path: route/fast answers it synchronously where the
whole response is there, by the same functions; whatever has to wait goes on along the ordinary route.
process registers it at the server; the route does not know it.
"""

from proxy import possessive_repeats as possessive_repeats  # before any pattern of ours is compiled

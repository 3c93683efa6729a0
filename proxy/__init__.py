"""A reverse proxy that makes a cookie policy true, whatever the pages behind it contain.

Six floors; each knows only those below it, and the first three are pure:

6  cli, commands   what people type
5  server          aiohttp: listeners, relay, upstream, own addresses; demo: a site to try it on
4  records         proof of consent; banner: what the visitor sees
3  filter          what happens to bytes: tags, cookies, headers, the fence
2  consent         what the visitor said
1  policy          what we promised: rules.yaml as nouns

The route of a request, in route/relay.py one step a line:

visitor -> sites.match -> consent.cookie.read -> consent.decide -> filter request head -> upstream
                                                  | Decision                               |
visitor <- write(feed(chunk))... close() <- body filter <- filter response head <----------+
"""

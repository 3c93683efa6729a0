"""The console: one page on the admin address for who runs the proxy, with its sign-in and its figures.

`app.console_app` is the web application, `page_data` makes the body of its data of what `/metrics` and
`/status` say, `minutes` remembers a day of it. Only the process that serves the admin address imports
it, and only where the config names a token.
"""

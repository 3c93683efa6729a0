"""The elements of HTML, so that a misspelt one in a rule is noticed."""

ELEMENTS = frozenset(
    """
    a abbr address area article aside audio b base bdi bdo blockquote body br button canvas caption
    cite code col colgroup data datalist dd del details dfn dialog div dl dt em embed fencedframe
    fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr
    html i iframe image img input ins kbd label legend li link main map mark math menu meta meter nav
    noscript object ol optgroup option output p param picture portal pre progress q rp rt ruby s samp
    script search section select slot small source span strong style sub summary sup svg table tbody
    td template textarea tfoot th thead time title tr track u ul use var video wbr
    """.split()  # noqa: SIM905 (a list of 110 quoted words is harder to read)
)
"""https://html.spec.whatwg.org/multipage/indices.html, and the few others that fetch."""

"""The guard against page code that means it: fresh realms, replaced built-ins, arguments that change."""

from dataclasses import replace

import pytest

from proxy.policy.model import Undeclared
from tests.banner.test_guard import COOKIES, Request, chromium, site  # noqa: F401 - fixtures
from tests.patience import until
from tests.policy.rules import policy_of

pytestmark = pytest.mark.e2e

ADD = "let f = document.createElement('iframe'); f.name = 'fresh';"
REALMS = {
    "window[0]": f"{ADD} document.body.appendChild(f); use(window[0])",
    "frames by name": f"{ADD} document.body.append(f); use(frames['fresh'])",
    "a global by name": f"{ADD} document.body.prepend(f); use(fresh)",
    "one whose own page is still to come": f"{ADD} f.src = '/plain'; document.body.append(f); use(window[0])",
    "innerHTML": "document.body.innerHTML = '<iframe></iframe>'; use(window[0])",
    "outerHTML": "document.body.append('x', document.createElement('p')); document.querySelector('p').outerHTML = '<iframe></iframe>'; use(window[0])",
    "insertAdjacentHTML": "document.body.insertAdjacentHTML('beforeend', '<iframe></iframe>'); use(window[0])",
    "insertAdjacentElement": f"{ADD} document.body.insertAdjacentElement('afterbegin', f); use(window[0])",
    "setHTMLUnsafe": "document.body.setHTMLUnsafe('<iframe></iframe>'); use(window[0])",
    "insertBefore": f"{ADD} document.body.insertBefore(f, null); use(window[0])",
    "replaceChild": f"{ADD} let p = document.body.appendChild(document.createElement('p')); document.body.replaceChild(f, p); use(window[0])",
    "a frame for a frame": f"{ADD} let g = document.body.appendChild(document.createElement('iframe')); g.contentWindow; g.replaceWith(f); use(window[0])",
    "before": f"{ADD} let p = document.body.appendChild(document.createElement('p')); p.before(f); use(window[0])",
    "after a text": f"{ADD} let p = document.body.appendChild(document.createTextNode('x')); p.after(f); use(window[0])",
    "replaceChildren": f"{ADD} document.body.replaceChildren(f); use(window[0])",
    "a shadow root": f"{ADD} let r = document.body.appendChild(document.createElement('p')).attachShadow({{mode: 'closed'}}); r.append(f); use(f.contentWindow)",
    "a range": f"{ADD} let r = document.createRange(); r.selectNodeContents(document.body); r.insertNode(f); use(window[0])",
    "surroundContents": f"{ADD} let d = document.createElement('div'); d.append(f); document.body.append('x'); let r = document.createRange(); r.selectNode(document.body.lastChild); r.surroundContents(d); d.append(f); use(window[0])",
    "another body": f"{ADD} let b = document.createElement('body'); b.append(f); document.body = b; use(window[0])",
    "a table's caption": f"{ADD} let t = document.body.appendChild(document.createElement('table')), c = document.createElement('caption'); c.append(f); t.caption = c; use(window[0])",
    "an editing command": "document.body.contentEditable = true; document.body.focus(); document.execCommand('insertHTML', false, '<iframe></iframe>'); window[0] ? use(window[0]) : use(document.body.appendChild(document.createElement('iframe')).contentWindow)",
    "a frame in a frame": f"{ADD} document.body.append(f); let d = window[0].document; d.body.append(d.createElement('iframe')); use(window[0][0])",
    "our method on its nodes": f"{ADD} document.body.append(f); let d = f.contentDocument; Node.prototype.appendChild.call(d.body, d.createElement('iframe')); use(window[0][0])",
    "its method on our nodes": f"{ADD} document.body.append(f); window[0].Node.prototype.appendChild.call(document.body, document.createElement('iframe')); use(window[1])",
    "one named as what guards look for": "let f = document.createElement('iframe'); f.name = 'defaultView'; document.body.append(f); let d = f.contentDocument, g = d.createElement('iframe'); g.name = 'defaultView'; d.body.append(g); use(f.contentWindow)",
    "written into": f"{ADD} document.body.append(f); let d = window[0].document; d.open(); d.write('<p>x'); d.close(); use(window[0])",
    "written with a frame": f"{ADD} document.body.append(f); let d = window[0].document; d.open(); d.write('<iframe></iframe>'); use(window[0][0])",
    "read by a parser that goes on later": "window.use = use; document.open(); document.write('<script src=/later.js><\\/script><iframe></iframe><script>use(window[0])<\\/script>')",
    "read so in a frame": f"{ADD} document.body.append(f); let d = f.contentDocument; window.use = use; d.open(); d.write('<script src=/later.js><\\/script><iframe></iframe><script>parent.use(window[0])<\\/script>')",
    "written anew in one piece": "window.use = use; setTimeout(() => document.write('<iframe></iframe><script>use(window[0])<\\/script>'))",
    "so by another method": "window.use = use; setTimeout(() => document.writeln('<iframe></iframe><script>use(window[0])<\\/script>'))",
    "an object's": "let o = document.createElement('object'); o.data = '/plain'; document.body.append(o); o.onload = () => use(window[0])",
    "an object's document": "let o = document.createElement('object'); o.data = '/plain'; document.body.append(o); o.onload = () => use(o.contentDocument.defaultView)",
    "an embedded picture's": "let o = document.createElement('embed'); o.src = '/svg'; document.body.append(o); o.onload = () => use(o.getSVGDocument().defaultView)",
    "a frame of an old kind": "let s = document.createElement('frameset'), f = document.createElement('frame'); s.append(f); document.documentElement.replaceChild(s, document.body); use(window[0])",
    "an opened window": "use(window.open('about:blank'))",
    "a named window": "window.open('', 'pop'); use(window.open('', 'pop'))",
    "document.open": "use(document.open('about:blank', 'pop', ''))",
    "a frame of an opened window": "let w = window.open(''); w.document.body.append(w.document.createElement('iframe')); use(w[0])",
    "a frame by window.open": f"{ADD} document.body.append(f); use(window.open('', 'fresh'))",
    "a frame that moved on": f"{ADD} document.body.append(f); let w = window[0]; f.src = '/plain'; f.onload = () => use(w)",
    "a text file": f"{ADD} f.src = '/text'; document.body.append(f); f.onload = () => use(window[0])",
}
USES = {
    "its own document": "w => { w.document.cookie = '_ga=1' }",
    "its setter": "w => { Object.getOwnPropertyDescriptor(w.Document.prototype, 'cookie').set.call(document, '_ga=1') }",
    "its store": "w => { w.localStorage.setItem('ai_session', 1); w.Storage.prototype.setItem.call(localStorage, 'ai_x', 1); w.localStorage.ai_y = 1 }",
}


@pytest.fixture
def visit(chromium, site):  # noqa: F811 - fixtures
    site.pages["/svg"] = ("image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'/>")
    site.pages["/text"] = ("text/plain", "text")
    site.pages["/later.js"] = ("text/javascript", "")
    visits = []

    def begin(granted=(), **how):
        visits.append(Request(chromium, site, *granted, **how))
        return visits[-1]

    yield begin
    for each in visits:
        each.context.close()


def stored(page):
    """Return what the site holds: cookies and keys."""
    return page.names() | set(page.run("Object.keys(localStorage)"))


def used(page, way, use):
    """Let the page's code take that way, as one task, and return once it did."""
    page.run(
        f"""new Promise(done => {{ let use = w => {{ ({use})(w); window.used = 1; done() }};
        (() => {{ {way} }})(); setTimeout(done, 3000) }})"""
    )
    assert page.run("window.used") == 1, "the instrument works"


@pytest.mark.parametrize("way", REALMS)
def test_no_realm_brings_fresh_functions(visit, way):
    page = visit()
    for use in USES.values():
        page.anew()
        used(page, REALMS[way], use)

        assert stored(page) == set()


CODE = "<script>document.cookie = '_ga=1'; localStorage.setItem('ai_x', 1); document.cookie = 'session=1'<\\/script>"
INNER = {
    "srcdoc": "let f = document.createElement('iframe'); f.srcdoc = code; document.body.append(f)",
    "srcdoc set later": "let f = document.body.appendChild(document.createElement('iframe')); f.srcdoc = code",
    "srcdoc by attribute, later": "let f = document.body.appendChild(document.createElement('iframe')); setTimeout(() => f.setAttribute('srcdoc', code), 200)",
    "srcdoc in markup": 'document.body.innerHTML = `<iframe srcdoc="${code}"></iframe>`',
    "srcdoc in a srcdoc": "document.body.append(Object.assign(document.createElement('iframe'), { srcdoc: `<p>x<iframe srcdoc=\"${code}\"></iframe>` }))",
    "srcdoc in a shadow tree": "let r = document.body.attachShadow({ mode: 'closed' }); r.append(Object.assign(document.createElement('iframe'), { srcdoc: code }))",
    "srcdoc in a shadow tree's markup": "document.body.attachShadow({ mode: 'closed' }).innerHTML = `<iframe srcdoc=\"${code}\"></iframe>`",
    "written into a frame": "let d = document.body.appendChild(document.createElement('iframe')).contentDocument; d.open(); d.write(code); d.close()",
    "written into an opened window": "let d = open('').document; d.open(); d.write(code); d.close()",
    "a frame in what is written": "let d = document.body.appendChild(document.createElement('iframe')).contentDocument; d.open(); d.write(`<iframe srcdoc=\"${code}\"></iframe>`); d.close()",
}


@pytest.mark.parametrize("way", INNER)
def test_scripts_of_inner_documents_are_guarded_before_they_run(visit, way):
    page = visit()
    page.run(f"(() => {{ let code = `{CODE}`; {INNER[way]} }})()")

    assert until(lambda: "session" in page.names()), "the instrument works"
    assert stored(page) == {"session"}


@pytest.mark.parametrize("use", USES)
def test_without_the_guard_they_store(visit, use):
    page = visit(times=0)
    used(page, REALMS["window[0]"], USES[use])

    assert until(lambda: stored(page) != set())


WRITE = "document.cookie = '_ga=1'; localStorage.setItem('ai_session', 1); cookieStore.set('_ga', 1)"
FRESH = "document.body.append(document.createElement('iframe')); window[0].document.cookie = '_ga=1'"
NATIVE = "typeof this == 'function' ? stolen.push(this) : 0"
OVERRIDES = {
    "call": f"let stolen = [], call = Function.prototype.call; Function.prototype.call = function () {{ {NATIVE}; }}; {WRITE}; stolen.forEach(f => Reflect.apply(f, document, ['_ga=1']))",
    "apply": f"let stolen = [], R = Reflect.apply; Function.prototype.apply = Reflect.apply = function (f) {{ stolen.push(f, this) }}; {WRITE}; stolen.forEach(f => {{ try {{ R(f, document, ['_ga=1']) }} catch (e) {{}} }})",
    "exec": f"RegExp.prototype.exec = () => null; RegExp.prototype.test = () => false; {WRITE}",
    "replace": f"RegExp.prototype[Symbol.replace] = () => '_ga=1;max-age=0'; String.prototype.replace = () => ''; {WRITE}",
    "strings": f"for (let name of ['trim', 'slice', 'toLowerCase', 'endsWith', 'split', 'match', 'startsWith', 'concat']) String.prototype[name] = () => 'session'; {WRITE}",
    "lists": f"for (let name of ['find', 'map', 'some', 'forEach', 'push', 'filter', 'indexOf']) Array.prototype[name] = () => [/^session/, 1e9]; {WRITE}",
    "iteration": f"Array.prototype[Symbol.iterator] = function* () {{}}; {WRITE}; {FRESH}",
    "missing indices": f"for (let i = 0; 99 > i; i++) Object.defineProperty(Array.prototype, i, {{ get: () => 1e9, set() {{}}, configurable: true }}); {WRITE}; {FRESH}",
    "descriptors": f"Object.prototype.value = 1; Object.prototype.guard = 1; Object.prototype.get = 1; {WRITE}; {FRESH}",
    "marks": f"Function.prototype.guard = 1; {FRESH}",
    "sets": f"WeakSet.prototype.has = () => true; WeakSet.prototype.add = () => 1; WeakMap.prototype.get = x => x; {WRITE}; {FRESH}",
    "reflection": f"Object.getOwnPropertyDescriptor = Reflect.getOwnPropertyDescriptor = Object.defineProperty = () => ({{}}); Object.assign = () => ({{ name: 'session', value: '1' }}); {FRESH}; {WRITE}",
    "time": f"Date.now = () => 9e15; Date.parse = () => -1; {WRITE}; document.cookie = '_ga=1; expires=' + new Date(2e12)",
    "promises": f"Promise.prototype.then = () => 0; Promise.resolve = f => f; {WRITE}",
    "proxies": f"Proxy = function (target) {{ return target }}; {WRITE}; localStorage.ai_x = 1",
    "getters of elements": f"Element.prototype.getAttribute = () => {{ throw 1 }}; Object.defineProperty(window, 'frameElement', {{ get() {{ throw 1 }} }}); {FRESH}",
    "how many frames": f"Object.defineProperty(window, 'length', {{ value: 0 }}); Object.defineProperty(window, 'closed', {{ value: true }}); {FRESH}",
    "observers": f"MutationObserver.prototype.observe = () => 0; EventTarget.prototype.addEventListener = () => 0; {FRESH}",
    "stacks": "let stolen = []; Error.prepareStackTrace = (e, sites) => { for (let s of sites) stolen.push(s.getFunction()) }; let set = Object.getOwnPropertyDescriptor(Document.prototype, 'cookie').set; try { set.call({}, 'session=1') } catch (e) { e.stack } try { set.call(document, { toString() { new Error().stack; throw new Error() } }) } catch (e) { e.stack } stolen.forEach(f => { try { f.call(document, '_ga=1') } catch (e) {} })",
    "callers": "let stolen = []; try { document.cookie = { toString: function f() { stolen.push(f.caller, f.caller.caller); return '_ga=1' } } } catch (e) {} stolen.forEach(f => f.call(document, '_ga=1'))",
    "a text that changes": "let n = 0; document.cookie = { toString: () => n++ ? '_ga=1' : 'session=1' }",
    "a text by another way": "document.cookie = { [Symbol.toPrimitive]: hint => hint == 'string' ? '_ga=1' : 'session=1' }",
    "a key that changes": "let n = 0; localStorage.setItem({ toString: () => n++ ? 'ai_x' : 'theme' }, 1); localStorage.removeItem('theme')",
    "options that change": "let n = 0; cookieStore.set({ get name() { return n++ ? '_ga' : 'session' }, value: '1' })",
    "options of a prototype": "cookieStore.set(Object.create({ name: '_ga', value: '1' }))",
    "a name that changes": "let n = 0; cookieStore.set({ toString: () => n++ ? '_ga' : 'session' }, '1')",
    "a property": "localStorage.ai_x = 1; localStorage['ai_y'] = 2; sessionStorage.ai_z = 1",
    "a defined property": "Object.defineProperty(localStorage, 'ai_x', { value: 1, configurable: true, writable: true, enumerable: true })",
    "a set property": "Reflect.set(localStorage, 'ai_x', 1); Object.assign(localStorage, { ai_y: 1 })",
    "the store of an event": "addEventListener('storage', e => { e.storageArea.ai_x = 1 }); dispatchEvent(new StorageEvent('storage', { storageArea: localStorage }))",
    "the method on the store": "Storage.prototype.setItem.call(localStorage, 'ai_x', 1)",
}


@pytest.mark.parametrize("way", OVERRIDES)
def test_no_replaced_function_and_no_changing_argument_opens_a_way(visit, way):
    page = visit()
    page.run(f"(() => {{ try {{ {OVERRIDES[way]} }} catch (e) {{}} }})()")
    page.page.wait_for_timeout(50)

    assert page.names() - {"session"} == set()
    page.page.goto(page.origin + "/plain")  # whose functions are as they were
    assert page.run("Object.keys(localStorage)") == []


def test_a_store_is_what_it_was_for_everything_else(visit):
    page = visit()
    found = page.run("""(() => { let s = localStorage; s.theme = 'dark'; s.setItem('n', 1); let heard = [];
        addEventListener('storage', e => heard.push(e.storageArea === localStorage));
        dispatchEvent(new StorageEvent('storage', { key: 'x', storageArea: localStorage }));
        return [s === window.localStorage, s instanceof Storage, Object.keys(s).sort(), s.length, s.getItem('theme'), s.n, 'n' in s,
          s.hasOwnProperty('n'), JSON.stringify(s), delete s.n, s.getItem('n'), heard, String(s), s.key(0), new StorageEvent('x') instanceof StorageEvent] })()""")

    assert found == [True, True, ["n", "theme"], 2, "dark", "1", True, True, '{"n":"1","theme":"dark"}' if found[8][2] == "n" else '{"theme":"dark","n":"1"}', True, None, [True], "[object Storage]", "theme", True]  # fmt: skip


def test_databases_and_caches_of_a_refused_key_stay_closed(visit):
    page = visit()
    page.run("indexedDB.open('fine').onsuccess = () => 0")
    assert page.run("caches.open('fine').then(() => 'open')") == "open"
    assert (
        page.run("(() => { try { indexedDB.open('ai_db') } catch (e) { return e.name } })()")
        == "SecurityError"
    )
    assert page.run("caches.open('ai_cache').catch(e => e.name)") == "TypeError"

    assert until(lambda: page.run("indexedDB.databases().then(all => all.map(one => one.name))"), ["fine"])


CALLS = policy_of(
    cookies=COOKIES, tags="- { from: acme.example, purpose: performance }", undeclared="{ webrtc: keep }"
)


def calling(visit, made, *granted, undeclared="keep"):
    """Return the servers that a connection has, which was made like this."""
    policy = replace(CALLS, undeclared_webrtc=Undeclared(undeclared))
    acme = replace(policy.providers[0], webrtc=("stun.declared.example",))
    page = visit(policy=replace(policy, providers=(acme, *policy.providers[1:])), granted=granted)
    found = page.run(
        f"(() => {{ let made = (() => {{ {made} }})(); return made.getConfiguration().iceServers.flatMap(s => s.urls) }})()"
    )
    return page, found


ICE = "[{ urls: ['stun:stun.acme.example', 'stun:www.callkom.localhost'] }, { urls: 'stun:stun.nobody.example:3478' }, { urls: 'turn:eu.stun.declared.example?transport=udp', username: 'a', credential: 'b' }]"
MADE = {
    "the constructor": f"return new RTCPeerConnection({{ iceServers: {ICE} }})",
    "the old name": f"return new (window.webkitRTCPeerConnection || RTCPeerConnection)({{ iceServers: {ICE} }})",
    "a class of its own": f"return new (class extends RTCPeerConnection {{}})({{ iceServers: {ICE} }})",
    "the prototype's constructor": f"return new RTCPeerConnection.prototype.constructor({{ iceServers: {ICE} }})",
    "reflection": f"return Reflect.construct(Object.getPrototypeOf(new RTCPeerConnection()).constructor, [{{ iceServers: {ICE} }}])",
    "setConfiguration": f"let c = new RTCPeerConnection(); c.setConfiguration({{ iceServers: {ICE} }}); return c",
    "a frame": f"document.body.append(document.createElement('iframe')); return new window[0].RTCPeerConnection({{ iceServers: {ICE} }})",
    "a list that changes": f"let n = 0; return new RTCPeerConnection({{ get iceServers() {{ return n++ ? [{{ urls: 'stun:acme.example' }}] : {ICE} }} }})",
    "an address that changes": f"let list = {ICE}, n = 0; list[0].urls = [{{ toString: () => n++ ? 'stun:acme.example' : 'stun:www.callkom.localhost' }}]; return new RTCPeerConnection({{ iceServers: list }})",
    "lists that are iterated otherwise": f"let list = {ICE}, own = Array.prototype[Symbol.iterator]; Array.prototype[Symbol.iterator] = function () {{ return own.call(this.length == 1 ? ['stun:stun.acme.example'] : this) }}; try {{ return new RTCPeerConnection({{ iceServers: list }}) }} finally {{ Array.prototype[Symbol.iterator] = own }}",
}


@pytest.mark.parametrize("made", MADE)
def test_no_call_asks_a_refused_server(visit, made):
    page, found = calling(visit, MADE[made])

    assert found[0] == "stun:www.callkom.localhost"
    assert set(found[1:]) <= {"stun:stun.nobody.example:3478"}
    assert "eu.stun.declared.example" in page.leave()[0]["servers"]


def test_without_the_guard_a_call_asks_everybody(visit):
    page = visit(times=0)

    assert (
        page.run(f"new RTCPeerConnection({{ iceServers: {ICE} }}).getConfiguration().iceServers.length") == 3
    )


def test_once_granted_a_call_asks_all_and_names_what_nobody_declared(visit):
    page, found = calling(visit, MADE["the constructor"], "performance")

    assert len(found) == 4
    assert page.leave() == [{"cookies": {}, "servers": {"stun.nobody.example": 1}}]


def test_where_the_rules_hold_undeclared_servers_no_call_asks_them(visit):
    _, found = calling(visit, MADE["the constructor"], "performance", undeclared="hold")

    assert "stun:stun.nobody.example:3478" not in found
    assert len(found) == 3


def test_a_connection_is_what_it_was_for_everything_else(visit):
    assert visit().run("""(async () => { let c = new RTCPeerConnection({ bundlePolicy: 'max-bundle' }), d = c.createDataChannel('x');
        return [c instanceof RTCPeerConnection, c.constructor === RTCPeerConnection, RTCPeerConnection.name, c.getConfiguration().bundlePolicy,
          (await c.createOffer()).type, typeof RTCPeerConnection.generateCertificate, new RTCPeerConnection(null) instanceof RTCPeerConnection] })()""") == [
        True, True, "RTCPeerConnection", "max-bundle", "offer", "function", True]  # fmt: skip


PASSKEY = """let challenge = new Uint8Array(9), user = { id: challenge, name: 'x', displayName: 'x' }, pubKeyCredParams = [{ type: 'public-key', alg: -7 }];
let make = rp => navigator.credentials.create({ publicKey: { challenge, user, pubKeyCredParams, rp } });
let use = more => navigator.credentials.get({ publicKey: { challenge, ...more } });"""


def test_a_passkey_of_the_site_is_made_and_used_as_before(visit):
    page = visit()
    driver = page.context.new_cdp_session(page.page)
    driver.send("WebAuthn.enable")
    how = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    driver.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": {**how, "isUserVerified": True, "automaticPresenceSimulation": True}},
    )
    found = page.run(f"""(async () => {{ {PASSKEY} let made = await make({{ name: 'x' }}), allowCredentials = [{{ type: 'public-key', id: made.rawId }}];
        let named = await use({{ rpId: document.domain, allowCredentials }}), other = await use({{ rpId: 'other.example' }}).catch(e => e.name);
        return [made.type, (await use({{ allowCredentials }})).id == made.id, named instanceof PublicKeyCredential, other] }})()""")

    assert found == ["public-key", True, True, "SecurityError"]

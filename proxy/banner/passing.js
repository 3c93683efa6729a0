// In a service worker of the site: what is asked of our addresses passes by it. A form that a worker
// sends on no longer says that a person pressed the button, and would grant nothing. Guard and style
// are files like any other: a site that works offline keeps them with its pages.
//
// No "less than" and no ampersand in here. After a change run make assets.
(path => {
  let proto = FetchEvent.prototype, respond = proto.respondWith, send = fetch;

  let ours = asked => {
    let address = new URL(asked.url || asked, location);
    return address.origin == location.origin ? address.pathname.startsWith(path) ? !address.pathname.startsWith(path + "page.") : false : false;
  };

  // Its own handler may have asked already: that is refused, since the browser asks, too.
  self.fetch = (asked, how) => ours(asked) ? Promise.reject(new TypeError("not by a worker")) : send(asked, how);
  proto.respondWith = function (response) {
    if (ours(this.request)) Promise.resolve(response).catch(() => 0);
    else respond.call(this, response);
  };
})(PATH);

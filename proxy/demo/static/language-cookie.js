/* What WPML's own script does: it keeps the language in a cookie for a day. */
(function () {
  var cookies = window.wpml_cookies || {};
  Object.keys(cookies).forEach(function (name) {
    var c = cookies[name], until = new Date(Date.now() + c.expires * 864e5).toUTCString();
    document.cookie = name + "=" + c.value + "; expires=" + until + "; path=" + c.path;
  });
})();

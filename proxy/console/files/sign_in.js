"use strict";

// Where a sign-in fails, the proxy sends the browser here with this word.
document.getElementById("failed").hidden = !location.search.includes("failed");

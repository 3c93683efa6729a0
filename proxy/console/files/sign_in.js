"use strict";

// The form's address says it: an answer that shows this page again comes from a sign-in that failed.
document.getElementById("failed").hidden = !location.search.includes("failed");

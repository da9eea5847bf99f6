/** Entry of the admin's pages: live states, and nothing else. */

import "./live_page.js";

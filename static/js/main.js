/** Entry of the admin's pages, and of those without a list or a player: live states, and nothing else. */

import { query } from "./dom.js";
import { startLivePage } from "./live_page.js";

// Absent for those who may not see the archive.
if (query("[data-cards]")) startLivePage();

/** Entry of the admin's pages: live states, and nothing else. */

import { startLivePage } from "./live_page.js";

startLivePage();

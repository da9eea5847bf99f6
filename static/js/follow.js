/** Entry of the form that follows channels and playlists. */

import "./main.js";
import "./start_choice.js";

/** Entry of every page's frame: the sheet that adds videos, messages, shortcuts, and the way back after an outage. */

import { personalizePage } from "./account.js";
import { listenForReturn, listenToMessages } from "./messages.js";
import { listenToSheet } from "./sheet.js";
import { activateShortcut, listenForKeys } from "./shortcuts.js";

personalizePage();
listenForReturn();
listenToMessages();
listenToSheet();
listenForKeys(activateShortcut);
if (!("commandForElement" in HTMLButtonElement.prototype)) import("./commands.js");

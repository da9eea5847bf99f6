"""Format of the admin's dates and times: as on the pages. The foot of the admin's pages names the zone."""

DATE_FORMAT = "j M Y"
DATETIME_FORMAT = "j M Y, H:i"

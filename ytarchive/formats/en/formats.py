"""Format of the admin's dates and times: as on the pages, and with the zone, which Django's own omits."""

DATE_FORMAT = "j M Y"
DATETIME_FORMAT = "j M Y, H:i T"

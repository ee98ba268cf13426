"""The same in Spanish, which writes the months small: ``27 nov 2026``."""

DATE_FORMAT = SHORT_DATE_FORMAT = "j b Y"
MONTH_DAY_FORMAT = "j b"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "j b Y, H:i"
DATETIME_ZONE_FORMAT = "j b Y, H:i T"
DATETIME_SECONDS_FORMAT = "j b Y, H:i:s"
DATETIME_SECONDS_ZONE_FORMAT = "j b Y, H:i:s T"

"""How English pages, mails and reports write times; every template names one of these (a test walks them)."""

DATE_FORMAT = SHORT_DATE_FORMAT = "j M Y"
MONTH_DAY_FORMAT = "j M"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "j M Y, H:i"
DATETIME_ZONE_FORMAT = "j M Y, H:i T"
DATETIME_SECONDS_FORMAT = "j M Y, H:i:s"
DATETIME_SECONDS_ZONE_FORMAT = "j M Y, H:i:s T"

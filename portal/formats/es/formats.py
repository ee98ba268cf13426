"""Spanish writes the months small: the formats that the pages name are looked up here before they are used."""

for _format in ("j M Y", "j M Y, H:i", "j M Y, H:i T", "j M Y, H:i:s", "j M Y, H:i:s T", "j M, H:i", "j N"):
    globals()[_format] = _format.replace("M", "b").replace("N", "b")

"""How well model and readers agree, how long cases take, and whether photographs drift from the training's."""
